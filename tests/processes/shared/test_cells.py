"""Cells of grids on a plane."""

from dataclasses import replace

import numpy as np
import pytest
import shapely
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import Polygon

from gaia_processes.inputs.bbox import Bbox
from gaia_processes.shared import cells as cells_module
from gaia_processes.shared.axes import find_grid
from gaia_processes.shared.cells import Cells, find_holder, mask_centres, mask_touched, read_cells, widest_gap


def regular(columns, rows):
    """Make cells of a plain grid as if it were a curvilinear one."""
    longitude, latitude = np.meshgrid(np.asarray(columns, "f8"), np.asarray(rows, "f8"))
    return Cells(
        rows=lambda which: (longitude[which].copy(), latitude[which].copy()), corners=None, shape=longitude.shape
    )


@pytest.mark.parametrize(
    ("longitudes", "ends"),
    [
        ([0, 90, 180, 270], (-180, 180)),
        ([350, 0, 10], (-10, 10)),
        ([170, 180, 190], (170, -170)),
        ([5], (5, 5)),
        ([-100, -90, -80], (-100, -80)),
    ],
)
def test_the_smallest_arc_around_longitudes(longitudes, ends):
    assert widest_gap(np.array(longitudes, "f8")) == ends


@settings(max_examples=40)
@given(st.integers(-180, 179), st.integers(1, 80), st.integers(-60, 40), st.integers(1, 20))
def test_blocks_of_rows_do_not_change_the_mask(west, width, south, height):
    cells = regular(np.arange(0, 360, 10), np.arange(-85, 90, 10))
    box = Bbox(west=west, south=south, east=west + width, north=south + height)
    whole = mask_centres(cells, box), mask_touched(cells, box)
    size, cells_module._BLOCK_CELLS = cells_module._BLOCK_CELLS, 72
    try:
        parts = mask_centres(cells, box), mask_touched(cells, box)
    finally:
        cells_module._BLOCK_CELLS = size
    for one, other in zip(whole, parts, strict=True):
        np.testing.assert_array_equal(one, other)


@given(st.integers(-170, 170), st.integers(1, 80), st.integers(-60, 40), st.integers(1, 20))
def test_touching_is_overlap_by_brute_force(west, width, south, height):
    columns, rows = np.arange(0, 360, 10), np.arange(-80, 81, 10)
    box = Bbox(west=west, south=south, east=west + width, north=south + height)
    across = [any(lon - 5 + lap < west + width and lon + 5 + lap > west for lap in (-360, 0, 360)) for lon in columns]
    along = [lat - 5 < south + height and lat + 5 > south for lat in rows]
    np.testing.assert_array_equal(mask_touched(regular(columns, rows), box), np.outer(along, across))


def test_a_diamond_beside_a_corner_of_the_box_does_not_touch():
    corners = (np.array([[[1.0, 2.0, 1.0, 0.0]]]), np.array([[[0.0, 1.0, 2.0, 1.0]]]))
    diamond = Cells(
        rows=lambda _: (np.array([[1.0]]), np.array([[1.0]])), corners=lambda _: (corners[0], corners[1]), shape=(1, 1)
    )
    # The corner (0.4, 0.4) of the box lies within the diamond's frame, but beyond its edge x + y = 1.
    assert not mask_touched(diamond, Bbox(west=0, south=0, east=0.4, north=0.4)).any()
    assert mask_touched(diamond, Bbox(west=0, south=0, east=0.6, north=0.6)).all()


def cells_of(corner_longitudes, corner_latitudes):
    """Make cells of their corners; a centre is the mean of them."""
    return Cells(
        rows=lambda which: (corner_longitudes[which].mean(-1) % 360, corner_latitudes[which].mean(-1)),
        corners=lambda which: (corner_longitudes[which] % 360, corner_latitudes[which]),
        shape=corner_longitudes.shape[:2],
    )


def touched_by_shapely(corner_longitudes, corner_latitudes, box):
    """Say which cells share an area with a box, a turn to either side; None where it is too little to be sure."""
    west, east = box.west, box.west + (box.east - box.west) % 360
    areas = np.zeros(corner_longitudes.shape[:2])
    for place in np.ndindex(areas.shape):
        for lap in (-720, -360, 0, 360, 720):
            cell = Polygon(zip(corner_longitudes[place] + lap, corner_latitudes[place], strict=True))
            areas[place] += cell.intersection(shapely.box(west, box.south, east, box.north)).area
    return areas > 0, (areas > 0) & (areas < 1e-6)


