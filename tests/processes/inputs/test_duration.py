"""Lengths of time as people write them."""

import pytest

from gaia_processes.inputs.duration import parse_duration


@pytest.mark.parametrize(
    ("text", "seconds"), [("P1D", 86400), ("PT6H", 21600), (" p15dt12h ", 1339200), ("P2W", 1209600), ("PT0.5S", 0.5)]
)
def test_a_duration_is_read_and_written_as_the_same(text, seconds):
    read = parse_duration(text)
    assert read.seconds == seconds
    assert parse_duration(read.as_text()) == read


@pytest.mark.parametrize("value", ["P", "PT", "P1DT", "P1M", "P1Y", "1 day", "-P1D", "", 5, None, "P" + "1" * 80 + "D"])
def test_what_is_no_length_of_time_is_refused_with_what_would_be(value, complaint):
    assert "P1D, PT6H" in complaint(parse_duration, value)
