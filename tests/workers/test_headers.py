"""Headers: what the catalogue publishes of a file, for every real file and for the broken ones."""

import hashlib

import netCDF4
import numpy as np
import pytest

from gaia_processes.cube import Cube
from gaia_processes.errors import UnreadableData
from gaia_workers.headers import read_header

GRIDS = {
    "A1B_north_america": ("regular", (-135, 15, -45, 60)),
    "atlantic_profiles": ("regular", (-34.5, -9.8, 0.5, -1.5)),
    "daily_surface_cancities": ("none", (-123.15, 44.5, -63.4, 63.75)),
    "hybrid_height": ("rotated", (-3.19, 52.37, -3.04, 52.46)),
    "nemo_1m_20150101": ("curvilinear", (-180, -85.6, 180, 89.7)),
    "orca2_votemper": ("curvilinear", (-180, -78.2, 180, 89.6)),
    "ostia_monthly": ("regular", (-180, -5, 180, 4.4)),
    "rotated_pole": ("rotated", (-87.3, 15.5, 67.8, 76.2)),
    "tas_Amon_ICON": ("unstructured", (-180, -88.9, 180, 88.9)),
    "tas_EUR-22": ("rotated", (-45.4, 21.9, 66.2, 71.9)),
    "test_adaptor": ("regular", (-0.45, 49.95, 0.55, 50.95)),
    "timeseries": ("none", (-180, -77, 180, 68)),
    "toa_brightness": ("projected", (-101.7, 16.8, 46.7, 81.2)),
    "tos_Omon_IITM": ("curvilinear", (-180, -81.5, 180, 89.5)),
}


def header_of(shared_data, beginning, folder="climate"):
    path = next(iter(sorted((shared_data / folder).glob(f"{beginning}*.nc"))))
    return path, read_header(path)


@pytest.mark.slow
def test_every_real_file_has_a_header_that_survives_the_catalogue(shared_data):
    for path in sorted((shared_data / "climate").glob("*.nc")):
        header = read_header(path)
        assert Cube.from_stac(header.cube.to_stac()) == header.cube, path.name
        assert header.variables, path.name
        assert header.variables == header.cube.data_variables, path.name
        assert header.bbox is not None, path.name
        assert header.bbox[1] <= header.bbox[3], path.name
        for name in header.variables:
            variable = header.cube.variables[name]
            assert variable.stored_bytes > 0, (path.name, name)
            assert set(variable.dimensions) <= set(header.cube.dimensions), (path.name, name)


@pytest.mark.parametrize("beginning", GRIDS)
def test_the_grid_and_the_box_around_it(shared_data, beginning):
    _, header = header_of(shared_data, beginning)
    kind, box = GRIDS[beginning]
    assert header.cube.grid == kind
    assert header.bbox == pytest.approx(box, abs=0.1)


def test_size_and_hash_are_those_of_the_file(shared_data):
    path, header = header_of(shared_data, "reduced")
    assert header.size_bytes == path.stat().st_size
    assert header.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert header.media_type == "application/x-netcdf"


def test_time_is_told_in_the_calendar_of_the_data(shared_data):
    _, header = header_of(shared_data, "tas_Amon_HadGEM2-ES_rcp85_r1i1p1_208012")
    name, axis = header.cube.find_axis("t")
    assert (name, axis.calendar, axis.size, len(axis.values)) == ("time", "360_day", 229, 229)
    assert axis.extent == ("2080-12-16T00:00:00", "2099-12-16T00:00:00")
    assert header.interval == ("2080-12-16T00:00:00Z", "2099-12-16T00:00:00Z")


def test_long_series_are_not_listed(shared_data):
    _, header = header_of(shared_data, "psl_ERA5")
    _, axis = header.cube.find_axis("t")
    assert (axis.values, axis.size) == (None, 996)


def test_time_beside_its_dimension_is_found(shared_data):
    _, header = header_of(shared_data, "nemo_1m_20150101")
    assert header.cube.dimensions["time_counter"].extent[0] == "2015-01-16T00:00:00"


def test_levels_are_always_listed(shared_data):
    _, header = header_of(shared_data, "atlantic_profiles")
    name, axis = header.cube.find_axis("z")
    assert (name, axis.unit, axis.positive, axis.size) == ("depth", "m", "down", 40)
    assert (axis.values[:2], axis.extent[1]) == ((5.0, 15.0), 4478.0)


def test_title_licence_and_keywords(shared_data):
    _, header = header_of(shared_data, "tas_Amon_ICON")
    assert header.title.startswith("ICON-ESM-LR output")
    assert "CMIP6 model data" in header.licence
    assert header.keywords == ("air_temperature",)


def test_a_date_that_the_world_lacks_goes_to_the_day_before(tmp_path):
    with netCDF4.Dataset(tmp_path / "a.nc", "w") as file:
        file.createDimension("time", 2)
        file.createVariable("v", "f4", ("time",))[:] = 1
        time = file.createVariable("time", "f8", ("time",))
        time.setncatts({"units": "days since 2001-02-30", "calendar": "360_day", "standard_name": "time"})
        time[:] = np.array([0, 1])
    header = read_header(tmp_path / "a.nc")
    assert header.interval == ("2001-02-28T00:00:00Z", "2001-03-01T00:00:00Z")
    assert header.cube.dimensions["time"].extent == ("2001-02-30T00:00:00", "2001-03-01T00:00:00")


@pytest.mark.parametrize("name", ["time_no_units", "time_bad_units", "calendar_unknown"])
def test_a_time_that_is_none_is_an_axis_without_dates(shared_data, name):
    _, header = header_of(shared_data, name, "bad")
    _, axis = header.cube.find_axis("t")
    assert (axis.extent, axis.values, axis.size, header.interval) == (None, None, 10, (None, None))


@pytest.mark.parametrize("name", ["lon_nan", "lat_out_of_range", "no_coords"])
def test_coordinates_without_sense_give_no_box(shared_data, name):
    assert header_of(shared_data, name, "bad")[1].bbox is None


def test_declared_size_is_told_without_reading(shared_data):
    _, header = header_of(shared_data, "bomb_unwritten", "bad")
    assert header.cube.variables["tas"].shape == (200000, 1800, 3600)


@pytest.mark.parametrize("name", ["truncated", "empty", "html_login", "hdf5_external_link", "hdf5_external_storage"])
def test_broken_files_have_no_header(shared_data, name):
    with pytest.raises(UnreadableData):
        read_header(shared_data / "bad" / f"{name}.nc")
