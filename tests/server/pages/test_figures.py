from datetime import datetime, timedelta, timezone

import pytest

from gaia_server.pages.figures import say_moment, say_size, say_time


@pytest.mark.parametrize(
    ("size_bytes", "en", "fr"),
    [
        (0, "0 bytes", "0 octets"),
        (999, "999 bytes", "999 octets"),
        (1500, "1.5 kB", "1,5 ko"),
        (999_999, "1.0 MB", "1,0 Mo"),
        (12_300_000, "12.3 MB", "12,3 Mo"),
    ],
)
def test_sizes(size_bytes, en, fr):
    assert (say_size(size_bytes, "en"), say_size(size_bytes, "fr")) == (en, fr)


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.01, "< 0.1 s"), (0.42, "0.4 s"), (12.4, "12 s"), (200, "3 min 20 s"), (7500, "2 h 5 min")]
)
def test_durations(seconds, text):
    assert say_time(seconds, "en") == text


def test_moments_are_told_in_utc():
    noon = datetime(2026, 1, 31, 13, tzinfo=timezone(timedelta(hours=1)))
    assert say_moment(noon, "en") == "31 Jan 2026, 12:00:00 UTC"
    assert say_moment(noon, "fr") == "31 janv. 2026, 12:00:00 UTC"
