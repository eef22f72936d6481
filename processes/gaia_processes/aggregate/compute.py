"""
Statistics of a gridded dataset over time, area, longitude, latitude and levels: of periods, as climatologies, as anomalies.

The result is read when it is written, in one pass along the chunks of the source. Rules: `docs/science.md` and the modules
of `gaia_processes.shared`, one a subject.
"""

from collections.abc import Callable
from dataclasses import replace

import xarray as xr
from xarray.core.indexing import LazilyIndexedArray

from gaia_processes.aggregate.anomaly import Apart, leave
from gaia_processes.aggregate.attributes import Made, attributes_of, encoding_of, fill_for, type_of
from gaia_processes.aggregate.division import Division, divide
from gaia_processes.aggregate.options import Options, contradictions, missing_quantile
from gaia_processes.aggregate.result import assemble
from gaia_processes.aggregate.roles import Roles, reduced_cells, roles_of
from gaia_processes.aggregate.weighing import weigh_cells, weigh_times
from gaia_processes.errors import DatasetUnsuitable, InvalidInputs
from gaia_processes.inputs.bbox import Bbox
from gaia_processes.inputs.interval import Interval
from gaia_processes.inputs.levels import Levels
from gaia_processes.inputs.seasons import Season
from gaia_processes.inputs.years import Years
from gaia_processes.shared import chunk_sums
from gaia_processes.shared.axes import data_variables, find_time, text_of
from gaia_processes.shared.cutting.cut import cut
from gaia_processes.shared.cutting.parts import Inclusion
from gaia_processes.shared.reduction import Places, Plan, ReducedArray, Reduction
from gaia_processes.shared.statistics import Floats
from gaia_processes.shared.times import counts_dates, find_distinct, read_time
from gaia_processes.shared.values import is_categorical
from gaia_processes.text import Text

type Warn = Callable[[Text], None]
type Progress = Callable[[float, float], None]

_OF_CLASSES_TOO = frozenset({"min", "max", "count"})
"""Statistics that give numbers of classes, or how many there are."""


