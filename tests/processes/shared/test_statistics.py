"""Statistics that are gathered piece by piece."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from gaia_processes.shared.statistics import (
    Sample,
    close_cells,
    gather_cells,
    gatherer,
    merge_cells,
    quantile_by_weight,
    quantile_of_steps,
)

NAN = float("nan")
SOME = arrays("f8", st.integers(2, 9), elements=st.floats(-1e3, 1e3))


def gather(statistic, values, weights=None, *, whole=None, least=0.0, ddof=0):
    own = gatherer(statistic, (1,), ddof=ddof)
    weights = np.ones(len(values)) if weights is None else weights
    for value, weight in zip(values, weights, strict=True):
        own.add(Sample(value=np.array([value]), valid=np.array([np.isfinite(value)])), float(weight))
    return own.result(float(np.sum(weights)) if whole is None else whole, least)[0]


def test_a_mean_of_weighed_steps():
    assert gather("mean", [1.0, 4.0], [3, 1]) == 1.75


@pytest.mark.parametrize(("least", "expected"), [(0.5, 1.0), (0.51, NAN)])
def test_too_little_weight_makes_a_value_missing(least, expected):
    np.testing.assert_equal(gather("mean", [1.0, NAN], least=least), expected)


@given(SOME)
def test_the_variance_is_numpys(values):
    assert gather("var", values) == pytest.approx(np.var(values), abs=1e-6)
    assert gather("std", values, ddof=1) == pytest.approx(np.std(values, ddof=1), abs=1e-6)


def test_a_large_mean_costs_the_variance_nothing():
    assert gather("var", [1e9 + 1, 1e9 + 2, 1e9 + 3]) == pytest.approx(2 / 3)


@pytest.mark.slow
@pytest.mark.parametrize("statistic", ["mean", "var", "min", "max", "sum", "count"])
@given(values=SOME, cut=st.integers(1, 8))
def test_cells_may_come_in_blocks(statistic, values, cut):
    weights = np.arange(1.0, len(values) + 1)
    cut = min(cut, len(values) - 1)
    whole = gather_cells(values[None], None, weights, statistic)
    sums = None
    for part in (slice(0, cut), slice(cut, None)):
        sums = merge_cells(sums, gather_cells(values[None, part], None, weights[part], statistic), statistic)
    for name in ("weight", "squares", "total", "spread"):
        np.testing.assert_allclose(getattr(sums, name), getattr(whole, name), rtol=1e-9, atol=1e-6)


@pytest.mark.parametrize("statistic", ["mean", "var", "min", "max", "sum", "count"])
def test_the_quick_way_for_whole_blocks_gives_the_same(statistic):
    values, weights = np.array([[1.0, 5.0, 2.0]]), np.array([1.0, 2.0, 3.0])
    quick = gather_cells(values, None, weights, statistic)
    slow = gather_cells(values, np.ones((1, 3), dtype=bool), weights, statistic)
    for name in ("weight", "squares", "total", "spread"):
        np.testing.assert_allclose(getattr(quick, name), getattr(slow, name))


def test_cells_of_no_weight_count_for_nothing():
    sums = gather_cells(np.array([[1.0, 9.0]]), None, np.array([1.0, 0.0]), "max")
    assert close_cells(sums, "max", whole=1.0, least=0.0).value.tolist() == [1]


@given(SOME, st.floats(0, 1))
def test_the_quantile_of_steps_is_numpys(values, share):
    assert quantile_of_steps(values[:, None], share)[0] == pytest.approx(np.quantile(values, share), abs=1e-9)


@pytest.mark.parametrize(
    ("values", "weights", "share", "expected"),
    [
        pytest.param([0, 0, 0, 10], [1, 1, 1, 1], 0.5, 0, id="equal values are not merged"),
        pytest.param([1, 2, 3, 4], [1, 1, 1, 1], 0.5, 2.5, id="reached exactly"),
        pytest.param([1, 2, 3], [1, 1, 4], 0.5, 3, id="by weight"),
        pytest.param([1, NAN, 3], [1, 9, 1], 0.5, 2, id="missing values have no weight"),
        pytest.param([NAN, NAN], [1, 1], 0.5, NAN, id="nothing there"),
        pytest.param([1, 2, 3], [1, 1, 1], 0, 1, id="the least"),
        pytest.param([1, 2, 3], [1, 1, 1], 1, 3, id="the greatest"),
    ],
)
def test_the_quantile_by_weight(values, weights, share, expected):
    found = quantile_by_weight(np.array(values, "f8"), np.array(weights, "f8"), share)
    np.testing.assert_equal(float(found), expected)


@given(SOME, st.floats(0.01, 0.99))
def test_splitting_a_cell_changes_no_quantile(values, share):
    weights = np.ones(len(values))
    halves = quantile_by_weight(np.repeat(values, 2), np.repeat(weights / 2, 2), share)
    assert halves == pytest.approx(quantile_by_weight(values, weights, share))
