"""GeoTIFF as rasterio and rio-cogeo see it: the cells where they belong, a band a step, refused where it cannot hold them."""

import numpy as np
import pytest
import rasterio
import xarray as xr
from rasterio.enums import ColorInterp
from rasterio.transform import from_origin
from rio_cogeo import cog_validate

from gaia_processes.errors import DatasetUnsuitable
from gaia_processes.inputs.bbox import Bbox
from gaia_processes.shared.cutting.cut import cut
from gaia_workers.readers.geotiff import open_dataset as read_raster
from gaia_workers.readers.netcdf import open_dataset
from gaia_workers.writers.geotiff import write


def write_quietly(dataset, path):
    write(dataset, path, progress=lambda *_: None, history="made by a test")


def grid(values, *, latitudes=(10.0, 20.0), **attrs):
    time = {"units": "days since 2001-01-01", "standard_name": "time"}
    return xr.Dataset(
        {"v": (("time", "lat", "lon"), np.asarray(values), attrs)},
        coords={
            "time": ("time", np.arange(len(values)) * 31.0, time),
            "lat": ("lat", np.asarray(latitudes), {"units": "degrees_north"}),
            "lon": ("lon", [0.0, 10.0, 20.0], {"units": "degrees_east"}),
        },
    )


def test_north_is_at_the_top_and_every_step_is_a_band(tmp_path):
    attrs = {"_FillValue": np.int16(-9), "scale_factor": np.float32(0.5), "units": "K"}
    write_quietly(
        grid(np.array([[[1, 2, 3], [4, 5, -9]], [[7, 8, 9], [10, 11, 12]]], "i2"), **attrs), tmp_path / "a.tif"
    )
    with rasterio.open(tmp_path / "a.tif") as made:
        assert made.read(1, masked=True).tolist() == [[2.0, 2.5, None], [0.5, 1.0, 1.5]]
        assert (made.bounds, made.crs.to_epsg()) == ((-5, 5, 25, 25), 4326)
        assert made.descriptions == ("v 2001-01-01T00:00:00Z", "v 2001-02-01T00:00:00Z")
        assert (made.tags()["v#units"], made.tags()["history"]) == ("K", "made by a test")
    assert {each.name for each in tmp_path.iterdir()} == {"a.tif"}


def test_a_large_one_is_cloud_optimized_with_overviews_and_always_the_same(tmp_path):
    lon, lat = np.arange(1200) * 0.1, 60 - np.arange(900) * 0.1
    coords = {"lon": ("lon", lon, {"units": "degrees_east"}), "lat": ("lat", lat, {"units": "degrees_north"})}
    data = xr.Dataset({"v": (("lat", "lon"), np.add.outer(lat, lon).astype("f4"))}, coords=coords)
    made = []
    for name in ("a.tif", "b.tif"):
        write_quietly(data, tmp_path / name)
        made.append((tmp_path / name).read_bytes())
    assert made[0] == made[1]
    assert cog_validate(tmp_path / "a.tif", strict=True) == (True, [], [])
    with rasterio.open(tmp_path / "a.tif") as raster:
        assert raster.overviews(1)
        np.testing.assert_array_equal(raster.read(1), data["v"].values)


@pytest.mark.parametrize(
    ("attrs", "kind", "expected"),
    [
        ({"flag_values": np.array([1, 2, 5], "u1")}, "u1", 1.0),
        ({"units": "m"}, "i2", 2.0),
        ({}, "f4", 2.0),
        ({}, "u1", None),
    ],
)
def test_overviews_are_the_mode_of_classes_and_the_mean_of_what_is_measured(tmp_path, attrs, kind, expected):
    lon, lat = np.arange(1200) * 0.1, 60 - np.arange(900) * 0.1
    coords = {"lon": ("lon", lon, {"units": "degrees_east"}), "lat": ("lat", lat, {"units": "degrees_north"})}
    values = np.tile(np.array([[1, 1], [1, 5]], kind), (450, 600))
    write_quietly(xr.Dataset({"v": (("lat", "lon"), values, attrs)}, coords=coords), tmp_path / "a.tif")
    assert cog_validate(tmp_path / "a.tif", strict=True) == (True, [], [])
    with rasterio.open(tmp_path / "a.tif", overview_level=0) as overview:
        seen = np.unique(overview.read(1))
    assert np.isin(seen, [1, 5]).all() if expected is None else seen.tolist() == [expected]


@pytest.mark.parametrize(
    ("values", "attrs", "nodata"),
    [
        pytest.param(np.array([255, 0], "u1"), {}, None, id="all are values"),
        pytest.param(np.array([255, 0], "u1"), {"_FillValue": np.uint8(0)}, 0, id="the variable's own"),
        pytest.param(np.array([7, -9], "i2"), {"valid_min": np.int16(0)}, -32768, id="of those that are not valid"),
        pytest.param(
            np.array([-9999, 1e20], "f4"), {"missing_value": np.float64(1e20)}, np.float32(1e20), id="of floats"
        ),
        pytest.param(np.array([-9999, np.nan], "f4"), {}, np.nan, id="no number where floats have none"),
    ],
)
def test_no_value_is_marked_as_missing(tmp_path, values, attrs, nodata):
    coords = {
        "lat": ("lat", [1.0, 0.0], {"units": "degrees_north"}),
        "lon": ("lon", [0.0, 1.0], {"units": "degrees_east"}),
    }
    data = xr.Dataset({"v": (("lat", "lon"), np.tile(values, (2, 1)), attrs)}, coords=coords)
    write_quietly(data, tmp_path / "a.tif")
    with rasterio.open(tmp_path / "a.tif") as made:
        np.testing.assert_equal(made.nodata, nodata)
        missing = np.isnan(values) | (values == 1e20) | (values == -9) | ((values == 0) if attrs else False)
        np.testing.assert_array_equal(
            made.read(1, masked=True).mask, np.tile(missing, (2, 1)) if missing.any() else False
        )


