"""What a statistic makes of attributes."""

import pytest

from gaia_processes.shared.methods import append_methods, as_anomaly, as_count, squared, time_methods


@pytest.mark.parametrize(
    ("before", "daily", "after"),
    [
        ("", False, "time: mean"),
        ("area: mean", True, "area: mean time: mean"),
        ("time: minimum (interval: 1 hour)", True, "time: minimum within days (interval: 1 hour) time: mean over days"),
        ("time: minimum", False, "time: minimum time: mean"),
        ("time: sum within days", True, "time: sum within days time: mean over days"),
    ],
)
def test_methods_go_from_left_to_right(before, daily, after):
    assert time_methods(before, "time", "mean", daily=daily) == after


def test_nothing_is_appended_to_nothing():
    assert append_methods(" ", "") == ""


@pytest.mark.parametrize(
    ("units", "expected"),
    [("K", "K2"), ("degC", "K2"), ("kg m-2 s-1", "(kg m-2 s-1)2"), ("m", "m2"), ("1", "1"), ("", "")],
)
def test_units_are_squared(units, expected):
    assert squared(units) == expected


def test_only_some_standard_names_have_an_anomaly():
    assert as_anomaly({"standard_name": "air_temperature", "units": "K"})["standard_name"] == "air_temperature_anomaly"
    assert "standard_name" not in as_anomaly({"standard_name": "precipitation_flux"})


def test_a_count_keeps_the_name_with_a_modifier():
    assert as_count({"standard_name": "air_temperature"})["standard_name"] == "air_temperature number_of_observations"
