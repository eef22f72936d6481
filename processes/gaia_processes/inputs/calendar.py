"""Moments in the calendar of a dataset: the first and the last instant that a partial date means there."""

import cftime

from gaia_processes.inputs.interval import Moment

STANDARD = "standard"
_LONGEST_MONTH = 31
_LONGEST_GAP = 11
"""Days in a row that a calendar can lack: ten in October 1582, and one to be beyond them."""


class NoSuchDate(ValueError):
    """The calendar has neither this date nor one beside it."""


def is_calendar(name: str) -> bool:
    """Tell whether a calendar is known."""
    return _date(name, 2000, 1, 1, 0, 0, 0.0) is not None


def has_day(moment: Moment, calendar: str) -> bool:
    """Tell whether a calendar has the day in which a moment begins."""
    return _date(calendar, *moment.first()[:3], 0, 0, 0.0) is not None


def first_instant(moment: Moment, calendar: str) -> cftime.datetime:
    """
    Find the first instant of a moment; of a day that the calendar lacks, that of the next one it has.

    Parameters
    ----------
    moment : Moment
    calendar : str
        CF name.

    Raises
    ------
    NoSuchDate
        If the calendar is unknown.
    """
    year, month, day, hour, minute, second = moment.first()
    for _ in range(_LONGEST_GAP):
        found = _date(calendar, year, month, day, hour, minute, second)
        if found is not None:
            return found
        hour, minute, second = 0, 0, 0.0
        year, month, day = _day_after(year, month, day)
    raise NoSuchDate(moment.text)


def last_instant(moment: Moment, calendar: str) -> cftime.datetime:
    """
    Find the last instant of a moment; of a day that the calendar lacks, that of the previous one it has.

    Raises
    ------
    NoSuchDate
        If the calendar is unknown.
    """
    year, month, day, hour, minute, second = moment.last()
    second = min(second, 59.999999)
    for _ in range(_LONGEST_GAP):
        found = _date(calendar, year, month, day, hour, minute, second)
        if found is not None:
            return found
        hour, minute, second = 23, 59, 59.999999
        day -= 1
    raise NoSuchDate(moment.text)


def _date(
    calendar: str, year: int, month: int, day: int, hour: int, minute: int, second: float
) -> cftime.datetime | None:
    whole = int(second)
    try:
        return cftime.datetime(
            year,
            month,
            day,
            hour,
            minute,
            whole,
            round((second - whole) * 1e6),
            calendar=calendar,
            has_year_zero=True,
        )
    except ValueError:
        return None


def _day_after(year: int, month: int, day: int) -> tuple[int, int, int]:
    if day < _LONGEST_MONTH:
        return year, month, day + 1
    return (year, month + 1, 1) if month < 12 else (year + 1, 1, 1)
