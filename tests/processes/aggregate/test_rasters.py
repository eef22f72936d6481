"""Aggregate and regrid on GeoTIFFs: they are grids as others are, and what they lack is refused in words."""

import numpy as np
import pytest
import rasterio
from rasterio.transform import from_origin

from gaia_processes.aggregate.compute import compute as aggregate
from gaia_processes.errors import DatasetUnsuitable
from gaia_processes.inputs.resolution import parse_resolution
from gaia_processes.regrid.compute import compute as regrid
from gaia_workers.readers.geotiff import open_dataset

MISSING = -9.0


def write(path, crs, transform, values):
    values = np.asarray(values, "f4")
    profile = {"driver": "GTiff", "height": len(values), "width": values.shape[1], "count": 1, "dtype": "float32"}
    with rasterio.open(path, "w", crs=crs, transform=transform, nodata=MISSING, **profile) as file:
        file.write(values, 1)
    return path


@pytest.fixture
def world(tmp_path):
    """Give four columns of 90 degrees and two rows of 60."""
    return write(tmp_path / "a.tif", "EPSG:4326", from_origin(0, 60, 90, 60), [[1, 2, 3, 4], [5, 6, 7, MISSING]])


@pytest.fixture
def plane(tmp_path):
    """Give four cells of 10 km about 48.2 N 1.7 E, the last one missing."""
    return write(tmp_path / "a.tif", "EPSG:2154", from_origin(600e3, 6.8e6, 10e3, 10e3), [[1, 2], [3, MISSING]])


def numbers(dataset):
    values = np.asarray(dataset["band_1"].values, "f8")
    return np.where(values == MISSING, np.nan, values)


def test_the_mean_of_an_image_over_its_area_leaves_missing_cells_out(world):
    with open_dataset(world) as image:
        assert numbers(aggregate(image, over=("area",), warn=pytest.fail)) == pytest.approx((10 + 18) / 7)
        rows = aggregate(image, over=("longitude",), warn=pytest.fail)
        np.testing.assert_allclose(numbers(rows), [2.5, 6.0])


def test_cells_of_a_plane_weigh_nearly_the_same(plane):
    with open_dataset(plane) as image:
        assert numbers(aggregate(image, over=("area",), warn=pytest.fail)) == pytest.approx(2.0, abs=1e-3)


def test_an_image_has_no_time_and_a_plane_no_latitudes_to_be_reduced(plane):
    with open_dataset(plane) as image:
        with pytest.raises(DatasetUnsuitable, match="nothing to be reduced over time"):
            aggregate(image, warn=pytest.fail)
        with pytest.raises(DatasetUnsuitable, match="ask for area"):
            aggregate(image, over=("latitude",), warn=pytest.fail)


def test_an_image_is_regridded_so_that_integrals_are_kept(world):
    with open_dataset(world) as image:
        made = numbers(regrid(image, method="conservative", grid=parse_resolution("90x60"), warn=lambda _: None))
    # The rows of the target end at 30 degrees, those of the image at 0 and 60: the middle one is half of each.
    np.testing.assert_allclose(made, [[5, 6, 7, np.nan], [3, 4, 5, 4], [1, 2, 3, 4]])


@pytest.mark.parametrize("method", ["nearest", "bilinear", "conservative"])
def test_a_plane_is_regridded_where_it_lies_and_is_missing_beside(plane, method):
    places = {"latitudes": (48.2, 48.25), "lon_bnds": None}
    with open_dataset(plane) as image:
        inside = numbers(regrid(image, method=method, longitudes=(1.7, 1.8), warn=lambda _: None, **places))
        beside = numbers(regrid(image, method=method, longitudes=(2.4, 2.5), warn=lambda _: None, **places))
    assert np.isfinite(inside).any()
    assert 1 <= np.nanmin(inside) <= np.nanmax(inside) <= 3
    assert np.isnan(beside).all()
