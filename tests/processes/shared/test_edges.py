"""When a number lies on the edge of a box."""

import numpy as np
import pytest

from gaia_processes.shared.edges import EPSILON_DEG, slack


@pytest.mark.parametrize("kind", ["f8", "i4"])
def test_exact_numbers_are_on_an_edge_within_a_millionth_of_a_degree(kind):
    assert slack(359.9, np.array([0.1, 359.9]), np.dtype(kind)).tolist() == [EPSILON_DEG, EPSILON_DEG]


@pytest.mark.parametrize("degrees", [0.1, 88.7324, 359.9])
def test_an_edge_is_on_a_float32_number_that_it_would_be_stored_as(degrees):
    stored = np.float32(degrees)
    (near,) = slack(degrees, np.array([float(stored)]), stored.dtype)
    assert abs(degrees - float(stored)) <= near
    assert near < EPSILON_DEG + float(np.spacing(stored))


def test_an_edge_a_turn_away_is_as_inexact_as_its_own_frame():
    stored = np.float32(359.9)
    (near,) = slack(float(stored), np.array([-0.1]), np.dtype("f4"))
    assert abs(float(stored) - 360 + 0.1) <= near
