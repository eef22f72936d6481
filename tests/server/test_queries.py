from datetime import UTC, datetime

import pytest
from flask import Flask, request

from gaia_server.errors import BadQuery
from gaia_server.jobs.listing import Choice, Mark
from gaia_server.jobs.states import State
from gaia_server.queries import Query, address, read_choice, write_mark

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
ID = "00000000-0000-4000-8000-000000000000"


def read(query, reader):
    with Flask("test").test_request_context("/", query_string=query):
        asked = Query(request)
        value = reader(asked)
        asked.check()
        return value


def refusal(query, reader):
    with pytest.raises(BadQuery) as caught:
        read(query, reader)
    return caught.value


def limit(query):
    return query.limit(default=100)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", 100),
        ("limit=1", 1),
        ("limit=1000", 1000),
        ("limit=99999999999999999999", 1000),
        ("limit=0000000000000000009", 9),
    ],
)
def test_a_limit_is_read_and_clamped(query, expected):
    assert read(query, limit) == expected


@pytest.mark.parametrize("text", ["0", "000", "-1", "1.5", "ten", "", "1e3", "\u0663"])
def test_any_other_limit_is_refused_and_named(text):
    error = refusal({"limit": text}, limit)
    assert f"limit: {text!r} is not a whole number from 1 to 1000." in error.text.en
    assert "n'est pas un nombre entier" in error.text.fr


def test_names_come_with_commas_or_repeated():
    assert read("status=a,b&status=c,,&status=a", lambda query: query.names("status")) == ("a", "b", "c")


def test_a_name_that_no_database_takes_is_nobodys():
    assert read("processID=a%00b", lambda query: query.names("processID")) == ("a\ufffdb",)


def test_a_name_that_there_is_not_is_refused():
    error = refusal("status=done", lambda query: query.names("status", ["a", "b"]))
    assert str(error) == "status: 'done' is not one of a, b."
    assert error.faults[0].allowed == ("a", "b")


def test_more_names_than_a_query_can_carry_are_refused():
    names = ",".join(f"p{number}" for number in range(51))
    assert "'51' names are more than the 50" in str(
        refusal({"processID": names}, lambda query: query.names("processID"))
    )


def at(second, microsecond=0):
    return NOON.replace(second=second, microsecond=microsecond)


@pytest.mark.parametrize(
    ("text", "since", "before"),
    [
        pytest.param("2026-01-31T12:00:00Z", at(0), at(1), id="a second that is shown is found"),
        pytest.param("2026-01-31t12:00:00.5z", at(0, 500000), at(0, 600000), id="a tenth"),
        pytest.param("2026-01-31T12:00:00.000Z", at(0), at(1), id="a second as JavaScript writes it"),
        pytest.param("2026-01-31T13:00:00+01:00", at(0), at(1), id="another zone"),
        pytest.param("2026-01-31T13:00:00 01:00", at(0), at(1), id="a plus that was not escaped"),
        pytest.param("2026-01-31T06:30:00-05:30/..", at(0), None, id="from then on"),
        pytest.param("2026-01-31T12:00:00Z/", at(0), None, id="an empty end"),
        pytest.param("../2026-01-31T12:00:00Z", None, at(1), id="up to then"),
        pytest.param("/2026-01-31T12:00:00Z", None, at(1), id="an empty beginning"),
        pytest.param("2026-01-31T12:00:00Z/2026-01-31T12:00:09Z", at(0), at(10), id="both ends belong to it"),
        pytest.param("2026-01-31", NOON.replace(hour=0), datetime(2026, 2, 1, tzinfo=UTC), id="a day"),
        pytest.param(
            "2016-12-31T23:59:60Z",
            datetime(2017, 1, 1, tzinfo=UTC),
            datetime(2017, 1, 1, 0, 0, 1, tzinfo=UTC),
            id="a leap second",
        ),
        pytest.param("0001-01-01T00:00:00+23:59/..", datetime(1970, 1, 1, tzinfo=UTC), None, id="before all jobs"),
        pytest.param("../9999-12-31T23:59:59-23:59", None, datetime(9000, 1, 1, tzinfo=UTC), id="after all jobs"),
        pytest.param("", None, None, id="as a form sends it"),
    ],
)
def test_a_time_is_read(text, since, before):
    assert read({"datetime": text}, lambda query: query.period("datetime")) == (since, before)


