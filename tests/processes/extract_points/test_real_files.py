"""Values at points on real files of every kind of grid, beside rasterio, xarray and CDO."""

import shutil
import subprocess

import geopandas as gpd
import netCDF4
import numpy as np
import pandas as pd
import pytest
import rasterio
import xarray as xr

from gaia_processes.extract_points.compute import compute
from gaia_processes.inputs.interval import parse_interval
from gaia_processes.shared.axes import find_grid
from gaia_processes.shared.cells import read_cells
from gaia_processes.shared.sphere import distance_km
from gaia_processes.shared.values import read_numbers
from gaia_workers.readers.geotiff import open_dataset as open_raster
from gaia_workers.readers.netcdf import open_dataset

GAUSSIAN = ("tas_rectilinear_grid_2D.nc", "tas")
ROTATED = ("tas_EUR-22_MPI-M-MPI-ESM-LR_rcp85_r1i1p1_GERICS-REMO2015_v1_mon_202101.nc", "tas")
ORCA = ("nemo_1m_20150101-20150201_grid-T.nc", "tos")
DATELINE = ("tos_Omon_IITM-ESM_1pctCO2_r1i1p1f1_gn_193001.nc", "tos")


def cloud(count, box=(-180, -80, 180, 80), seed=1):
    """Make points all over a box."""
    rng = np.random.default_rng(seed)
    x, y = rng.uniform(box[0], box[2], count), rng.uniform(box[1], box[3], count)
    return gpd.GeoDataFrame({"n": np.arange(count)}, geometry=gpd.points_from_xy(x, y), crs="OGC:CRS84")


def extract(dataset, points, **options):
    """Give the rows; what is said does not matter here."""
    return pd.concat(list(compute(dataset, points, warn=lambda _: None, **options).frames()), ignore_index=True)


def sampled(path, x, y):
    """Give what rasterio samples, NaN for what is marked as missing; one column a band."""
    with rasterio.open(path) as image:
        values = np.array(list(image.sample(zip(x, y, strict=True)))).astype("f8")
        if image.nodata is not None:
            values[values == image.nodata] = np.nan
    return values


def test_sloths_get_the_climate_that_rasterio_samples(shared_data):
    path = shared_data / "raster/bioclim_americas.tif"
    seen = pd.read_csv(shared_data / "biodiversity/bradypus.csv")
    points = gpd.GeoDataFrame(seen, geometry=gpd.points_from_xy(seen["lon"], seen["lat"]), crs="OGC:CRS84")
    with open_raster(path) as dataset:
        found = extract(dataset, points)
    bands = [name for name in found.columns if name.startswith("bio")]
    assert (len(found), len(bands)) == (116, 9)
    np.testing.assert_array_equal(found[bands].to_numpy("f8", na_value=np.nan), sampled(path, seen["lon"], seen["lat"]))
    assert found["species"].tolist() == seen["species"].tolist()


@pytest.mark.parametrize("name", ["elev.tif", "elev_bottom_up.tif"])
def test_an_image_gives_the_pixel_that_holds_a_point_however_it_is_stored(shared_data, name):
    points = cloud(500, (5.7, 49.4, 6.6, 50.2))
    with open_raster(shared_data / "raster" / name) as dataset:
        found = extract(dataset, points)
    expected = sampled(shared_data / "raster/elev.tif", points.geometry.x, points.geometry.y)[:, 0]
    inside = (found["status"] != "outside").to_numpy()
    np.testing.assert_array_equal(found[found.columns[2]].to_numpy("f8", na_value=np.nan)[inside], expected[inside])
    assert 400 < inside.sum() < 500


def test_points_are_brought_to_the_plane_of_an_image(shared_data):
    path = shared_data / "raster/RGB.byte.tif"
    points = cloud(300, (-78.8, 23.7, -76.7, 25.5))
    with open_raster(path) as dataset:
        found = extract(dataset, points)
    plane = points.to_crs("EPSG:32618")
    inside = (found["status"] != "outside").to_numpy()
    expected = sampled(path, plane.geometry.x, plane.geometry.y)
    bands = found[found.columns[2:5]].to_numpy("f8", na_value=np.nan)
    np.testing.assert_array_equal(bands[inside], expected[inside])
    assert inside.sum() > 200


