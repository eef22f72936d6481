"""
What an input may still be, once others are known; and whether a value is that.

Both answers come from the same object, a `Constraint`, so that what is offered and what is refused cannot disagree. Only
what the catalogue knows for certain is refused: steps and cells reach beyond their coordinates, so what is near to the
edge is left to the data themselves.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import timedelta
from difflib import get_close_matches
from typing import Any, Literal, Protocol, Self

from gaia_processes.cube import Axis, Cube
from gaia_processes.errors import Fault
from gaia_processes.inputs.axes import (
    find_steps,
    has_step_in,
    is_in_levels,
    is_level,
    level_values,
    scale_for,
    time_extent,
)
from gaia_processes.inputs.bad_value import make_fault
from gaia_processes.inputs.bbox import CRS84, Bbox
from gaia_processes.inputs.calendar import STANDARD, NoSuchDate, first_instant, has_day, is_calendar, last_instant
from gaia_processes.inputs.interval import Interval
from gaia_processes.inputs.levels import Levels, convert, plain_unit, quantity_of, same_level
from gaia_processes.text import Text

_LISTED = 100
_SAID_ONE_BY_ONE = 20
"""So many unknown variables are answered; a thousand would cost seconds and help nobody."""

_DAY_S = 86400.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Allowed:
    """
    What an input may be; None where nothing is known.

    Attributes
    ----------
    values : tuple or None
        All values that are right, or all items where the input is an array; empty: the input cannot be used.
    examples : tuple or None
        Some values that are right, where others are too.
    minimum, maximum : float or None
        In `unit`.
    extent : tuple or None
        Where the data lie: west, south, east and north, or the first and the last time.
    extents : tuple of tuple or None
        The same of each time axis, where the variables have several.
    crs : str or None
        Coordinate reference system of the extent.
    unit : str or None
        Of the numbers.
    calendar : str or None
        CF calendar in which times are read.
    step : str or None
        How far two steps of time are apart, as ISO 8601 duration.
    default : object
        What is taken where the input is left out.
    """

    values: tuple[object, ...] | None = None
    examples: tuple[object, ...] | None = None
    minimum: float | None = None
    maximum: float | None = None
    extent: tuple[object, ...] | None = None
    extents: tuple[tuple[object, ...], ...] | None = None
    crs: str | None = None
    unit: str | None = None
    calendar: str | None = None
    step: str | None = None
    default: object = None

    def over(self, other: "Allowed") -> Self:
        """Fill in from another what is not known here."""
        missing = {each.name: getattr(other, each.name) for each in fields(self) if getattr(self, each.name) is None}
        return replace(self, **missing)

    def as_json(self) -> dict[str, Any]:
        """Write what is known as JSON values."""
        known = {each.name: getattr(self, each.name) for each in fields(self)}
        return {name: _plain(value) for name, value in known.items() if value is not None}


class Constraint(Protocol):
    """What the other inputs leave to one."""

    @property
    def allowed(self) -> Allowed:
        """What it may be."""

    def judge(self, value: Any) -> tuple[Fault, ...]:
        """Say what is wrong with a value; nothing where it is allowed, or not given."""


def judge(constraints: Mapping[str, Constraint], inputs: object) -> tuple[Fault, ...]:
    """Say what is wrong with the inputs that are given, by their constraints."""
    return tuple(fault for name, each in constraints.items() for fault in each.judge(getattr(inputs, name, None)))


def allowed_by_schema(schema: Mapping[str, Any]) -> Allowed:
    """Say what the schema of an input alone allows."""
    item = schema.get("items", schema)
    values = (False, True) if item.get("type") == "boolean" else item.get("enum")
    return Allowed(
        values=None if values is None else tuple(values),
        minimum=item.get("minimum"),
        maximum=item.get("maximum"),
        default=schema.get("default"),
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class VariableConstraint:
    """The variables of a dataset."""

    known: tuple[str, ...]

    @property
    def allowed(self) -> Allowed:
        """All of them."""
        return Allowed(values=self.known)

    def judge(self, names: Sequence[str] | None) -> tuple[Fault, ...]:
        """Refuse each that is not there."""
        unknown = [(place, name) for place, name in enumerate(names or ()) if name not in self.known]
        return tuple(
            replace(_unknown_variable(name, self.known), input="variables", pointer=f"/inputs/variables/{place}")
            for place, name in unknown[:_SAID_ONE_BY_ONE]
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class BoxConstraint:
    """
    Where the cells of a dataset lie.

    Attributes
    ----------
    heights : bool
        Whether a box may have heights.
    """

    cube: Cube
    heights: bool

    @property
    def allowed(self) -> Allowed:
        """The box of the cell centres; no value where there is no grid to cut a box out of."""
        if self.cube.grid == "none":
            return Allowed(values=())
        return Allowed(extent=self.cube.bbox, crs=CRS84, unit="degree")

    def judge(self, box: Bbox | None) -> tuple[Fault, ...]:
        """Refuse a box that no cell is near to."""
        if box is None:
            return ()
        if self.cube.grid == "none":
            return (_no_grid(box),)
        extent = self.cube.bbox
        missed = () if extent is None or _meet(box, extent, self.cube) else (_misses(box, extent),)
        return missed if self.heights or box.bottom is None else (*missed, _no_heights(box))


@dataclass(frozen=True, kw_only=True, slots=True)
class TimeConstraint:
    """
    The times of the chosen variables.

    Attributes
    ----------
    axes : tuple of Axis
        A time that one of them meets is right.
    single_time : bool
        Whether the data have a time that is no axis; it is in no catalogue.
    """

    axes: tuple[Axis, ...]
    single_time: bool = False

    @property
    def allowed(self) -> Allowed:
        """From the first to the last time, in which calendar; no value where there is no time."""
        if not self.axes:
            return Allowed() if self.single_time else Allowed(values=())
        if all(axis.extent is None for axis in self.axes):
            return Allowed(values=())
        extents = self._extents()
        first = self.axes[0]
        return Allowed(
            extent=_hull(self.axes) or (extents[0] if extents else None),
            extents=extents if len(extents) > 1 else None,
            calendar=first.calendar or STANDARD,
            step=_step(first),
        )

    def judge(self, interval: Interval | None) -> tuple[Fault, ...]:
        """Refuse a stretch of time that no axis meets, and days that no calendar has."""
        if interval is None or (not self.axes and self.single_time):
            return ()
        if not self.axes:
            return (_has_no("datetime", interval.as_text(), "time axis", "d'axe de temps"),)
        faults = [self._outside(interval, axis) for axis in self.axes]
        first = faults[0]
        return (first,) if first is not None and None not in faults else ()

    def _extents(self) -> tuple[tuple[str, str], ...]:
        """Give the first and the last time of each axis, equal ones once."""
        ends = [axis.extent for axis in self.axes if axis.extent is not None and None not in axis.extent]
        return tuple(dict.fromkeys((str(first), str(last)) for first, last in ends))

    def _outside(self, interval: Interval, axis: Axis) -> Fault | None:
        """Say why nothing of an axis can lie in an interval; None where something may."""
        calendar = axis.calendar or STANDARD
        if axis.extent is None:
            return _no_dates(interval, axis)
        if not is_calendar(calendar):
            return None
        allowed = [f"{first}/{last}" for first, last in self._extents()]
        try:
            start = first_instant(interval.start, calendar) if interval.start else None
            end = last_instant(interval.end, calendar) if interval.end else None
        except NoSuchDate:
            return _no_such_day(interval, calendar, allowed)
        lacking = interval.instant and interval.start is not None and not has_day(interval.start, calendar)
        if lacking or (start is not None and end is not None and start > end):
            return _no_such_day(interval, calendar, allowed)
        extent = time_extent(axis)
        if extent is None:
            return None
        first, last, margin = extent
        meets = (start is None or start <= last + margin) and (end is None or end >= first - margin)
        if not meets:
            return _misses_time(interval, axis, calendar, allowed)
        return _no_step(interval, axis, calendar, allowed) if has_step_in(interval, axis) is False else None


@dataclass(frozen=True, kw_only=True, slots=True)
class LevelConstraint:
    """
    The levels of the chosen variables.

    Attributes
    ----------
    axes : tuple of Axis
        Levels that one of them has are right.
    nearest : bool
        Whether a level that is not there stands for the nearest one.
    """

    axes: tuple[Axis, ...]
    nearest: bool = False

    @property
    def allowed(self) -> Allowed:
        """Each level and its unit; no value where there are none."""
        if not self.axes:
            return Allowed(values=())
        there = self._there()
        return Allowed(
            values=there if there and not self.nearest else None,
            examples=there if there and self.nearest else None,
            minimum=min(there, default=None),
            maximum=max(there, default=None),
            unit=self.axes[0].unit,
        )

    def judge(self, levels: Levels | None) -> tuple[Fault, ...]:
        """Refuse levels that no axis has."""
        if levels is None:
            return ()
        if not self.axes:
            return (_has_no("levels", levels.as_text(), "levels", "de niveaux"),)
        faults = [self._missing(levels, axis) for axis in self.axes]
        first = faults[0]
        return (first,) if first is not None and None not in faults else ()

    def _there(self) -> tuple[float, ...]:
        """All levels in the unit of the first axis; none where the catalogue does not list those of every axis."""
        if not all(level_values(axis) for axis in self.axes):
            return ()
        unit, there = self.axes[0].unit, list[float]()
        for axis in self.axes:
            for level in level_values(axis):
                converted = convert(level, axis.unit, unit)
                if converted is not None and not any(same_level(converted, each) for each in there):
                    there.append(converted)
        return tuple(there)

    def _others(self) -> tuple[Axis, ...]:
        """Give the further coordinates that count pressures, heights or depths, and are listed."""
        others = (each for axis in self.axes for each in axis.others or ())
        return tuple(each for each in others if quantity_of(each.unit) is not None and level_values(each))

    def _missing(self, levels: Levels, axis: Axis) -> Fault | None:
        """Say which levels an axis does not have; None where it may have them all."""
        scale = scale_for(levels, axis)
        if scale is None:
            # What is no pressure and no length (a number, sigma) may have a second coordinate in the unit asked for.
            known = quantity_of(axis.unit) is not None or axis.others is not None
            return self._refuse(levels, levels.as_text()) if known else None
        there = level_values(scale)
        if not there or (self.nearest and levels.values):
            return None
        if levels.span is not None:
            found = any(is_in_levels(level, levels, scale) for level in there)
            return None if found else self._refuse(levels, levels.as_text())
        missing = tuple(
            each for each in levels.values if not any(is_level(level, each, levels, scale) for level in there)
        )
        asked = Levels(values=missing, unit=plain_unit(levels.unit or scale.unit)).as_text()
        return self._refuse(levels, asked) if missing else None

    def _refuse(self, levels: Levels, missing: str) -> Fault:
        there, unit = self._there()[:_LISTED], self.axes[0].unit
        listed = _list_levels(there, unit) if there else unit or "no unit"
        listed += "".join(f"; {_list_levels(level_values(each), each.unit)}" for each in self._others())
        return _fault(
            "levels",
            f"There is nothing at {missing}; the levels of the data are: {listed}.",
            f"Il n'y a rien à {missing} ; les niveaux des données sont : {listed}.",
            given=levels.as_text(),
            allowed=there,
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class ChoiceConstraint:
    """
    What is left of the choices of an input.

    Attributes
    ----------
    name : str
        The input.
    left : tuple of str
        Its choices that fit the dataset.
    because : Text
        Why others do not, as a sentence.
    """

    name: str
    left: tuple[str, ...]
    because: Text

    @property
    def allowed(self) -> Allowed:
        """Those that are left."""
        return Allowed(values=self.left)

    def judge(self, value: str | None) -> tuple[Fault, ...]:
        """Refuse what is not left."""
        if value is None or value in self.left:
            return ()
        listed = ", ".join(self.left)
        right = (f"Right is: {listed}.", f"Possible : {listed}.") if listed else (
            "Nothing else can be either; take another dataset.", "Rien d'autre non plus ; prenez un autre jeu de données.",
        )  # fmt: skip
        return (
            _fault(
                self.name,
                f"{value} cannot be used: {self.because.en} {right[0]}",
                f"{value} ne convient pas : {self.because.fr} {right[1]}",
                given=value,
                allowed=self.left,
            ),
        )


def _list_levels(values: tuple[float, ...], unit: str | None) -> str:
    return Levels(values=values[:_LISTED], unit=plain_unit(unit)).as_text()


def _plain(value: object) -> object:
    return [_plain(each) for each in value] if isinstance(value, tuple) else value


def _hull(axes: Sequence[Axis]) -> tuple[str, str] | None:
    """From the first time of all axes to the last, where they are in one calendar and all are known."""
    found = [(axis.extent, time_extent(axis)) for axis in axes]
    if len({axis.calendar or STANDARD for axis in axes}) > 1 or not all(known for _, known in found):
        return None
    known = [(text, times) for text, times in found if text is not None and times is not None]
    first = min(known, key=lambda each: each[1][0])[0]
    last = max(known, key=lambda each: each[1][1])[0]
    return str(first[0]), str(last[1])


def _step(axis: Axis) -> str | None:
    """Say how far the steps of a time axis are apart on the average; months and years by their own names."""
    extent = time_extent(axis)
    if extent is None or axis.size < 2:
        return None
    first, last, _ = extent
    length: timedelta = (last - first) / (axis.size - 1)
    days = length.total_seconds() / _DAY_S
    if 29 <= days <= 31.5:
        return "P1M"
    if 359 <= days <= 367:
        return "P1Y"
    if days >= 1 and abs(days - round(days)) < 0.01:
        return f"P{round(days)}D"
    hours = days * 24
    return f"PT{round(hours)}H" if hours >= 1 and abs(hours - round(hours)) < 0.01 else f"PT{round(hours * 3600)}S"


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


def _no_grid(box: Bbox) -> Fault:
    return _fault(
        "bbox",
        "The dataset has no grid of longitudes and latitudes that a box could be cut out of; leave bbox out.",
        "Le jeu de données n'a pas de grille de longitudes et de latitudes où découper une boîte ; n'indiquez pas bbox.",
        given=box.as_list(),
    )


def _no_heights(box: Bbox) -> Fault:
    return _fault(
        "bbox",
        "The box has heights, but the dataset has no vertical axis in metres; give four numbers.",
        "La boîte a des hauteurs, mais le jeu de données n'a pas d'axe vertical en mètres ; donnez quatre nombres.",
        given=box.as_list(),
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


def _misses_time(interval: Interval, axis: Axis, calendar: str, allowed: Sequence[str]) -> Fault:
    first, last = axis.extent or ("..", "..")
    return _fault(
        "datetime",
        f"{interval.as_text()} is outside of the data, which run from {first} to {last} (calendar {calendar}).",
        f"{interval.as_text()} est hors des données, qui vont de {first} à {last} (calendrier {calendar}).",
        given=interval.as_text(),
        allowed=allowed,
    )


def _no_step(interval: Interval, axis: Axis, calendar: str, allowed: Sequence[str]) -> Fault:
    first, last = axis.extent or ("..", "..")
    asked, start = interval.as_text(), interval.start
    steps = find_steps(axis) or ()
    limit = None if start is None else first_instant(start, calendar)
    earlier = [text for text, step in zip(axis.values or (), steps, strict=True) if limit is not None and step < limit]
    later = [text for text, step in zip(axis.values or (), steps, strict=True) if limit is None or step >= limit]
    near = [str(each) for each in (*earlier[-1:], *later[:1])]
    return _fault(
        "datetime",
        f"No time step of the data lies in {asked}; near to it: {', '.join(near)}. They run from {first} to {last} "
        f"(calendar {calendar}).",
        f"Aucun pas de temps des données n'est dans {asked} ; près de là : {', '.join(near)}. Elles vont de {first} à "
        f"{last} (calendrier {calendar}).",
        given=asked,
        allowed=allowed,
    )


def _no_dates(interval: Interval, axis: Axis) -> Fault:
    if not axis.size:
        return _has_no("datetime", interval.as_text(), "time steps", "de pas de temps")
    unit, calendar = repr(axis.unit) if axis.unit else None, repr(axis.calendar or STANDARD)
    return _fault(
        "datetime",
        f"The time axis of the data counts no dates, or lacks some (unit {unit or 'none'}, calendar {calendar}); leave datetime out.",
        f"L'axe de temps des données ne compte pas de dates, ou il en manque (unité {unit or 'aucune'}, calendrier {calendar}) ; "
        "n'indiquez pas datetime.",
        given=interval.as_text(),
    )


def _no_such_day(interval: Interval, calendar: str, allowed: Sequence[str]) -> Fault:
    return _fault(
        "datetime",
        f"{interval.as_text()} names no day that the data's calendar ({calendar}) has.",
        f"{interval.as_text()} ne désigne aucun jour du calendrier des données ({calendar}).",
        given=interval.as_text(),
        allowed=allowed,
    )


def _fault(name: str, en: str, fr: str, *, given: object, allowed: Sequence[object] = ()) -> Fault:
    return replace(make_fault(en, fr, given=given, allowed=allowed), input=name, pointer=f"/inputs/{name}")
