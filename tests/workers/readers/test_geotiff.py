"""Reading GeoTIFF: the numbers are those of GDAL at full resolution, in their place; what is no map is refused in words."""

from pathlib import Path

import numpy as np
import pytest
import rasterio
from rasterio.transform import Affine

from gaia_processes.errors import UnreadableData
from gaia_processes.shared.axes import data_variables, find_grid
from gaia_processes.shared.mappings import crs_of
from gaia_workers.headers import read_header
from gaia_workers.readers.chunks import ByteCounter
from gaia_workers.readers.geotiff import stored_bytes
from gaia_workers.readers.opening import open_dataset

UTM = "EPSG:32631"
GRID = Affine(10, 0, 0, 0, -10, 40)


def write_raster(path, values, *, crs=UTM, transform=GRID, masked=None, **profile):
    values = np.asarray(values).reshape(-1, *np.shape(values)[-2:])
    count, height, width = values.shape
    options = {"driver": "GTiff", "count": count, "height": height, "width": width, "dtype": values.dtype, **profile}
    with (
        rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True),
        rasterio.open(path, "w", crs=crs, transform=transform, **options) as made,
    ):
        made.write(values)
        if masked is not None:
            made.write_mask(~np.asarray(masked))
    return path


@pytest.mark.parametrize(
    "name", ["RGB.byte.tif", "elev.tif", "elev_bottom_up.tif", "EU_CLC_2018.tiff", "bioclim_americas.tif", "cog.tif", "cog_scale_epsg4326.tif"]
)  # fmt: skip
def test_every_band_reads_as_gdal_reads_it_at_full_resolution(shared_data, name):
    path = shared_data / "raster" / name
    with rasterio.open(path) as theirs, open_dataset(path) as dataset:
        names = data_variables(dataset)
        assert len(names) == theirs.count
        for band, own in enumerate(names, 1):
            np.testing.assert_array_equal(dataset[own].values, theirs.read(band))
            picked = dataset[own].variable[np.array([5, 3, 60]), 10:40:7].values
            np.testing.assert_array_equal(picked, theirs.read(band)[[5, 3, 60], 10:40:7])
        assert crs_of(dataset, find_grid(dataset, names[0])).to_epsg() == theirs.crs.to_epsg()


def test_the_point_that_a_point_raster_names_is_the_centre_of_its_first_cell(tmp_path):
    profile = {"driver": "GTiff", "crs": UTM, "transform": GRID, "count": 1, "height": 2, "width": 2, "dtype": "uint8"}
    with (
        rasterio.Env(GTIFF_POINT_GEO_IGNORE=True),  # the corner of the geotransform is stored as it is
        rasterio.open(tmp_path / "points.tif", "w", **profile) as made,
    ):
        made.update_tags(AREA_OR_POINT="Point")
        made.write(np.arange(4, dtype="u1").reshape(1, 2, 2))
    with open_dataset(tmp_path / "points.tif") as dataset:
        assert dataset["x"].values.tolist() == [0, 10]
        assert dataset["y"].values.tolist() == [40, 30]


def test_coordinates_are_the_centres_of_cells_as_the_rows_are_stored(shared_data):
    with (
        open_dataset(shared_data / "raster" / "elev.tif") as down,
        open_dataset(shared_data / "raster" / "elev_bottom_up.tif") as up,
    ):
        assert down["lat"].values[0] == pytest.approx(50.191666666 - 0.5 / 120)
        np.testing.assert_allclose(up["lat"].values, down["lat"].values[::-1])
        np.testing.assert_array_equal(up["band_1"].values, down["elevation"].values[::-1])


@pytest.mark.parametrize(
    ("kind", "nodata"),
    [("int8", -128), ("uint8", 255), ("int16", -32768), ("float32", -9999.0), ("float32", -3.4028234663852886e38), ("float64", np.nan)],
)  # fmt: skip
def test_the_mark_of_missing_cells_has_the_type_of_the_band(tmp_path, kind, nodata):
    path = write_raster(tmp_path / "a.tif", np.array([[1, nodata], [3, 4]]).astype(kind), nodata=nodata)
    with open_dataset(path) as dataset:
        fill = dataset["band_1"].attrs["_FillValue"]
        assert fill.dtype == np.dtype(kind)
        np.testing.assert_array_equal(dataset["band_1"].values[0, 1], fill)


def test_the_only_row_or_column_has_bounds_that_say_how_large_its_cells_are(tmp_path):
    path = write_raster(tmp_path / "a.tif", np.array([[1, 2]], "u1"))
    with open_dataset(path) as dataset:
        assert dataset["y"].attrs["bounds"] == "y_bnds"
        edges = dataset["y_bnds"].values.tolist()
        assert sorted(edges[0]) == [dataset["y"].item() - 5, dataset["y"].item() + 5]
        assert "bounds" not in dataset["x"].attrs


def test_cells_that_a_mask_hides_are_missing_in_a_type_that_has_room_for_it(tmp_path):
    path = write_raster(tmp_path / "a.tif", np.array([[0, 255]], "u1"), masked=[[False, True]])
    with open_dataset(path) as dataset:
        assert dataset["band_1"].values.tolist() == [[0, -32768]]
        assert dataset["band_1"].attrs["_FillValue"] == -32768


