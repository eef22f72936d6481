"""A quantile of more values than are held at once."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from gaia_processes.shared.order import select_quantile
from gaia_processes.shared.statistics import quantile_by_weight


def select(values, weights, share):
    parts = np.array_split(np.arange(len(values)), 3)
    return select_quantile(lambda: ((values[part], weights[part]) for part in parts), share)


@given(
    arrays("f8", st.integers(1, 12), elements=st.floats(-1e300, 1e300)),
    st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.9, 1.0]),
    st.booleans(),
)
def test_it_is_the_quantile_of_all_values_together(values, share, even):
    weights = np.ones(len(values)) if even else np.arange(1.0, len(values) + 1)
    assert select(values, weights, share) == quantile_by_weight(values, weights, share)


def test_of_nothing_there_is_none():
    assert np.isnan(select(np.zeros(0), np.zeros(0), 0.5))


@pytest.mark.parametrize(("share", "expected"), [(0.5, 2.5), (0.51, 3.0)])
def test_the_mean_of_two_is_given_where_the_share_is_reached_exactly(share, expected):
    assert select(np.array([4.0, 1.0, 3.0, 2.0]), np.ones(4), share) == expected
