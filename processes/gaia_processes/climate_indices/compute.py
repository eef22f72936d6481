"""
Climate indices of daily temperatures and precipitation, of each year, season or month.

The daily values of all quantities are read once, in the order in which they are stored, and worked on a stretch of days after
another, band of cells by band of cells: memory does not grow with the record (`gaia_processes.climate_indices.records`). Only
where an index looks at all of the record (a baseline, spells that go on) is all of it laid aside, in a temporary file.
Definitions: `docs/science.md`; kernels: `gaia_processes.climate_indices.kernels`.
"""

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from gaia_processes.aggregate.compute import compute as aggregate
from gaia_processes.climate_indices.bands import Bands, read_lazily
from gaia_processes.climate_indices.indices import BASELINE, INDICES, Index
from gaia_processes.climate_indices.kernels import (
    KERNELS,
    WINDOW,
    Band,
    Calendar,
    Floats,
    Month,
    Options,
    are_periods_there,
    threshold_of,
)
from gaia_processes.climate_indices.quantities import (
    UNITS,
    Described,
    Quantity,
    find_conversion,
    find_quantities,
)
from gaia_processes.climate_indices.records import (
    Plan,
    Reach,
    Record,
    Stretch,
    cut_calendar,
    find_stretches,
    plan_reading,
)
from gaia_processes.errors import DatasetUnsuitable, SelectionEmpty
from gaia_processes.inputs.bbox import Bbox
from gaia_processes.inputs.interval import Interval
from gaia_processes.inputs.levels import Levels
from gaia_processes.inputs.seasons import SEASONS, Season
from gaia_processes.inputs.years import Years
from gaia_processes.shared.aside import HELD_BYTES
from gaia_processes.shared.axes import data_variables, find_grid, find_time, text_of
from gaia_processes.shared.cutting.cut import cut
from gaia_processes.shared.cutting.parts import Inclusion
from gaia_processes.shared.methods import append_methods
from gaia_processes.shared.periods import Periods, Steps, find_periods, is_complete, number_of, read_steps
from gaia_processes.shared.times import TimeAxis, read_time, render, select_steps, unit_s
from gaia_processes.shared.values import read_numbers
from gaia_processes.text import Text

type Warn = Callable[[Text], None]
type Progress = Callable[[float, float], None]

_BAND_BYTES = 2**22
"""Of one quantity of a band of cells, in float64: what a processor holds near."""
_WHOLE_BAND_BYTES = 2**24
"""The same, where all of the record is known at once: bands of few cells each go through all periods."""
_RING_BYTES = 2**25
"""So much is kept in memory of the daily values; more lies in temporary files."""
_SPI_YEARS = 30
_DAY_S = 86400.0
_FILL = np.float32(1e20)
_THREADS = 2


