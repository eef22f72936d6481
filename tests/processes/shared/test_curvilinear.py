"""Weights from grids of any shape: what a grid of rows and columns gives too, and what only the sphere can tell."""

import numpy as np
import pytest
import rasterio
import xarray as xr

from gaia_processes.errors import DatasetUnsuitable
from gaia_processes.inputs.resolution import parse_resolution
from gaia_processes.shared import curvilinear, rectilinear
from gaia_processes.shared.axes import find_grid
from gaia_processes.shared.curvilinear import Curvilinear, read_curvilinear
from gaia_processes.shared.targets import target_of_resolution

METHODS = ("bilinear", "conservative")


def whole(text):
    return target_of_resolution(parse_resolution(text)).grid


def bent(longitudes, latitudes, corner_longitudes=None, corner_latitudes=None, first=None):
    """Make a grid of any shape; its cells stand for themselves."""
    first = np.arange(longitudes.size) if first is None else first
    return Curvilinear(
        longitudes=longitudes, latitudes=latitudes, corner_longitudes=corner_longitudes, corner_latitudes=corner_latitudes,
        first=first,
    )  # fmt: skip


def spread(grid):
    """Write a grid of rows and columns as if it were bent."""
    x, y = np.meshgrid(grid.longitudes, grid.latitudes)
    west, east = (np.broadcast_to(grid.longitude_edges[:, at], x.shape) for at in (0, 1))
    south, north = (np.broadcast_to(grid.latitude_edges[:, at, None], x.shape) for at in (0, 1))
    return bent(x, y, np.stack([west, east, east, west], -1), np.stack([south, south, north, north], -1))


def over_the_pole(step=2.0, reach=31.0):
    """Make a grid that is even around the pole of a sphere turned by 70 degrees, so that the North Pole lies in a cell of it."""
    edges = np.arange(-reach, reach + 1e-9, step)
    centres = (edges[:-1] + edges[1:]) / 2

    def turned(x, y):
        lam, phi = np.radians(x), np.radians(y)
        a, b, c = np.cos(phi) * np.cos(lam), np.cos(phi) * np.sin(lam), np.sin(phi)
        up = np.radians(70.0)
        return np.degrees(np.arctan2(b, a * np.cos(up) - c * np.sin(up))), np.degrees(
            np.arcsin(np.clip(a * np.sin(up) + c * np.cos(up), -1, 1))
        )

    x, y = np.meshgrid(centres, centres)
    nodes = turned(*np.meshgrid(edges, edges))
    corners = [np.stack([n[:-1, :-1], n[:-1, 1:], n[1:, 1:], n[1:, :-1]], -1) for n in nodes]
    areas = np.outer(np.diff(np.sin(np.radians(edges))), np.full(len(centres), step))
    return bent(*turned(x, y), *corners), areas


def areas_of(grid):
    heights = np.diff(np.sin(np.radians(grid.latitude_edges)), axis=1)
    return heights * np.diff(grid.longitude_edges, axis=1)[:, 0]


@pytest.mark.parametrize("method", METHODS)
def test_rows_and_columns_written_as_a_bent_grid_weigh_the_same(method):
    source, target = whole("2x2"), whole("3x5")
    values = np.random.default_rng(1).normal(size=(1, *source.shape))
    plain, made = (getattr(kind, method) for kind in (rectilinear, curvilinear))
    inner = np.abs(target.latitudes) < 89  # a bent grid has no rows whose mean a pole could have
    expected, found = plain(source, target), made(spread(source), target)
    # Bent cells are bilinear between four points of the sphere, not of the plane: nearly the same for cells of 2 degrees.
    tolerance = 1e-12 if method == "conservative" else 1e-2
    np.testing.assert_allclose(found.mean(values)[0, inner], expected.mean(values)[0, inner], atol=tolerance)
    np.testing.assert_allclose(found.coverage[inner], 1, rtol=1e-12)


def test_the_nearest_cell_is_the_same():
    source, target = whole("10x10"), whole("7.5x9")
    found = curvilinear.nearest(spread(source), target).places
    np.testing.assert_array_equal(found, rectilinear.nearest(source, target).places)


def test_areas_are_kept_around_a_pole():
    source, areas = over_the_pole()
    target = whole("5x5")
    values = np.random.default_rng(2).uniform(1, 2, size=(1, *source.shape))
    weights = curvilinear.conservative(source, target)
    kept = (weights.mean(values)[0] * weights.coverage * areas_of(target)).sum()
    # Great circles of 2 degrees stand for the edges, of which some are small circles of the turned sphere.
    assert kept == pytest.approx((values[0] * areas).sum(), rel=5e-4)
    np.testing.assert_allclose(weights.coverage[-2:], 1, rtol=1e-3)
    np.testing.assert_allclose(weights.mean(np.full_like(values, 7.0))[0, -2:], 7)