def test_cells_that_a_band_of_opacity_hides_are_missing(tmp_path):
    grey, alpha = [[0, 9, 7]], [[255, 0, 1]]
    path = write_raster(tmp_path / "a.tif", np.array([grey, alpha], "u1"), photometric="MINISBLACK", alpha="YES")
    with open_dataset(path) as dataset:
        assert dataset["band_1"].values.tolist() == [[0, -32768, 7]]
        assert (dataset["band_2"].values.tolist(), dataset["band_2"].dtype) == (alpha, "i2")


def test_scale_and_offset_stay_attributes(shared_data):
    with open_dataset(shared_data / "raster" / "cog_scale_epsg4326.tif") as dataset:
        attrs = dataset["band_1"].attrs
        assert (attrs["scale_factor"], attrs["add_offset"], attrs["_FillValue"]) == (0.0001, 1000.0, 0)


def test_bands_are_named_by_their_descriptions_where_these_are_names(shared_data, tmp_path):
    with open_dataset(shared_data / "raster" / "bioclim_americas.tif") as dataset:
        assert data_variables(dataset)[:2] == ("bio1", "bio5")
    path = write_raster(tmp_path / "a.tif", np.zeros((3, 2, 2), "u1"))
    with rasterio.open(path, "r+") as raster:
        raster.descriptions = ("air temperature", "crs", None)
    with open_dataset(path) as dataset:
        assert data_variables(dataset) == ("air_temperature", "band_2", "band_3")
        assert dataset["air_temperature"].attrs["long_name"] == "air temperature"


def test_a_palette_gives_classes_with_their_colours(tmp_path):
    path = write_raster(tmp_path / "a.tif", np.array([[0, 2]], "u1"))
    with rasterio.open(path, "r+") as raster:
        raster.write_colormap(1, {0: (0, 0, 0), 1: (255, 0, 0), 2: (0, 128, 0)})
    with open_dataset(path) as dataset:
        assert dataset["band_1"].attrs["flag_values"].tolist() == [0, 1, 2]
        assert dataset["band_1"].attrs["flag_colors"] == "#000000 #ff0000 #008000"
    assert read_header(path).cube.variables["band_1"].categorical


@pytest.mark.parametrize(
    ("folder", "name", "said"),
    [
        ("bad", "no_crs.tif", "coordinate reference system"),
        ("bad", "no_georeference.tif", "no georeference"),
        ("bad", "vrt_renamed.tif", "virtual raster"),
        ("raster", "rotated.tif", "turned against"),
    ],
)
def test_what_cannot_be_placed_is_refused_in_words(shared_data, folder, name, said):
    with pytest.raises(UnreadableData, match=said), open_dataset(shared_data / folder / name):
        pass


def test_a_cut_file_is_refused_when_its_values_are_read(shared_data):
    with open_dataset(shared_data / "bad" / "truncated.tif") as dataset, pytest.raises(UnreadableData, match="Band 1"):
        dataset["band_1"].load()


def test_of_a_raster_that_declares_far_too_much_a_window_is_read(shared_data):
    with open_dataset(shared_data / "bad" / "sparse_400GP.tif") as dataset:
        assert dataset["band_1"].variable[300_000:300_002, 5:8].values.shape == (2, 3)


def test_complex_numbers_are_refused(tmp_path):
    path = write_raster(tmp_path / "a.tif", np.zeros((1, 2, 2), "complex64"))
    with pytest.raises(UnreadableData, match="only numbers"), open_dataset(path):
        pass


def test_files_beside_the_file_change_nothing(tmp_path):
    path = write_raster(tmp_path / "a.tif", np.array([[1, 2]], "u1"))
    (tmp_path / "a.tif.aux.xml").write_text(
        '<PAMDataset><PAMRasterBand band="1"><NoDataValue>1</NoDataValue><Scale>7</Scale></PAMRasterBand></PAMDataset>'
    )
    (tmp_path / "a.tfw").write_text("1\n0\n0\n-1\n500\n500\n")
    with open_dataset(path) as dataset:
        assert {"_FillValue", "scale_factor"}.isdisjoint(dataset["band_1"].attrs)
        assert dataset["x"].values.tolist() == [5.0, 15.0]


def test_the_bytes_that_are_read_for_a_window_are_counted(shared_data):
    counter = ByteCounter()
    with open_dataset(shared_data / "raster" / "cog_world.tif", counter=counter) as dataset:
        dataset["band_1"].variable[9000:9010, 18000:18010].values  # noqa: B018 - reading is what is watched
    assert 0 < counter.total < 600_000


def test_the_catalogue_knows_grid_extent_and_size(shared_data):
    header = read_header(shared_data / "raster" / "cog_dateline.tif")
    west, south, east, north = header.bbox
    assert header.cube.grid == "projected"
    assert west > 170
    assert east < -170
    assert 50 < south < north < 53
    assert header.media_type.startswith("image/tiff")
    assert header.cube.variables["band_1"].chunks == (512, 512)
    assert stored_bytes(Path(shared_data / "raster" / "cog.tif"))["band_1"] < 801_000


def test_the_catalogue_reads_few_cells_of_a_large_plane(tmp_path):
    path = tmp_path / "a.tif"
    profile = {
        "driver": "GTiff",
        "count": 1,
        "height": 60_000,
        "width": 60_000,
        "dtype": "uint8",
        "SPARSE_OK": True,
        "tiled": True,
    }
    with rasterio.open(path, "w", crs="EPSG:3035", transform=Affine(100, 0, 2e6, 0, -100, 7e6), **profile):
        pass
    west, south, east, north = read_header(path).bbox
    assert west < -20
    assert east > 40
    assert 20 < south < north < 90
