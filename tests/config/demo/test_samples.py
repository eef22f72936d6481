import csv
import hashlib
import io
import zipfile

import netCDF4
import numpy as np
import pytest
import rasterio
from rasterio.io import MemoryFile

from gaia_config.demo import samples


@pytest.mark.parametrize("make", [samples.countries, samples.occurrences, samples.tree_cover, samples.daily_climate])
def test_what_is_made_is_the_same_every_time(make):
    assert hashlib.sha256(make()).digest() == hashlib.sha256(make()).digest()


def test_countries_are_one_shapefile_with_all_its_parts():
    with zipfile.ZipFile(io.BytesIO(samples.countries())) as archive:
        assert archive.namelist() == [f"countries{ending}" for ending in (".shp", ".shx", ".dbf", ".prj", ".cpg")]


def test_records_of_species_say_that_nobody_observed_them_and_are_as_dirty_as_real_ones():
    rows = list(csv.DictReader(io.StringIO(samples.occurrences().decode())))
    assert len(rows) == samples.RECORDS
    assert {row["datasetName"] for row in rows} == {"gaia demonstration, synthetic"}
    assert len({row["scientificName"] for row in rows}) == len(samples.SPECIES)
    assert sum(row["decimalLongitude"] == "0" and row["decimalLatitude"] == "0" for row in rows) == 100
    assert sum(row["decimalLatitude"] == "" for row in rows) == 60
    assert len(rows) - len({row["occurrenceID"] for row in rows}) == 40


def test_a_raster_is_what_gdal_reads():
    with MemoryFile(samples.tree_cover()) as file, file.open(driver="GTiff") as raster:
        assert (raster.crs.to_epsg(), raster.nodata, raster.dtypes) == (4326, -1, ("int16",))
        assert raster.transform == rasterio.transform.from_origin(-25, 72, 0.1, 0.1)
        values = raster.read(1)
    assert values.shape == (360, 720)
    assert set(np.unique(values)) <= set(range(-1, 101))
    assert values[0, 400] == samples._cover(-25 + 40.05, 71.95)


def test_days_are_what_netcdf_reads():
    with netCDF4.Dataset("daily", memory=samples.daily_climate()) as data:
        assert (data.data_model, data.Conventions) == ("NETCDF3_CLASSIC", "CF-1.8")
        assert {name: len(dimension) for name, dimension in data.dimensions.items()} == {
            "time": 7305,
            "lat": 4,
            "lon": 5,
        }
        assert netCDF4.num2date(data["time"][-1], data["time"].units).strftime("%F") == "2010-12-31"
        assert data["lon"][:].tolist() == list(samples.LONGITUDES_DEG)
        lowest, highest, rain = (data[name][:] for name in ("tasmin", "tasmax", "pr"))
    assert (highest - lowest).min() > 7.9
    assert lowest[:31].mean() + 10 < lowest[181:212].mean(), "winter and summer"
    assert lowest[:, 0].mean() > lowest[:, -1].mean(), "south and north"
    assert 0.2 < (rain >= 1).mean() < 0.4
