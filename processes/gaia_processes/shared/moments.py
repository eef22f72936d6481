"""
Which step of a time axis belongs to a moment that somebody wrote down, in the data's own calendar.

A moment is a stretch, as long as it is exact: `2001-03-05` is that day, `2001-03-05T10` that hour. Dates are compared by year,
month, day and time of day, never by instants of another calendar: a day that the data's calendar lacks is the last one before
it that it has (31 March is 30 March in `360_day`), so that it stays in its month.
"""

import re
from dataclasses import dataclass
from typing import Any, Literal

import cftime
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gaia_processes.shared.times import TimeAxis, unit_s

type Floats = NDArray[np.float64]
type Places = NDArray[np.intp]
type TimeMethod = Literal["nearest", "containing", "linear"]

_MOMENT = re.compile(
    r"(?P<year>\d{4})(?:-(?P<month>\d\d)(?:-(?P<day>\d\d)(?:[Tt ](?P<hour>\d\d)(?::?(?P<minute>\d\d)"
    r"(?::?(?P<second>\d\d(?:\.\d+)?))?)?(?P<zone>[Zz]|[+-]\d\d:?(?:\d\d)?)?)?)?)?",
    re.ASCII,
)
_DAY_S = 86400.0
_EVEN = 1.5  # so many usual steps: a longer one is a gap
_NEARLY = 1e-9


@dataclass(frozen=True, kw_only=True, slots=True)
class Moments:
    """
    Moments as stretches of numbers in the units of an axis.

    Attributes
    ----------
    start, end : array of float, shape (moments,)
        Half-open; equal for an instant; NaN where nothing could be read.
    short : array of bool
        Whether it is a day or shorter: its middle then stands for it.
    """

    start: Floats
    end: Floats
    short: NDArray[np.bool_]

    @property
    def middle(self) -> Floats:
        """What stands for each."""
        return (self.start + self.end) / 2


@dataclass(frozen=True, kw_only=True, slots=True)
class Steps:
    """
    Which steps belong to moments.

    Attributes
    ----------
    first, second : array of int, shape (moments,)
        Places along the axis; -1 where no step belongs to a moment. They differ between two steps alone.
    share : array of float, shape (moments,)
        How much the second one counts.
    """

    first: Places
    second: Places
    share: Floats


def read_moments(column: "pd.Series[Any]", axis: TimeAxis) -> Moments:
    """
    Read what people wrote down.

    Parameters
    ----------
    column : Series
        Dates, times (zones are converted to UTC), or text: RFC 3339, or a part of it from a year on.
    axis : TimeAxis
        Of the data.

    Returns
    -------
    Moments
        NaN for what is no time.
    """
    codes, unique = pd.factorize(column, use_na_sentinel=True)
    read = np.array([_stretch(_as_text(each), axis) for each in unique], dtype=np.float64).reshape(-1, 3)
    read = np.concatenate([read, [[np.nan, np.nan, 0.0]]])  # what is missing has the code -1
    return Moments(start=read[codes, 0], end=read[codes, 1], short=read[codes, 2] > 0)


def _as_text(value: Any) -> str:
    if isinstance(value, pd.Timestamp) and value.tzinfo is not None:
        value = value.tz_convert("UTC").tz_localize(None)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return value.isoformat() if hasattr(value, "isoformat") else str(value).strip()


def _stretch(text: str, axis: TimeAxis) -> tuple[float, float, bool]:
    """Give start, end and whether it is short; NaN where the text is no time."""
    found = _MOMENT.fullmatch(text)
    nothing = (np.nan, np.nan, False)
    if found is None:
        return nothing
    year, month, day = (None if each is None else int(each) for each in found.group("year", "month", "day"))
    if year is None or year < 1 or not 1 <= (month or 1) <= 12 or not 1 <= (day or 1) <= 31:
        return nothing
    if month is None:
        return _midnight(axis, year, 1, 1), _midnight(axis, year + 1, 1, 1), False
    if day is None:
        return _midnight(axis, year, month, 1), _midnight(axis, *_following(year, month), 1), False
    return _within_day(found, _midnight(axis, year, month, day), axis)


def _within_day(found: re.Match[str], midnight: float, axis: TimeAxis) -> tuple[float, float, bool]:
    hour, minute, second = (None if each is None else float(each) for each in found.group("hour", "minute", "second"))
    if (hour or 0) > 24 or (minute or 0) > 59 or (second or 0) > 60:
        return np.nan, np.nan, False
    unit = unit_s(axis.units)
    start = midnight + (3600.0 * (hour or 0.0) + 60.0 * (minute or 0.0) + (second or 0.0) - _zone_s(found)) / unit
    lasts_s = _DAY_S if hour is None else 3600.0 if minute is None else 60.0 if second is None else 0.0
    # Nobody who writes 23:00 means the whole minute: only hours alone and days are stretches.
    return start, start + (lasts_s if lasts_s > 60.0 else 0.0) / unit, True


def _zone_s(found: re.Match[str]) -> float:
    zone = found["zone"]
    if zone is None or zone in "Zz":
        return 0.0
    digits = zone[1:].replace(":", "").ljust(4, "0")
    return (1 if zone[0] == "+" else -1) * (3600.0 * int(digits[:2]) + 60.0 * int(digits[2:]))


def _following(year: int, month: int) -> tuple[int, int]:
    return (year + 1, 1) if month == 12 else (year, month + 1)


