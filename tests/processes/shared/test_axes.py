"""Which variable is what, by attributes first and names last; and on every real file."""

import numpy as np
import pytest
import xarray as xr

from gaia_processes.shared.axes import LATITUDE, LONGITUDE, data_variables, find_grid, find_time, find_vertical, rank


def coordinate(**attrs):
    return xr.Variable(("x",), np.zeros(2), attrs)


@pytest.mark.parametrize(
    ("name", "attrs", "expected"),
    [
        ("anything", {"standard_name": "longitude"}, 3),
        ("anything", {"units": "degrees_east"}, 2),
        ("anything", {"units": "degreeE"}, 2),
        ("anything", {"_CoordinateAxisType": "Lon"}, 2),
        ("lon", {}, 1),
        ("nav_lon", {"units": "degrees"}, 1),
        ("longitude", {"units": "m"}, 0),
        ("lon", {"standard_name": "grid_longitude", "units": "degrees"}, 0),
        ("x", {"units": "degrees"}, 0),
        ("longwave", {}, 0),
    ],
)
def test_what_makes_a_longitude(name, attrs, expected):
    assert rank(name, coordinate(**attrs), LONGITUDE) == expected


def test_latitude_is_no_longitude():
    assert rank("lat", coordinate(units="degrees_north"), LATITUDE) == 2
    assert rank("lat", coordinate(units="degrees_north"), LONGITUDE) == 0


def test_bounds_with_units_are_no_coordinates():
    data = xr.Dataset(
        {
            "v": (("y", "x"), np.zeros((2, 2)), {"coordinates": "lat lon"}),
            "lat": (("y", "x"), np.zeros((2, 2)), {"units": "degrees_north", "bounds": "lat_v"}),
            "lon": (("y", "x"), np.zeros((2, 2)), {"units": "degrees_east", "bounds": "lon_v"}),
            "lat_v": (("y", "x", "k"), np.zeros((2, 2, 4)), {"units": "degrees_north"}),
            "lon_v": (("y", "x", "k"), np.zeros((2, 2, 4)), {"units": "degrees_east"}),
        }
    )
    assert data_variables(data) == ("v",)
    grid = find_grid(data, "v")
    assert (grid.kind, grid.longitude, grid.y_dim, grid.x_dim) == ("curvilinear", "lon", "y", "x")


def test_the_reference_time_of_a_forecast_is_not_the_time():
    attrs = {"units": "hours since 1970-01-01"}
    data = xr.Dataset(
        {"v": ("t", np.zeros(2), {"coordinates": "a b"})},
        coords={
            "a": ("t", [0, 1], {**attrs, "standard_name": "forecast_reference_time"}),
            "b": ("t", [0, 1], {**attrs, "standard_name": "time"}),
        },
    )
    assert find_time(data, "v") == "b"


def test_pressure_at_stations_and_along_time_is_no_level():
    data = xr.Dataset(
        {"v": ("time", np.zeros(2)), "ps": ("time", np.zeros(2), {"units": "Pa"})},
        coords={"time": ("time", [0, 1], {"units": "days since 2000-01-01"})},
    )
    assert find_vertical(data, "v") == ()


def test_the_own_coordinate_of_a_dimension_comes_before_others():
    data = xr.Dataset(
        {"v": ("z", np.zeros(2), {"coordinates": "height"})},
        coords={
            "z": ("z", [1, 2], {"axis": "Z", "units": "1"}),
            "height": ("z", [10.0, 20.0], {"positive": "up", "units": "m"}),
        },
    )
    assert find_vertical(data, "v") == ("z", "height")
