"""Edges of cells, from the file or made."""

import numpy as np
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

from gaia_processes.shared.bounds import latitude_bounds, longitude_bounds, make_corners, make_edges


def axis(name, values, **bounds):
    attrs = {"bounds": "b"} if bounds else {}
    return xr.Dataset({"b": ((name, "n"), bounds["stored"])} if bounds else {}, coords={name: (name, values, attrs)})


def test_edges_lie_midway_and_half_steps_are_mirrored():
    assert make_edges(np.array([0.0, 2.0, 6.0])).tolist() == [[-1, 1], [1, 4], [4, 8]]


def test_a_single_cell_has_no_width():
    assert make_edges(np.array([3.0])).tolist() == [[3, 3]]


def test_rows_end_at_the_poles():
    assert latitude_bounds(axis("lat", [90.0, 0.0, -90.0]), "lat").tolist() == [[90, 45], [45, -45], [-45, -90]]


def test_stored_bounds_come_first():
    assert latitude_bounds(axis("lat", [1.0, 2.0], stored=[[0.0, 1.2], [1.2, 3.0]]), "lat").tolist() == [
        [0, 1.2],
        [1.2, 3],
    ]


def test_an_axis_that_jumps_has_cells_of_equal_width():
    assert longitude_bounds(axis("lon", [358.0, 0.0, 2.0]), "lon").tolist() == [[357, 359], [-1, 1], [1, 3]]


def test_columns_that_are_stored_from_greenwich_on_and_then_from_the_west_have_cells_of_equal_width():
    found = longitude_bounds(axis("lon", [0.5, 340.5, 350.5]), "lon")
    assert found.tolist() == [[-4.5, 5.5], [335.5, 345.5], [345.5, 355.5]]


@given(st.permutations(range(6)), st.lists(st.sampled_from([-360.0, 0.0, 360.0]), min_size=6, max_size=6))
def test_the_cell_of_a_column_is_the_same_wherever_it_is_stored_and_in_whichever_frame(order, turns):
    centres = np.array([-20.0, -10.0, 0.0, 10.0, 20.0, 30.0])[list(order)]
    found = longitude_bounds(axis("lon", centres + turns), "lon")
    np.testing.assert_allclose(np.sort(found - np.array(turns)[:, None], axis=1), centres[:, None] + [-5.0, 5.0])


def test_corners_lie_between_four_centres():
    columns, rows = np.meshgrid([0.0, 2.0], [0.0, 4.0])
    assert make_corners(columns)[0, 0].tolist() == [-1, 1, 1, -1]
    assert make_corners(rows)[0, 0].tolist() == [-2, -2, 2, 2]