def compute(
    dataset: tuple[xr.Dataset, ...],
    *,
    indices: tuple[str, ...],
    variables: tuple[str, ...] | None = None,
    bbox: Bbox | None = None,
    datetime: Interval | None = None,
    levels: Levels | None = None,
    period: str = "year",
    seasons: tuple[Season, ...] | None = None,
    thresholds: Mapping[str, float] | None = None,
    baseline: Years | None = None,
    within: bool = False,
    carry: bool = False,
    bootstrap: bool = False,
    spi_months: int = 3,
    min_valid_fraction: float = 1.0,
    missing_rule: str = "fraction",
    inclusion: Inclusion = "centre",
    mask_outside: bool = True,
    nearest_level: bool = False,
    warn: Warn,
    progress: Progress | None = None,
) -> xr.Dataset:
    """
    Compute indices.

    Parameters
    ----------
    dataset : tuple of xarray.Dataset
        Undecoded; together they hold the quantities that the indices need, on one grid and in one calendar.
    indices : tuple of str
        Ids of `gaia_processes.climate_indices.indices.INDICES`.
    variables, bbox, levels, inclusion, mask_outside, nearest_level : optional
        Which part of the data; as in `subset`.
    datetime : Interval, optional
        Which periods: those of which it has a day. The days around them stay known, for the baseline and for spells.
    period : str
        `year`, `season` or `month`.
    seasons : tuple of Season, optional
        Default DJF, MAM, JJA, SON.
    thresholds : mapping of float, optional
        By index, in °C or mm.
    baseline : Years, optional
        Of percentiles and SPI; default `gaia_processes.climate_indices.indices.BASELINE`.
    within, carry, bootstrap : bool
        As the inputs say.
    spi_months : int
        Months that SPI sums.
    min_valid_fraction : float
        Share of the days of a period that must be there.
    missing_rule : str
        `fraction`, or `wmo`: no month of the period may lack eleven days, or five in a row.
    warn : callable
        Is told what a person should know.
    progress : callable, optional
        Is told how much of the work is done.

    Returns
    -------
    xarray.Dataset
        A variable an index, by its id; read when it is written.

    Raises
    ------
    DatasetUnsuitable
        A quantity is not there, is there twice, is not daily, has a unit that is not known, or lies on another grid.
    SelectionEmpty
        No complete period.
    """
    asked = tuple(INDICES[name] for name in dict.fromkeys(indices))
    base = baseline or BASELINE
    options = Options(
        within=within, carry=carry, bootstrap=bootstrap, base=(base.first, base.last),
        thresholds={} if thresholds is None else {name: float(value) for name, value in thresholds.items()},
        spi_months=spi_months, least=min_valid_fraction, wmo=missing_rule == "wmo",
    )  # fmt: skip
    parts = [
        cut(
            each, variables=_present(each, variables), bbox=bbox, levels=levels, inclusion=inclusion,
            mask_outside=mask_outside, nearest_level=nearest_level, warn=warn,
        )
        for each in dataset
    ]  # fmt: skip
    sources = _find_sources(parts, asked, warn)
    days = _join_days([source.steps for source in sources.values()], warn)
    division = _divide(days, period, SEASONS if seasons is None else seasons, datetime, options, warn)
    _check_baseline(asked, days, options, warn)
    work = _Work(sources, days, division, asked, options)
    return work.dataset(work.run(progress))


def _present(dataset: xr.Dataset, wanted: tuple[str, ...] | None) -> tuple[str, ...] | None:
    """Keep those of the names that this one of several datasets has; all, where it has none of them."""
    there = tuple(name for name in wanted or () if name in dataset.variables)
    return there or None


# --- the quantities -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, slots=True)
class _Source:
    """A variable that is a quantity, and its days."""

    quantity: Quantity
    name: str
    part: xr.Dataset
    steps: Steps
    scale: float
    offset: float

    @property
    def variable(self) -> xr.Variable:
        return self.part.variables[self.name]

    @property
    def time_dim(self) -> str:
        return str(self.steps.axis.dim)

    @property
    def precision(self) -> np.dtype[Any]:
        return np.dtype(np.float32 if self.variable.dtype == np.float32 else np.float64)

    @property
    def by_time(self) -> xr.Variable:
        return self.variable.transpose(self.time_dim, *self.cell_dims)

    @property
    def cell_dims(self) -> tuple[str, ...]:
        return tuple(str(dim) for dim in self.variable.dims if dim != self.time_dim)

    @property
    def cell_shape(self) -> tuple[int, ...]:
        return tuple(self.variable.sizes[dim] for dim in self.cell_dims)


def _find_sources(parts: list[xr.Dataset], asked: tuple[Index, ...], warn: Warn) -> dict[Quantity, _Source]:
    """Find the variable of each quantity that is needed; a mean that is not there is made of the extremes."""
    found: dict[Quantity, list[tuple[xr.Dataset, str]]] = {}
    for part in parts:
        described = {name: _described(part.variables[name], name) for name in data_variables(part)}
        for quantity, names in find_quantities(described).items():
            found.setdefault(quantity, []).extend((part, name) for name in names)
    wanted = dict.fromkeys(quantity for index in asked for quantity in index.needs)
    if "tas" in wanted and "tas" not in found and {"tasmax", "tasmin"} <= found.keys():
        del wanted["tas"]
        wanted |= dict.fromkeys(("tasmax", "tasmin"))
        warn(
            Text(
                en="There is no daily mean temperature; half the sum of maximum and minimum stands for it.",
                fr="Il n'y a pas de température moyenne journalière ; la demi-somme du maximum et du minimum en tient lieu.",
            )
        )
    sources = {quantity: _source(quantity, found.get(quantity, [])) for quantity in wanted}
    _check_grids(list(sources.values()))
    return sources


