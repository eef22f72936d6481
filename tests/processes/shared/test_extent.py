"""The extent in ACDD attributes."""

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import CRS

from gaia_processes.shared import extent
from gaia_processes.shared.extent import describe_extent
from gaia_processes.shared.mappings import make_axis, make_mapping


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
    stated = describe_extent(data, inside={("y", "x"): inside}, frame_start=-180.0)
    assert [stated[f"geospatial_{name}"] for name in ("lon_min", "lon_max", "lat_min", "lat_max")] == [-1, 0, 0, 0]


# --- planes: the outermost rows and columns tell as much as all of them -----------------------------------------------


def plane(code, west, south, east, north, shape):
    """Make a grid of cells of a reference system between edges in its units."""
    crs = CRS(code)
    height, width = shape
    x = west + (np.arange(width) + 0.5) * (east - west) / width
    y = north - (np.arange(height) + 0.5) * (north - south) / height
    transform = (west, (east - west) / width, 0.0, north, 0.0, -(north - south) / height)
    data = xr.Dataset({"v": (("y", "x"), np.broadcast_to(np.int8(0), shape), {"grid_mapping": "crs"})})
    return data.assign(crs=make_mapping(crs, transform)).assign_coords(
        x=make_axis(crs, "X", "x", x), y=make_axis(crs, "Y", "y", y)
    )


def edges_of(data, frame_start=None):
    stated = describe_extent(data, frame_start=frame_start)
    return [stated[f"geospatial_{name}"] for name in ("lon_min", "lat_min", "lon_max", "lat_max")]


PLANES = {
    "Lambert-93": ("EPSG:2154", (-400e3, 5900e3, 1400e3, 7200e3)),
    "UTM across the equator": ("EPSG:32631", (-200e3, -900e3, 1200e3, 900e3)),
    "Mercator of the world": ("EPSG:3857", (-20037508.0, -20037508.0, 20037508.0, 20037508.0)),
    "equal-area cylinder": ("EPSG:6933", (-17367530.0, -7314540.0, 17367530.0, 7314540.0)),
    "equal-area Europe": ("EPSG:3035", (900e3, 900e3, 7400e3, 5500e3)),
    "the south pole": ("EPSG:3031", (-4e6, -4e6, 4e6, 4e6)),
    "beside the north pole": ("EPSG:3413", (10e3, -3e6, 3e6, -10e3)),
    "the north pole in a corner": ("EPSG:3413", (-10e3, -3e6, 3e6, 10e3)),
    "across the antimeridian": ("EPSG:3832", (-6e6, -5e6, 6e6, 5e6)),
    "New Zealand and beyond the antimeridian": ("EPSG:2193", (1000e3, 4700e3, 3400e3, 6300e3)),
    "more than the mapping shows": ("ESRI:54009", (-18e6, -9e6, 18e6, 9e6)),
    "Alaska": ("EPSG:3338", (-2200e3, 400e3, 1500e3, 2400e3)),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", PLANES)
@pytest.mark.parametrize("frame_start", [None, 0.0])
def test_the_edges_of_a_large_plane_are_those_of_all_of_its_cells(name, frame_start, monkeypatch):
    code, edges = PLANES[name]
    data = plane(code, *edges, (270, 310))
    quick = edges_of(data, frame_start)
    monkeypatch.setattr(extent, "_FEW_CELLS", 10**9)
    assert quick == edges_of(data, frame_start)


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(sorted(PLANES)), st.floats(0, 0.9), st.floats(0, 0.9), st.floats(0.02, 1), st.floats(0.02, 1),
    st.tuples(st.integers(20, 60), st.integers(20, 60)), st.sampled_from([None, -180.0, 0.0, 170.0]),
)  # fmt: skip
def test_the_edges_of_any_part_of_a_plane_are_those_of_all_of_its_cells(name, x, y, width, height, shape, start):
    code, (west, south, east, north) = PLANES[name]
    begin = (west + x * (east - west), south + y * (north - south))
    end = (begin[0] + width * (east - begin[0]), begin[1] + height * (north - begin[1]))
    data = plane(code, *begin, *end, shape)
    whole = describe_extent(data, frame_start=start)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(extent, "_FEW_CELLS", 0)
        assert describe_extent(data, frame_start=start) == whole


def test_the_cells_inside_of_a_plane_without_a_pole_are_not_looked_at(monkeypatch):
    monkeypatch.setattr(extent, "_all_edges", lambda *_: pytest.fail("all cells were looked at"))
    assert edges_of(plane("EPSG:2154", 0, 6e6, 1e6, 7e6, (300, 300)))[1] > 40
