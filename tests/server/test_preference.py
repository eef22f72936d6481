import pytest
from hypothesis import given
from hypothesis import strategies as st

from gaia_server.preference import Preference, applied


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        pytest.param([], Preference(), id="nothing"),
        pytest.param(
            ["respond-async "], Preference(respond="async"), id="trailing blank, as the official suite sends it"
        ),
        pytest.param(["respond-sync"], Preference(respond="sync"), id="the unregistered token of OWSLib"),
        pytest.param(["respond-async, wait=10"], Preference(respond="async", wait_s=10), id="a list"),
        pytest.param(
            ["respond-async;return=representation"],
            Preference(respond="async", returns="representation"),
            id="semicolon",
        ),
        pytest.param(
            ["wait = 5", 'return="minimal"'], Preference(wait_s=5, returns="minimal"), id="blanks, quotes, two headers"
        ),
        pytest.param(["wait=5, wait=9"], Preference(wait_s=5), id="the first mention counts"),
        pytest.param(
            ["respond-sync, respond-async"], Preference(respond="sync"), id="the first of two that exclude each other"
        ),
        pytest.param(
            ['handling=lenient, foo; bar="a,b", respond-async'],
            Preference(respond="async"),
            id="unknown ones are ignored",
        ),
        pytest.param(["wait=soon, return=all"], Preference(), id="values that mean nothing"),
        pytest.param(["WAIT=3, Respond-Async"], Preference(respond="async", wait_s=3), id="case does not count"),
        pytest.param([",,;; , respond-async"], Preference(respond="async"), id="empty elements"),
    ],
)
def test_preferences_are_read(headers, expected):
    assert Preference.parse(headers) == expected


@given(st.lists(st.text()))
def test_no_header_breaks_the_parser(headers):
    Preference.parse(headers)


def test_what_was_honoured_is_echoed():
    assert applied("respond-async", None, "wait=3") == {"Preference-Applied": "respond-async, wait=3"}


def test_nothing_honoured_is_no_header():
    assert applied(None) == {}
