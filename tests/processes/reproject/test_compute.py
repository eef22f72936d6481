"""Reproject: the cases of the science contract, GDAL's own whole-array warp, seams of blocks and of longitudes."""

import numpy as np
import pytest
import rasterio
import rasterio.warp
import xarray as xr
from affine import Affine
from pyproj import CRS
from rasterio.enums import Resampling
from rio_cogeo import cog_validate

from gaia_processes.errors import DatasetUnsuitable, SelectionEmpty
from gaia_processes.inputs.bbox import Bbox
from gaia_processes.reproject.compute import compute
from gaia_processes.reproject.describe import METHODS, PICKS
from gaia_processes.shared.axes import data_variables
from gaia_processes.shared.mappings import make_axis, make_mapping
from gaia_workers.readers.opening import open_dataset
from gaia_workers.writers.geotiff import write

NAN = np.nan
UTM = CRS.from_epsg(32631)


def raster(values, *, crs=UTM, x=500_000.0, y=5_000_000.0, step=1.0, fill=NAN, **attrs):
    """Make a raster whose first row is the northern one."""
    values = np.asarray(values)
    dims = ("lat", "lon") if crs.is_geographic else ("y", "x")
    centres = x + (np.arange(values.shape[-1]) + 0.5) * step, y - (np.arange(values.shape[-2]) + 0.5) * step
    axes = {dims[1]: make_axis(crs, "X", dims[1], centres[0]), dims[0]: make_axis(crs, "Y", dims[0], centres[1])}
    own = {"grid_mapping": "crs"} | attrs | ({} if fill is None else {"_FillValue": values.dtype.type(fill)})
    others = {
        "crs": make_mapping(crs, (x, step, 0.0, y, 0.0, -step)),
        "v": ((*("t",)[: values.ndim - 2], *dims), values, own),
    }
    return xr.Dataset(others, xr.Coordinates(axes, indexes={}))


def quiet(_):
    """Hear nothing."""


def run(dataset, **inputs):
    result = compute(dataset, warn=quiet, **inputs)
    made = result["v"]
    values = made.values.astype(np.float64)
    values[made.values == made.attrs["_FillValue"]] = NAN
    return values


@pytest.fixture
def four():
    """Give 1 to 16 by rows in cells of 1 m, where 11 (row 3, column 3) is missing."""
    values = np.arange(1.0, 17.0, dtype="f4").reshape(4, 4)
    values[2, 2] = NAN
    return raster(values)


@pytest.mark.parametrize(
    ("case", "method", "expected"),
    [
        ("P1", "average", [[3.5, 5.5], [11.5, 43 / 3]]),
        ("P2", "max", [[6, 8], [14, 16]]),
        ("P2", "sum", [[14, 22], [46, 43]]),
        ("kernels widen", "bilinear", [[4.4375, 5.826087], [10.847826, 12.75]]),
    ],
)
def test_two_by_two(four, case, method, expected):
    np.testing.assert_allclose(run(four, resolution=(2.0,), resampling=method), expected, rtol=1e-6, err_msg=case)


@pytest.mark.parametrize("method", METHODS)
def test_p3_the_same_grid_stays_as_it_is(four, method):
    made = run(four, crs="EPSG:32631", resampling=method)
    expected = four["v"].values.astype(np.float64)
    np.testing.assert_array_equal(made, expected)


def test_p4_a_grid_that_is_half_a_cell_away(four):
    like = raster(np.zeros((4, 4), "f4"), x=500_000.5)
    made = run(four, like=like, resampling="bilinear")
    np.testing.assert_array_equal(made[0], [1.5, 2.5, 3.5, NAN])
    np.testing.assert_array_equal(made[2], [9.5, NAN, 12.0, NAN])


def test_p5_of_four_cells_around_a_centre_one_is_nearest(four):
    made = run(four, resolution=(2.0,), resampling="nearest")
    assert made[0, 0] in {1, 2, 5, 6}
    assert made[1, 0] in {9, 10, 13, 14}


def test_missing_cells_of_one_band_are_no_business_of_another():
    values = np.ones((2, 4, 4), "f4")
    values[0, 0, 0] = NAN
    values[1, 0, 1] = 5.0
    made = run(raster(values), resolution=(2.0,), resampling="average")
    assert made[:, 0, 0].tolist() == [1.0, 2.0]


