"""All indices of all periods: a stretch of days after another, band of cells by band of cells, some side by side."""

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from gaia_processes.climate_indices.bands import Bands
from gaia_processes.climate_indices.days import DAY_S, number_days
from gaia_processes.climate_indices.division import Division
from gaia_processes.climate_indices.indices import Index
from gaia_processes.climate_indices.kernels import (
    KERNELS,
    WINDOW,
    Band,
    Calendar,
    Floats,
    Options,
    are_periods_there,
)
from gaia_processes.climate_indices.quantities import (
    Quantity,
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
from gaia_processes.climate_indices.sources import Source
from gaia_processes.shared.aside import HELD_BYTES
from gaia_processes.shared.axes import find_grid
from gaia_processes.shared.periods import Steps
from gaia_processes.shared.times import unit_s
from gaia_processes.shared.values import read_numbers

type Progress = Callable[[float, float], None]

_BAND_BYTES = 2**22
"""Of one quantity of a band of cells, in float64: what a processor holds near."""
_WHOLE_BAND_BYTES = 2**24
"""The same, where all of the record is known at once: bands of few cells each go through all periods."""
_RING_BYTES = 2**25
"""So much is kept in memory of the daily values; more lies in temporary files."""
_THREADS = 2


def _find_reach(asked: tuple[Index, ...], options: Options) -> Reach:
    """Tell which days around a period its indices look at: all where there is a baseline, or spells go on."""
    whole = any(index.has_baseline or (options.carry and index.kind.startswith("longest")) for index in asked)
    five = any(index.kind == "greatest_of_five" for index in asked) and not options.within
    season = any(index.kind == "growing_season" for index in asked)
    return Reach(before=WINDOW - 1 if five else 0, following_july=season, all_days=whole)


class Work:
    """The daily values of all quantities, of a stretch of days after another, and what is made of them."""

    def __init__(
        self,
        sources: dict[Quantity, Source],
        days: Steps,
        division: Division,
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

    def _plan_of(self, source: Source, needed: tuple[int, int]) -> Plan:
        keys, days = number_days(source.steps), number_days(self._days)
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
        whole = np.round(np.diff(bounds, axis=1)[:, 0] * unit_s(self._days.axis.units) / DAY_S)
        return counts / whole[:, None]
