"""The extent in ACDD attributes."""

import numpy as np
import xarray as xr

from gaia_processes.shared.extent import describe_extent


def test_what_cannot_be_told_is_left_out():
    assert describe_extent(xr.Dataset({"v": ("x", np.zeros(2))})) == {}


def test_a_time_without_units_has_no_coverage():
    data = xr.Dataset({"v": ("time", np.zeros(2))}, coords={"time": ("time", [0.0, 1.0])})
    assert describe_extent(data) == {}


def test_levels_have_a_unit_and_a_direction():
    attrs = {"units": "m", "positive": "down", "standard_name": "depth"}
    data = xr.Dataset({"v": ("z", np.zeros(2))}, coords={"z": ("z", [5.0, 50.0], attrs)})
    assert describe_extent(data) == {
        "geospatial_vertical_min": 5, "geospatial_vertical_max": 50, "geospatial_vertical_units": "m",
        "geospatial_vertical_positive": "down",
    }  # fmt: skip


def test_only_the_cells_that_count_make_the_box():
    columns, rows = np.meshgrid([359.0, 0.0, 1.0], [0.0, 1.0])
    data = xr.Dataset(
        {
            "v": (("y", "x"), np.zeros((2, 3)), {"coordinates": "lon lat"}),
            "lon": (("y", "x"), columns, {"units": "degrees_east"}),
            "lat": (("y", "x"), rows, {"units": "degrees_north"}),
        }
    )
    inside = np.array([[True, True, False], [False, False, False]])
    extent = describe_extent(data, inside={("y", "x"): inside}, frame_start=-180.0)
    assert [extent[f"geospatial_{name}"] for name in ("lon_min", "lon_max", "lat_min", "lat_max")] == [-1, 0, 0, 0]