@pytest.mark.parametrize("method", ["nearest", "mode", "max"])
def test_what_picks_values_keeps_them_as_they_are_stored(method):
    made = compute(
        raster(np.full((4, 4), 3, "i2"), fill=-1, scale_factor=0.5, add_offset=10.0),
        resolution=(2.0,), resampling=method, warn=quiet,
    )["v"]  # fmt: skip
    assert made.dtype == np.int16
    assert (made.attrs["scale_factor"], made.attrs["_FillValue"]) == (0.5, -1)
    assert made.values.tolist() == [[3, 3], [3, 3]]


def test_what_computes_unpacks():
    packed = raster(np.array([[1, 2], [3, -1]], "i2"), fill=-1, scale_factor=np.float32(0.5), add_offset=np.float32(10))
    made = compute(packed, resolution=(2.0,), resampling="average", warn=quiet)["v"]
    assert made.values.tolist() == [[11.0]]
    assert "scale_factor" not in made.attrs


def test_whole_numbers_without_a_free_one_are_given_in_a_wider_type(four):
    made = compute(raster(np.arange(16, dtype="u1").reshape(4, 4), fill=None), crs="EPSG:32632", warn=quiet)["v"]
    assert made.dtype == np.int16
    assert made.attrs["_FillValue"] == -32768
    asked = compute(raster(np.zeros((4, 4), "u1"), fill=None), resolution=(2.0,), nodata=255, warn=quiet)["v"]
    assert (asked.dtype, asked.attrs["_FillValue"]) == (np.uint8, 255)


def test_a_number_that_does_not_fit_is_refused():
    with pytest.raises(DatasetUnsuitable, match="from 0 to 255"):
        compute(raster(np.zeros((4, 4), "u1"), fill=None), resolution=(2.0,), nodata=-9999, warn=quiet)


def test_classes_are_not_averaged_unless_it_is_wanted():
    classes = raster(np.ones((4, 4), "u1"), fill=0, flag_values=np.array([1, 2], "u1"))
    with pytest.raises(DatasetUnsuitable, match="name classes"):
        compute(classes, resolution=(2.0,), resampling="average", warn=quiet)
    assert run(classes, resolution=(2.0,), resampling="average", classes_as_numbers=True).tolist() == [[1, 1], [1, 1]]


def whole(path, target, method, band=1, tolerance=0):
    """
    Warp a band at once, as gdalwarp does with an exact transformation.

    GDAL cuts up what goes beyond its limit of memory, and makes a resampling scale for each part: it gets enough.
    """
    with rasterio.open(path) as source:
        nodata = source.nodatavals[band - 1]
        values = source.read(band)
        if method in PICKS:
            made = np.full(target.shape, nodata, values.dtype)
        else:
            values = np.where(values == nodata, NAN, values).astype("f8")
            made, nodata = np.full(target.shape, NAN), NAN
        rasterio.warp.reproject(
            values, made, src_transform=source.transform, src_crs=source.crs, dst_transform=target.transform, dst_crs=target.crs,
            src_nodata=nodata, dst_nodata=nodata, resampling=Resampling[method], tolerance=tolerance,
            warp_mem_limit=1024,
        )  # fmt: skip
    return np.where(made == nodata, NAN, made)


class Target:
    """Rows and columns that a result has."""

    def __init__(self, dataset, name):
        made = dataset[name]
        mapping = dataset[made.attrs["grid_mapping"]].attrs
        self.shape = made.shape[-2:]
        self.transform = Affine.from_gdal(*map(float, mapping["GeoTransform"].split()))
        self.crs = mapping["crs_wkt"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "crs", "method", "resolution", "box"),
    [
        ("RGB.byte.tif", "EPSG:3857", "nearest", None, None),
        ("RGB.byte.tif", "EPSG:4326", "cubic", None, None),
        ("cog_dateline.tif", "EPSG:3832", "bilinear", (400.0,), None),
        ("EU_CLC_2018.tiff", "EPSG:4326", "mode", None, (5.6, 50.2, 6.1, 50.6)),
        ("EU_CLC_2018.tiff", "EPSG:4326", "mode", (0.002,), None),
        ("elev_bottom_up.tif", "EPSG:3035", "lanczos", (100.0,), None),
        ("bioclim_americas.tif", "EPSG:5070", "average", None, None),
    ],
)
def test_blocks_give_what_gdal_gives_of_the_whole(shared_data, name, crs, method, resolution, box):
    path = shared_data / "raster" / name
    bbox = box and Bbox(**dict(zip(("west", "south", "east", "north"), box, strict=True)))
    with open_dataset(path) as dataset:
        first = data_variables(dataset)[0]
        result = compute(
            dataset, crs=crs, variables=(first,), resampling=method, resolution=resolution, bbox=bbox, warn=quiet
        )
        made = result[first].values.astype("f8")
        fill = result[first].attrs["_FillValue"]
        made[made == fill] = NAN
        expected = whole(path, Target(result, first), method)
    assert max(made.shape) > 256 or name.startswith("bio")
    unlike = ~np.isclose(made, expected, rtol=1e-5, atol=1e-4, equal_nan=True)
    # On the border between two cells, the last bit of a coordinate decides.
    assert unlike.mean() < 1e-3
    assert np.isfinite(made).mean() > 0.1


