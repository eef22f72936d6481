"""Periods: which steps make one, and how much of it they cover."""

import numpy as np
import pytest
import xarray as xr

from gaia_processes.inputs.seasons import SEASONS
from gaia_processes.shared.periods import (
    find_periods,
    is_complete,
    pool_steps,
    pool_years,
    read_steps,
    without_incomplete_ends,
)
from gaia_processes.shared.times import read_time


def steps_of(values, *, units="days since 2001-01-01", calendar="noleap", bounds=None):
    attrs = {"units": units, "calendar": calendar, "standard_name": "time"}
    variables = {}
    if bounds is not None:
        attrs["bounds"] = "time_bnds"
        variables["time_bnds"] = (("time", "bnds"), np.asarray(bounds, "f8"))
    dataset = xr.Dataset(variables, coords={"time": ("time", np.asarray(values, "f8"), attrs)})
    return read_steps(read_time(dataset, "time"))


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        pytest.param([15, 45, 74], [[0, 31], [31, 59], [59, 90]], id="months"),
        pytest.param([180, 545], [[0, 365], [365, 730]], id="years"),
        pytest.param([0.5, 1.5], [[0, 1], [1, 2]], id="days named by noon"),
        pytest.param([0, 1], [[0, 1], [1, 2]], id="days named by midnight"),
        pytest.param([0.125, 0.375], [[0, 0.25], [0.25, 0.5]], id="quarters of days"),
        pytest.param([2.5, 7.5, 12.5], [[0, 5], [5, 10], [10, 15]], id="five days"),
    ],
)
def test_steps_without_bounds_get_those_of_their_kind(values, expected):
    steps = steps_of(values)
    assert steps.known
    np.testing.assert_allclose(steps.bounds, expected)


def test_the_length_of_a_lone_instant_is_not_known():
    assert not steps_of([3]).known


def test_equal_steps_weigh_one():
    assert steps_of(np.arange(5) + 0.5).weights.tolist() == [1, 1, 1, 1, 1]
    assert steps_of([15, 45]).weights.tolist() == [31, 28]


def test_a_step_belongs_to_the_period_of_its_middle():
    named_by_the_end = steps_of([31, 59], bounds=[[0, 31], [31, 59]])
    assert find_periods(named_by_the_end, "month", SEASONS).key.tolist() == [1, 2]


def test_pentads_that_cross_a_month_leave_no_gap():
    starts = np.arange(0, 365, 5.0)
    months = find_periods(steps_of(starts + 2.5, bounds=np.stack([starts, starts + 5], 1)), "month", SEASONS)
    assert is_complete(months, 1.0).all()
    assert months.covered[:2].tolist() == [6, 6]


def test_what_is_missing_of_a_month_is_known():
    february = find_periods(steps_of(np.arange(31, 50) + 0.5), "month", SEASONS)
    assert (february.covered.tolist(), february.whole.tolist()) == ([19], [28])


def test_incomplete_ends_are_left_out_and_others_are_not():
    record = np.delete(np.arange(20.0, 120.0), [50]) + 0.5  # from 21 January to 30 April, without 12 March
    kept = without_incomplete_ends(find_periods(steps_of(record), "month", SEASONS), 1.0)
    assert kept.key.tolist() == [2, 3, 4]
    assert is_complete(kept, 1.0).tolist() == [True, False, True]


def test_december_is_of_the_winter_of_the_next_year():
    seasons = find_periods(steps_of(np.arange(730) + 0.5), "season", SEASONS)
    assert seasons.year[seasons.key == 0].tolist() == [2001, 2002, 2003]
    assert seasons.bounds[0].tolist() == [-31, 59]


def test_pooling_puts_years_together():
    months = find_periods(steps_of(np.arange(730) + 0.5), "month", SEASONS)
    pooled, years = pool_steps(months), pool_years(months, months.year == 2002)
    assert pooled.covered[:2].tolist() == [62, 56]
    assert pooled.bounds[0].tolist() == [0, 365 + 31]
    assert pooled.owner[[0, 365]].tolist() == [0, 0]
    assert (years.whole[0], years.bounds[0].tolist()) == (1, [365, 396])


@pytest.mark.parametrize("calendar", ["360_day", "noleap", "julian", "standard", "proleptic_gregorian", "all_leap"])
def test_every_calendar_has_twelve_whole_months(calendar):
    steps = steps_of(np.arange(366) + 0.5, calendar=calendar, units="days since 2000-01-01")
    months = without_incomplete_ends(find_periods(steps, "month", SEASONS), 1.0)
    assert months.key.tolist() == [*range(1, 13)]
