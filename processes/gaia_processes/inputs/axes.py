"""What the catalogue says of one axis: where its times lie, which levels it has."""

from datetime import timedelta
from functools import lru_cache

import cftime

from gaia_processes.cube import Axis
from gaia_processes.inputs.bad_value import BadValue
from gaia_processes.inputs.calendar import STANDARD, NoSuchDate, first_instant, last_instant
from gaia_processes.inputs.interval import Interval, parse_moment
from gaia_processes.inputs.levels import Levels, convert, quantity_of, same_level

_YEAR = timedelta(days=366)
_TOLERANCE = timedelta(milliseconds=1)

type Steps = tuple[cftime.datetime, ...]


def time_extent(axis: Axis) -> tuple[cftime.datetime, cftime.datetime, timedelta] | None:
    """
    Read the first and the last time of an axis, and by how much a step may reach beyond them.

    Returns
    -------
    tuple or None
        None where the catalogue does not know, or not in a way that can be read.
    """
    if axis.extent is None or None in axis.extent:
        return None
    calendar = axis.calendar or STANDARD
    try:
        first, last = (first_instant(parse_moment(str(end)), calendar) for end in axis.extent)
    except (BadValue, NoSuchDate):
        return None
    # Without a second step nobody knows how long a step is; uneven months are why it is more than one step.
    margin = 1.5 * (last - first) / (axis.size - 1) if axis.size > 1 else _YEAR
    return first, last, margin


def find_steps(axis: Axis) -> Steps | None:
    """
    Read the instants by which the steps of a time axis are chosen: its times, or the middles of steps named by their end.

    Returns
    -------
    tuple of cftime.datetime or None
        None where the catalogue does not list the steps and their bounds, or not in a way that can be read.
    """
    values, edges = _read_times(axis)
    if values is None or edges is None:
        return None
    stamped_at_end = edges and all(
        abs(value - high) <= _TOLERANCE < high - low for value, (low, high) in zip(values, edges, strict=True)
    )
    return tuple(low + (high - low) / 2 for low, high in edges) if stamped_at_end else values


def has_step_in(interval: Interval, axis: Axis) -> bool | None:
    """
    Tell whether a time axis has a step in an interval, as a worker would choose it.

    Returns
    -------
    bool or None
        None where the catalogue does not know.

    Raises
    ------
    NoSuchDate
        The calendar of the axis is unknown.
    """
    steps, calendar = find_steps(axis), axis.calendar or STANDARD
    if steps is None:
        return None
    if interval.instant and interval.start is not None:
        return _holds(first_instant(interval.start, calendar), axis)
    start = first_instant(interval.start, calendar) - _TOLERANCE if interval.start else None
    end = last_instant(interval.end, calendar) if interval.end else None
    if end is not None and interval.end is not None:
        # The last instant of a day lies a hair before the next one; only a full time has an instant of its own.
        end += _TOLERANCE if interval.end.second is not None else -_TOLERANCE
    return any((start is None or start <= step) and (end is None or step <= end) for step in steps)


def _holds(instant: cftime.datetime, axis: Axis) -> bool:
    """Tell whether a step is named by an instant, or its bounds hold it."""
    values, edges = _read_times(axis)
    named = any(abs(value - instant) <= _TOLERANCE for value in values or ())
    return named or any(low <= instant + _TOLERANCE and instant < high - _TOLERANCE for low, high in edges or ())


def _read_times(axis: Axis) -> tuple[Steps | None, tuple[tuple[cftime.datetime, cftime.datetime], ...] | None]:
    """Read the listed times of an axis and the bounds of its steps; None for what is not known."""
    calendar = axis.calendar or STANDARD
    if axis.values is None or axis.bounds is None or len(axis.bounds) not in {0, len(axis.values)}:
        return None, None
    values = _parse_times(tuple(map(str, axis.values)), calendar)
    edges = _parse_times(tuple(each for pair in axis.bounds for each in pair), calendar)
    if values is None or edges is None:
        return None, None
    return values, tuple(zip(edges[::2], edges[1::2], strict=True))


@lru_cache(maxsize=256)
def _parse_times(texts: tuple[str, ...], calendar: str) -> Steps | None:
    try:
        return tuple(first_instant(parse_moment(text), calendar) for text in texts)
    except (BadValue, NoSuchDate):
        return None


def scale_for(levels: Levels, axis: Axis) -> Axis | None:
    """
    Find the vertical coordinate on which levels are looked for: the axis itself, else another along its dimension.

    Returns
    -------
    Axis or None
        None where none of those that are known has a unit that can be compared.
    """
    if levels.unit is None or (axis.unit is None and axis.others is None):
        return axis
    coordinates = (axis, *(axis.others or ()))
    return next((each for each in coordinates if each.unit and convert(1.0, levels.unit, each.unit) is not None), None)


def may_have_heights(axis: Axis) -> bool:
    """Tell whether a vertical axis has heights or depths, as far as is known: numbers of levels may have them beside."""
    if any(quantity_of(each.unit) == "length" for each in (axis, *(axis.others or ()))):
        return True
    return axis.others is None and quantity_of(axis.unit) != "pressure"


def level_values(axis: Axis) -> tuple[float, ...]:
    """Give the levels of an axis in its unit; none where the catalogue does not list numbers."""
    values = axis.values or ()
    numbers = tuple(value for value in values if not isinstance(value, str))
    return numbers if len(numbers) == len(values) else ()


def is_in_levels(level: float, levels: Levels, axis: Axis) -> bool:
    """Tell whether a level of an axis is among those asked for."""
    if levels.span is None:
        return any(is_level(level, each, levels, axis) for each in levels.values)
    low, high = (convert(end, levels.unit, axis.unit) for end in levels.span)
    if low is None or high is None:
        return False
    return low <= level <= high or same_level(level, low) or same_level(level, high)


def is_level(level: float, asked: float, levels: Levels, axis: Axis) -> bool:
    """Tell whether a level of an axis is one that was asked for."""
    converted = convert(asked, levels.unit, axis.unit)
    return converted is not None and same_level(level, converted)
