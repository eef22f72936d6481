"""Rows of a grid in a box."""

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

from gaia_processes.shared.latitude import find_row_holder, find_rows_touched, latitudes_between
from gaia_processes.shared.values import read_numbers

kinds = st.sampled_from([np.dtype("f4"), np.dtype("f8")])
ends = st.tuples(st.integers(0, 17), st.integers(0, 17)).map(sorted)


@given(kind=kinds, ends=ends, south=st.integers(-890, 870), decimals=st.tuples(st.booleans(), st.booleans()))
def test_a_box_from_row_to_row_has_both_whether_it_names_decimals_or_what_is_stored(kind, ends, south, decimals):
    meant = (south + np.arange(18)) / 10
    stored = meant.astype(kind)
    low, high = sorted(float(meant[at] if decimal else stored[at]) for at, decimal in zip(ends, decimals, strict=True))
    found = latitudes_between(read_numbers(xr.Variable("y", stored)), south=low, north=high, stored=kind)
    assert np.flatnonzero(found).tolist() == list(range(ends[0], ends[1] + 1))


@given(kind=kinds, ends=ends, south=st.integers(-890, 870), decimals=st.tuples(st.booleans(), st.booleans()))
def test_a_box_along_the_edges_of_rows_touches_those_between_and_no_other(kind, ends, south, decimals):
    meant = (south + np.arange(19)) / 10
    stored = meant.astype(kind)
    low, high = (
        float(meant[at] if decimal else stored[at])
        for at, decimal in zip((ends[0], ends[1] + 1), decimals, strict=True)
    )
    bounds = read_numbers(xr.Variable(("y", "n"), np.stack([stored[1:], stored[:-1]], 1)))
    found = find_rows_touched(bounds, south=low, north=high, stored=kind)
    assert np.flatnonzero(found).tolist() == list(range(ends[0], ends[1] + 1))


def test_a_row_without_latitude_is_in_no_box():
    assert latitudes_between(np.array([np.nan, 1.0]), south=-90, north=90, stored=np.dtype("f4")).tolist() == [
        False,
        True,
    ]


@pytest.mark.parametrize(("middle", "row"), [(5.0, [0]), (10.0, [1]), (25.0, [])])
def test_the_row_that_holds_the_middle_is_the_northern_one_on_an_edge(middle, row):
    bounds = np.array([[0.0, 10.0], [10.0, 20.0]])
    assert find_row_holder(bounds, south=middle, north=middle, stored=bounds.dtype).tolist() == row