def test_classes_keep_their_colours(tmp_path):
    coords = {
        "lat": ("lat", [1.0, 0.0], {"units": "degrees_north"}),
        "lon": ("lon", [0.0, 1.0], {"units": "degrees_east"}),
    }
    told = {"flag_values": np.uint8([1, 2]), "flag_colors": "#ff0000 #00ff7f"}
    write_quietly(
        xr.Dataset({"v": (("lat", "lon"), np.uint8([[1, 2], [2, 1]]), told)}, coords=coords), tmp_path / "a.tif"
    )
    with rasterio.open(tmp_path / "a.tif") as made:
        assert [made.colormap(1)[value] for value in (1, 2)] == [(255, 0, 0, 255), (0, 255, 127, 255)]


def test_a_projected_grid_keeps_its_reference_system(shared_data, tmp_path):
    with open_dataset(shared_data / "climate" / "toa_brightness_stereographic.nc") as dataset:
        write_quietly(dataset, tmp_path / "a.tif")
    with rasterio.open(tmp_path / "a.tif") as made:
        assert made.crs.is_projected
        assert "stereographic" in made.crs.to_wkt().lower()


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("nemo_1m_20150101-20150201_grid-T", "regrid it first"),
        ("rotated_pole", "regrid it first"),
        ("tas_Amon_ICON-ESM-LR_historical_r1i1p1f1_gn_185001", "unstructured.: regrid it first"),
        ("bcsd_obs_1999", "name one in `variables`"),
        ("orog_mod1_rectilinear_grid_2D", "evenly spaced"),
    ],
)
def test_what_it_cannot_hold_is_refused_with_what_to_do(shared_data, tmp_path, name, said):
    with open_dataset(shared_data / "climate" / f"{name}.nc") as dataset, pytest.raises(DatasetUnsuitable, match=said):
        write_quietly(dataset, tmp_path / "a.tif")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("shape", [(1, 3), (3, 1), (1, 1)])
def test_a_raster_of_one_row_or_column_comes_back_as_it_was(tmp_path, shape):
    told = {"crs": "EPSG:32631", "transform": from_origin(500_000, 5_000_000, 100, 50), "dtype": "uint8", "count": 1}
    values = np.arange(np.prod(shape), dtype="u1").reshape(shape)
    with rasterio.open(tmp_path / "a.tif", "w", driver="GTiff", height=shape[0], width=shape[1], **told) as raster:
        raster.write(values, 1)
    with read_raster(tmp_path / "a.tif") as dataset:
        write_quietly(cut(dataset, warn=print), tmp_path / "b.tif")
    with rasterio.open(tmp_path / "b.tif") as made:
        assert made.transform == told["transform"]
        np.testing.assert_array_equal(made.read(1), values)


def test_a_box_of_one_row_keeps_the_size_of_its_cells(tmp_path):
    told = {"crs": "EPSG:4326", "transform": from_origin(0, 50, 1, 2), "dtype": "uint8", "count": 1}
    with rasterio.open(tmp_path / "a.tif", "w", driver="GTiff", height=3, width=4, **told) as raster:
        raster.write(np.arange(12, dtype="u1").reshape(3, 4), 1)
    with read_raster(tmp_path / "a.tif") as dataset:
        write_quietly(cut(dataset, bbox=Bbox(west=1, south=46.5, east=3, north=47.5), warn=print), tmp_path / "b.tif")
    with rasterio.open(tmp_path / "b.tif") as made:
        assert made.bounds == (1, 46, 3, 48)
        assert made.read(1).tolist() == [[5, 6]]


def test_an_image_with_a_band_of_opacity_keeps_its_type_and_what_is_hidden(tmp_path):
    red, opacity = [[0, 9], [255, 7]], [[255, 0], [255, 1]]
    told = {"crs": "EPSG:4326", "transform": from_origin(0, 50, 1, 1), "dtype": "uint8", "count": 4}
    with rasterio.open(tmp_path / "a.tif", "w", driver="GTiff", height=2, width=2, alpha="YES", **told) as raster:
        raster.write(np.array([red, red, red, opacity], "u1"))
    with read_raster(tmp_path / "a.tif") as dataset:
        write_quietly(dataset, tmp_path / "b.tif")
        write_quietly(dataset.drop_vars("band_4"), tmp_path / "c.tif")
    with rasterio.open(tmp_path / "b.tif") as made:
        assert (set(made.dtypes), made.nodata, made.colorinterp[3]) == ({"uint8"}, None, ColorInterp.alpha)
        assert made.read(1).tolist() == [[0, 0], [255, 7]]
        assert made.read(4).tolist() == opacity
    with rasterio.open(tmp_path / "c.tif") as made:  # without it a number must say what is missing
        assert made.read(1, masked=True).tolist() == [[0, None], [255, 7]]