def test_the_nearest_cell_of_a_regular_grid_is_that_of_xarray_away_from_seam_and_poles(shared_data):
    name, variable = GAUSSIAN
    points = cloud(2000, (2, -80, 355, 80))
    with open_dataset(shared_data / "climate" / name) as dataset:
        found = extract(dataset, points, variables=(variable,))
    with xr.open_dataset(shared_data / "climate" / name) as plain:
        x, y = (xr.DataArray(each, dims="p") for each in (points.geometry.x.to_numpy(), points.geometry.y.to_numpy()))
        expected = plain[variable].sel(lon=x, lat=y, method="nearest").transpose("p", "time").to_numpy()
        near = (np.abs(plain["lat"].sel(lat=y, method="nearest") - y) < 0.9).to_numpy()  # on a sphere rows bend
    ours = found[variable].to_numpy().reshape(len(points), -1)
    assert np.mean(np.all(ours == expected, axis=1)) > 0.98
    np.testing.assert_array_equal(
        ours[near & np.all(ours == expected, axis=1)], expected[near & np.all(ours == expected, axis=1)]
    )


def test_interpolation_on_a_regular_grid_is_that_of_xarray(shared_data):
    name, variable = GAUSSIAN
    points = cloud(2000, (2, -80, 355, 80))
    with open_dataset(shared_data / "climate" / name) as dataset:
        found = extract(dataset, points, variables=(variable,), method="bilinear")
    with xr.open_dataset(shared_data / "climate" / name) as plain:
        x, y = (xr.DataArray(each, dims="p") for each in (points.geometry.x.to_numpy(), points.geometry.y.to_numpy()))
        expected = plain[variable].astype("f8").interp(lon=x, lat=y).transpose("p", "time").to_numpy()
    ours = found[variable].to_numpy().reshape(len(points), -1)
    np.testing.assert_allclose(ours, expected, rtol=2e-7)


def by_cdo(source, variable, points, operator, folder):
    """Give the first map of a variable at points, as CDO remaps it to an unstructured grid."""
    if shutil.which("cdo") is None:
        pytest.skip("cdo is not installed")
    lists = [" ".join(f"{value:.9f}" for value in each) for each in (points.geometry.x, points.geometry.y)]
    grid = folder / "points.txt"
    grid.write_text(f"gridtype=unstructured\ngridsize={len(points)}\nxvals={lists[0]}\nyvals={lists[1]}\n")
    command = ["cdo", "-s", "-b", "F64", f"{operator},{grid}", f"-selname,{variable}", source, folder / "cdo.nc"]
    subprocess.run(command, check=True, capture_output=True, env={"REMAP_EXTRAPOLATE": "off", "PATH": "/usr/bin:/bin"})
    with netCDF4.Dataset(folder / "cdo.nc") as file:
        values = np.ma.masked_invalid(file[variable][:]).astype("f8")
    return np.ma.filled(values, np.nan).reshape(-1, len(points))[0]


@pytest.mark.parametrize(
    ("file", "box", "operator", "alike"),
    [
        pytest.param(GAUSSIAN, (-180, -87, 180, 87), "remapnn", 1.0, id="nearest, Gaussian"),
        pytest.param(GAUSSIAN, (-180, -87, 180, 87), "remapbil", 1.0, id="bilinear, Gaussian"),
        pytest.param(ROTATED, (-10, 35, 30, 60), "remapnn", 1.0, id="nearest, rotated"),
        pytest.param(ROTATED, (-10, 35, 30, 60), "remapbil", 1.0, id="bilinear, rotated"),
        pytest.param(ORCA, (-180, -70, 180, 60), "remapnn", 0.99, id="nearest, ORCA"),
    ],
)
def test_cdo_gives_the_same(shared_data, tmp_path, file, box, operator, alike):
    name, variable = file
    points = cloud(1500, box, seed=3)
    source = shared_data / "climate" / name
    method = "nearest" if operator == "remapnn" else "bilinear"
    with open_dataset(source) as dataset:
        ours = extract(dataset, points, variables=(variable,), method=method, min_valid_fraction=1.0)
    steps = len(ours) // len(points)
    values = ours[variable].to_numpy("f8").reshape(len(points), steps)[:, 0]
    theirs = by_cdo(source, variable, points, operator, tmp_path)
    both = np.isfinite(values) & np.isfinite(theirs)
    assert both.mean() > 0.5
    assert np.mean(np.isfinite(values) == np.isfinite(theirs)) >= 0.97
    close = np.abs(values[both] - theirs[both]) <= (1e-6 if method == "nearest" else 2e-3) * np.abs(theirs[both])
    assert close.mean() >= alike