def _midnight(axis: TimeAxis, year: int, month: int, day: int) -> float:
    """Give the number of a day's first instant; of the last day before it that the calendar has."""
    for earlier in range(day, 0, -1):
        try:
            date = cftime.datetime(year, month, earlier, calendar=axis.calendar)
        except ValueError:
            continue
        return float(cftime.date2num(date, axis.units, axis.calendar))
    return float("nan")


# --- matching -------------------------------------------------------------------------------------------------------


def match_steps(axis: TimeAxis, moments: Moments, method: TimeMethod, tolerance_s: float | None) -> Steps:
    """
    Find the step that belongs to each moment.

    Parameters
    ----------
    axis : TimeAxis
        Of the data.
    moments : Moments
        In its units.
    method : {"nearest", "containing", "linear"}
        The nearest step; the one whose bounds contain the moment (whole, where it is longer than a day); or both beside it.
    tolerance_s : float, optional
        How far a step may be away. Default: half a step; over a gap, half a usual one.

    Returns
    -------
    Steps
    """
    if not len(axis.values):
        nothing = np.full(len(moments.start), -1, dtype=np.intp)
        return Steps(first=nothing, second=nothing, share=np.zeros(len(nothing)))
    if method == "containing" and axis.bounds is not None:
        held = _containing(axis.bounds, axis.tolerance, moments)
        return Steps(first=held, second=held, share=np.zeros(len(held)))
    values = axis.bounds.mean(axis=1) if method == "linear" and axis.bounds is not None else axis.compared
    order = np.argsort(values, kind="stable").astype(np.intp)
    tolerance = None if tolerance_s is None else tolerance_s / unit_s(axis.units)
    slack = axis.tolerance
    if method == "linear":
        return _linear(values[order], order, moments, tolerance, slack)
    found = _nearest(values[order], moments, tolerance, slack)
    places = np.where(found >= 0, order[found], -1).astype(np.intp)
    return Steps(first=places, second=places, share=np.zeros(len(places)))


def _containing(bounds: Floats, slack: float, moments: Moments) -> Places:
    order = np.argsort(bounds[:, 0], kind="stable")
    low, high = bounds[order, 0], bounds[order, 1]
    at = np.searchsorted(low, moments.middle + slack, side="right") - 1
    held = np.maximum(at, 0)
    inside = (at >= 0) & (moments.middle < high[held] - slack)
    whole = (moments.start >= low[held] - slack) & (moments.end <= high[held] + slack)
    return np.where(inside & (moments.short | whole), order[held], -1).astype(np.intp)


def _nearest(values: Floats, moments: Moments, tolerance: float | None, slack: float) -> Places:
    """Find the nearest of ascending values, of those within the moment itself where there are some."""
    middle = moments.middle
    behind = np.clip(np.searchsorted(values, middle), 1, max(len(values) - 1, 1))
    before, behind = behind - 1, np.minimum(behind, len(values) - 1)
    nearest = np.where(middle - values[before] <= values[behind] - middle, before, behind)
    first = np.searchsorted(values, moments.start - slack, side="left")
    last = np.searchsorted(values, moments.end - slack, side="left") - 1
    own = (last >= first) & (moments.end > moments.start)
    nearest = np.where(own, np.clip(nearest, first, last), nearest)
    apart = np.abs(values[nearest] - middle)
    limit = _half_steps(values, nearest, middle) if tolerance is None else np.full(len(middle), tolerance)
    near = own | (apart <= limit + slack)
    # A month or a year means one step or none: which of several would be a guess.
    sure = moments.short | (own & (first == last))
    return np.where(near & sure & np.isfinite(middle), nearest, -1).astype(np.intp)


def _half_steps(values: Floats, nearest: Places, middle: Floats) -> Floats:
    """Give half the step on whose side each moment lies; over gaps and beyond the ends, half a usual one."""
    if len(values) < 2:
        return np.zeros(len(middle))
    steps = np.diff(values)
    usual = float(np.median(steps))
    ahead = middle > values[nearest]
    at = np.where(ahead, nearest, nearest - 1)
    there = (at >= 0) & (at < len(steps))
    own = np.where(there, steps[np.clip(at, 0, len(steps) - 1)], usual)
    half: Floats = np.where(own <= _EVEN * usual + _NEARLY, own, usual) / 2
    return half


def _linear(values: Floats, order: Places, moments: Moments, tolerance: float | None, slack: float) -> Steps:
    middle = moments.middle
    before = np.clip(np.searchsorted(values, middle + slack, side="right") - 1, 0, max(len(values) - 2, 0))
    behind = np.minimum(before + 1, len(values) - 1)
    step = values[behind] - values[before]
    share = np.clip((middle - values[before]) / np.where(step > 0, step, 1.0), 0.0, 1.0)
    inside = (middle >= values[0] - slack) & (middle <= values[-1] + slack) & moments.short
    apart = np.minimum(np.abs(middle - values[before]), np.abs(values[behind] - middle))
    usual = float(np.median(np.diff(values))) if len(values) > 1 else 0.0
    even = (step <= _EVEN * usual + _NEARLY) | (apart <= slack)
    near = even if tolerance is None else apart <= tolerance + slack
    share = np.where(share < _NEARLY, 0.0, np.where(share > 1 - _NEARLY, 1.0, share))
    found = inside & near & np.isfinite(middle)
    return Steps(
        first=np.where(found, order[before], -1).astype(np.intp),
        second=np.where(found, order[behind], -1).astype(np.intp),
        share=np.where(found, share, 0.0),
    )
