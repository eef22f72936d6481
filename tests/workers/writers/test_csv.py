"""Tables in long form: a row a cell and step, as pandas and Python's own csv read them."""

import csv
import hashlib

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from gaia_workers.previews.csv import preview
from gaia_workers.readers.netcdf import open_dataset
from gaia_workers.writers import csv as plain
from gaia_workers.writers import csv_fr
from gaia_workers.writers.fields import slabs

TIME = ("time", [0.0, 31.0], {"units": "days since 2001-01-01", "calendar": "360_day", "standard_name": "time"})
LEVEL = ("plev", [85000.0, 50000.0], {"units": "Pa", "standard_name": "air_pressure"})
EAST = ("lon", [-10.0, 0.5], {"units": "degrees_east"})
NORTH = ("lat", [45.0], {"units": "degrees_north"})


def grid(**variables):
    return xr.Dataset(variables, coords={"time": TIME, "plev": LEVEL, "lon": EAST, "lat": NORTH})


def written(dataset, path, writer=plain):
    writer.write(dataset, path, progress=lambda *_: None, history="made by a test")
    return path.read_bytes()


def test_a_row_a_cell_and_step_with_missing_cells_empty(tmp_path):
    packed = {"_FillValue": np.int16(-1), "scale_factor": np.float32(0.1)}
    data = grid(tas=(("time", "lat", "lon"), np.array([[[2801, -1]], [[2811, 2812]]], "i2"), packed))
    assert written(data, tmp_path / "a.csv").decode() == (
        "time,latitude,longitude,tas\r\n"
        "2001-01-01T00:00:00Z,45.0,-10.0,280.1\r\n"
        "2001-01-01T00:00:00Z,45.0,0.5,\r\n"
        "2001-02-02T00:00:00Z,45.0,-10.0,281.1\r\n"
        "2001-02-02T00:00:00Z,45.0,0.5,281.2\r\n"
    )


def test_the_french_table_has_semicolons_commas_and_a_byte_order_mark(tmp_path):
    data = grid(tas=(("lat", "lon"), np.array([[1.5, np.nan]], "f4")))
    content = written(data, tmp_path / "a.csv", csv_fr)
    assert content.startswith(b"\xef\xbb\xbf")
    assert content.decode("utf-8-sig") == "latitude;longitude;tas\r\n45,0;-10,0;1,5\r\n45,0;0,5;\r\n"
    assert preview(tmp_path / "a.csv", delimiter=";")["columns"] == ["latitude", "longitude", "tas"]


def test_variables_along_other_dimensions_follow_in_rows_of_their_own(tmp_path):
    data = grid(
        ta=(("plev", "lat", "lon"), np.arange(4, dtype="f4").reshape(2, 1, 2)),
        member=(("n", "lat", "lon"), np.arange(2, dtype="i4").reshape(1, 1, 2)),
    )
    written(data, tmp_path / "a.csv")
    table = pd.read_csv(tmp_path / "a.csv")
    assert list(table.columns) == ["level", "latitude", "longitude", "n", "ta", "member"]
    assert table["level"].dropna().tolist() == [85000, 85000, 50000, 50000]
    assert (table["ta"].dropna().tolist(), table["member"].dropna().tolist()) == ([0, 1, 2, 3], [0, 1])


def test_texts_are_quoted_where_they_must_be(tmp_path):
    data = xr.Dataset({"label": ("n", np.array(['a "b", c', "d"], dtype=object))})
    written(data, tmp_path / "a.csv")
    with (tmp_path / "a.csv").open(newline="", encoding="utf-8") as stream:
        assert list(csv.reader(stream)) == [["n", "label"], ["0", 'a "b", c'], ["1", "d"]]


@pytest.mark.parametrize(
    "name", ["rotated_pole", "toa_brightness_stereographic", "tas_Amon_ICON-ESM-LR_historical_r1i1p1f1_gn_185001"]
)
def test_every_kind_of_grid_has_latitudes_and_longitudes(shared_data, tmp_path, name):
    with open_dataset(shared_data / "climate" / f"{name}.nc") as dataset:
        content = written(dataset, tmp_path / "a.csv")
        again = written(dataset, tmp_path / "a.csv")
    assert hashlib.sha256(content).digest() == hashlib.sha256(again).digest()
    table = pd.read_csv(tmp_path / "a.csv")
    assert table["latitude"].abs().max() <= 90
    assert {"time", "latitude", "longitude"} < set(table.columns)


def test_stretches_follow_one_another_as_cells_do():
    cells = np.arange(4 * 3 * 5).reshape(4, 3, 5)
    for most in (1, 5, 7, 16, 100):
        walked = np.concatenate([cells[box].ravel() for box in slabs(cells.shape, most)])
        assert walked.tolist() == cells.ravel().tolist()
    assert list(slabs((0, 3))) == []
    assert list(slabs(())) == [()]