@pytest.mark.parametrize(
    "text",
    [
        "yesterday", "2026", "2026-13-01T00:00:00Z", "2026-02-30", "2026-01-31T24:00:00Z", "2026-01-31T12:00:00",
        "2026-01-31T12:00Z", "2026-01-31 12:00:00Z", "..", "/", "../..", "a/b/c", "2026-01-31/2026-02-01/2026-02-02",
        "2026-01-31T12:00:00+24:00", "2026-01-31T12:00:00Z/x", "\u0662026-01-31", "2026-01-31\x00",
    ],
)  # fmt: skip
def test_no_other_time_is(text):
    error = refusal({"datetime": text}, lambda query: query.period("datetime"))
    assert "datetime: " in str(error)
    assert "2026-01-31T12:00:00Z" in str(error)


def test_an_interval_goes_forwards():
    error = refusal("datetime=2026-02-01/2026-01-01", lambda query: query.period("datetime"))
    assert str(error) == "datetime: '2026-02-01/2026-01-01' ends before it begins."


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", (None, None)),
        ("minDuration=5", (5, None)),
        ("maxDuration=2.5", (None, 2.5)),
        ("minDuration=5&maxDuration=5", (5, 5)),
        ("minDuration=5,3&maxDuration=7&maxDuration=9", (3, 9)),
        ("minDuration=999999999999999", (1e9, None)),
    ],
)
def test_durations_are_read(query, expected):
    assert read(query, lambda query: query.durations_s("minDuration", "maxDuration")) == expected


@pytest.mark.parametrize("text", ["-1", "a", "1e3", "NaN", "1.", "PT5S", "5 s"])
def test_no_other_duration_is(text):
    assert f"minDuration: {text!r} is not a number of seconds" in str(
        refusal({"minDuration": text}, lambda query: query.durations_s("minDuration", "maxDuration"))
    )


def test_the_least_is_not_above_the_most():
    error = refusal("minDuration=9&maxDuration=5", lambda query: query.durations_s("minDuration", "maxDuration"))
    assert str(error) == "minDuration: '9' is more than maxDuration, 5."


def test_a_place_in_the_list_comes_back_as_it_was_written():
    created = NOON.replace(microsecond=7)
    assert read({"before": write_mark(created, ID)}, lambda query: query.mark("before")) == Mark(created=created, id=ID)


@pytest.mark.parametrize("text", ["x", ID, f"2026-02-31T00:00:00.000000Z~{ID}", f"2026-01-31T00:00:00Z~{ID}", "'--"])
def test_no_other_place_is(text):
    assert "follow a `next` link" in str(refusal({"before": text}, lambda query: query.mark("before")))


def test_everything_that_is_wrong_is_said_at_once():
    error = refusal(
        "limit=0&datetime=soon&status=done&minDuration=x&limit=3",
        lambda query: (query.limit(default=1), read_choice(query)),
    )
    assert [fault.input for fault in error.faults] == ["limit", "limit", "datetime", "minDuration", "status"]


def test_all_filters_are_read_together():
    query = "processID=echo,subset&status=running&datetime=2026-01-31T12:00:00Z/..&minDuration=1&maxDuration=2"
    assert read(query, read_choice) == Choice(
        processes=("echo", "subset"), states=(State.RUNNING,), since=NOON, least_s=1, most_s=2
    )


def test_an_address_keeps_the_query_and_sets_some_of_it():
    with Flask("test").test_request_context("/jobs?status=a,b&status=c&before=1&datetime=&x=%26"):
        assert address("/jobs", request, before="2") == "/jobs?status=a,b&status=c&x=%26&before=2"
    with Flask("test").test_request_context("/jobs"):
        assert address("/jobs", request) == "/jobs"
