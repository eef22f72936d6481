"""Instants, partial dates and intervals."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gaia_processes.inputs.bad_value import BadValue
from gaia_processes.inputs.interval import Interval, Moment, parse_interval, parse_moment

type Complaint = Callable[[Callable[[object], object], object], str]


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("1990", (1990, None, None, None, None, None)),
        ("1990-06", (1990, 6, None, None, None, None)),
        ("1990-06-15", (1990, 6, 15, None, None, None)),
        ("1990-06-15T12", (1990, 6, 15, 12, None, None)),
        ("1990-06-15 12:30", (1990, 6, 15, 12, 30, None)),
        ("1990-06-15t12:30:05.25z", (1990, 6, 15, 12, 30, 5.25)),
        ("1990-06-15T12:30:59.9999999Z", (1990, 6, 15, 12, 30, 59.999999)),
        ("0001-01", (1, 1, None, None, None, None)),
        ("-0500", (-500, None, None, None, None, None)),
        ("+12000", (12000, None, None, None, None, None)),
    ],
)
def test_each_precision_is_read(text: str, parts: tuple[float | None, ...]) -> None:
    moment = parse_moment(text)
    assert (moment.year, moment.month, moment.day, moment.hour, moment.minute, moment.second) == parts


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("2001-01-01T12:00:00+02:00", "2001-01-01T10:00:00Z", id="12 - 2"),
        pytest.param("2001-01-01T00:30:00+01:00", "2000-12-31T23:30:00Z", id="the day before"),
        pytest.param("2001-12-31T23:00:00-05:30", "2002-01-01T04:30:00Z", id="the day after"),
        pytest.param("2001-02-28T23:30-02:00", "2001-03-01T01:30", id="no leap year"),
        pytest.param("2001-02-30T23:30:00-02:00", "2001-03-01T01:30:00Z", id="360_day, 30 days a month"),
        pytest.param("2001-02-30T00:30:00+01:00", "2001-02-29T23:30:00Z", id="360_day, the day before"),
        pytest.param("2001-01-01T12:00:00Z", "2001-01-01T12:00:00Z", id="no offset"),
    ],
)
def test_a_zone_is_taken_to_utc(text: str, expected: str) -> None:
    assert parse_moment(text).text == expected


@pytest.mark.parametrize("text", ["1990-12-31T23:59:60Z", "1990-12-31T23:59:60.5Z", "1990-12-31T15:59:60-08:00"])
def test_a_leap_second_is_the_last_instant_of_its_minute(text: str) -> None:
    assert parse_moment(text).text == "1990-12-31T23:59:59.999999Z"
    assert parse_interval(f"1990/{text}").end == parse_moment("1990-12-31T23:59:59.999999Z")


def test_a_partial_date_alone_is_that_whole_period() -> None:
    interval = parse_interval("1990")
    assert interval == Interval(start=parse_moment("1990"), end=parse_moment("1990"))
    assert not interval.instant


def test_a_date_with_a_time_alone_is_an_instant() -> None:
    assert parse_interval("1990-06-15T12:00:00Z").instant


def test_a_number_is_a_year() -> None:
    assert parse_interval(1990) == parse_interval("1990")


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("1990/1995-06", "1990", "1995-06"),
        ("1990/..", "1990", None),
        ("1990/", "1990", None),
        ("../1995", None, "1995"),
        ("/1995", None, "1995"),
        ("../..", None, None),
        (" 1990 / 1995 ", "1990", "1995"),
        ("2001-03-05/2001-03", "2001-03-05", "2001-03"),
    ],
)
def test_ends_may_be_open_or_partial(text: str, start: str | None, end: str | None) -> None:
    interval = parse_interval(text)
    assert (interval.start and interval.start.text) == start
    assert (interval.end and interval.end.text) == end


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("2001-13", "the month 13 is outside of 01 to 12"),
        ("2001-00", "the month 00 is outside of 01 to 12"),
        ("2001-01-32", "the day 32 is outside of 01 to 31"),
        ("2001-02-31", "no calendar has a day 31 in month 02"),
        ("2001-01-01T25:00:00Z", "the hour 25 is outside of 00 to 23"),
        ("2001-01-01T24:00:00Z", "the hour 24 is outside of 00 to 23"),
        ("2001-01-01T00:60:00Z", "the minute 60 is outside of 00 to 59"),
        ("2001-01-01T00:00:61Z", "the second 61 is outside of 00 to 59"),
        ("1995/1990", "The interval runs backwards: 1995 is after 1990"),
        ("2001-03/2001-02-28", "The interval runs backwards"),
        ("yesterday", "is not a date, time or interval"),
        ("", "is not a date, time or interval"),
        ("..", "is not a date, time or interval"),
        ("199006", "is not a date, time or interval"),
        ("1990-6", "is not a date, time or interval"),
        ("01/06/1990", "is not a date, time or interval"),
        ("1990-06-15T12+05:30", "is not a date, time or interval"),
        ("1990-06-15T12:00:00+25:00", "the zone offset +25:00 is outside of -23:59 to +23:59"),
        ("1990-06-15T12:00:00-05:60", "the zone offset -05:60 is outside of -23:59 to +23:59"),
        ("1990-06-15T12:30:60Z", "a leap second, which comes only at 23:59:60 UTC"),
        ("1990-12-31T23:59:60+01:00", "a leap second, which comes only at 23:59:60 UTC"),
        ("1990/1991/1992", "is not a date, time or interval"),
        ("١٩٩٠", "is not a date, time or interval"),
        (True, "is not a date, time or interval"),
        (["1990", "1991"], "is not a date, time or interval"),
    ],
)
def test_what_is_no_time_is_refused(value: object, said: str, complaint: Complaint) -> None:
    assert said in complaint(parse_interval, value)


def test_a_day_that_only_some_calendars_have_passes() -> None:
    assert parse_moment("2001-02-30").day == 30


def test_all_that_is_wrong_is_said_at_once() -> None:
    with pytest.raises(BadValue) as caught:
        parse_interval("2001-13-32/2002-14")
    assert len(caught.value.faults) == 3


def test_the_first_and_last_instant_of_a_period_frame_it() -> None:
    assert Moment(year=2001, month=3).first() == (2001, 3, 1, 0, 0, 0.0)
    assert Moment(year=2001, month=3).last() == (2001, 3, 31, 23, 59, 60.0)


def partial_dates() -> st.SearchStrategy[str]:
    """Make dates of each precision, text as it is written back."""
    day = st.builds("{:04d}-{:02d}-{:02d}".format, st.integers(1, 9999), st.integers(1, 12), st.integers(1, 30))
    cut = st.sampled_from([4, 7, 10])
    dates = st.builds(lambda text, length: text[:length], day, cut)
    return dates | st.builds("{}T{:02d}:{:02d}:{:02d}Z".format, day, *[st.integers(0, top) for top in (23, 59, 59)])


@given(
    st.one_of(partial_dates(), st.builds("{}/..".format, partial_dates()), st.builds("../{}".format, partial_dates()))
)
def test_an_interval_is_written_as_it_was_read(text: str) -> None:
    interval = parse_interval(text)
    assert interval.as_text() == text
    assert parse_interval(interval.as_text()) == interval