def test_pieces_are_what_the_whole_is(shared_data):
    with open_dataset(shared_data / "raster" / "RGB.byte.tif") as dataset:
        made = compute(dataset, crs="EPSG:4326", variables=("band_1",), resampling="cubic", warn=quiet)["band_1"]
        assert min(made.shape) > 512
        pieces = np.block(
            [
                [made[row : row + 256, column : column + 256].values for column in range(0, made.shape[1], 256)]
                for row in range(0, made.shape[0], 256)
            ]
        )
        np.testing.assert_allclose(pieces, made.values, rtol=1e-5, atol=1e-4)


def test_a_reprojected_raster_is_cloud_optimized(shared_data, tmp_path):
    with open_dataset(shared_data / "raster" / "RGB.byte.tif") as dataset:
        result = compute(dataset, crs="EPSG:4326", variables=("band_1",), warn=quiet)
        write(result, tmp_path / "a.tif", progress=lambda *_: None, history="made by a test")
    assert cog_validate(tmp_path / "a.tif", strict=True) == (True, [], [])


def test_the_default_raster_is_the_one_that_gdalwarp_makes(shared_data):
    with (
        open_dataset(shared_data / "raster" / "RGB.byte.tif") as dataset,
        rasterio.open(shared_data / "raster" / "RGB.byte.tif") as source,
    ):
        result = compute(dataset, crs="EPSG:3857", warn=quiet)
        transform, width, height = rasterio.warp.calculate_default_transform(
            source.crs, "EPSG:3857", source.width, source.height, *source.bounds
        )
    target = Target(result, "band_1")
    assert target.shape == (height, width)
    assert target.transform.almost_equals(transform, 1e-6)


def test_corners_are_whole_multiples_of_the_resolution(shared_data):
    with open_dataset(shared_data / "raster" / "RGB.byte.tif") as dataset:
        target = Target(compute(dataset, crs="EPSG:3857", resolution=(1000.0, 500.0), warn=quiet), "band_1")
        free = Target(compute(dataset, crs="EPSG:3857", resolution=(1000.0,), align="none", warn=quiet), "band_1")
    assert (target.transform.c % 1000, target.transform.f % 500) == (0, 0)
    assert free.transform.c % 1000 != 0


@pytest.mark.slow
def test_a_scene_across_the_antimeridian_stays_in_one_piece(shared_data):
    with open_dataset(shared_data / "raster" / "cog_dateline.tif") as dataset:
        result = compute(dataset, crs="EPSG:4326", warn=quiet)
        box = Bbox(west=179.0, south=51.0, east=-179.5, north=52.0)
        part = compute(dataset, crs="EPSG:4326", bbox=box, resolution=(0.01,), warn=quiet).load()
    longitudes = result["lon"].values
    assert 177 < longitudes[0] < 180 < longitudes[-1] < 183
    assert (np.diff(longitudes) > 0).all()
    assert (part["lon"].values[0], part["lon"].values[-1]) == (pytest.approx(179.005), pytest.approx(180.495))
    assert (part["band_1"].values != part["band_1"].attrs["_FillValue"]).all()


@pytest.mark.parametrize("start", [-180.0, 0.0, -30.0])
@pytest.mark.parametrize("method", ["nearest", "bilinear", "average"])
def test_the_seam_of_longitudes_shows_nowhere(start, method):
    columns = start + np.arange(360) + 0.5
    field = np.cos(np.radians(columns))[None, :] * np.ones((180, 1))
    earth = raster(field.astype("f8"), crs=CRS.from_epsg(4326), x=start, y=90.0)
    made = compute(
        earth,
        crs="EPSG:3832",
        resolution=(100_000.0,),
        bbox=Bbox(west=100.0, south=-60.0, east=-100.0, north=60.0),
        resampling=method,
        warn=quiet,
    )
    values = made["v"].values
    expected = np.cos(np.radians(made["x"].values / 6378137.0 * 180 / np.pi + 150.0))
    np.testing.assert_allclose(values, np.broadcast_to(expected, values.shape), atol=0.02)


