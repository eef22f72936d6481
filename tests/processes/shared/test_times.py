"""Instants in the calendars of climate models."""

import numpy as np
import pytest
import xarray as xr

from gaia_processes.errors import DatasetUnsuitable
from gaia_processes.inputs.interval import Moment
from gaia_processes.shared.times import end_instant, extent, first_instant, read_time, render, unit_s


def moment(*parts):
    return Moment(**dict(zip(("year", "month", "day", "hour", "minute", "second"), parts, strict=False)))


def text(date):
    return date.strftime("%Y-%m-%d %H:%M:%S")


@pytest.mark.parametrize(
    ("parts", "calendar", "first"),
    [
        ((2001,), "standard", "2001-01-01 00:00:00"),
        ((2001, 3), "standard", "2001-03-01 00:00:00"),
        ((2001, 2, 30), "standard", "2001-03-01 00:00:00"),
        ((2001, 2, 30), "360_day", "2001-02-30 00:00:00"),
        ((2001, 12, 31, 6), "360_day", "2002-01-01 00:00:00"),
        ((2000, 2, 29), "noleap", "2000-03-01 00:00:00"),
        ((1582, 10, 10), "standard", "1582-10-15 00:00:00"),
        ((2001, 1, 1, 6, 30, 15.5), "standard", "2001-01-01 06:30:15"),
    ],
)
def test_the_first_instant(parts, calendar, first):
    assert text(first_instant(moment(*parts), calendar)) == first


@pytest.mark.parametrize(
    ("parts", "calendar", "end", "included"),
    [
        ((2001,), "standard", "2002-01-01 00:00:00", False),
        ((2001, 12), "noleap", "2002-01-01 00:00:00", False),
        ((2001, 2, 30), "standard", "2001-03-01 00:00:00", False),
        ((2001, 12, 31), "360_day", "2002-01-01 00:00:00", False),
        ((2001, 12, 31), "standard", "2002-01-01 00:00:00", False),
        ((2001, 1, 1, 6), "standard", "2001-01-01 07:00:00", False),
        ((2001, 1, 1, 6, 30), "standard", "2001-01-01 06:31:00", False),
        ((2001, 1, 1, 6, 30, 0), "standard", "2001-01-01 06:30:00", True),
    ],
)
def test_the_end_of_a_partial_date_is_its_last_instant(parts, calendar, end, included):
    found, closed = end_instant(moment(*parts), calendar)
    assert (text(found), closed) == (end, included)


def axis(values, **attrs):
    own = {"units": "days since 2000-01-01", "calendar": "noleap", **attrs}
    return read_time(xr.Dataset(coords={"time": ("time", np.asarray(values), own)}), "time")


def test_text_is_iso_8601_to_the_nearest_second():
    assert render(axis([0.0]), 59.0 + 1e-9) == "2000-03-01T00:00:00"
    assert render(axis([0.0]), 1.0 - 1e-9) == "2000-01-02T00:00:00"
    assert render(axis([0.0], units="hours since 0850-01-01"), 1.0) == "0850-01-01T01:00:00"
    assert render(axis([0.0], units="days since -0005-01-01"), 0.0) == "-0005-01-01T00:00:00"


def test_the_extent_of_unordered_steps():
    assert extent(axis([3.0, 1.0, 2.0])) == ("2000-01-02T00:00:00", "2000-01-04T00:00:00")


def test_a_missing_step_is_refused():
    with pytest.raises(DatasetUnsuitable, match="missing values"):
        axis([0.0, np.nan])


def test_no_calendar_means_the_standard_one():
    assert axis([0.0], calendar="").calendar == "standard"


@pytest.mark.parametrize(
    ("numbers", "units", "expected"),
    [
        pytest.param([24, 48], "hours since 2000-01-01", [1, 2], id="another unit"),
        pytest.param([2, 3], "days since 1999-12-31", [1, 2], id="another beginning"),
        pytest.param([1, 2], "days since 2000-01-01 00:00:00", [1, 2], id="written otherwise"),
        pytest.param(
            [1, 2], "days since 1850-01-01", None, id="they do not hold the step: only one of the two was changed"
        ),
        pytest.param([1, 2], "cycles", None, id="no time"),
    ],
)
def test_bounds_in_units_of_their_own_are_those_of_the_axis(numbers, units, expected):
    data = xr.Dataset(
        {"b": (("time", "n"), [numbers], {"units": units})},
        coords={"time": ("time", [2.0], {"units": "days since 2000-01-01", "bounds": "b"})},
    )
    bounds = read_time(data, "time").bounds
    assert (bounds if bounds is None else bounds.tolist()) == (expected if expected is None else [expected])


@pytest.mark.parametrize(
    ("values", "units", "calendar", "days"),
    [
        pytest.param(
            [0, 0.5, 1.5, 12], "months since 2001-01-01", "standard", [0, 15.5, 45, 365], id="as CDO reads them"
        ),
        pytest.param([0.5, 13], "months since 1960-01-01", "360", [15, 390], id="as IRI writes them"),
        pytest.param([-1, 1], "Months since 2001-03-15 12:00", "noleap", [-28, 31], id="from within a month"),
        pytest.param([0.5, 1], "years since 2000-01-01", "standard", [182, 366], id="half a year is six months"),
    ],
)
def test_months_are_those_of_the_calendar(values, units, calendar, days):
    found = axis(values, units=units, calendar=calendar)
    assert found.units == units.lower().replace("months", "days").replace("years", "days")
    np.testing.assert_allclose(found.values, days)


@pytest.mark.parametrize(
    ("unit", "seconds"), [("hrs", 3600), ("h", 3600), ("min", 60), ("sec", 1), ("msecs", 1e-3), ("Days", 86400)]
)
def test_units_may_be_abbreviated(unit, seconds):
    assert unit_s(f"{unit} since 2000-01-01") == pytest.approx(seconds)
