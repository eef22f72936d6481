"""
Statistics of a gridded dataset over time, area, longitude, latitude and levels: of periods, as climatologies, as anomalies.

The result is read when it is written, in one pass along the chunks of the source. Rules: `docs/science.md` and the modules
of `gaia_processes.shared`, one a subject.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, cast

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from xarray.core.indexing import LazilyIndexedArray

from gaia_processes.aggregate.options import (
    Options,
    contradictions,
    find_rate,
    missing_quantile,
    refuse_integral,
    refuse_rate,
)
from gaia_processes.errors import DatasetUnsuitable, InvalidInputs, SelectionEmpty
from gaia_processes.inputs.bbox import Bbox
from gaia_processes.inputs.interval import Interval
from gaia_processes.inputs.levels import Levels
from gaia_processes.inputs.seasons import Season
from gaia_processes.inputs.years import Years
from gaia_processes.shared.areas import cell_areas, column_widths, row_widths, thicknesses
from gaia_processes.shared.axes import Grid, data_variables, find_grid, find_time, find_vertical, text_of
from gaia_processes.shared.bounds import find_bounds_of, latitude_bounds, longitude_bounds
from gaia_processes.shared.methods import (
    METHODS,
    append_methods,
    as_anomaly,
    as_count,
    as_difference,
    as_ratio,
    climatology_methods,
    squared,
    time_methods,
)
from gaia_processes.shared.periods import (
    Periods,
    Steps,
    find_periods,
    is_complete,
    limits_of,
    pool_steps,
    pool_years,
    read_steps,
    whole_record,
    without_incomplete_ends,
)
from gaia_processes.shared.reduction import Cells, Places, Plan, ReducedArray, Reduction, Times
from gaia_processes.shared.references import BOUNDS, references_of
from gaia_processes.shared.shelf import Shelf
from gaia_processes.shared.statistics import Floats
from gaia_processes.shared.times import TimeAxis, limits_in, read_time, render, select_steps
from gaia_processes.shared.values import MISSING, PACKING, fill_of, precision_of
from gaia_processes.shared.vertical import is_length, is_pressure
from gaia_processes.subset.compute import Inclusion
from gaia_processes.subset.compute import compute as cut
from gaia_processes.text import Text

type Warn = Callable[[Text], None]
type Progress = Callable[[float, float], None]

_FEW_YEARS = 30
_DAY_S = 86400.0
_LEAP_DAY = 229
_ROOMY = np.dtype(np.float32)
_REFERRING = ("coordinates", "ancillary_variables", "cell_measures", "grid_mapping", "formula_terms")
_OF_STORED_NUMBERS = (*PACKING, *MISSING, "valid_range", "valid_min", "valid_max", "actual_range", "unpacked_dtype")
_OF_CLASSES = ("flag_values", "flag_masks", "flag_meanings")


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
    work = _Work(part, options, share=0.5 if share is None else share, drop_halo=drop_halo, chosen=datetime, warn=warn)
    return work.result(progress)


# --- what of a variable is reduced ----------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, slots=True)
class _Roles:
    """The dimensions of a variable by what they mean; None where it has no such dimension."""

    grid: Grid
    time: str | None
    time_dim: str | None
    vertical: str | None
    vertical_dim: str | None


def _roles(dataset: xr.Dataset, name: str) -> _Roles:
    dims = {str(dim) for dim in dataset.variables[name].dims}
    time, verticals = find_time(dataset, name), find_vertical(dataset, name)
    time_dims = [str(dim) for dim in dataset.variables[time].dims] if time else []
    return _Roles(
        grid=find_grid(dataset, name),
        time=time if time_dims else None,
        time_dim=time_dims[0] if time_dims and time_dims[0] in dims else None,
        vertical=next((each for each in verticals if _is_measured(dataset, each)), next(iter(verticals), None)),
        vertical_dim=str(dataset.variables[verticals[0]].dims[0]) if verticals else None,
    )


def _is_measured(dataset: xr.Dataset, vertical: str) -> bool:
    """Tell whether levels are pressures, heights or depths, and not mere numbers, which have no thickness."""
    unit = text_of(dataset.variables[vertical], "units")
    return is_pressure(unit) or is_length(unit)


def _reduced_cells(name: str, roles: _Roles, over: tuple[str, ...]) -> tuple[str, ...]:
    """Name the dimensions of a variable whose cells are reduced."""
    grid = roles.grid
    if {"longitude", "latitude"} & set(over) and grid.kind not in {"regular", "none"}:
        raise DatasetUnsuitable(
            Text(
                en=f"{name!r} lies on a {grid.kind} grid, whose rows and columns are no latitudes and longitudes; ask for area.",
                fr=f"{name!r} est sur une grille {grid.kind}, dont les lignes et colonnes ne sont pas des latitudes et "
                "longitudes ; demandez area.",
            )
        )
    dims: list[str | None] = []
    for each in over:
        if each == "area":
            dims += [grid.y_dim, grid.x_dim]
        elif each in {"longitude", "latitude"}:
            dims.append(grid.x_dim if each == "longitude" else grid.y_dim)
        elif each == "level":
            dims.append(roles.vertical_dim)
    return tuple(dim for dim in dims if dim is not None)


# --- the work -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, slots=True)
class _Time:
    """
    What becomes of a time axis.

    Attributes
    ----------
    name, dim : str
        Coordinate and dimension.
    axis, steps : TimeAxis, Steps
        Of the source.
    periods : Periods
        In which the statistic is taken.
    over_years : Periods or None
        What of them is averaged.
    base, base_years : Periods or None
        Of which the climatology of anomalies is made.
    """

    name: str
    dim: str
    axis: TimeAxis
    steps: Steps
    periods: Periods
    over_years: Periods | None = None
    base: Periods | None = None
    base_years: Periods | None = None

    @property
    def result(self) -> Periods:
        return self.periods if self.over_years is None else self.over_years

    @property
    def is_daily(self) -> bool:
        lengths = self.steps.lengths_s
        return bool(self.steps.known and np.allclose(lengths, _DAY_S, rtol=1e-3))


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
        self._times: dict[str, _Time] = {}

    def result(self, progress: Progress | None) -> xr.Dataset:
        names = data_variables(self.part)
        counter = _Counter(progress)
        made, gone = dict[str, xr.Variable](), set[str]()
        for name in names:
            roles = _roles(self.part, name)
            cells = _reduced_cells(name, roles, self.options.over)
            timed = "time" in self.options.over and roles.time_dim is not None
            if self._is_lacking(roles):
                raise _lacks(name, self.options.over)
            if not cells and not timed:
                continue
            made[name] = self._reduce(name, roles, cells, timed=timed, counter=counter)
            gone |= set(cells) | ({str(roles.time_dim)} if timed else set())
        if not made:
            raise _lacks(", ".join(names), self.options.over)
        return self._assemble(made, gone)

    def _is_lacking(self, roles: _Roles) -> bool:
        """Tell whether a variable on a grid is to be reduced over an area that it has no cells for."""
        spatial = {"area", "longitude", "latitude"} & set(self.options.over)
        return bool(spatial) and roles.grid.kind == "none" and len(data_variables(self.part)) == 1

    def _reduce(
        self, name: str, roles: _Roles, cells: tuple[str, ...], *, timed: bool, counter: _Counter
    ) -> xr.Variable:
        source, options = self.part.variables[name], self.options
        if source.dtype.kind not in "iuf":
            raise _no_numbers(name)
        time = self._time(str(roles.time)) if timed else None
        plan = Plan(
            statistic="quantile" if options.statistic == "median" else options.statistic,
            cells=self._cells(name, roles, cells) if cells else None,
            times=None if time is None else self._as_times(name, time),
            ddof=options.ddof,
            quantile=self._share,
        )
        reduction = Reduction(source, plan, counter.add)
        counter.total += reduction.cost_bytes
        finish: Callable[[Floats, dict[str, Places]], Floats] = _leave
        if time is not None and time.base is not None and plan.times is not None:
            base = replace(plan, times=replace(plan.times, periods=time.base, over_years=time.base_years))
            counter.total += reduction.cost_bytes
            finish = _Apart(Reduction(source, base, counter.add), time, ratio=options.ratio)
        dtype = self._type(source)
        fill = _fill(source, dtype)
        array = ReducedArray(reduction, finish, dtype, fill)
        made = xr.Variable(reduction.result_dims, LazilyIndexedArray(array))
        made.attrs = self._attributes(name, roles, cells, time, dtype, fill)
        made.encoding = _encoding(source, reduction, dtype)
        return made

    # --- weights ----------------------------------------------------------------------------------------------------

    def _cells(self, name: str, roles: _Roles, dims: tuple[str, ...]) -> Cells:
        part, grid, over = self.part, roles.grid, self.options.over
        factors: list[xr.Variable] = []
        if "area" in over and grid.x_dim in dims:
            factors.append(cell_areas(part, name, grid, drop_halo=self._drop_halo))
        if "longitude" in over and grid.x_dim in dims:
            factors.append(xr.Variable((grid.x_dim,), column_widths(part, str(grid.longitude))))
        if "latitude" in over and grid.y_dim in dims:
            factors.append(xr.Variable((grid.y_dim,), row_widths(part, str(grid.latitude))))
        if "level" in over and roles.vertical_dim in dims:
            factors.append(xr.Variable((roles.vertical_dim,), thicknesses(part, str(roles.vertical))))
        weights = factors[0]
        for factor in factors[1:]:
            weights = weights * factor
        weights = weights.transpose(*dims)
        return Cells(dims=dims, weights=np.asarray(weights.values, dtype=np.float64), least=self.options.least(0.0))

    def _as_times(self, name: str, time: _Time) -> Times:
        options = self.options
        lengths = None
        if options.statistic == "sum":
            units = text_of(self.part.variables[name], "units")
            rate = find_rate(units)
            if rate is not None and not options.integrate:
                raise InvalidInputs([refuse_rate(name, units)])
            if options.integrate:
                if rate is None or rate.unit_s is None:
                    raise InvalidInputs([refuse_integral(name, units)])
                lengths = time.steps.lengths_s / rate.unit_s
        return Times(
            dim=time.dim,
            periods=time.periods,
            weights=time.steps.weights,
            lengths=lengths,
            least=options.least(1.0),
            over_years=time.over_years,
        )

    # --- time -------------------------------------------------------------------------------------------------------

    def _time(self, coordinate: str) -> _Time:
        if coordinate not in self._times:
            self._times[coordinate] = self._divide(coordinate)
        return self._times[coordinate]

    def _divide(self, coordinate: str) -> _Time:
        """Divide a time axis into the periods that are asked for."""
        axis, options = read_time(self.part, coordinate), self.options
        steps = read_steps(axis)
        dim = str(axis.dim)
        if options.step == "all":
            return _Time(name=coordinate, dim=dim, axis=axis, steps=steps, periods=whole_record(steps))
        _refuse_coarse(steps, options.step, options.all_seasons)
        found = find_periods(steps, options.step, options.all_seasons, years=options.years)
        if options.pools:
            return _Time(
                name=coordinate, dim=dim, axis=axis, steps=steps, periods=_some(pool_steps(found), axis, options)
            )
        kept = without_incomplete_ends(found, options.least(1.0))
        if not len(kept.key):
            raise _none_complete(axis, options)
        if self._chosen is not None:
            self._tell_left_out(found, kept, axis, self._chosen)
        if options.climatology:
            years = self._over_years(kept, axis)
            return _Time(name=coordinate, dim=dim, axis=axis, steps=steps, periods=kept, over_years=years)
        if options.baseline is None:
            return _Time(name=coordinate, dim=dim, axis=axis, steps=steps, periods=kept)
        years = self._over_years(kept, axis)
        return _Time(
            name=coordinate, dim=dim, axis=axis, steps=steps, base=kept, base_years=years,
            periods=self._chosen_periods(kept, axis, years),
        )  # fmt: skip

    def _tell_left_out(self, found: Periods, kept: Periods, axis: TimeAxis, asked: Interval) -> None:
        """Say which periods are left out though they lie wholly within the time that was asked for."""
        low, high = limits_in(axis, asked)
        begins = found.bounds[:, 0]
        lost = (begins < kept.bounds[0, 0]) | (begins > kept.bounds[-1, 0])
        lost &= (begins >= low - axis.tolerance) & (found.bounds[:, 1] <= high + axis.tolerance)
        if lost.any():
            ends = [tuple(render(axis, float(each))[:10] for each in pair) for pair in found.bounds[lost]]
            listed = ", ".join(f"{begin}/{end}" for begin, end in ends)
            self._warn(
                Text(
                    en=f"Left out, for the steps in the time that was asked for do not cover them whole: {listed}. Ask for a longer time, or lower min_valid_fraction.",
                    fr=f"Laissées de côté, car les pas de la période demandée ne les couvrent pas entièrement : {listed}. Demandez une période plus longue, ou baissez min_valid_fraction.",
                )
            )

    def _over_years(self, periods: Periods, axis: TimeAxis) -> Periods:
        """Say which periods a climatology is made of: complete ones of the baseline, without the leap day."""
        options, years = self.options, self.options.baseline
        keep = is_complete(periods, options.least(1.0))
        if years is not None:
            keep &= (periods.year >= years.first) & (periods.year <= years.last)
        if options.step == "day" and not options.leap_day and axis.calendar != "360_day":
            keep &= periods.key != _LEAP_DAY
        if not keep.any():
            raise _none_complete(axis, options)
        pooled = pool_years(periods, keep)
        count = len(np.unique(periods.year[keep]))
        if count < _FEW_YEARS:
            self._warn(
                Text(
                    en=f"The climatology is made of {count} years; {_FEW_YEARS} are usual.",
                    fr=f"La climatologie est faite de {count} années ; {_FEW_YEARS} sont l'usage.",
                )
            )
        return pooled

    def _chosen_periods(self, periods: Periods, axis: TimeAxis, years: Periods) -> Periods:
        """Keep the periods of which anomalies are asked for: those that the interval meets, and that have a climatology."""
        keep = np.isin(periods.key, years.key)
        if self._chosen is not None:
            met = np.unique(periods.owner[select_steps(axis, self._chosen, self._warn)])
            keep &= np.isin(np.arange(len(periods.key)), met)
        if not keep.any():
            raise _none_complete(axis, self.options)
        return periods.take(np.flatnonzero(keep))

    # --- metadata ---------------------------------------------------------------------------------------------------

    def _type(self, source: xr.Variable) -> np.dtype[Any]:
        """Say in which type a result is written."""
        statistic = self.options.statistic
        if statistic == "count":
            return np.dtype(np.int32)
        kind = np.dtype(precision_of(source))
        if kind.kind == "f":
            return kind.newbyteorder("=")
        if statistic in {"min", "max"} and not self.options.climatology and not self.options.is_anomaly:
            return kind.newbyteorder("=")
        return np.dtype(np.float64) if statistic == "sum" else _ROOMY

    def _attributes(
        self, name: str, roles: _Roles, cells: tuple[str, ...], time: _Time | None, dtype: np.dtype[Any], fill: Any
    ) -> dict[str, Any]:
        source, options = self.part.variables[name], self.options
        exact = options.statistic in {"min", "max"}
        drop = {*_OF_STORED_NUMBERS, *(() if exact else _OF_CLASSES)}
        attrs = {key: value for key, value in source.attrs.items() if key not in drop}
        attrs = self._with_units(attrs, source)
        attrs["cell_methods"] = self._methods(source, roles, cells, time)
        if not attrs["cell_methods"]:
            del attrs["cell_methods"]
        if options.statistic == "quantile" and "long_name" in attrs:
            attrs["long_name"] = f"{attrs['long_name']} (quantile {self._share:g})"
        if options.is_anomaly and time is not None:
            attrs = as_ratio(attrs) if options.ratio else as_anomaly(attrs)
        if options.statistic != "count":
            attrs = {"_FillValue": dtype.type(fill), **attrs}
        return attrs

    def _with_units(self, attrs: dict[str, Any], source: xr.Variable) -> dict[str, Any]:
        statistic, units = self.options.statistic, text_of(source, "units")
        if statistic == "count":
            return as_count(attrs)
        if statistic == "var" and units:
            return as_difference(attrs) | {"units": squared(units)}
        if statistic == "std":
            return as_difference(attrs)
        rate = find_rate(units)
        if self.options.integrate and rate is not None:
            return {key: value for key, value in attrs.items() if key != "standard_name"} | {"units": rate.amount}
        return attrs

    def _methods(self, source: xr.Variable, roles: _Roles, cells: tuple[str, ...], time: _Time | None) -> str:
        options = self.options
        before, method = text_of(source, "cell_methods"), METHODS.get(options.statistic)
        together = time is not None and (options.climatology or options.pools)
        if method is None:
            # CF has no name for it; and what the steps were says nothing of a number of them, or of several years.
            return "" if options.statistic == "count" or together else before
        spatial = [f"{_method_dim(each, roles)}: {method}" for each in options.over if each != "time" and cells]
        written = append_methods(before, *spatial)
        if time is None:
            return written
        named = text_of(self.part.variables[time.name], "standard_name") == "time"
        dim = "time" if named else time.dim
        if together:
            over = "mean" if options.climatology else method
            return climatology_methods(written, dim, method, over, daily=time.is_daily)
        longer = options.step in {"all", "year", "season", "month"}
        return time_methods(written, dim, method, daily=time.is_daily and longer)

    # --- the dataset ------------------------------------------------------------------------------------------------

    def _assemble(self, made: dict[str, xr.Variable], gone: set[str]) -> xr.Dataset:
        """Put the result together: what was made, what of the source still fits, and new coordinates."""
        part = self.part
        fresh = self._coordinates(made)
        named = {str(name): each for name, each in part.variables.items()}
        serving = {name for name in named if name not in data_variables(part)}
        kept = {name: each for name, each in named.items() if name not in made and not gone & set(map(str, each.dims))}
        replaced = {own for name in fresh for own in _bounds_names(named, name)}
        kept = {name: each for name, each in kept.items() if name not in replaced}
        variables = kept | made | fresh
        if not self.options.is_anomaly:
            variables |= self._year_counts(variables, made)
        variables = {name: _referring_only_to(each, variables) for name, each in variables.items()}
        needed = {each for variable in variables.values() for each in references_of(variable)}
        orphans = {
            name for name in serving & kept.keys()
            if name not in needed and name in {own for each in named.values() for own in references_of(each)}
        }  # fmt: skip
        return self._as_dataset({name: each for name, each in variables.items() if name not in orphans})

    def _as_dataset(self, variables: dict[str, xr.Variable]) -> xr.Dataset:
        part = self.part
        coordinates = {name: each for name, each in variables.items() if each.dims == (name,)}
        others = {name: each for name, each in variables.items() if name not in coordinates}
        attrs = {name: value for name, value in part.attrs.items() if name != "frequency" or not self._times}
        result = xr.Dataset(others, xr.Coordinates(coordinates, indexes={}), attrs | self._coverage())
        order = [name for name in part.encoding.get("order", tuple(map(str, part.variables))) if name in variables]
        order += [name for name in variables if name not in order]
        result.encoding = {**part.encoding, "order": tuple(order)}
        return result

    def _coverage(self) -> dict[str, Any]:
        """State from when to when the periods of the result go (ACDD 1.3)."""
        if not self._times:
            return {}
        time = next(iter(self._times.values()))
        bounds = time.result.bounds
        return {
            "time_coverage_start": render(time.axis, float(bounds[:, 0].min())),
            "time_coverage_end": render(time.axis, float(bounds[:, 1].max())),
        }

    def _coordinates(self, made: dict[str, xr.Variable]) -> dict[str, xr.Variable]:
        """Make the coordinates of what was reduced: time with its bounds, scalars for the stretch of other axes."""
        fresh: dict[str, xr.Variable] = {}
        for time in self._times.values():
            fresh |= _time_coordinate(self.part, time, self.options)
        for name, variable in made.items():
            roles = _roles(self.part, name)
            stretches = self._stretches(roles)
            for coordinate, edges in stretches.items():
                fresh |= _scalar(self.part, coordinate, edges)
            named = text_of(variable, "coordinates").split()
            missing = [each for each in stretches if each not in named]
            if missing:
                variable.attrs["coordinates"] = " ".join([*named, *missing])
        return fresh

    def _stretches(self, roles: _Roles) -> dict[str, NDArray[np.float64]]:
        """Give the edges of the axes that were reduced as a whole, by the name of the coordinate."""
        part, over, grid = self.part, self.options.over, roles.grid
        found: dict[str, NDArray[np.float64]] = {}
        if grid.kind == "regular" and {"area", "longitude"} & set(over):
            found[str(grid.longitude)] = longitude_bounds(part, str(grid.longitude))
        if grid.kind == "regular" and {"area", "latitude"} & set(over):
            found[str(grid.latitude)] = latitude_bounds(part, str(grid.latitude))
        if "level" in over and roles.vertical is not None:
            own = find_bounds_of(part, roles.vertical)
            found[roles.vertical] = np.asarray(part.variables[own or roles.vertical].values, dtype=np.float64)
        return found

    def _year_counts(self, variables: dict[str, xr.Variable], made: dict[str, xr.Variable]) -> dict[str, xr.Variable]:
        """Say beside a climatology how many years each of its periods has."""
        added: dict[str, xr.Variable] = {}
        for number, time in enumerate(time for time in self._times.values() if time.over_years is not None):
            years = cast("Periods", time.over_years)
            name = "n_years" if not number else f"n_years_{time.name}"
            attrs = {"long_name": "number of years", "units": "1"}
            added[name] = xr.Variable((time.dim,), years.whole.astype(np.int32), attrs)
            for own in made:
                if time.dim in variables[own].dims:
                    before = text_of(variables[own], "ancillary_variables")
                    variables[own].attrs["ancillary_variables"] = append_methods(before, name)
        return added


def _leave(values: Floats, _places: dict[str, Places]) -> Floats:
    return values


class _Apart:
    """Takes the climatology off, or divides by it; each part of it is made once."""

    def __init__(self, base: Reduction, time: _Time, *, ratio: bool) -> None:
        self._base, self._time, self._ratio = base, time, ratio
        self._shelf = Shelf()

    def __call__(self, values: Floats, places: dict[str, Places]) -> Floats:
        time, axis = self._time, self._base.result_dims.index(self._time.dim)
        years = cast("Periods", time.base_years)
        keys = np.searchsorted(years.key, time.periods.key[places[time.dim]])
        normal = np.stack(self._climatology(places, keys, axis), axis=axis)
        if not self._ratio:
            return values - normal
        shares: Floats = np.divide(
            values, normal, out=np.full(values.shape, np.nan), where=np.isfinite(normal) & (normal != 0)
        )
        return shares

    def _climatology(self, places: dict[str, Places], keys: Places, axis: int) -> list[Floats]:
        """Give the climatology of some periods of the year for some cells."""
        beside = {dim: each for dim, each in places.items() if dim != self._time.dim}
        window = b"|".join(each.tobytes() for each in beside.values())
        missing = np.array([key for key in np.unique(keys) if (int(key), window) not in self._shelf], dtype=np.intp)
        if len(missing):
            made = self._base.read({**beside, self._time.dim: missing})
            for at, key in enumerate(missing):
                self._shelf.put((int(key), window), np.take(made, at, axis=axis))
        return [self._shelf.get((int(key), window)) for key in keys]


# --- coordinates ----------------------------------------------------------------------------------------------------


def _time_coordinate(part: xr.Dataset, time: _Time, options: Options) -> dict[str, xr.Variable]:
    """Make the time coordinate of the result and its bounds; climatological ones where years are put together."""
    source = part.variables[time.name]
    result, climatological = time.result, options.climatology or options.pools
    own = next(iter(_bounds_names({str(n): v for n, v in part.variables.items()}, time.name)), f"{time.name}_bnds")
    role = "climatology" if climatological else "bounds"
    if climatological and not own.startswith("climatology"):
        own = "climatology_bounds" if "climatology_bounds" not in part.variables else own
    attrs = {key: value for key, value in source.attrs.items() if key not in {*_OF_STORED_NUMBERS, *BOUNDS}}
    attrs[role] = own
    middles = result.bounds.mean(axis=1)
    if climatological:
        middles = _climatological_middles(time, options)
    encoding = {
        key: value for key, value in source.encoding.items() if key not in {"dtype", "chunksizes", "original_shape"}
    }
    return {
        time.name: xr.Variable((time.dim,), middles, attrs, encoding),
        own: xr.Variable((time.dim, _side(part)), result.bounds),
    }


def _climatological_middles(time: _Time, options: Options) -> NDArray[np.float64]:
    """Give the middle of each period in one year, that in the middle of those that are put together."""
    result = time.result
    years = time.steps.year if time.over_years is None else time.periods.year[time.over_years.owner >= 0]
    year = int((years.min() + years.max()) // 2)
    limits = [limits_of(time.axis, options.step, options.all_seasons, year, int(key)) for key in result.key]
    return np.array([(begin + end) / 2 for begin, end in limits])


def _scalar(part: xr.Dataset, name: str, edges: NDArray[np.float64]) -> dict[str, xr.Variable]:
    """Make a scalar coordinate of an axis that was reduced: the middle of its stretch, which the global attributes state."""
    source = part.variables[name]
    parametric = {"formula_terms", "standard_name"} if "formula_terms" in source.attrs else set()
    dropped = {*_OF_STORED_NUMBERS, *BOUNDS, *parametric}
    attrs = {key: value for key, value in source.attrs.items() if key not in dropped}
    return {name: xr.Variable((), np.float64((np.nanmin(edges) + np.nanmax(edges)) / 2), attrs)}


def _side(part: xr.Dataset) -> str:
    """Name the dimension of two edges that the data have, or a new one."""
    named = {str(name): each for name, each in part.variables.items()}
    sides = [
        str(named[own].dims[-1])
        for each in named.values()
        for own in references_of(each, BOUNDS)
        if own in named and named[own].ndim and named[own].shape[-1] == 2
    ]
    free = next(name for name in ("bnds", "nv", "bounds_edges") if part.sizes.get(name, 2) == 2)
    return sides[0] if sides else free


def _bounds_names(named: dict[str, xr.Variable], name: str) -> tuple[str, ...]:
    return tuple(own for own in references_of(named[name], BOUNDS) if own in named) if name in named else ()


def _method_dim(over: str, roles: _Roles) -> str:
    """Say by which name cell methods call what was reduced."""
    names = {"area": "area", "longitude": roles.grid.x_dim, "latitude": roles.grid.y_dim, "level": roles.vertical}
    return str(names[over])


def _referring_only_to(variable: xr.Variable, there: dict[str, xr.Variable]) -> xr.Variable:
    """Take references off to what the result does not have."""
    changed = dict(variable.attrs)
    for attribute in (*_REFERRING, *BOUNDS):
        text = changed.get(attribute)
        if not isinstance(text, str):
            continue
        names = references_of(variable, (attribute,))
        if all(name in there for name in names):
            continue
        left = [name for name in names if name in there]
        if attribute in {"coordinates", "ancillary_variables"} and left:
            changed[attribute] = " ".join(left)
        else:
            del changed[attribute]
    made = variable.copy(deep=False)
    made.attrs = changed
    return made


def _encoding(source: xr.Variable, reduction: Reduction, dtype: np.dtype[Any]) -> dict[str, Any]:
    """Say how a result is stored: as its source, but in its own type and with chunks of one period."""
    encoding = {
        key: value for key, value in source.encoding.items() if key not in {"dtype", "chunksizes", "original_shape"}
    }
    chunks = source.encoding.get("chunksizes")
    if chunks is not None:
        own = dict(zip((str(dim) for dim in source.dims), chunks, strict=True))
        if reduction.time is not None:
            own[reduction.time] = 1
        encoding["chunksizes"] = tuple(own[dim] for dim in reduction.result_dims) or None
    return encoding | {"dtype": dtype}


def _fill(source: xr.Variable, dtype: np.dtype[Any]) -> Any:
    """Give the value that marks missing cells of a result: the source's where it is of the same type."""
    if source.dtype == dtype and not any(name in source.attrs for name in PACKING):
        mark = fill_of(source)
        if mark is not None:
            return mark
    return fill_of(xr.Variable((), np.zeros((), dtype)))