def _described(variable: xr.Variable, name: str) -> Described:
    texts = (text_of(variable, attribute) or None for attribute in ("standard_name", "cell_methods", "units"))
    standard_name, cell_methods, unit = texts
    return Described(name=name, standard_name=standard_name, cell_methods=cell_methods, unit=unit)


def _source(quantity: Quantity, places: list[tuple[xr.Dataset, str]]) -> _Source:
    if not places:
        raise DatasetUnsuitable(
            Text(
                en=f"The data have no daily {quantity}; name a dataset that has it beside this one.",
                fr=f"Les données n'ont pas de {quantity} journalier ; nommez aussi un jeu de données qui l'a.",
            )
        )
    if len(places) > 1:
        names = ", ".join(name for _, name in places)
        raise DatasetUnsuitable(
            Text(
                en=f"{names} could all be {quantity}; say which is meant in variables.",
                fr=f"{names} pourraient tous être {quantity} ; indiquez lequel dans variables.",
            )
        )
    part, name = places[0]
    unit = text_of(part.variables[name], "units")
    conversion = find_conversion(quantity, unit)
    if conversion is None:
        known = ", ".join(UNITS[quantity])
        raise DatasetUnsuitable(
            Text(
                en=f"The unit {unit!r} of {name} is not known for {quantity}; known are {known}.",
                fr=f"L'unité {unit!r} de {name} n'est pas connue pour {quantity} ; sont connues {known}.",
            )
        )
    time = find_time(part, name)
    if time is None or part.variables[time].ndim != 1:
        raise _not_daily(name, None)
    steps = read_steps(read_time(part, time))
    _check_daily(name, steps)
    return _Source(
        quantity=quantity, name=name, part=part, steps=steps, scale=conversion.scale, offset=conversion.offset
    )


def _check_daily(name: str, steps: Steps) -> None:
    keys = _keys(steps)
    if len(np.unique(keys)) != len(keys) or not steps.known or abs(np.median(steps.lengths_s) - _DAY_S) > 1.0:
        raise _not_daily(name, float(np.median(steps.lengths_s)) / _DAY_S if steps.known else None)


def _not_daily(name: str, days: float | None) -> DatasetUnsuitable:
    length = "" if days is None else f" ({days:g})"
    return DatasetUnsuitable(
        Text(
            en=f"The indices are of daily data, and the steps of {name} are no days{length}; aggregate to days first.",
            fr=f"Les indices se font de données journalières, et les pas de {name} ne sont pas des jours{length} ; agrégez "
            "d'abord par jour.",
        )
    )


def _check_grids(sources: list[_Source]) -> None:
    first = sources[0]
    for other in sources[1:]:
        if other.cell_shape != first.cell_shape or not _same_places(first, other):
            raise DatasetUnsuitable(
                Text(
                    en=f"{other.name} lies on another grid than {first.name}; regrid one like the other first.",
                    fr=f"{other.name} est sur une autre grille que {first.name} ; mettez d'abord l'un sur la grille de l'autre.",
                )
            )
        if other.steps.axis.calendar != first.steps.axis.calendar:
            calendars = f"{other.steps.axis.calendar} / {first.steps.axis.calendar}"
            raise DatasetUnsuitable(
                Text(
                    en=f"{other.name} and {first.name} have different calendars ({calendars}).",
                    fr=f"{other.name} et {first.name} ont des calendriers différents ({calendars}).",
                )
            )


