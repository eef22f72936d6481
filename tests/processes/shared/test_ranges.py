import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyproj import Transformer

from gaia_processes.shared.equal_area import project
from gaia_processes.shared.ranges import area_of_occupancy_km2, extent_of_occurrence_km2, shift_cells

TO_PLANE = Transformer.from_crs("OGC:CRS84", "EPSG:6933", always_xy=True)


@given(st.floats(-180, 180), st.floats(-89.9, 89.9))
def test_the_plane_is_that_of_epsg_6933(longitude, latitude):
    assert project(longitude, latitude) == pytest.approx(TO_PLANE.transform(longitude, latitude), abs=1e-3)


def test_longitudes_of_either_convention_are_the_same_place():
    assert project(350.0, 10.0) == pytest.approx(project(-10.0, 10.0))


def test_b8_three_squares_are_twelve_square_kilometres():
    x, y = np.array([100.0, 1900.0, 2100.0, -1.0]), np.array([100.0, 1900.0, 100.0, 0.0])
    assert area_of_occupancy_km2(shift_cells(x, y))[0] == 12


def test_another_origin_may_need_fewer_squares():
    x, y = np.array([1900.0, 2100.0]), np.array([1900.0, 2100.0])
    assert area_of_occupancy_km2(shift_cells(x, y)) == (8, 4)


def test_points_on_a_line_enclose_nothing():
    assert extent_of_occurrence_km2(np.array([0.0, 0.0, 0.0]), np.array([0.0, 1.0, 2.0])) == pytest.approx(0, abs=1e-3)
    assert extent_of_occurrence_km2(np.array([5.0, 5.0]), np.array([1.0, 1.0])) == 0


def test_a_hull_around_a_pole_holds_it():
    longitude = np.arange(-180.0, 180.0, 10.0)
    cap = extent_of_occurrence_km2(longitude, np.full(36, 80.0))
    assert cap == pytest.approx(3.9e6, rel=0.03)