# --- refusals -------------------------------------------------------------------------------------------------------

_STEP_DAYS = {"day": 1.0, "month": 31.0, "year": 366.0}


def _refuse_coarse(steps: Steps, period: str, seasons: tuple[Season, ...]) -> None:
    """Refuse periods that are shorter than the steps of the data."""
    if not steps.known:
        return
    days = _STEP_DAYS.get(period) or 31.0 * max(len(season.months) for season in seasons)
    length = float(np.median(steps.lengths_s)) / _DAY_S
    if length > days * 1.01 + 1e-6:
        raise DatasetUnsuitable(
            Text(
                en=f"The steps of the data are {length:g} days long, longer than the period {period!r}; take a longer one.",
                fr=f"Les pas des données durent {length:g} jours, plus que la période {period!r} ; prenez-en une plus longue.",
            )
        )


def _some(periods: Periods, axis: TimeAxis, options: Options) -> Periods:
    if not len(periods.key):
        raise _none_complete(axis, options)
    return periods


def _none_complete(axis: TimeAxis, options: Options) -> SelectionEmpty:
    first, last = render(axis, float(axis.values.min())), render(axis, float(axis.values.max()))
    years = f" in {options.baseline.as_text()}" if options.baseline else ""
    ans = f" dans {options.baseline.as_text()}" if options.baseline else ""
    return SelectionEmpty(
        Text(
            en=f"The data, from {first} to {last}, hold no complete {options.step}{years}; a min_valid_fraction below 1 takes incomplete ones.",
            fr=f"Les données, de {first} à {last}, n'ont aucune période ({options.step}) complète{ans} ; un "
            "min_valid_fraction inférieur à 1 en admet d'incomplètes.",
        )
    )


def _lacks(name: str, over: tuple[str, ...]) -> DatasetUnsuitable:
    return DatasetUnsuitable(
        Text(
            en=f"{name or 'The dataset'} has nothing to be reduced over {', '.join(over)}.",
            fr=f"{name or 'Le jeu de données'} n'a rien à réduire selon {', '.join(over)}.",
        )
    )


def _no_numbers(name: str) -> DatasetUnsuitable:
    return DatasetUnsuitable(Text(en=f"{name!r} holds no numbers.", fr=f"{name!r} ne contient pas de nombres."))