def _same_places(first: _Source, other: _Source) -> bool:
    """Tell whether two quantities lie at the same places, to a thousandth of a degree or metre."""
    for which in ("latitude", "longitude", "x", "y"):
        names = [getattr(find_grid(each.part, each.name), which) for each in (first, other)]
        if None in names:
            continue
        here, there = (
            read_numbers(each.part.variables[name]) for each, name in zip((first, other), names, strict=True)
        )
        if here.shape != there.shape or not np.allclose(here, there, atol=1e-3, equal_nan=True):
            return False
    return True


# --- days and periods -----------------------------------------------------------------------------------------------


def _keys(steps: Steps) -> NDArray[np.int64]:
    """Give a number for each day, the same in all datasets of a calendar."""
    return (steps.year * 100 + steps.month) * 100 + steps.day


def _join_days(all_steps: list[Steps], warn: Warn) -> Steps:
    """Make the axis of all days that every quantity spans, gaps filled with days of which nothing is known."""
    axis = all_steps[0].axis
    ends = [(int(_keys(steps).min()), int(_keys(steps).max())) for steps in all_steps]
    first, last = max(begin for begin, _ in ends), min(end for _, end in ends)
    if first > last:
        raise SelectionEmpty(
            Text(
                en="The datasets have no day in common: their times do not overlap.",
                fr="Les jeux de données n'ont aucun jour en commun : leurs temps ne se recouvrent pas.",
            )
        )
    if len(set(ends)) > 1:
        warn(
            Text(
                en=f"The datasets span different times; what they share is {_day(first)} to {_day(last)}.",
                fr=f"Les jeux de données couvrent des temps différents ; ils ont en commun {_day(first)} à {_day(last)}.",
            )
        )
    per_day = _DAY_S / unit_s(axis.units)
    begin, end = (number_of(axis, key // 10000, key // 100 % 100, key % 100) for key in (first, last))
    count = round((end - begin) / per_day) + 1
    begins = begin + per_day * np.arange(count)
    bounds = np.stack([begins, begins + per_day], axis=-1)
    whole = TimeAxis(
        name=axis.name, dim=axis.dim, values=bounds.mean(axis=1), bounds=bounds, units=axis.units,
        calendar=axis.calendar, tolerance=axis.tolerance,
    )  # fmt: skip
    return read_steps(whole)


def _day(key: int) -> str:
    return f"{key // 10000:04d}-{key // 100 % 100:02d}-{key % 100:02d}"


@dataclass(frozen=True, kw_only=True, slots=True)
class _Division:
    """The periods of the result, and the calendar that the kernels see."""

    periods: Periods
    calendar: Calendar
    name: str


def _divide(
    days: Steps, period: str, seasons: tuple[Season, ...], chosen: Interval | None, options: Options, warn: Warn
) -> _Division:
    found = find_periods(days, period, seasons)
    keep = is_complete(found, 1.0 if options.wmo else options.least)
    inside = np.flatnonzero(keep)
    kept = np.arange(inside[0], inside[-1] + 1) if len(inside) else np.arange(0)
    if chosen is not None and len(kept):
        met = np.unique(found.owner[select_steps(days.axis, chosen, warn)])
        kept = kept[np.isin(kept, met)]
    if not len(kept):
        ends = render(days.axis, float(days.axis.values[0])), render(days.axis, float(days.axis.values[-1]))
        raise SelectionEmpty(
            Text(
                en=f"The days that are there, from {ends[0]} to {ends[1]}, hold no complete {period} that is asked for; a "
                "min_valid_fraction below 1 takes incomplete ones.",
                fr=f"Les jours présents, de {ends[0]} à {ends[1]}, n'ont aucune période ({period}) complète parmi celles "
                "demandées ; un min_valid_fraction inférieur à 1 en admet d'incomplètes.",
            )
        )
    periods = found.take(kept)
    return _Division(periods=periods, calendar=_calendar(days, periods), name=period)


def _calendar(days: Steps, periods: Periods) -> Calendar:
    owner = periods.owner
    stretches = tuple(
        (int(own[0]), int(own[-1]) + 1) for own in (np.flatnonzero(owner == at) for at in range(len(periods.key)))
    )
    keys = 100 * days.month + days.day
    leap = (keys == 229) & (days.axis.calendar != "360_day")
    ordinary = np.unique(keys[~leap])
    # A record of less than a year does not have all days: those of a whole year are counted, by the calendar.
    known = ordinary if len(ordinary) >= 360 else _days_of_year(days)
    day_of_year = np.searchsorted(known, np.where(leap, 228, keys))
    return Calendar(
        periods=stretches,
        year=days.year,
        day_of_year=day_of_year.astype(np.int64),
        leap_day=leap,
        halves=_halves(days, periods),
        months=_months(days),
    )


def _months(days: Steps) -> tuple[Month, ...]:
    """Name the months of the record, and tell how long they are by the calendar."""
    found = find_periods(days, "month", ())
    lengths = np.round(np.diff(found.bounds, axis=1)[:, 0] * unit_s(days.axis.units) / _DAY_S).astype(int)
    firsts = np.flatnonzero(np.diff(found.owner, prepend=-1))
    lasts = [*firsts[1:], len(days.year)]
    return tuple(
        Month(year=int(year), number=int(key) - 1, first=int(first), last=int(last), days=int(length))
        for year, key, first, last, length in zip(found.year, found.key, firsts, lasts, lengths, strict=True)
    )


def _days_of_year(days: Steps) -> NDArray[np.int64]:
    if days.axis.calendar == "360_day":
        return np.array([100 * month + day for month in range(1, 13) for day in range(1, 31)])
    lengths = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
    return np.array(
        [100 * month + day for month, length in enumerate(lengths, start=1) for day in range(1, length + 1)]
    )


def _halves(days: Steps, periods: Periods) -> tuple[tuple[int, int, int], ...]:
    """Find 1 July of each year, the 1 January after and the 1 July after that; the two last are -1 where days are lacking."""
    keys = _keys(days)
    found = {int(year): _halves_of(keys, int(year)) for year in np.unique(periods.year)}
    return tuple(found[int(year)] for year in periods.year)


def _halves_of(keys: NDArray[np.int64], year: int) -> tuple[int, int, int]:
    july = int(np.searchsorted(keys, year * 10000 + 701))
    january, stop = (int(np.searchsorted(keys, (year + 1) * 10000 + key)) for key in (101, 701))
    whole = july < len(keys) and keys[july] == year * 10000 + 701 and keys[-1] // 100 >= (year + 1) * 100 + 6
    whole = whole and (stop < len(keys) or keys[-1] % 100 == 30)
    return july, (january if whole else -1), stop


def _check_baseline(asked: tuple[Index, ...], days: Steps, options: Options, warn: Warn) -> None:
    first, last = options.base
    inside = (days.year >= first) & (days.year <= last)
    if any(index.has_baseline for index in asked) and not inside.any():
        raise DatasetUnsuitable(
            Text(
                en=f"The baseline {first}/{last} has no day in the data, which have {days.year[0]} to {days.year[-1]}.",
                fr=f"La période de référence {first}/{last} n'a aucun jour dans les données, qui vont de {days.year[0]} à "
                f"{days.year[-1]}.",
            )
        )
    years = len(np.unique(days.year[inside]))
    if any(index.kind == "standardized" for index in asked) and years < _SPI_YEARS:
        warn(
            Text(
                en=f"The distribution of SPI is made of {years} years; WMO asks for {_SPI_YEARS} at least.",
                fr=f"La distribution de SPI est faite de {years} années ; l'OMM en demande au moins {_SPI_YEARS}.",
            )
        )


# --- the work -------------------------------------------------------------------------------------------------------


def _find_reach(asked: tuple[Index, ...], options: Options) -> Reach:
    """Tell which days around a period its indices look at: all where there is a baseline, or spells go on."""
    whole = any(index.has_baseline or (options.carry and index.kind.startswith("longest")) for index in asked)
    five = any(index.kind == "greatest_of_five" for index in asked) and not options.within
    season = any(index.kind == "growing_season" for index in asked)
    return Reach(before=WINDOW - 1 if five else 0, following_july=season, all_days=whole)


class _Work:
    """The daily values of all quantities, of a stretch of days after another, and what is made of them."""

    def __init__(
        self,
        sources: dict[Quantity, _Source],
        days: Steps,
        division: _Division,
        asked: tuple[Index, ...],
        options: Options,
    ) -> None:
        self._sources, self._days, self._division = sources, days, division
        self._asked, self._options = asked, options
        self._first = next(iter(sources.values()))
        self._cells = int(np.prod(self._first.cell_shape, dtype=np.int64))
        self._day_bytes = self._cells * sum(source.precision.itemsize for source in sources.values())
        self._stretches, self._plans = self._plan(_find_reach(asked, options))
        longest = max(each.last - each.first for each in self._stretches)
        of_band = _BAND_BYTES if len(self._stretches) > 1 else _WHOLE_BAND_BYTES
        self._width = max(min(of_band // (8 * longest), self._cells), 1)

    def _plan(self, reach: Reach) -> tuple[tuple[Stretch, ...], dict[Quantity, Plan]]:
        """Say which days are worked on at once, and how each quantity is read; all at once where its days are not in order."""
        calendar, most = self._division.calendar, _RING_BYTES // (2 * max(self._day_bytes, 1))
        stretches = find_stretches(calendar, reach, most)
        needed = stretches[0].first, max(each.last for each in stretches)
        plans = {quantity: self._plan_of(source, needed) for quantity, source in self._sources.items()}
        if all(plan.ascending for plan in plans.values()):
            return stretches, plans
        whole = Stretch(periods=slice(0, len(calendar.periods)), first=needed[0], last=needed[1])
        return (whole,), plans

    def _plan_of(self, source: _Source, needed: tuple[int, int]) -> Plan:
        keys, days = _keys(source.steps), _keys(self._days)
        places = np.where((keys >= days[0]) & (keys <= days[-1]), np.searchsorted(days, keys), -1)
        return plan_reading(source.by_time, places, needed)

    def run(self, progress: Progress | None) -> dict[str, Bands]:
        """Compute all the indices, shape (periods, cells) each."""
        counts = len(self._division.periods.key)
        held = counts * len(self._asked) * np.dtype(np.float32).itemsize * self._cells <= HELD_BYTES
        made = {
            index.id: Bands(counts, self._cells, self._width, np.dtype(np.float32), in_file=not held)
            for index in self._asked
        }
        records, south, told = self._records(), self._south(), self._teller(progress)

        def work(number: int, stretch: Stretch, calendar: Calendar) -> None:
            for name, values in self._compute(records, number, stretch, calendar, south).items():
                made[name].put_band(number, values, stretch.periods.start)

        bands = -(-self._cells // self._width)
        with ThreadPoolExecutor(_THREADS) as pool:
            for stretch in self._stretches:
                for record in records.values():
                    record.read(stretch, told)
                calendar = cut_calendar(self._division.calendar, stretch)
                for _ in pool.map(partial(work, stretch=stretch, calendar=calendar), range(bands)):
                    told((stretch.last - stretch.first) / bands)
        return made

    def _records(self) -> dict[Quantity, Record]:
        days = {quantity: plan.days_kept(self._stretches) for quantity, plan in self._plans.items()}
        in_file = max(days.values()) * self._day_bytes > _RING_BYTES
        return {
            quantity: Record(
                source.by_time, self._plans[quantity], days=days[quantity], width=self._width, dtype=source.precision,
                in_file=in_file,
            )
            for quantity, source in self._sources.items()
        }  # fmt: skip

    def _teller(self, progress: Progress | None) -> Callable[[float], None]:
        """Add up the steps that were read and the days that were worked on, and tell of them."""
        steps = sum(len(batch) for plan in self._plans.values() for batch in plan.batches)
        total, done = float(steps + sum(each.last - each.first for each in self._stretches)), 0.0

        def told(days: float) -> None:
            nonlocal done
            done = min(done + days, total)
            if progress is not None:
                progress(done, total)

        return told

    def _south(self) -> NDArray[np.bool_]:
        """Tell which cells lie south of the equator; none where it is not known."""
        grid = find_grid(self._first.part, self._first.name)
        name = grid.latitude
        if name is None or name not in self._first.part.variables:
            return np.zeros(self._cells, dtype=bool)
        latitude = self._first.part.variables[name]
        sizes = dict(zip(self._first.cell_dims, self._first.cell_shape, strict=True))
        if not {str(dim) for dim in latitude.dims} <= sizes.keys():
            return np.zeros(self._cells, dtype=bool)
        # What latitude does not have, longitude say, is stretched to the shape of the cells.
        order = [dim for dim in self._first.cell_dims if dim in latitude.dims]
        values = xr.Variable(latitude.dims, read_numbers(latitude)).transpose(*order).values
        shape = [size if dim in order else 1 for dim, size in sizes.items()]
        return np.broadcast_to(values.reshape(shape) < 0, self._first.cell_shape).reshape(-1)

    def _compute(
        self,
        records: Mapping[Quantity, Record],
        number: int,
        stretch: Stretch,
        calendar: Calendar,
        south: NDArray[np.bool_],
    ) -> dict[str, Floats]:
        cells = slice(number * self._width, (number + 1) * self._width)
        values: dict[str, Floats] = {}
        for quantity, source in self._sources.items():
            values[quantity] = records[quantity].band(number, stretch).astype(np.float64) * source.scale + source.offset
        if "tas" not in values and {"tasmax", "tasmin"} <= values.keys():
            values["tas"] = (values["tasmax"] + values["tasmin"]) / 2
        band = Band(values=values, calendar=calendar, options=self._options, south=south[cells])
        enough = {quantity: self._are_enough(each, calendar, stretch) for quantity, each in values.items()}
        made = {}
        for index in self._asked:
            there = np.logical_and.reduce([enough[quantity] for quantity in index.needs])
            made[index.id] = np.where(there, KERNELS[index.kind](band, index), np.nan)
        return made

    def _are_enough(self, values: Floats, calendar: Calendar, stretch: Stretch) -> NDArray[np.bool_]:
        """Tell in which periods enough days are there, and any at all."""
        shares, options = self._shares(values, calendar, stretch), self._options
        enough = are_periods_there(values, calendar) if options.wmo else shares >= options.least - 1e-9
        there: NDArray[np.bool_] = enough & (shares > 0)
        return there

    def _shares(self, values: Floats, calendar: Calendar, stretch: Stretch) -> Floats:
        """Give the share of the days of each period that are there."""
        there = ~np.isnan(values)
        counts = np.stack([there[first:end].sum(axis=0) for first, end in calendar.periods])
        bounds = self._division.periods.bounds[stretch.periods]
        whole = np.round(np.diff(bounds, axis=1)[:, 0] * unit_s(self._days.axis.units) / _DAY_S)
        return counts / whole[:, None]

    # --- the dataset ------------------------------------------------------------------------------------------------

    def dataset(self, made: dict[str, Bands]) -> xr.Dataset:
        """Put the result together on what is left of the grid: coordinates are those of the first quantity."""
        source, periods = self._first, self._division.periods
        template = aggregate(source.part, variables=(source.name,), statistic="max", period="all", warn=lambda _: None)
        time, dims = source.steps.axis.name, tuple(str(dim) for dim in template.variables[source.name].dims)
        kept = {
            str(name): each
            for name, each in template.variables.items()
            if name != source.name and (source.time_dim not in each.dims or str(name) in _clock(template, time))
        }
        for name in _clock(template, time):
            values = periods.bounds.mean(axis=1) if name == time else periods.bounds
            old = template.variables[name]
            kept[name] = xr.Variable(old.dims, values, old.attrs, old.encoding)
        fresh = {
            index.id: self._variable(index, made[index.id], dims, template.variables[source.name])
            for index in self._asked
        }
        return self._assembled(template, kept, fresh)

    def _variable(self, index: Index, values: Bands, dims: tuple[str, ...], source: xr.Variable) -> xr.Variable:
        own = (self._first.time_dim, *self._first.cell_dims)
        variable = read_lazily(values, self._first.cell_shape, own, dims, _FILL)
        encoding = {key: source.encoding[key] for key in ("zlib", "shuffle", "complevel") if key in source.encoding}
        variable.attrs, variable.encoding = self._attributes(index, source), encoding | {"dtype": np.dtype(np.float32)}
        return variable

    def _attributes(self, index: Index, source: xr.Variable) -> dict[str, Any]:
        threshold = threshold_of(index, self._options)
        unit = "degC" if "pr" not in index.needs else "mm"
        attrs: dict[str, Any] = {
            "_FillValue": _FILL,
            "long_name": index.long_name.format(threshold=threshold, months=self._options.spi_months),
        }
        if index.standard_name is not None:
            attrs["standard_name"] = index.standard_name
        attrs |= {"units": index.unit, "cell_methods": index.methods}
        if index.unit == "degC":
            attrs["units_metadata"] = f"temperature: {'difference' if index.id == 'DTR' else 'on_scale'}"
        for name in ("grid_mapping", "cell_measures"):
            if name in source.attrs:
                attrs[name] = source.attrs[name]
        others = text_of(source, "coordinates")
        if not np.isnan(threshold):
            attrs["threshold"] = f"{threshold:g} {unit}"
            others = append_methods(others, f"threshold_{index.id}")
        if others:
            attrs["coordinates"] = others
        return attrs | self._told(index)

    def _told(self, index: Index) -> dict[str, str]:
        """Say what of the options bears on an index."""
        told = {}
        if index.percentile is not None:
            first, last = self._options.base
            window = "wet days" if index.kind == "heavy_total" else "5-day window, 29 February left out"
            told["percentile"] = f"{100 * index.percentile:g} of {first}-{last} ({window}), Hyndman-Fan type 8"
            if index.kind.startswith("share"):
                told["bootstrap"] = "Zhang et al. 2005" if self._options.bootstrap else "none"
        if index.kind == "standardized":
            first, last = self._options.base
            told["distribution"] = f"gamma of each month of {first}-{last} (Thom 1958), sums without rain counted apart"
            told["window"] = f"{self._options.spi_months} months, belongs to its last"
        if index.kind == "greatest_of_five":
            told["window"] = "within the period" if self._options.within else "belongs to its last day"
        if index.kind.startswith("longest") or index.kind.endswith("spells"):
            told["spells"] = "may cross the edges of periods" if self._options.carry else "cut at the edges of periods"
        return told

    def _assembled(
        self, template: xr.Dataset, kept: dict[str, xr.Variable], fresh: dict[str, xr.Variable]
    ) -> xr.Dataset:
        limits = {
            f"threshold_{index.id}": _threshold(index, threshold_of(index, self._options))
            for index in self._asked
            if not np.isnan(threshold_of(index, self._options))
        }
        variables = kept | limits | fresh
        coordinates = {name: each for name, each in variables.items() if each.dims == (name,)}
        others = {name: each for name, each in variables.items() if name not in coordinates}
        axis, bounds = self._days.axis, self._division.periods.bounds
        attrs = dict(template.attrs) | {
            "time_coverage_start": render(axis, float(bounds[:, 0].min())),
            "time_coverage_end": render(axis, float(bounds[:, 1].max())),
            "title": "Climate indices: " + ", ".join(index.id for index in self._asked),
        }
        result = xr.Dataset(others, xr.Coordinates(coordinates, indexes={}), attrs)
        result.encoding = {**template.encoding, "order": tuple(variables)}
        return result


def _threshold(index: Index, value: float) -> xr.Variable:
    if "pr" in index.needs:
        attrs = {"long_name": f"threshold of {index.id}", "units": "mm"}
        return xr.Variable((), np.float64(value), {"standard_name": "lwe_thickness_of_precipitation_amount", **attrs})
    attrs = {"long_name": f"threshold of {index.id}", "units": "degC", "units_metadata": "temperature: on_scale"}
    return xr.Variable((), np.float64(value), {"standard_name": "air_temperature", **attrs})


def _clock(template: xr.Dataset, time: str) -> tuple[str, ...]:
    """Name the time coordinate of a result and its bounds."""
    own = template.variables[time].attrs.get("bounds")
    return (time,) if own is None else (time, str(own))