def test_columns_that_go_on_from_0_behind_360_are_even():
    values = np.arange(16.0).reshape(4, 4)
    across = xr.Dataset(
        {"v": (("lat", "lon"), values)},
        {
            "lat": ("lat", [49.5, 48.5, 47.5, 46.5], {"units": "degrees_north"}),
            "lon": ("lon", [-1.5, -0.5, 0.5, 1.5], {"units": "degrees_east"}),
        },
    )
    stored = across.assign_coords(lon=("lon", [358.5, 359.5, 0.5, 1.5], {"units": "degrees_east"}))
    expected, found = (compute(each, crs="EPSG:3035", resampling="bilinear", warn=quiet) for each in (across, stored))
    np.testing.assert_allclose(found["v"], expected["v"], rtol=1e-12)
    np.testing.assert_allclose(found["x"], expected["x"], rtol=1e-12)


def test_the_pole_is_filled_from_all_sides():
    earth = raster(np.full((180, 360), 7.0, "f4"), crs=CRS.from_epsg(4326), x=-180.0, y=90.0)
    made = compute(earth, crs="EPSG:3413", resolution=(100_000.0,), resampling="bilinear", warn=quiet)
    middle = made["v"].sel({"x": slice(None)}).values[abs(made["y"].values) < 1e6][:, abs(made["x"].values) < 1e6]
    assert (middle == 7.0).all()


def test_a_box_elsewhere_and_a_system_elsewhere_hold_nothing(shared_data):
    with open_dataset(shared_data / "raster" / "RGB.byte.tif") as dataset:
        with pytest.raises(SelectionEmpty, match="do not meet"):
            compute(dataset, crs="EPSG:4326", bbox=Bbox(west=0.0, south=0.0, east=1.0, north=1.0), warn=quiet)
        with pytest.raises(SelectionEmpty, match="is defined"):
            compute(dataset, crs="EPSG:2154", warn=quiet)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("tos_Omon_CNRM-CM6-1_ssp245_r1i1p1f2_gn_201501.nc", "curvilinear"),
        ("tas_rectilinear_grid_2D.nc", "evenly spaced"),
    ],
)
def test_what_has_no_even_rows_is_sent_to_regrid(shared_data, name, said):
    with (
        open_dataset(shared_data / "climate" / name) as dataset,
        pytest.raises(DatasetUnsuitable, match=f"{said}.*use regrid"),
    ):
        compute(dataset, crs="EPSG:3035", warn=quiet)


@pytest.mark.parametrize("name", ["rotated_pole.nc", "toa_brightness_stereographic.nc", "t_E-OBS_mon_195001.nc"])
def test_models_on_planes_and_turned_poles_land_where_they_belong(shared_data, name):
    with open_dataset(shared_data / "climate" / name) as dataset:
        own = data_variables(dataset)[-1]
        result = compute(dataset, crs="EPSG:3857", variables=(own,), warn=quiet)
        values = result[own].values
        valid = values[np.isfinite(values) & (values != result[own].attrs["_FillValue"])]
        theirs = dataset[own].values
    assert valid.size > 100
    assert np.isin(np.unique(valid), theirs).all()


@pytest.mark.parametrize(("size", "steps", "first"), [((2, 1), (2, 4), 7.5), ((2,), (2, 2), 3.5), ((4, 4), (1, 1), 1)])
def test_a_size_divides_the_box_of_the_data(four, size, steps, first):
    made = compute(four, size=size, resampling="average", warn=quiet)
    assert (made.sizes["x"], made.sizes["y"]) == (size[0], size[-1])
    target = Target(made, "v").transform
    assert (target.a, -target.e) == steps
    assert made["v"].values[0, 0] == pytest.approx(first)


def test_a_system_written_out_gives_what_its_code_gives(four):
    laea = "+proj=laea +lat_0=52 +lon_0=10 +x_0=4321000 +y_0=3210000 +ellps=GRS80 +units=m"  # EPSG:3035, of no datum
    own = compute(four, crs=CRS(laea).to_wkt(), resolution=(1.0,), warn=quiet)
    known = compute(four, crs="EPSG:3035", resolution=(1.0,), warn=quiet)
    np.testing.assert_array_equal(own["v"].values, known["v"].values)
    assert CRS.from_cf(own["crs"].attrs).equals(CRS(laea), ignore_axis_order=True)


def test_steps_and_levels_are_kept():
    steps = raster(np.arange(2 * 16, dtype="f4").reshape(2, 4, 4))
    assert run(steps, resolution=(2.0,), resampling="max").tolist() == [[[5, 7], [13, 15]], [[21, 23], [29, 31]]]