def compute(
    dataset: xr.Dataset,
    *,
    variables: tuple[str, ...] | None = None,
    bbox: Bbox | None = None,
    datetime: Interval | None = None,
    levels: Levels | None = None,
    statistic: str = "mean",
    quantile: float | None = None,
    over: tuple[str, ...] = ("time",),
    period: str = "all",
    seasons: tuple[Season, ...] | None = None,
    years: int = 1,
    climatology: bool = False,
    baseline: Years | None = None,
    ratio: bool = False,
    leap_day: bool = False,
    min_valid_fraction: float | None = None,
    ddof: int = 0,
    integrate: bool = False,
    inclusion: Inclusion = "centre",
    mask_outside: bool = True,
    nearest_level: bool = False,
    drop_halo: bool = True,
    warn: Warn,
    progress: Progress | None = None,
) -> xr.Dataset:
    """
    Reduce a part of a dataset to a statistic.

    Parameters
    ----------
    dataset : xarray.Dataset
        Undecoded (as `gaia_workers.readers` gives it): packed, times as numbers.
    variables, bbox, datetime, levels, inclusion, mask_outside, nearest_level : optional
        Which part of it; as in `subset`. Of anomalies `datetime` chooses the periods, `baseline` the years of the climatology.
    statistic : str
        `mean`, `sum`, `min`, `max`, `std`, `var`, `median`, `count` or `quantile`.
    quantile : float, optional
        0 to 1.
    over : tuple of str
        `time`, `area`, `longitude`, `latitude`, `level`: what is reduced. Cells are reduced before steps.
    period : str
        What of time becomes one value.
    seasons : tuple of Season, optional
        Default DJF, MAM, JJA, SON.
    years : int
        Years that make one period of `year`.
    climatology : bool
        The mean over the years of the statistic of each period.
    baseline : Years, optional
        Years of the climatology; without `climatology`: the result is the distance from it.
    ratio : bool
        Divide by the climatology instead of subtracting it.
    leap_day : bool
        Keep 29 February in a daily climatology.
    min_valid_fraction : float, optional
        Share of the weight that must be valid; default 1 over time, 0 over cells.
    ddof : int
        Degrees of freedom that `std` and `var` take off.
    integrate : bool
        Multiply a rate by the length of each step before it is summed.
    drop_halo : bool
        Count columns of a 2-D grid once that repeat another one (ORCA halos).
    warn : callable
        Is told in English and French what a person should know of the result.
    progress : callable, optional
        Is told how many bytes of values were worked on, and of how many.

    Returns
    -------
    xarray.Dataset
        Lazy. Time keeps its dimension, with bounds; what else is reduced is gone.

    Raises
    ------
    InvalidInputs
        Options that contradict each other or the units of the data.
    SelectionEmpty
        No cell, step or level, or no complete period.
    DatasetUnsuitable
        The data lack what is to be reduced, or what weighs it.
    """
    share = 0.5 if statistic == "median" else quantile
    options = Options(
        statistic=statistic, quantile=quantile, over=over, period=period, seasons=seasons, years=years,
        climatology=climatology, baseline=baseline, ratio=ratio, leap_day=leap_day,
        min_valid_fraction=min_valid_fraction, ddof=ddof, integrate=integrate,
    )  # fmt: skip
    if wrong := (*missing_quantile(options), *contradictions(options)):
        raise InvalidInputs(wrong)
    part = cut(
        dataset,
        variables=variables,
        bbox=bbox,
        datetime=None if options.is_anomaly else datetime,
        levels=levels,
        inclusion=inclusion,
        mask_outside=mask_outside,
        nearest_level=nearest_level,
        warn=warn,
    )
    if "time" in over:
        part = _without_repeats(part, warn)
    work = _Work(part, options, share=0.5 if share is None else share, drop_halo=drop_halo, chosen=datetime, warn=warn)
    return work.result(progress)


def warm() -> None:
    """Compile the loops, before tasks are forked."""
    chunk_sums.warm()


def _without_repeats(part: xr.Dataset, warn: Warn) -> xr.Dataset:
    """Keep the first of steps that come several times, so that no instant counts twice, and say so."""
    times = {name: found for name in data_variables(part) if (found := find_time(part, name)) is not None}
    for name in dict.fromkeys(times.values()):
        if part.variables[name].ndim != 1 or not counts_dates(part.variables[name]):
            continue
        axis = read_time(part, name)
        kept = find_distinct(axis)
        if (repeats := len(axis.values) - len(kept)) == 0:
            continue
        warn(
            Text(
                en=f"Time coordinate {name!r} has {repeats} repeated steps; of each instant the first step counts.",
                fr=f"La coordonnée de temps {name!r} a {repeats} pas répétés ; de chaque instant, le premier pas compte.",
            )
        )
        part = part.isel({str(axis.dim): kept})
    return part


class _Counter:
    """Adds up what is worked on, and tells."""

    def __init__(self, progress: Progress | None) -> None:
        self._progress, self._done, self.total = progress, 0, 0

    def add(self, size_bytes: int) -> None:
        self._done += size_bytes
        if self._progress is not None:
            self._progress(min(self._done, self.total), self.total)


