"""Cells of grids on a plane."""

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

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
