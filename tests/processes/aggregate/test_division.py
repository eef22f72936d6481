"""The periods that a time axis is divided into."""

import numpy as np
import pytest
import xarray as xr

from gaia_processes.aggregate.division import divide
from gaia_processes.aggregate.options import Options
from gaia_processes.errors import DatasetUnsuitable, SelectionEmpty
from gaia_processes.inputs.years import Years


def days(count, *, first=0):
    attrs = {"units": "days since 2001-01-01", "calendar": "noleap", "standard_name": "time"}
    return xr.Dataset(coords={"time": ("time", np.arange(count) + first + 0.5, attrs)})


def test_the_whole_record_is_one_period():
    found = divide(days(10), "time", Options(), chosen=None, warn=pytest.fail)
    assert found.is_daily
    assert found.result.bounds.tolist() == [[0, 10]]


def test_incomplete_months_at_the_ends_are_left_out():
    found = divide(days(70, first=20), "time", Options(period="month"), chosen=None, warn=pytest.fail)
    assert found.result.bounds.tolist() == [[31, 59], [59, 90]]


def test_anomalies_have_a_climatology_of_the_baseline_beside_their_periods():
    warned = []
    asked = Options(period="month", baseline=Years(first=2001, last=2001))
    found = divide(days(730), "time", asked, chosen=None, warn=warned.append)
    assert (len(found.result.key), len(found.base_years.key)) == (24, 12)
    assert [text.en for text in warned] == ["The climatology is made of 1 years; 30 are usual."]


def test_periods_shorter_than_the_steps_are_refused():
    attrs = {"units": "days since 2001-01-01", "calendar": "noleap", "standard_name": "time"}
    yearly = xr.Dataset(coords={"time": ("time", [182.5, 547.5, 912.5], attrs)})
    with pytest.raises(DatasetUnsuitable, match="longer than the period 'month'"):
        divide(yearly, "time", Options(period="month"), chosen=None, warn=pytest.fail)


def test_a_record_without_a_complete_period_is_refused():
    with pytest.raises(SelectionEmpty, match="hold no complete year"):
        divide(days(300), "time", Options(period="year"), chosen=None, warn=pytest.fail)
