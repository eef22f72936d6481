"""Whether a selection of variables, box, time and levels can find anything in a dataset: from the catalogue alone."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from difflib import get_close_matches
from typing import Literal, Protocol

import cftime

from gaia_processes.cube import Axis, Cube
from gaia_processes.errors import Fault
from gaia_processes.inputs.bad_value import BadValue, make_fault
from gaia_processes.inputs.bbox import Bbox
from gaia_processes.inputs.calendar import STANDARD, NoSuchDate, first_instant, is_calendar, last_instant
from gaia_processes.inputs.interval import Interval, parse_moment
from gaia_processes.inputs.levels import Levels, convert, quantity_of, same_level

_WITHOUT_BOXES = frozenset({"none", "unstructured"})
_LISTED = 100
_SAID_ONE_BY_ONE = 20
"""So many unknown variables are answered; a thousand would cost seconds and help nobody."""

_YEAR = timedelta(days=366)


class Selection(Protocol):
    """The inputs by which a part of a dataset is chosen."""

    @property
    def variables(self) -> tuple[str, ...] | None:
        """Names; None is all."""

    @property
    def bbox(self) -> Bbox | None:
        """Box; None is everything."""

    @property
    def datetime(self) -> Interval | None:
        """Stretch of time; None is all of it."""

    @property
    def levels(self) -> Levels | None:
        """Levels; None is all."""


def check_selection(selection: Selection, cube: Cube, *, nearest_level: bool = False) -> tuple[Fault, ...]:
    """
    Find what is wrong with a selection for a dataset.

    Only what the catalogue knows for certain is refused: steps and cells reach beyond their coordinates, so what is
    near to the edge is left to the data themselves.

    Parameters
    ----------
    selection : Selection
    cube : Cube
    nearest_level : bool
        Whether a level that is not there stands for the nearest one.

    Returns
    -------
    tuple of Fault
        Empty where nothing is wrong.
    """
    return (
        *_check_variables(selection, cube),
        *_check_bbox(selection, cube),
        *_check_datetime(selection, cube),
        *_check_levels(selection, cube, nearest_level=nearest_level),
    )


def chosen_variables(selection: Selection, cube: Cube) -> tuple[str, ...]:
    """Give the variables of the dataset that are meant; all of them where none of the names is right."""
    asked = selection.variables or ()
    return tuple(name for name in cube.data_variables if name in asked) or cube.data_variables


def _check_variables(selection: Selection, cube: Cube) -> list[Fault]:
    known = cube.data_variables
    unknown = [(place, name) for place, name in enumerate(selection.variables or ()) if name not in known]
    return [
        replace(_unknown_variable(name, known), input="variables", pointer=f"/inputs/variables/{place}")
        for place, name in unknown[:_SAID_ONE_BY_ONE]
    ]


def _check_bbox(selection: Selection, cube: Cube) -> list[Fault]:
    box = selection.bbox
    if box is None:
        return []
    if cube.grid in _WITHOUT_BOXES:
        return [
            _fault(
                "bbox",
                "The dataset has no grid of longitudes and latitudes that a box could be cut out of; leave bbox out.",
                "Le jeu de données n'a pas de grille de longitudes et de latitudes où découper une boîte ; n'indiquez "
                "pas bbox.",
                given=box.as_list(),
            )
        ]
    faults = list[Fault]()
    if cube.bbox is not None and not _meet(box, cube.bbox, cube):
        faults.append(_misses(box, cube.bbox))
    # An axis in another unit may have a second coordinate in metres; one of pressures has none.
    heights = [axis for axis in _axes_of(selection, cube, "z") if quantity_of(axis.unit) != "pressure"]
    if box.bottom is not None and not heights:
        faults.append(
            _fault(
                "bbox",
                "The box has heights, but the dataset has no vertical axis in metres; give four numbers.",
                "La boîte a des hauteurs, mais le jeu de données n'a pas d'axe vertical en mètres ; donnez quatre "
                "nombres.",
                given=box.as_list(),
            )
        )
    return faults


def _check_datetime(selection: Selection, cube: Cube) -> list[Fault]:
    interval, axes = selection.datetime, _axes_of(selection, cube, "t")
    if interval is None:
        return []
    if not axes:
        return (
            [] if _has_single_time(cube) else [_has_no("datetime", interval.as_text(), "time axis", "d'axe de temps")]
        )
    faults = [_outside(interval, axis) for axis in axes]
    first = faults[0]
    return [first] if first is not None and None not in faults else []


def _outside(interval: Interval, axis: Axis) -> Fault | None:
    """Say why nothing of an axis can lie in an interval; None where something may."""
    calendar = axis.calendar or STANDARD
    if not is_calendar(calendar):
        return None
    try:
        start = first_instant(interval.start, calendar) if interval.start else None
        end = last_instant(interval.end, calendar) if interval.end else None
    except NoSuchDate:
        return _no_such_day(interval, calendar)
    if start is not None and end is not None and start > end:
        return _no_such_day(interval, calendar)
    extent = time_extent(axis)
    if extent is None:
        return None
    first, last, margin = extent
    meets = (start is None or start <= last + margin) and (end is None or end >= first - margin)
    return None if meets else _misses_time(interval, axis, calendar)


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


def _check_levels(selection: Selection, cube: Cube, *, nearest_level: bool) -> list[Fault]:
    levels, axes = selection.levels, _axes_of(selection, cube, "z")
    if levels is None:
        return []
    if not axes:
        return [_has_no("levels", levels.as_text(), "levels", "de niveaux")]
    faults = [_not_there(levels, axis, nearest_level=nearest_level) for axis in axes]
    first = faults[0]
    return [first] if first is not None and None not in faults else []


def _not_there(levels: Levels, axis: Axis, *, nearest_level: bool) -> Fault | None:
    """Say which levels an axis does not have; None where it may have them all."""
    there = level_values(axis)
    if convert(1.0, levels.unit, axis.unit) is None:
        # What is no pressure and no length (a number, sigma) may have a second coordinate in the unit asked for.
        known = quantity_of(axis.unit) is not None
        return _no_such_levels(levels, axis, there, levels.as_text()) if known else None
    if not there or (nearest_level and levels.values):
        return None
    if levels.span is not None:
        found = any(is_in_levels(level, levels, axis) for level in there)
        return None if found else _no_such_levels(levels, axis, there, levels.as_text())
    missing = tuple(each for each in levels.values if not any(_is_level(level, each, levels, axis) for level in there))
    asked = Levels(values=missing, unit=levels.unit or axis.unit).as_text()
    return _no_such_levels(levels, axis, there, asked) if missing else None


def level_values(axis: Axis) -> tuple[float, ...]:
    """Give the levels of an axis in its unit; none where the catalogue does not list numbers."""
    values = axis.values or ()
    numbers = tuple(value for value in values if not isinstance(value, str))
    return numbers if len(numbers) == len(values) else ()


def is_in_levels(level: float, levels: Levels, axis: Axis) -> bool:
    """Tell whether a level of an axis is among those asked for."""
    if levels.span is None:
        return any(_is_level(level, each, levels, axis) for each in levels.values)
    low, high = (convert(end, levels.unit, axis.unit) for end in levels.span)
    if low is None or high is None:
        return False
    return low <= level <= high or same_level(level, low) or same_level(level, high)


def _is_level(level: float, asked: float, levels: Levels, axis: Axis) -> bool:
    converted = convert(asked, levels.unit, axis.unit)
    return converted is not None and same_level(level, converted)


def _axes_of(selection: Selection, cube: Cube, kind: Literal["z", "t"]) -> list[Axis]:
    """Find the axes of a kind that at least one of the chosen variables has."""
    used = {name for each in chosen_variables(selection, cube) for name in cube.variables[each].dimensions}
    return [
        axis
        for name, axis in cube.dimensions.items()
        if name in used and (axis.type == "temporal" if kind == "t" else axis.axis == kind)
    ]


def _has_single_time(cube: Cube) -> bool:
    """Tell whether there is a time that is no axis, but one value for all the data."""
    return any(not each.dimensions and " since " in (each.unit or "") for each in cube.variables.values())


def _meet(box: Bbox, extent: tuple[float, float, float, float], cube: Cube) -> bool:
    """Tell whether a box comes near enough to the cell centres that a cell could be meant."""
    west, south, east, north = extent
    width, asked = _span(west, east), _span(box.west, box.east)
    margin_x, margin_y = _cell(cube, "x", width), _cell(cube, "y", north - south)
    if box.south > north + margin_y or box.north < south - margin_y:
        return False
    gap_to_box = (box.west - west) % 360
    gap_to_data = (west - box.west) % 360
    return gap_to_box <= width + margin_x or 360 - gap_to_box <= asked + margin_x or gap_to_data <= asked + margin_x


def _span(west: float, east: float) -> float:
    return 360.0 if east - west >= 360 else (east - west) % 360


def _cell(cube: Cube, kind: Literal["x", "y"], extent_deg: float) -> float:
    """How far a cell may reach beyond its centre, in degrees: generous, for grids are not even."""
    found = cube.find_axis(kind)
    size = found[1].size if found else 0
    return 1.5 * extent_deg / (size - 1) if size > 1 and extent_deg > 0 else 1.5


def _unknown_variable(name: str, known: Sequence[str]) -> Fault:
    near = get_close_matches(name, known, n=1)
    english = f" Did you mean {near[0]}?" if near else ""
    french = f" Vouliez-vous dire {near[0]} ?" if near else ""
    listed = ", ".join(known[:_LISTED])
    return make_fault(
        f"There is no variable {name!r} in the dataset.{english} Variables are: {listed}.",
        f"Il n'y a pas de variable {name!r} dans le jeu de données.{french} Les variables sont : {listed}.",
        given=name,
        allowed=known,
    )


def _misses(box: Bbox, extent: tuple[float, float, float, float]) -> Fault:
    west, south, east, north = extent
    return _fault(
        "bbox",
        f"The box misses the data, which lie between the longitudes {west:g} and {east:g} and the latitudes "
        f"{south:g} and {north:g}.",
        f"La boîte est à côté des données, qui sont entre les longitudes {west:g} et {east:g} et les latitudes "
        f"{south:g} et {north:g}.",
        given=box.as_list(),
        allowed=[list(extent)],
    )


def _has_no(name: str, given: str, en: str, fr: str) -> Fault:
    return _fault(
        name,
        f"The data have no {en}; leave {name} out.",
        f"Les données n'ont pas {fr} ; n'indiquez pas {name}.",
        given=given,
    )


def _misses_time(interval: Interval, axis: Axis, calendar: str) -> Fault:
    first, last = axis.extent or ("..", "..")
    return _fault(
        "datetime",
        f"{interval.as_text()} is outside of the data, which run from {first} to {last} (calendar {calendar}).",
        f"{interval.as_text()} est hors des données, qui vont de {first} à {last} (calendrier {calendar}).",
        given=interval.as_text(),
        allowed=[f"{first}/{last}"],
    )


def _no_such_day(interval: Interval, calendar: str) -> Fault:
    return _fault(
        "datetime",
        f"{interval.as_text()} names no day that the data's calendar ({calendar}) has.",
        f"{interval.as_text()} ne désigne aucun jour du calendrier des données ({calendar}).",
        given=interval.as_text(),
    )


def _no_such_levels(levels: Levels, axis: Axis, there: Sequence[float], missing: str) -> Fault:
    unit = axis.unit or "no unit"
    listed = Levels(values=tuple(there[:_LISTED]), unit=axis.unit).as_text() if there else unit
    return _fault(
        "levels",
        f"There is nothing at {missing}; the levels of the data are: {listed}.",
        f"Il n'y a rien à {missing} ; les niveaux des données sont : {listed}.",
        given=levels.as_text(),
        allowed=there[:_LISTED],
    )


def _fault(name: str, en: str, fr: str, *, given: object, allowed: Sequence[object] = ()) -> Fault:
    return replace(make_fault(en, fr, given=given, allowed=allowed), input=name, pointer=f"/inputs/{name}")
