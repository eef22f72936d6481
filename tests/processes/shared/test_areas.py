"""How large cells are beside each other."""

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

from gaia_processes.errors import DatasetUnsuitable
from gaia_processes.shared.areas import cell_areas, column_widths, polygon_areas, row_widths, thicknesses
from gaia_processes.shared.axes import find_grid


def axis(name, values, units, *, bounds=None):
    attrs = {"units": units} | ({"bounds": f"{name}_bnds"} if bounds is not None else {})
    variables = {} if bounds is None else {f"{name}_bnds": ((name, "bnds"), np.asarray(bounds, "f8"))}
    return xr.Dataset(variables, coords={name: (name, np.asarray(values, "f8"), attrs)})


def test_an_octant_is_an_eighth_of_the_sphere():
    assert polygon_areas(np.array([0.0, 90.0, 0.0]), np.array([0.0, 0.0, 90.0])) == pytest.approx(4 * np.pi / 8)


@given(st.floats(-360, 360), st.floats(-80, 79))
def test_neither_the_way_round_nor_a_repeated_corner_changes_an_area(west, south):
    longitudes, latitudes = west + np.array([0, 1, 1, 0.0]), south + np.array([0, 0, 1, 1.0])
    area = polygon_areas(longitudes, latitudes)
    assert polygon_areas(longitudes[::-1], latitudes[::-1]) == pytest.approx(area)
    assert polygon_areas(longitudes[[0, 0, 1, 2, 3]], latitudes[[0, 0, 1, 2, 3]]) == pytest.approx(area)


def test_a_missing_corner_makes_no_area():
    assert polygon_areas(np.array([0.0, 1.0, np.nan]), np.array([0.0, 0.0, 1.0])) == 0


def test_rows_end_at_the_poles():
    rows = axis("lat", [-90.0, 0.0, 90.0], "degrees_north", bounds=[[-135, -45], [-45, 45], [45, 135]])
    np.testing.assert_allclose(row_widths(rows, "lat").sum(), 2)
    np.testing.assert_allclose(row_widths(axis("lat", [-90.0, 0.0, 90.0], "degrees_north"), "lat").sum(), 2)


def test_a_column_across_the_seam_is_as_wide_as_the_others():
    columns = axis("lon", [0.0, 120.0, 240.0], "degrees_east", bounds=[[300, 60], [60, 180], [180, 300]])
    np.testing.assert_allclose(np.degrees(column_widths(columns, "lon")), [120, 120, 120])


def test_a_lone_row_without_bounds_weighs_one():
    assert row_widths(axis("lat", [45.0], "degrees_north"), "lat").tolist() == [1]


def test_levels_without_bounds_reach_midway():
    assert thicknesses(axis("plev", [1000.0, 800.0, 400.0], "hPa"), "plev").tolist() == [200, 300, 400]


def plane(kind=None):
    """Make a grid of 3 x 4 cells whose last column repeats the first."""
    longitude = np.repeat([[0.0, 10.0, 20.0, 0.0]], 3, 0)
    latitude = np.repeat([[0.0], [10.0], [20.0]], 4, 1)
    return xr.Dataset(
        {"v": (("y", "x"), np.zeros((3, 4), "f4"), {"coordinates": "lon lat"})},
        coords={
            "lon": (("y", "x"), longitude, {"units": "degrees_east"}),
            "lat": (("y", "x"), latitude, {"units": "degrees_north"}),
        },
    )


def test_a_halo_has_no_area_unless_it_is_wanted():
    dataset = plane()
    grid = find_grid(dataset, "v")
    assert cell_areas(dataset, "v", grid, drop_halo=True).values[:, 3].tolist() == [0, 0, 0]
    assert (cell_areas(dataset, "v", grid, drop_halo=False).values[:, 3] > 0).all()


def test_cells_without_rows_need_bounds():
    dataset = xr.Dataset(
        {"v": ("cell", np.zeros(3, "f4"), {"coordinates": "lon lat"})},
        coords={
            "lon": ("cell", [0.0, 1.0, 2.0], {"units": "degrees_east"}),
            "lat": ("cell", [0.0, 1.0, 2.0], {"units": "degrees_north"}),
        },
    )
    with pytest.raises(DatasetUnsuitable, match="neither bounds nor areas"):
        cell_areas(dataset, "v", find_grid(dataset, "v"), drop_halo=True)
