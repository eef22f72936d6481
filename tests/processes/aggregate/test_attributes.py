"""What a reduced variable says of itself."""

import numpy as np
import pytest
import xarray as xr

from gaia_processes.aggregate.attributes import fill_for, type_of
from gaia_processes.aggregate.options import Options


@pytest.mark.parametrize(
    ("stored", "statistic", "expected"),
    [("i2", "mean", "f4"), ("i2", "sum", "f8"), ("i2", "max", "i2"), ("u1", "max", "i2"), (">f4", "mean", "<f4"), ("f8", "std", "f8"), ("f4", "count", "i4")],
)  # fmt: skip
def test_results_have_the_type_that_holds_them(stored, statistic, expected):
    made = type_of(xr.Variable("x", np.zeros(1, stored)), Options(statistic=statistic))
    assert made == np.dtype(expected)


def test_missing_cells_are_marked_as_in_the_source_where_its_numbers_are_as_they_are_stored():
    own = xr.Variable("x", np.zeros(1, "f4"), {"_FillValue": np.float32(-5)})
    packed = xr.Variable("x", np.zeros(1, "i2"), {"_FillValue": np.int16(-5), "scale_factor": 0.1})
    assert fill_for(own, np.dtype("f4")) == -5
    assert fill_for(packed, np.dtype("f4")) > 9e36