@given(
    seed=st.integers(0, 10**6),
    step=st.sampled_from([0.25, 2.0, 9.0]),
    tilt=st.integers(-40, 40),
    unrest=st.sampled_from([0.0, 0.3, 0.6]),
    west=st.integers(-180, 179),
)
@settings(max_examples=60)
def test_cells_of_any_slant_touch_where_polygons_overlap(seed, step, tilt, unrest, west):
    random = np.random.default_rng(seed)
    columns, rows = np.meshgrid(np.arange(5) - 2.0, np.arange(4) - 1.5)
    turn = np.radians(tilt)
    x = columns * np.cos(turn) - rows * np.sin(turn) + random.uniform(-unrest, unrest, columns.shape)
    y = columns * np.sin(turn) + rows * np.cos(turn) + random.uniform(-unrest, unrest, columns.shape)
    x, y = west + step * x, 30 + step * y
    corners = [np.stack([each[:-1, :-1], each[:-1, 1:], each[1:, 1:], each[1:, :-1]], axis=-1) for each in (x, y)]
    low, left, height, width = random.uniform(-2, 1), random.uniform(-3, 2), *random.uniform(0.01, 3, 2)
    box = Bbox(
        west=(west + step * left + 180) % 360 - 180, south=30 + step * low,
        east=(west + step * (left + width) + 180) % 360 - 180, north=30 + step * (low + height),
    )  # fmt: skip
    if not all(Polygon(zip(*(each[at] for each in corners), strict=True)).is_valid for at in np.ndindex(3, 4)):
        return
    expected, unsure = touched_by_shapely(*corners, box)
    np.testing.assert_array_equal(mask_touched(cells_of(*corners), box) | unsure, expected | unsure)


def test_a_corner_that_points_inwards_belongs_to_no_cell():
    # A dart whose fourth corner is drawn in to (1, 1): the box lies in the notch.
    dart = cells_of(np.array([[[0.0, 2.0, 2.0, 1.5]]]), np.array([[[0.0, 0.0, 2.0, 0.5]]]))
    assert not mask_touched(dart, Bbox(west=0.5, south=0.6, east=1.2, north=1)).any()
    assert mask_touched(dart, Bbox(west=0.5, south=0.1, east=1.2, north=1)).all()


def test_a_missing_centre_hides_no_cell_beside_it():
    columns, rows = np.meshgrid(np.arange(355.0, 365.0) % 360, np.arange(5.0))
    columns[2, 3] = rows[2, 3] = np.nan
    cells = Cells(rows=lambda which: (columns[which].copy(), rows[which].copy()), corners=None, shape=rows.shape)
    mask = mask_touched(cells, Bbox(west=-4.2, south=0.8, east=4, north=3.2))
    assert mask.sum() == 3 * 9 - 1
    assert not mask[2, 3]


@pytest.mark.parametrize("kind", ["f4", "f8"])
def test_a_cell_that_shares_an_edge_with_the_box_is_not_touched_in_any_type(kind):
    edges = [(np.arange(3590, 3595) / 10).astype(kind), (np.arange(880, 885) / 10).astype(kind)]
    x, y = np.meshgrid(*(each.astype("f8") for each in edges))
    corners = [np.stack([each[:-1, :-1], each[:-1, 1:], each[1:, 1:], each[1:, :-1]], axis=-1) for each in (x, y)]
    cells = replace(cells_of(*corners), corners_stored=np.dtype(kind))
    for frame in (0, -360):
        mask = mask_touched(cells, Bbox(west=359.1 + frame, south=88.1, east=359.3 + frame, north=88.3))
        assert np.argwhere(mask).tolist() == [[1, 1], [1, 2], [2, 1], [2, 2]]


def test_the_nearest_cell_holds_a_point_unless_it_is_far():
    cells = regular(np.arange(350, 370) % 360, np.arange(10))
    assert find_holder(cells, 0.4, 2.4) == (2, 10)
    assert find_holder(cells, 30, 2) is None


@pytest.mark.parametrize(
    ("beginning", "variable", "slack_deg"), [("tas_EUR-22", "tas", 5e-4), ("toa_brightness", "data", 5e-5)]
)
def test_mappings_give_the_longitudes_that_files_have(shared_data, beginning, variable, slack_deg):
    path = next((shared_data / "climate").glob(f"{beginning}*"))
    with xr.open_dataset(path, decode_cf=False) as dataset:
        stored = read_cells(dataset, find_grid(dataset, variable)).rows(slice(None))
        plain = dataset.drop_vars(["lon", "lat"])
        computed = read_cells(plain, find_grid(plain, variable)).rows(slice(None))
    turn = (stored[0] - computed[0] + 180) % 360 - 180
    assert np.nanmax(np.abs(turn)) < slack_deg
    assert np.nanmax(np.abs(stored[1] - computed[1])) < slack_deg


def test_a_text_of_a_file_is_never_taken_for_its_projection(shared_data):
    path = next((shared_data / "climate").glob("rotated_pole*"))
    with xr.open_dataset(path, decode_cf=False) as dataset:
        grid = find_grid(dataset, "air_pressure_at_sea_level")
        before = read_cells(dataset, grid).rows(slice(None))
        dataset.variables[grid.mapping].attrs["crs_wkt"] = "LOCAL_CS[]"
        after = read_cells(dataset, grid).rows(slice(None))
    np.testing.assert_array_equal(before, after)
