"""Moments in the calendars of datasets."""

import pytest

from gaia_processes.inputs.calendar import NoSuchDate, first_instant, is_calendar, last_instant
from gaia_processes.inputs.interval import parse_moment


@pytest.mark.parametrize(
    ("text", "calendar", "first", "last"),
    [
        ("2001", "360_day", "2001-01-01 00:00:00", "2001-12-30 23:59:59"),
        ("2001-02", "360_day", "2001-02-01 00:00:00", "2001-02-30 23:59:59"),
        ("2001-02", "noleap", "2001-02-01 00:00:00", "2001-02-28 23:59:59"),
        ("2000-02", "standard", "2000-02-01 00:00:00", "2000-02-29 23:59:59"),
        ("2000-02-29", "noleap", "2000-03-01 00:00:00", "2000-02-28 23:59:59"),
        ("2001-02-30", "standard", "2001-03-01 00:00:00", "2001-02-28 23:59:59"),
        ("2001-12-31", "360_day", "2002-01-01 00:00:00", "2001-12-30 23:59:59"),
        ("1582-10-10", "standard", "1582-10-15 00:00:00", "1582-10-04 23:59:59"),
        ("2001-03-05T12", "standard", "2001-03-05 12:00:00", "2001-03-05 12:59:59"),
        ("2001-03-05T12:30:15Z", "standard", "2001-03-05 12:30:15", "2001-03-05 12:30:15"),
    ],
)
def test_a_partial_date_is_framed_by_days_that_the_calendar_has(
    text: str, calendar: str, first: str, last: str
) -> None:
    moment = parse_moment(text)
    assert str(first_instant(moment, calendar)) == first
    assert str(last_instant(moment, calendar).replace(microsecond=0)) == last


def test_an_unknown_calendar_has_no_dates() -> None:
    assert not is_calendar("mayan")
    with pytest.raises(NoSuchDate):
        first_instant(parse_moment("2001"), "mayan")
    with pytest.raises(NoSuchDate):
        last_instant(parse_moment("2001"), "mayan")
