"""
Time in the data's own calendar: reading an axis, the instants that an interval means there, and text for people.

Nothing is converted between calendars: the ends of an interval become numbers in the units of the axis.

References
----------
CF conventions 1.12, section 4.4 (time coordinate), 4.4.2 (calendars).
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import cftime
import numpy as np
import xarray as xr
from numpy.typing import NDArray

from gaia_processes.errors import DatasetUnsuitable, SelectionEmpty
from gaia_processes.inputs.interval import Interval, Moment
from gaia_processes.shared.axes import text_of
from gaia_processes.shared.bounds import find_bounds_of
from gaia_processes.shared.values import read_numbers
from gaia_processes.text import Text

_TOLERANCE_S = 1e-3
_DAY_S = 86400.0
_CALENDARS = {"": "standard", "360": "360_day"}
"""What files say that is no name of CF; the Data Library of IRI writes `360`."""

_OF_MONTHS = re.compile(r"(?P<unit>months?|years?) +since +(?P<begin>.+)", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True, slots=True)
class TimeAxis:
    """
    A time coordinate that can be compared with dates.

    Attributes
    ----------
    name : str
        The variable.
    dim : str or None
        Its dimension; None for a scalar.
    values : array of float, shape (steps,)
        Numbers in `units`.
    bounds : array of float, shape (steps, 2), or None
        In the same units, ascending in each row.
    units, calendar : str
        As the file says, months and years in days; `standard` where it names no calendar.
    tolerance : float
        Instants nearer than this are equal, in `units`.
    """

    name: str
    dim: str | None
    values: NDArray[np.float64]
    bounds: NDArray[np.float64] | None
    units: str
    calendar: str
    tolerance: float

    @property
    def is_stamped_at_end(self) -> bool:
        """Whether every step is named by the end of its bounds."""
        if self.bounds is None or not len(self.values):
            return False
        low, high = self.bounds[:, 0], self.bounds[:, 1]
        near = np.abs(self.values - high) <= self.tolerance
        return bool(np.all(near) and np.all(high - low > self.tolerance))

    @property
    def compared(self) -> NDArray[np.float64]:
        """The instants that stand for the steps: the middle of the bounds where steps are named by their end."""
        if self.bounds is not None and self.is_stamped_at_end:
            return self.bounds.mean(axis=1)
        return self.values

    @property
    def is_of_whole_seconds(self) -> bool:
        """Whether all steps and their bounds are whole seconds, and known as exactly."""
        if self.tolerance * unit_s(self.units) > 1.5 * _TOLERANCE_S:
            return False
        numbers = self.values if self.bounds is None else np.concatenate([self.values, self.bounds.ravel()])
        dates = cftime.num2date(numbers, self.units, self.calendar, only_use_cftime_datetimes=True)
        beyond_us = np.array([date.microsecond for date in dates])
        return bool(np.all(np.minimum(beyond_us, 1_000_000 - beyond_us) <= _TOLERANCE_S * 1e6))


def _refuse(name: str, units: str, calendar: str) -> DatasetUnsuitable:
    return DatasetUnsuitable(
        Text(
            en=f"No dates can be selected: time coordinate {name!r} has units {units!r} and calendar {calendar!r}, which is no CF time.",
            fr=f"Aucune date ne peut être choisie : la coordonnée de temps {name!r} a l'unité {units!r} et le calendrier {calendar!r}, ce qui n'est pas un temps CF.",
        )
    )


def calendar_of(variable: xr.Variable) -> str:
    """Name the calendar of a time coordinate; where it names none, CF has the standard one."""
    name = text_of(variable, "calendar").lower()
    return _CALENDARS.get(name, name)


def counts_dates(variable: xr.Variable) -> bool:
    """Tell whether the numbers of a time coordinate are dates: units like `days since 2001-01-01`, in a calendar of CF."""
    try:
        cftime.num2date(0, units_in_days(text_of(variable, "units")), calendar_of(variable))
    except (ValueError, OverflowError):
        return False
    return True


def units_in_days(units: str) -> str:
    """
    Give the units in which a time axis is counted here: days where it counts months or years, else its own.

    Examples
    --------
    >>> units_in_days("months since 1960-01-01")
    'days since 1960-01-01'
    """
    found = _OF_MONTHS.fullmatch(units.strip())
    return units if found is None else f"days since {found['begin']}"


def to_days(numbers: NDArray[np.float64], units: str, calendar: str) -> NDArray[np.float64]:
    """
    Turn months or years since a date into days since then; other numbers stay as they are.

    A month is one of the calendar, and a part of one is that part of its days: 0.5 months since 1 January is the middle of
    January. That is what those mean who write such axes (and how CDO reads them); the month of UDUNITS, a twelfth of a
    tropical year, drifts through the calendar.

    Parameters
    ----------
    numbers : array of float
    units : str
        Of the file.
    calendar : str

    Returns
    -------
    array of float
        In `units_in_days(units)`.
    """
    found = _OF_MONTHS.fullmatch(units.strip())
    if found is None:
        return numbers
    in_days = units_in_days(units)
    begin = cftime.num2date(0, in_days, calendar, only_use_cftime_datetimes=True)
    months = numbers * (12 if found["unit"].lower().startswith("year") else 1)
    whole = np.floor(np.round(months, 9))

    def day_of(month: float) -> float:
        year, place = divmod(12 * begin.year + begin.month - 1 + int(month), 12)
        date = _first_existing(calendar, year, place + 1, begin.day)
        return float(cftime.date2num(date, in_days, calendar)) + _clock_s(begin) / _DAY_S

    known = {month: day_of(month) for month in np.unique([*whole.ravel(), *whole.ravel() + 1]) if np.isfinite(month)}
    firsts, nexts = (np.array([known.get(each, np.nan) for each in places.ravel()]) for places in (whole, whole + 1))
    days: NDArray[np.float64] = firsts.reshape(whole.shape) + (months - whole) * (nexts - firsts).reshape(whole.shape)
    return days


def _clock_s(date: Any) -> float:
    seconds: float = 3600.0 * date.hour + 60.0 * date.minute + date.second + 1e-6 * date.microsecond
    return seconds


def read_time(dataset: xr.Dataset, name: str) -> TimeAxis:
    """
    Read a time coordinate.

    Parameters
    ----------
    dataset : xarray.Dataset
        Undecoded.
    name : str
        The coordinate.

    Returns
    -------
    TimeAxis
        Its numbers and what they count.

    Raises
    ------
    DatasetUnsuitable
        It has no units, units or a calendar that are not known, or missing values.
    """
    variable = dataset.variables[name]
    units, calendar = text_of(variable, "units"), calendar_of(variable)
    if not units:
        raise DatasetUnsuitable(
            Text(
                en=f"No dates can be selected: time coordinate {name!r} has no units.",
                fr=f"Aucune date ne peut être choisie : la coordonnée de temps {name!r} n'a pas d'unité.",
            )
        )
    if not counts_dates(variable):
        raise _refuse(name, units, calendar)
    values = to_days(np.atleast_1d(read_numbers_exactly(variable)), units, calendar)
    if np.isnan(values).any():
        raise DatasetUnsuitable(
            Text(
                en=f"No dates can be selected: time coordinate {name!r} has missing values.",
                fr=f"Aucune date ne peut être choisie : la coordonnée de temps {name!r} a des valeurs manquantes.",
            )
        )
    return TimeAxis(
        name=name,
        dim=str(variable.dims[0]) if variable.ndim else None,
        values=values,
        bounds=_read_bounds(dataset, name, values, units, calendar),
        units=units_in_days(units),
        calendar=calendar,
        tolerance=_tolerance(units_in_days(units), variable.dtype, values),
    )


def read_numbers_exactly(variable: xr.Variable) -> NDArray[np.float64]:
    """Read numbers of which every bit counts: without the rounding that decimal axes get."""
    stored = np.asarray(variable.values)
    return stored.astype(np.float64) if stored.dtype.kind == "f" and not variable.attrs.keys() & {
        "scale_factor", "add_offset", "_FillValue", "missing_value"
    } else read_numbers(variable)  # fmt: skip


def _tolerance(units: str, dtype: np.dtype[Any], values: NDArray[np.float64]) -> float:
    """Give a millisecond, or what the type of the axis can tell apart where that is more."""
    largest = float(np.abs(values).max(initial=0.0))
    resolution = float(np.spacing(np.float32(largest))) if dtype == np.float32 else 0.0
    return max(_TOLERANCE_S / unit_s(units), resolution)


@lru_cache(maxsize=64)
def unit_s(units: str) -> float:
    """
    Give the seconds that a unit of time lasts, however it is abbreviated.

    Examples
    --------
    >>> unit_s("hrs since 1900-01-01"), unit_s("msec since 1970-01-01")
    (3600.0, 0.001)
    """
    calendar = "noleap"  # the one in which a common year is a unit too
    day = cftime.datetime(2001, 1, 2, calendar=calendar)
    return _DAY_S / float(cftime.date2num(day, f"{units.split()[0]} since 2001-01-01", calendar))


def _read_bounds(
    dataset: xr.Dataset, name: str, values: NDArray[np.float64], units: str, calendar: str
) -> NDArray[np.float64] | None:
    own = find_bounds_of(dataset, name)
    if own is None or dataset.variables[own].shape[-1] != 2:
        return None
    stored = dataset.variables[own]
    told = text_of(stored, "units") or units
    if told == units:
        bounds = to_days(np.atleast_2d(read_numbers_exactly(stored)), units, calendar)
        return None if np.isnan(bounds).any() else np.sort(bounds, axis=1)
    return _bounds_of_other_units(stored, told, values, units_in_days(units), calendar)


def _bounds_of_other_units(
    stored: xr.Variable, told: str, values: NDArray[np.float64], units: str, calendar: str
) -> NDArray[np.float64] | None:
    """
    Give bounds that are written in units of their own in those of the axis; None where they do not hold its values then.

    CF wants both to have the same units, or bounds none. Programs that give each its own (another beginning, hours beside days,
    `00:00:00` behind the date) mean the same instants; where only one of the two was changed, nobody knows what is meant.
    """
    if not counts_dates(xr.Variable((), 0, {"units": told, "calendar": calendar})):
        return None
    numbers = to_days(np.atleast_2d(read_numbers_exactly(stored)), told, calendar)
    begin = cftime.num2date(0, units_in_days(told), calendar, only_use_cftime_datetimes=True)
    ratio = unit_s(units_in_days(told)) / unit_s(units)
    bounds = np.sort(numbers * ratio + float(cftime.date2num(begin, units, calendar)), axis=1)
    slack = 1.0 / unit_s(units)
    holds = (bounds[:, 0] <= values + slack) & (values - slack <= bounds[:, 1])  # False beside NaN
    return bounds if holds.all() else None


def render(axis: TimeAxis, value: float) -> str:
    """
    Write an instant of an axis as ISO 8601 text in the data's own calendar.

    Parameters
    ----------
    axis : TimeAxis
        Where it comes from.
    value : float
        Number in its units.

    Returns
    -------
    str
        As `2095-12-30T00:00:00`.
    """
    date = cftime.num2date(value, axis.units, axis.calendar, only_use_cftime_datetimes=True)
    return render_date(date)


def render_all(axis: TimeAxis) -> list[str]:
    """Write all instants of an axis as `render` does, many times as fast."""
    dates = cftime.num2date(axis.values, axis.units, axis.calendar, only_use_cftime_datetimes=True)
    return [render_date(date) for date in dates]


def render_date(date: Any) -> str:
    """Write a cftime date as ISO 8601 text, to the nearest second."""
    if date.microsecond >= 500_000:
        date = date + (1_000_000 - date.microsecond) * _MICROSECOND
    year = f"{'-' if date.year < 0 else ''}{abs(date.year):04d}"
    return f"{year}-{date.month:02d}-{date.day:02d}T{date.hour:02d}:{date.minute:02d}:{date.second:02d}"


_MICROSECOND = np.timedelta64(1, "us").item()


def extent(axis: TimeAxis) -> tuple[str, str]:
    """Give the first and the last step as text."""
    return render(axis, float(axis.values.min())), render(axis, float(axis.values.max()))


# --- instants -------------------------------------------------------------------------------------------------------


def _date(calendar: str, *parts: int) -> Any:
    """Make a date, None where the calendar has no such day."""
    year, month, day, *clock = (*parts, *(1, 1, 1)[len(parts) :])
    try:
        return cftime.datetime(year, month, day, *clock, calendar=calendar)
    except ValueError:
        return None


def _next_month(year: int, month: int) -> tuple[int, int]:
    return (year + 1, 1) if month == 12 else (year, month + 1)


def _first_existing(calendar: str, year: int, month: int, day: int) -> Any:
    """Give the midnight that begins a day, or the next day that the calendar has."""
    for later in range(day, 32):
        found = _date(calendar, year, month, later)
        if found is not None:
            return found
    return _date(calendar, *_next_month(year, month), 1)


def _has_day(moment: Moment, calendar: str) -> bool:
    return _date(calendar, moment.year, moment.month or 1, moment.day or 1) is not None


def _seconds_of(moment: Moment) -> float:
    return 3600.0 * (moment.hour or 0) + 60.0 * (moment.minute or 0) + (moment.second or 0.0)


def _add_seconds(date: Any, seconds: float) -> Any:
    return date + np.timedelta64(round(seconds * 1e6), "us").item()


def first_instant(moment: Moment, calendar: str) -> Any:
    """
    Give the first instant that a moment means in a calendar.

    Parameters
    ----------
    moment : Moment
        A date-time or a part of one.
    calendar : str
        CF calendar.

    Returns
    -------
    cftime.datetime
        The beginning of the next day where the calendar lacks the day.
    """
    year, month, day = moment.year, moment.month or 1, moment.day or 1
    exact = _date(calendar, year, month, day)
    if exact is None:
        return _first_existing(calendar, year, month, day)
    return _add_seconds(exact, _seconds_of(moment))


def end_instant(moment: Moment, calendar: str) -> tuple[Any, bool]:
    """
    Give the instant at which what a moment means ends in a calendar.

    Parameters
    ----------
    moment : Moment
        A date-time or a part of one.
    calendar : str
        CF calendar.

    Returns
    -------
    (cftime.datetime, bool)
        The instant, and whether it belongs to the moment itself (a full date-time does, the first instant after a
        year does not). Where the calendar lacks the day, the end of the day before.
    """
    year, month, day = moment.year, moment.month, moment.day
    if month is None:
        return _first_existing(calendar, year + 1, 1, 1), False
    if day is None:
        return _first_existing(calendar, *_next_month(year, month), 1), False
    exact = _date(calendar, year, month, day)
    if exact is None:
        return _first_existing(calendar, year, month, day), False
    if moment.hour is None:
        return _following_day(calendar, year, month, day), False
    start = _add_seconds(exact, _seconds_of(moment))
    if moment.minute is None:
        return _add_seconds(start, 3600.0), False
    if moment.second is None:
        return _add_seconds(start, 60.0), False
    return start, True


def _following_day(calendar: str, year: int, month: int, day: int) -> Any:
    if day < 31:
        return _first_existing(calendar, year, month, day + 1)
    return _first_existing(calendar, *_next_month(year, month), 1)


def _number(axis: TimeAxis, date: Any) -> float:
    return float(cftime.date2num(date, axis.units, axis.calendar))


# --- selection ------------------------------------------------------------------------------------------------------


def select_steps(axis: TimeAxis, interval: Interval, warn: Callable[[Text], None]) -> NDArray[np.intp]:
    """
    Select the steps of an axis that lie in an interval.

    Parameters
    ----------
    axis : TimeAxis
        Of the data.
    interval : Interval
        Closed, in any precision.
    warn : callable
        Is told when steps are repeated or out of order.

    Returns
    -------
    array of int
        Places in the order of the source.

    Raises
    ------
    SelectionEmpty
        No step lies in it, or the calendar lacks the day of an instant; the text names the extent.
    """
    if interval.instant and interval.start is not None and not _has_day(interval.start, axis.calendar):
        raise _no_such_day(axis, interval.start)
    steps = np.diff(axis.values)
    if np.any(steps == 0):
        warn(
            Text(
                en=f"Time coordinate {axis.name!r} has repeated steps; all of them that lie in the interval are kept.",
                fr=f"La coordonnée de temps {axis.name!r} répète des pas ; tous ceux de l'intervalle sont gardés.",
            )
        )
    if np.any(steps < 0) and np.any(steps > 0):
        warn(
            Text(
                en=f"Time coordinate {axis.name!r} is not in order; the steps are kept in the order of the file.",
                fr=f"La coordonnée de temps {axis.name!r} n'est pas ordonnée ; les pas gardent l'ordre du fichier.",
            )
        )
    inside = _find_instant(axis, interval) if interval.instant else _find_within(axis, interval)
    found = np.flatnonzero(inside)
    if not len(found):
        raise _empty(axis, interval)
    return found


def find_distinct(axis: TimeAxis) -> NDArray[np.intp]:
    """
    Find the steps without those that repeat an earlier one: its instant, and its bounds where there are some.

    Parameters
    ----------
    axis : TimeAxis
        Of the data.

    Returns
    -------
    array of int
        Places, ascending.
    """
    if len(np.unique(axis.values)) == len(axis.values):
        return np.arange(len(axis.values))
    told = axis.values[:, None] if axis.bounds is None else np.column_stack([axis.values, axis.bounds])
    _, first = np.unique(np.round(told / axis.tolerance), axis=0, return_index=True)
    return np.sort(first)


def limits_in(axis: TimeAxis, interval: Interval) -> tuple[float, float]:
    """
    Give the ends of an interval as numbers of an axis.

    Parameters
    ----------
    axis : TimeAxis
    interval : Interval
        In any precision.

    Returns
    -------
    (float, float)
        In the units of the axis; infinite where it is open.
    """
    low = -np.inf if interval.start is None else _number(axis, first_instant(interval.start, axis.calendar))
    high = np.inf if interval.end is None else _number(axis, end_instant(interval.end, axis.calendar)[0])
    return low, high


def _find_within(axis: TimeAxis, interval: Interval) -> NDArray[np.bool_]:
    values, tolerance = axis.compared, axis.tolerance
    inside = np.ones(len(values), dtype=bool)
    if interval.start is not None:
        inside &= values >= _number(axis, first_instant(interval.start, axis.calendar)) - tolerance
    if interval.end is not None:
        end, closed = end_instant(interval.end, axis.calendar)
        limit = _number(axis, end)
        inside &= values <= limit + tolerance if closed else values < limit - tolerance
    return inside


def _find_instant(axis: TimeAxis, interval: Interval) -> NDArray[np.bool_]:
    if interval.start is None:
        return np.ones(len(axis.values), dtype=bool)
    instant, tolerance = _number(axis, first_instant(interval.start, axis.calendar)), axis.tolerance
    if axis.bounds is not None:
        low, high = axis.bounds[:, 0], axis.bounds[:, 1]
        held = (low <= instant + tolerance) & (instant < high - tolerance)
        if held.any():
            return held
    return np.abs(axis.values - instant) <= tolerance


def _no_such_day(axis: TimeAxis, moment: Moment) -> SelectionEmpty:
    first, last = extent(axis) if len(axis.values) else ("..", "..")
    return SelectionEmpty(
        Text(
            en=f"{moment.text} lies on a day that the data's calendar ({axis.calendar}) lacks: the data go from {first} to {last}.",
            fr=f"{moment.text} est un jour que le calendrier des données ({axis.calendar}) n'a pas : les données vont de {first} à {last}.",
        )
    )


def _empty(axis: TimeAxis, interval: Interval) -> SelectionEmpty:
    ends = [moment.text or ".." if moment else ".." for moment in (interval.start, interval.end)]
    asked = ends[0] if interval.instant or ends[0] == ends[1] else "/".join(ends)
    if not len(axis.values):
        return SelectionEmpty(Text(en="The dataset has no time steps.", fr="Le jeu de données n'a aucun pas de temps."))
    first, last = extent(axis)
    return SelectionEmpty(
        Text(
            en=f"No time step lies in {asked}: the data go from {first} to {last} (calendar {axis.calendar}).",
            fr=f"Aucun pas de temps dans {asked} : les données vont de {first} à {last} (calendrier {axis.calendar}).",
        )
    )
