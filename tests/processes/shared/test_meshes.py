"""Cells without rows and columns: the eight triangles of an octahedron, each an octant of the sphere."""

import numpy as np
import pytest
import xarray as xr

from gaia_processes.errors import DatasetUnsuitable, SelectionEmpty
from gaia_processes.inputs.bbox import Bbox
from gaia_processes.inputs.resolution import parse_resolution
from gaia_processes.regrid.compute import compute as regrid
from gaia_processes.subset.compute import compute as subset

WEST = np.array([0.0, 90.0, 180.0, 270.0] * 2)
TOP = np.array([90.0] * 4 + [-90.0] * 4)


@pytest.fixture
def octants():
    """Give the octants, the north first, with the values 1 to 8; two steps, ten times as much at the second."""
    lon, lat = WEST + 45.0, TOP * 35.264 / 90.0  # the middle of a triangle with three right angles
    corners = {
        "lon_b": (("cell", "corner"), np.stack([WEST, WEST + 90.0, WEST + 45.0], 1)),
        "lat_b": (("cell", "corner"), np.stack([np.zeros(8), np.zeros(8), TOP], 1)),
    }
    values = np.arange(1.0, 9.0)
    return xr.Dataset(
        {"v": (("time", "cell"), np.stack([values, 10 * values]), {"units": "K", "coordinates": "lon lat"}), **corners},
        coords={
            "lon": ("cell", lon, {"units": "degrees_east", "standard_name": "longitude", "bounds": "lon_b"}),
            "lat": ("cell", lat, {"units": "degrees_north", "standard_name": "latitude", "bounds": "lat_b"}),
        },
    )


@pytest.mark.parametrize("method", ["conservative", "nearest"])
def test_octants_become_cells_of_90_degrees(octants, method):
    made = regrid(octants, method=method, grid=parse_resolution("90x90"), warn=pytest.fail)
    np.testing.assert_allclose(made.v.values[0], [[5, 6, 7, 8], [1, 2, 3, 4]], rtol=1e-12)
    np.testing.assert_allclose(made.v.values[1], made.v.values[0] * 10, rtol=1e-12)


def test_interpolation_between_neighbours_is_refused(octants):
    with pytest.raises(DatasetUnsuitable, match="no rows and columns"):
        regrid(octants, method="bilinear", grid=parse_resolution("90x90"), warn=pytest.fail)


def test_a_cell_over_four_octants_has_their_mean(octants):
    north = {"longitudes": (180.0,), "latitudes": (45.0,), "lon_bnds": ((0, 360),), "lat_bnds": ((0, 90),)}
    made = regrid(octants, method="conservative", **north, warn=pytest.fail)
    assert made.v.values.ravel().tolist() == pytest.approx([2.5, 25])


def test_without_corners_the_nearest_cell_is_as_far_as_its_neighbours(octants):
    bare = octants.drop_vars(["lon_b", "lat_b"])
    for name in ("lon", "lat"):
        del bare[name].attrs["bounds"]
    made = regrid(bare, method="nearest", grid=parse_resolution("90x90"), warn=pytest.fail)
    np.testing.assert_array_equal(made.v.values[0], [[5, 6, 7, 8], [1, 2, 3, 4]])


def box(*edges):
    return Bbox(**dict(zip(("west", "south", "east", "north"), edges, strict=True)))


@pytest.mark.parametrize(
    ("edges", "inclusion", "found", "longitudes"),
    [
        pytest.param((-100, 0, 100, 90), "centre", [1, 4], [45, -45], id="in the frame of the request"),
        pytest.param((170, -90, -170, 90), "touch", [2, 3, 6, 7], [135, 225, 135, 225], id="over the antimeridian"),
    ],
)
def test_a_box_is_cut_out_of_cells_without_rows(octants, edges, inclusion, found, longitudes):
    part = subset(octants, bbox=box(*edges), inclusion=inclusion, warn=pytest.fail)
    assert part.v.values[0].tolist() == found
    assert part.lon.values.tolist() == longitudes
    assert part.lon_b.shape == (len(found), 3)


def test_a_box_smaller_than_a_cell_gives_the_cell_that_holds_its_middle(octants):
    said = []
    part = subset(octants, bbox=box(200, -11, 201, -10), warn=said.append)
    assert part.v.values[0].tolist() == [7]
    assert "the cell that holds the middle of the box is given" in said[0].en


def test_a_box_without_cells_names_the_extent(octants):
    part = octants.isel(cell=[0])
    with pytest.raises(SelectionEmpty, match="from 45 to 45 in longitude"):
        subset(part, bbox=box(200, -20, 210, -10), warn=pytest.fail)
