"""Values at points as NetCDF: series of stations and single observations, as CF describes them."""

import netCDF4
import numpy as np
import pandas as pd
import pytest
from tests.processes.extract_points.test_compute import grid, levels, months, nobody, points

from gaia_processes.extract_points.compute import compute
from gaia_processes.shared.times import read_time
from gaia_workers.writers.netcdf import write


@pytest.fixture
def written(tmp_path):
    """Give a function that writes the series of a request and opens it."""
    opened = []

    def make(dataset, where, **options):
        table = compute(dataset, where, warn=nobody, **options)
        path = tmp_path / "series.nc"
        write(table.series(), path, progress=lambda *_: None, history="test")
        opened.append(netCDF4.Dataset(path))
        return table, opened[-1]

    yield make
    for each in opened:
        each.close()


def test_points_with_all_steps_are_stations_with_series(written):
    table, file = written(months([1, 2, 3]), points((0, 0), (10, 10), name=["Brest", "Île"]))
    assert file.featureType == "timeSeries"
    assert file["v"].dimensions == ("station", "time")
    assert file["v"][:].tolist() == [[1, 2, 3], [1, 2, 3]]
    assert file["station"].cf_role == "timeseries_id"
    assert file["v"].coordinates == "longitude latitude"
    assert file["name"][:].tolist() == ["Brest", "Île"]
    assert file["time"].bounds == "time_bnds"
    rows = pd.concat(list(table.frames()))
    assert file["v"][:].ravel().tolist() == rows["v"].tolist()


def test_points_with_times_of_their_own_are_observations(written):
    dataset = months([1, 2, 3])
    where = points((0, 0), (10, 10), seen=["2001-03-05", "1990-01-01"], rank=[1, 2])
    _, file = written(dataset, where, match_time="seen")
    assert file.featureType == "point"
    assert file["v"][:].tolist() == [3, None]
    assert file["v"].coordinates == "longitude latitude time"
    assert file["time"][:].tolist() == [read_time(dataset, "time").values[2], None]
    assert file["status"][:].tolist() == [0, 1]
    assert file["status"].flag_meanings == "ok missing_value outside bad_coordinate"
    assert file["rank"][:].tolist() == [1, 2]


def test_levels_stand_behind_the_stations(written):
    _, file = written(levels(months([1, 2])), points((0, 0)))
    assert file["v"].dimensions == ("station", "time", "plev")
    assert file["v"][:].tolist() == [[[1, 10], [2, 20]]]


def test_what_is_missing_is_marked_and_so_is_a_bad_coordinate(written):
    dataset = grid((0, 10), (0, 10), [[-1, 112], [311, 1]], "i2", _FillValue=np.int16(-1))
    _, file = written(dataset, points((0, 0), (10, 0), (0, 99)))
    assert file["v"][:].tolist() == [None, 112, None]
    assert file["latitude"][:].tolist() == [0, 0, None]
    assert file["status"][:].tolist() == [1, 0, 3]
    assert "featureType" not in file.ncattrs()


def test_a_column_that_is_called_as_one_of_ours_is_kept_beside_it(written):
    _, file = written(months([1, 2]), points((0, 0), latitude=[0.0], **{"a b": ["x"]}))
    assert file["latitude"].standard_name == "latitude"
    assert file["grid_latitude"].long_name.startswith("latitude of the centre")
    assert file["a_b"][:].tolist() == ["x"]