def test_what_the_targets_take_of_a_source_cell_is_its_area():
    """The sum over all targets, whatever the method of cutting: kept to rounding."""
    source, _ = over_the_pole()
    shares = []
    for text in ("5x5", "2x1.5"):
        target = whole(text)
        weights = curvilinear.conservative(source, target)
        area = (weights.coverage * areas_of(target)).reshape(-1)
        shares.append(weights.matrix.T @ area)
    np.testing.assert_allclose(shares[0], shares[1], rtol=1e-9)


@pytest.mark.parametrize("method", METHODS)
def test_a_constant_stays_constant_around_a_pole(method):
    source, _ = over_the_pole()
    weights = getattr(curvilinear, method)(source, whole("4x4"))
    made = weights.mean(np.full((1, *source.shape), 7.0))[0]
    np.testing.assert_allclose(made[weights.coverage > 0], 7, rtol=1e-12)


def test_a_field_that_is_linear_in_space_is_interpolated_closely():
    source, _ = over_the_pole()
    target = whole("4x4")
    weights = curvilinear.bilinear(source, target)
    made = weights.mean(source.vectors[np.newaxis, ..., 2])[0]
    truth = np.broadcast_to(np.sin(np.radians(target.latitudes))[:, None], target.shape)
    inside = weights.coverage > 0
    assert inside[-3:].all()
    np.testing.assert_allclose(
        made[inside], truth[inside], atol=4e-4
    )  # the chord of 2 degrees lies so far below the arc


def test_a_grid_without_a_halo_is_joined_at_its_seam():
    source, target = spread(whole("4x4")), whole("1x1")
    weights = curvilinear.bilinear(source, target)
    inner = np.abs(target.latitudes) < 88
    assert (weights.coverage[inner] == 1).all()


def test_cells_that_repeat_others_take_no_share():
    grid = whole("30x30")
    plain = spread(grid)
    twice = [np.concatenate([each, each[:, :2]], axis=1) for each in (
        plain.longitudes, plain.latitudes, plain.corner_longitudes, plain.corner_latitudes
    )]  # fmt: skip
    first = np.arange(twice[0].size).reshape(twice[0].shape)
    first[:, -2:] = first[:, :2]
    halo = bent(*twice, first=first.reshape(-1))
    values = np.random.default_rng(3).normal(size=(1, *grid.shape))
    inner = np.abs(whole("20x20").latitudes) < 75
    more = np.concatenate([values, np.full_like(values[..., :2], 1e6)], axis=2)
    for method in METHODS:
        made = getattr(curvilinear, method)
        expected, found = (made(each, whole("20x20")) for each in (plain, halo))
        np.testing.assert_allclose(found.mean(more)[0, inner], expected.mean(values)[0, inner], rtol=1e-12)


def test_without_corners_nothing_is_conservative():
    with pytest.raises(DatasetUnsuitable, match="corners"):
        curvilinear.conservative(bent(*np.meshgrid([0.0, 1.0], [0.0, 1.0])), whole("90x90"))


def test_beyond_the_rim_there_is_no_value():
    source, target = bent(*np.meshgrid([10.0, 12.0, 14.0], [0.0, 2.0])), whole("2x2")
    there = np.argwhere(curvilinear.bilinear(source, target).coverage > 0).tolist()
    assert [(target.latitudes[row], target.longitudes[column]) for row, column in there] == [(1, 11), (1, 13)]


def on_a_projection(cell_m):
    """Make a grid of 7 rows and 9 columns in UTM, 31 N."""
    mapping = {"grid_mapping_name": "transverse_mercator", "crs_wkt": rasterio.crs.CRS.from_epsg(32631).to_wkt()}
    dataset = xr.Dataset(
        {"v": (("y", "x"), np.zeros((7, 9), "f4"), {"grid_mapping": "crs"}), "crs": ((), 0, mapping)},
        coords={
            "x": ("x", 500_000 + cell_m * np.arange(9), {"standard_name": "projection_x_coordinate", "units": "m"}),
            "y": ("y", 5e6 - cell_m * np.arange(7), {"standard_name": "projection_y_coordinate", "units": "m"}),
        },
    )
    return read_curvilinear(dataset, find_grid(dataset, "v"))


def test_cells_of_a_projection_are_all_of_their_own_however_small():
    assert on_a_projection(2.0).fresh.tolist() == list(range(63))


def test_cells_taken_some_at_a_time_weigh_the_same(monkeypatch):
    target = whole("0.5x0.5")
    once = on_a_projection(30_000.0)
    weights = curvilinear.conservative(once, target)
    monkeypatch.setattr(curvilinear, "_CELLS_AT_ONCE", 10)
    again = on_a_projection(30_000.0)
    np.testing.assert_array_equal(again.corner_longitudes, once.corner_longitudes)
    np.testing.assert_array_equal(curvilinear.conservative(again, target).matrix.toarray(), weights.matrix.toarray())
    assert weights.coverage.max() == pytest.approx(1.0)
