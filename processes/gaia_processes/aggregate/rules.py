"""What the options of `aggregate` may be for a dataset, from the catalogue alone."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from gaia_processes.aggregate.options import (
    DIMENSIONS,
    PERIODS,
    POOLED,
    Options,
    contradictions,
    find_rate,
    refuse_integral,
    refuse_rate,
)
from gaia_processes.cube import Axis, Cube
from gaia_processes.errors import Fault
from gaia_processes.inputs.axes import time_extent
from gaia_processes.inputs.bad_value import make_fault
from gaia_processes.inputs.constraints import Allowed, Constraint
from gaia_processes.inputs.selection import Selection, chosen_variables

_DAY_S = 86400.0
_PERIOD_DAYS = {"day": 1.0, "month": 31.0, "season": 92.0, "year": 366.0}
_COARSE = 1.1
_AXES = {"longitude": "x", "latitude": "y", "level": "z"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Ruled:
    """What an option may be, and what is wrong with the one that was given."""

    allowed: Allowed
    faults: tuple[Fault, ...]

    def judge(self, value: Any) -> tuple[Fault, ...]:  # noqa: ARG002 - the faults are those of this very value
        """Say what is wrong."""
        return self.faults


def data_constraints(options: Options, selection: Selection, cube: Cube) -> dict[str, Constraint]:
    """
    Say what the options may be.

    Parameters
    ----------
    options : Options
        With defaults filled in.
    selection : Selection
        Which part of the data.
    cube : Cube

    Returns
    -------
    dict of Constraint
        By input.
    """
    names = chosen_variables(selection, cube)
    faults = [*contradictions(options), *_faults_of_data(options, names, cube)]
    allowed = {
        "over": Allowed(values=tuple(each for each in DIMENSIONS if any(_has(name, each, cube) for name in names))),
        "period": Allowed(values=_periods(names, cube)),
        "baseline": Allowed(extent=_years(names, cube)),
    }
    inputs = dict.fromkeys([*allowed, *(fault.input for fault in faults)])
    return {
        name: Ruled(allowed=allowed.get(name, Allowed()), faults=tuple(each for each in faults if each.input == name))
        for name in inputs
    }


def _faults_of_data(options: Options, names: tuple[str, ...], cube: Cube) -> Iterator[Fault]:
    for place, each in enumerate(options.over):
        if not any(_has(name, each, cube) for name in names):
            yield _lacking(each, place, names, cube)
    if "time" in options.over:
        yield from _faults_of_time(options, names, cube)
        yield from _faults_of_units(options, names, cube)


def _faults_of_time(options: Options, names: tuple[str, ...], cube: Cube) -> Iterator[Fault]:
    if options.period not in _periods(names, cube) and options.period in PERIODS:
        yield _fault(
            "period",
            f"The steps of the data are longer than the period {options.period}; take a longer one.",
            f"Les pas des données sont plus longs que la période {options.period} ; prenez-en une plus longue.",
            given=options.period,
            allowed=_periods(names, cube),
        )
    elif _is_too_short(options, names, cube):
        yield _fault(
            "period",
            f"The data are too short for a complete {options.step}; take a shorter period, or a min_valid_fraction below 1.",
            f"Les données sont trop courtes pour une période ({options.step}) complète ; prenez-en une plus courte, ou un "
            "min_valid_fraction inférieur à 1.",
            given=options.period,
        )
    years = _years(names, cube)
    if options.baseline is None or years is None:
        return
    if options.baseline.last < years[0] or options.baseline.first > years[1]:
        yield _fault(
            "baseline",
            f"The years {options.baseline.as_text()} lie outside of the data, which have {years[0]} to {years[1]}.",
            f"Les années {options.baseline.as_text()} sont hors des données, qui vont de {years[0]} à {years[1]}.",
            given=options.baseline.as_text(),
            allowed=(f"{years[0]:04d}/{years[1]:04d}",),
        )


def _faults_of_units(options: Options, names: tuple[str, ...], cube: Cube) -> Iterator[Fault]:
    if options.statistic != "sum":
        return
    for name in names:
        units = cube.variables[name].unit or ""
        rate = find_rate(units)
        if rate is not None and not options.integrate:
            yield refuse_rate(name, units)
        elif options.integrate and (rate is None or rate.unit_s is None):
            yield refuse_integral(name, units)


def _axes(name: str, cube: Cube) -> list[Axis]:
    return [cube.dimensions[dim] for dim in cube.variables[name].dimensions if dim in cube.dimensions]


def _has(name: str, dimension: str, cube: Cube) -> bool:
    """Tell whether a variable has what is to be reduced."""
    axes = _axes(name, cube)
    if dimension == "time":
        # Without an extent the axis counts no dates: its steps have no length.
        return any(axis.type == "temporal" and axis.extent is not None for axis in axes)
    if dimension == "area":
        return cube.grid != "none"
    if dimension in {"longitude", "latitude"} and cube.grid != "regular":
        return False
    return any(axis.axis == _AXES[dimension] for axis in axes)


def _times(names: tuple[str, ...], cube: Cube) -> list[Axis]:
    return [axis for name in names for axis in _axes(name, cube) if axis.type == "temporal"]


def _periods(names: tuple[str, ...], cube: Cube) -> tuple[str, ...]:
    """Give the periods that are not shorter than the steps of the data."""
    lengths = [length for axis in _times(names, cube) if (length := _step_days(axis)) is not None]
    longest = max(lengths, default=0.0)
    return tuple(
        period for period in PERIODS if period == "all" or longest <= _COARSE * _PERIOD_DAYS[POOLED.get(period, period)]
    )


def _is_too_short(options: Options, names: tuple[str, ...], cube: Cube) -> bool:
    """Tell whether the record is certainly shorter than a period that must be complete."""
    if options.step == "all" or options.pools:
        return False
    months = min(len(season.months) for season in options.all_seasons)
    shortest_days = {"day": 1.0, "month": 28.0, "season": 28.0 * months, "year": 359.0 * options.years}[options.step]
    spans = [
        (extent[1] - extent[0]).total_seconds() / _DAY_S + step
        for axis in _times(names, cube)
        if (extent := time_extent(axis)) is not None and (step := _step_days(axis)) is not None
    ]
    return bool(spans) and max(spans) * _COARSE < shortest_days * options.least(1.0)


def _step_days(axis: Axis) -> float | None:
    """Give how far the steps of a time axis are apart: usually, else on the average; None where that is not known."""
    if axis.step_days is not None:
        return axis.step_days
    extent = time_extent(axis)
    if extent is None or axis.size < 2:
        return None
    return float((extent[1] - extent[0]).total_seconds()) / _DAY_S / (axis.size - 1)


def _years(names: tuple[str, ...], cube: Cube) -> tuple[int, int] | None:
    """Give the first and the last year of the data."""
    extents = [extent for axis in _times(names, cube) if (extent := time_extent(axis)) is not None]
    if not extents:
        return None
    return min(first.year for first, _, _ in extents), max(last.year for _, last, _ in extents)


def _lacking(dimension: str, place: int, names: tuple[str, ...], cube: Cube) -> Fault:
    there = tuple(each for each in DIMENSIONS if any(_has(name, each, cube) for name in names))
    listed = ", ".join(there) or "-"
    undated = next((axis for axis in _times(names, cube) if axis.extent is None), None) if dimension == "time" else None
    why, pourquoi = ("", "") if undated is None else _explain_undated(undated)
    fault = _fault(
        "over",
        f"{', '.join(names[:20])} cannot be reduced over {dimension}{why}; what can be reduced: {listed}.",
        f"{', '.join(names[:20])} ne peut être réduit selon {dimension}{pourquoi} ; ce qui peut l'être : {listed}.",
        given=dimension,
        allowed=there,
    )
    return replace(fault, pointer=f"/inputs/over/{place}")


def _explain_undated(axis: Axis) -> tuple[str, str]:
    """Say in both languages what about a time axis makes its steps no dates."""
    unit, calendar = repr(axis.unit) if axis.unit else None, repr(axis.calendar or "standard")
    return (
        f", for its steps are no dates, or some are missing (unit {unit or 'none'}, calendar {calendar})",
        f", car ses pas ne sont pas des dates, ou il en manque (unité {unit or 'aucune'}, calendrier {calendar})",
    )


def _fault(name: str, en: str, fr: str, *, given: object, allowed: tuple[object, ...] = ()) -> Fault:
    return replace(make_fault(en, fr, given=given, allowed=allowed), input=name, pointer=f"/inputs/{name}")
