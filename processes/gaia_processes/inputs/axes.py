"""What the catalogue says of one axis: where its times lie, which levels it has."""

from datetime import timedelta

import cftime

from gaia_processes.cube import Axis
from gaia_processes.inputs.bad_value import BadValue
from gaia_processes.inputs.calendar import STANDARD, NoSuchDate, first_instant
from gaia_processes.inputs.interval import parse_moment
from gaia_processes.inputs.levels import Levels, convert, same_level

_YEAR = timedelta(days=366)


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
