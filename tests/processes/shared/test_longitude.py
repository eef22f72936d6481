"""Longitudes: frames, turns and seams."""

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

from gaia_processes.shared.longitude import (
    beside,
    select_centres,
    select_holder,
    select_touched,
    shift,
    span,
    turn_from,
)
from gaia_processes.shared.values import read_numbers

EAST = np.arange(0.0, 360.0, 30.0)
EDGES = np.stack([EAST - 15, EAST + 15], 1)


@pytest.mark.parametrize(
    ("west", "east", "width"),
    [(0, 10, 10), (170, -140, 50), (-180, 180, 360), (0, 360, 360), (350, 10, 20), (5, 5, 0), (-360, 360, 360)],
)
def test_the_width_of_a_box(west, east, width):
    assert span(west, east) == width


@given(st.floats(-720, 720), st.integers(-360, 360))
def test_turns_bring_a_longitude_into_the_frame(longitude, start):
    moved = longitude + 360 * turn_from(np.array([longitude]), start)[0]
    assert start - 1e-5 <= moved < start + 360


def test_a_shift_leaves_no_noise_and_what_stays_is_untouched():
    values = np.array([359.9, 0.1 + 0.2])
    assert shift(values, np.array([-1, 0])).tolist() == [-0.1, 0.1 + 0.2]


def test_bounds_come_beside_their_centres():
    assert beside(np.array([[359.0, 1.0]]), np.array([0.0])).tolist() == [[-1, 1]]
    assert beside(np.array([[-180.0, 180.0]]), np.array([0.0])).tolist() == [[-180, 180]]


def test_nothing_between_two_centres():
    assert len(select_centres(EAST, west=4, east=5).indices) == 0


def test_the_cell_that_holds_the_middle_may_lie_across_the_seam():
    found = select_holder(EAST, EDGES, west=-6, east=-4)
    assert (found.indices.tolist(), found.turns.tolist()) == ([0], [0])
    found = select_holder(EAST, EDGES, west=-40, east=-38)
    assert (found.indices.tolist(), found.turns.tolist()) == ([11], [-1])


def test_no_cell_holds_a_point_outside_a_region():
    assert len(select_holder(EAST[:3], EDGES[:3], west=100, east=101).indices) == 0


def test_touch_takes_both_cells_at_the_rim_once():
    found = select_touched(EAST, EDGES, west=-20, east=20)
    assert (EAST[found.indices] + 360 * found.turns).tolist() == [-30, 0, 30]


def test_a_box_round_the_world_touches_each_cell_once():
    assert sorted(select_touched(EAST, EDGES, west=10, east=369).indices) == list(range(12))


def meant_and_stored(size, first, kind, turn):
    """Make an axis of tenths of degrees, as people mean it and as a file holds it; an edge may be named a turn away."""
    meant = (first + np.arange(size)) / 10
    return meant + turn, (meant + turn).astype(kind), meant.astype(kind)


def pick(meant, stored, places, decimals):
    return (float(meant[at] if decimal else stored[at]) for at, decimal in zip(places, decimals, strict=True))


def between(size, first, last):
    """Name the places from the first to the last, to the east, round the earth where the last is before the first."""
    return [*range(first, last + 1)] if first <= last else [*range(first, size), *range(last + 1)]


axes = st.sampled_from([(3600, 0), (3600, -1800), (20, -5), (20, 3590), (40, 1000)])
kinds = st.sampled_from([np.dtype("f4"), np.dtype("f8")])
turns = st.sampled_from([-360.0, 0.0, 360.0])
booleans = st.tuples(st.booleans(), st.booleans())


@given(axis=axes, kind=kinds, turn=turns, ends=st.tuples(st.integers(0, 3599), st.integers(0, 3599)), decimals=booleans)
def test_a_box_from_column_to_column_has_both_whether_it_names_decimals_or_what_is_stored(
    axis, kind, turn, ends, decimals
):
    size, first = axis
    places = [at % size for at in ends]
    meant, named, stored = meant_and_stored(size, first, kind, turn)
    west, east = pick(meant, named, places, decimals if places[0] != places[1] else (decimals[0], decimals[0]))
    numbers = read_numbers(xr.Variable("x", stored))
    found = select_centres(numbers, west=west, east=east, stored=kind)
    assert found.indices.tolist() == between(size, *places)
    longitudes = shift(numbers[found.indices], found.turns)
    assert np.all(np.diff(longitudes) > 0)
    assert abs(longitudes[0] - west) < 1e-4


@given(axis=axes, kind=kinds, turn=turns, ends=st.tuples(st.integers(0, 3599), st.integers(0, 3599)), decimals=booleans)
def test_a_box_along_the_edges_of_columns_touches_those_between_and_no_other(axis, kind, turn, ends, decimals):
    size, first = axis
    low, high = sorted(at % size for at in ends)
    meant, named, stored = meant_and_stored(size + 1, first, kind, turn)
    west, east = pick(meant, named, (low, high + 1), decimals)
    centres = (first + np.arange(size)) / 10 + 0.05
    bounds = read_numbers(xr.Variable(("x", "n"), np.stack([stored[:-1], stored[1:]], 1)))
    found = select_touched(centres, bounds, west=west, east=east, stored=kind)
    assert sorted(found.indices.tolist()) == list(range(low, high + 1))