class _Work:
    """One request: the part of the data, the options, and what is made of each variable."""

    def __init__(
        self, part: xr.Dataset, options: Options, *, share: float, drop_halo: bool, chosen: Interval | None, warn: Warn
    ) -> None:
        self.part, self.options, self._share, self._drop_halo = part, options, share, drop_halo
        self._chosen, self._warn = chosen, warn
        self._times: dict[str, Division] = {}

    def result(self, progress: Progress | None) -> xr.Dataset:
        """Reduce all variables that can be, and put the result together."""
        names = data_variables(self.part)
        counter = _Counter(progress)
        made, gone = dict[str, xr.Variable](), set[str]()
        for name in names:
            roles = roles_of(self.part, name)
            cells = reduced_cells(name, roles, self.options.over)
            timed = "time" in self.options.over and roles.time_dim is not None
            if self._is_lacking(roles):
                raise _lacks(name, self.options.over)
            if not cells and not timed:
                continue
            made[name] = self._reduce(name, roles, cells, timed=timed, counter=counter)
            gone |= set(cells) | ({str(roles.time_dim)} if timed else set())
        if not made:
            raise _lacks(", ".join(names), self.options.over)
        return assemble(self.part, made, gone, tuple(self._times.values()), self.options)

    def _is_lacking(self, roles: Roles) -> bool:
        """Tell whether a variable on a grid is to be reduced over an area that it has no cells for."""
        spatial = {"area", "longitude", "latitude"} & set(self.options.over)
        return bool(spatial) and roles.grid.kind == "none" and len(data_variables(self.part)) == 1

    def _reduce(
        self, name: str, roles: Roles, cells: tuple[str, ...], *, timed: bool, counter: _Counter
    ) -> xr.Variable:
        source, options = self.part.variables[name], self.options
        if source.dtype.kind not in "iuf":
            raise _no_numbers(name)
        if options.statistic not in _OF_CLASSES_TOO and is_categorical(source):
            self._warn(_of_classes(name, options.statistic))
        time = self._time(str(roles.time)) if timed else None
        plan = Plan(
            statistic="quantile" if options.statistic == "median" else options.statistic,
            cells=weigh_cells(self.part, name, roles, cells, options, drop_halo=self._drop_halo) if cells else None,
            times=None if time is None else weigh_times(source, name, time, options),
            ddof=options.ddof,
            quantile=self._share,
        )
        reduction = Reduction(source, plan, counter.add)
        counter.total += reduction.cost_bytes
        finish: Callable[[Floats, dict[str, Places]], Floats] = leave
        if time is not None and time.base is not None and plan.times is not None:
            base = replace(plan, times=replace(plan.times, periods=time.base, over_years=time.base_years))
            counter.total += reduction.cost_bytes
            finish = Apart(Reduction(source, base, counter.add), time, ratio=options.ratio)
        dtype = type_of(source, options)
        fill = fill_for(source, dtype)
        array = ReducedArray(reduction, finish, dtype, fill)
        made = xr.Variable(reduction.result_dims, LazilyIndexedArray(array))
        reduced = Made(roles=roles, cells=cells, time=time, time_name=self._method_name(time), share=self._share)
        made.attrs = attributes_of(source, options, reduced, dtype, fill)
        made.encoding = encoding_of(source, reduction, dtype)
        return made

    def _time(self, coordinate: str) -> Division:
        if coordinate not in self._times:
            self._times[coordinate] = divide(self.part, coordinate, self.options, chosen=self._chosen, warn=self._warn)
        return self._times[coordinate]

    def _method_name(self, time: Division | None) -> str:
        """Say what cell methods call the time."""
        if time is None:
            return ""
        return "time" if text_of(self.part.variables[time.name], "standard_name") == "time" else time.dim


def _lacks(name: str, over: tuple[str, ...]) -> DatasetUnsuitable:
    return DatasetUnsuitable(
        Text(
            en=f"{name or 'The dataset'} has nothing to be reduced over {', '.join(over)}.",
            fr=f"{name or 'Le jeu de données'} n'a rien à réduire selon {', '.join(over)}.",
        )
    )


def _no_numbers(name: str) -> DatasetUnsuitable:
    return DatasetUnsuitable(Text(en=f"{name!r} holds no numbers.", fr=f"{name!r} ne contient pas de nombres."))


def _of_classes(name: str, statistic: str) -> Text:
    return Text(
        en=f"{name} holds categories; the {statistic} of their numbers means nothing. zonal-statistics gives the share of each.",
        fr=f"{name} contient des catégories ; la statistique {statistic} de leurs numéros ne veut rien dire. zonal-statistics donne la "
        "part de chacune.",
    )
