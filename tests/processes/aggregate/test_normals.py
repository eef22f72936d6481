"""Aggregates of a record that is a climatology itself."""

import numpy as np
import pytest
import xarray as xr

from gaia_processes.aggregate.compute import compute
from gaia_processes.errors import DatasetUnsuitable

STARTS = np.array([0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334], "f8")  # of the months of a year of 365 days
YEARS = "time: mean within years time: mean over years"


@pytest.fixture
def normals():
    """Give the months of 2001 to 2010, each with its number, on the middles of the months of 2005."""
    ends = np.append(STARTS[1:], 365.0)
    time = {"units": "days since 2001-01-01", "calendar": "noleap", "standard_name": "time", "climatology": "cb"}
    return xr.Dataset(
        {
            "v": ("time", np.arange(1.0, 13.0), {"units": "K", "cell_methods": YEARS}),
            "cb": (("time", "bnds"), np.stack([STARTS, ends + 9 * 365], 1)),
        },
        coords={"time": ("time", (STARTS + ends) / 2 + 4 * 365, time)},
    )


def run(dataset, **options):
    return compute(dataset, warn=pytest.fail, **options)


def test_a_winter_of_a_climatology_goes_over_the_end_of_its_year(normals):
    made = run(normals, period="season")
    assert made.v.values[0] == pytest.approx((31 * 12 + 31 * 1 + 28 * 2) / 90)
    assert made.cb.values.tolist()[0] == [334, 59 + 9 * 365]
    assert made.time.attrs["climatology"] == "cb"
    assert len(made.time) == 4


def test_the_year_of_a_climatology_is_of_all_its_years(normals):
    made = run(normals)
    assert made.v.values.tolist() == [pytest.approx(2382 / 365)]
    assert (made.cb.values.tolist(), made.time.values.tolist()) == ([[0, 3650]], [4 * 365 + 182.5])
    assert made.v.attrs["cell_methods"] == YEARS


def test_the_greatest_month_of_a_climatology_is_told_as_such(normals):
    assert run(normals, statistic="max").v.attrs["cell_methods"] == f"{YEARS} time: maximum"


def test_no_climatology_is_made_of_a_climatology(normals):
    with pytest.raises(DatasetUnsuitable, match="climatology already"):
        run(normals, period="month", climatology=True)