def test_on_a_grid_in_rotated_coordinates_alone_no_centre_is_nearer(shared_data):
    with open_dataset(shared_data / "climate/rotated_pole.nc") as dataset:
        cells = read_cells(dataset, find_grid(dataset, "air_pressure_at_sea_level"))
        x, y = (each.reshape(-1) for each in cells.rows(slice(0, cells.shape[0])))
        points = cloud(200, (-12, 45, 12, 62))
        found = extract(dataset, points)
    apart = distance_km(points.geometry.x.to_numpy()[:, None], points.geometry.y.to_numpy()[:, None], x, y)
    np.testing.assert_allclose(found["distance_km"], apart.min(axis=1), atol=1e-6)


def test_a_grid_in_a_plane_is_found(shared_data):
    with open_dataset(shared_data / "climate/toa_brightness_stereographic.nc") as dataset:
        found = extract(dataset, cloud(200, (-20, 40, 30, 70)))
        again = gpd.GeoDataFrame(
            geometry=gpd.points_from_xy(found["grid_longitude"], found["grid_latitude"]), crs="OGC:CRS84"
        )
        exact = extract(dataset, again)
    ok = (found["status"] == "ok").to_numpy()
    assert ok.sum() > 20
    np.testing.assert_allclose(exact["distance_km"][ok], 0, atol=1e-6)
    np.testing.assert_array_equal(exact["data"][ok], found["data"][ok])


def test_a_grid_whose_longitudes_begin_at_minus_280_is_met_in_both_frames(shared_data):
    with open_dataset(shared_data / "climate" / DATELINE[0]) as dataset:
        points = cloud(200, (0, -60, 180, 60))
        west = points.set_geometry(gpd.points_from_xy(points.geometry.x - 360, points.geometry.y), crs="OGC:CRS84")
        first, second = (extract(dataset, each, variables=(DATELINE[1],)) for each in (points, west))
    np.testing.assert_array_equal(first[DATELINE[1]], second[DATELINE[1]])
    assert (first["status"] == "ok").sum() > 50


def test_stations_are_no_grid(shared_data):
    with (
        open_dataset(shared_data / "climate/timeseries.nc") as dataset,
        pytest.raises(Exception, match="no variable lies on a grid"),
    ):
        extract(dataset, cloud(3))


@pytest.mark.slow
def test_at_the_coasts_of_a_curvilinear_grid_no_cell_with_a_value_is_nearer(shared_data):
    with open_dataset(shared_data / "climate" / ORCA[0]) as dataset:
        points = cloud(160, (-20, 30, 40, 60), seed=5)
        found = extract(dataset, points, variables=("tos",), nearest_valid_km=150)
        cells = read_cells(dataset, find_grid(dataset, "tos"))
        x, y = (each.reshape(-1) for each in cells.rows(slice(0, cells.shape[0])))
        values = read_numbers(dataset.variables["tos"]).reshape(-1)
    lon, lat = (each.to_numpy()[:, np.newaxis] for each in (points.geometry.x, points.geometry.y))
    apart = np.where(np.isfinite(values), distance_km(lon, lat, x, y), np.inf).min(axis=1)
    assert ((apart <= 150) == (found["status"] == "ok")).all()
    near = apart <= 150
    np.testing.assert_allclose(found["distance_km"][near], apart[near], atol=1e-6)
    assert (found["distance_km"][near] > 80).sum() > 10  # farther than the nearest cell can be


def test_what_does_not_fit_into_memory_gives_the_same(shared_data, monkeypatch):
    points = cloud(300, (-130, 20, -60, 60))
    options = {"method": "bilinear", "datetime": parse_interval("2000/2009")}
    with open_dataset(shared_data / "climate/A1B_north_america.nc") as dataset:
        first = extract(dataset, points, **options)
        monkeypatch.setattr("gaia_processes.shared.gather.IN_MEMORY_BYTES", 0)
        monkeypatch.setattr("gaia_processes.extract_points.rows.BLOCK_ROWS", 7)
        second = extract(dataset, points, **options)
    pd.testing.assert_frame_equal(pd.DataFrame(first), pd.DataFrame(second))
