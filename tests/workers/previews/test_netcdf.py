import base64
import json
import resource
import time

import netCDF4
import numpy as np
import pytest

from gaia_workers.previews.netcdf import preview
from gaia_workers.sides import LIMIT_BYTES


def write(path, axes, field, *, dims=None, units="K", **attributes):
    """Write a variable `tas` over axes given as name → (values, attributes)."""
    with netCDF4.Dataset(path, "w") as data:
        for name, (values, attrs) in axes.items():
            data.createDimension(name, len(values))
            axis = data.createVariable(name, "f8", (name,))
            axis.setncatts(attrs)
            axis[:] = values
        chunks = attributes.pop("chunksizes", None)
        made = data.createVariable(
            "tas", "f4", dims or tuple(axes), fill_value=-999.0, zlib=chunks is not None, chunksizes=chunks
        )
        made.setncatts({"units": units, **attributes})
        made[:] = field
    return path


def longitudes(values):
    return list(values), {"units": "degrees_east", "standard_name": "longitude"}


def latitudes(values):
    return list(values), {"units": "degrees_north", "standard_name": "latitude"}


def days(count):
    return list(range(count)), {"units": "days since 2000-01-01", "standard_name": "time", "calendar": "360_day"}


def decode(told):
    codes = np.frombuffer(base64.b64decode(told["cells"]["data"]), "<u2").reshape(told["cells"]["shape"])
    share = (codes.astype(float) - 1) / 65534
    return np.where(codes == 0, np.nan, told["minimum"] + share * (told["maximum"] - told["minimum"]))


def test_a_map_shows_the_first_step_north_up_with_its_gaps(tmp_path):
    field = np.arange(24.0).reshape(2, 3, 4)
    field[0, 0, 1] = -999.0
    path = write(
        tmp_path / "a.nc",
        {"time": days(2), "lat": latitudes([10, 20, 30]), "lon": longitudes([-5, 0, 5, 10])},
        field,
        long_name="air temperature",
    )
    told = preview(path)
    assert told["kind"] == "map"
    assert told["variable"] == {"name": "tas", "title": "air temperature", "units": "K"}
    assert told["x"]["values"] == [-5, 0, 5, 10]
    assert told["y"]["values"] == [30, 20, 10]
    assert (told["minimum"], told["maximum"]) == (0, 11)
    assert told["at"] == [
        {"name": "time", "units": "", "calendar": "360_day", "value": "2000-01-01T00:00:00", "steps": 2}
    ]
    np.testing.assert_allclose(decode(told), [[8, 9, 10, 11], [4, 5, 6, 7], [0, np.nan, 2, 3]], atol=1e-3)


def test_packed_values_are_unpacked(tmp_path):
    with netCDF4.Dataset(tmp_path / "a.nc", "w") as data:
        for name, values, units in (("lat", [0, 1], "degrees_north"), ("lon", [0, 1], "degrees_east")):
            data.createDimension(name, 2)
            axis = data.createVariable(name, "f8", (name,))
            axis.units = units
            axis[:] = values
        field = data.createVariable("tas", "i2", ("lat", "lon"), fill_value=-1)
        field.scale_factor, field.add_offset = 0.5, 10.0
        field.set_auto_maskandscale(False)
        field[:] = [[0, 2], [4, -1]]
    told = preview(tmp_path / "a.nc")
    np.testing.assert_allclose(decode(told), [[12, np.nan], [10, 11]], atol=1e-3)


@pytest.mark.parametrize(("rows", "columns", "shape"), [(91, 100, [46, 100]), (180, 360, [90, 180]), (1, 400, None)])
def test_a_large_map_is_made_coarser(tmp_path, rows, columns, shape):
    path = write(
        tmp_path / "a.nc",
        {"lat": latitudes(np.linspace(-80, 80, rows)), "lon": longitudes(np.linspace(0, 359, columns))},
        np.ones((rows, columns)),
    )
    told = preview(path)
    assert told.get("cells", {}).get("shape") == shape
    assert len(json.dumps(told)) < LIMIT_BYTES


def test_the_largest_picture_stays_below_the_limit(tmp_path):
    random = np.random.default_rng(1)
    path = write(
        tmp_path / "a.nc",
        {"lat": latitudes(np.linspace(-89.123456, 89, 270)), "lon": longitudes(np.linspace(0.123456, 359, 540))},
        random.normal(size=(270, 540)),
        long_name="x" * 500,
    )
    assert len(json.dumps(preview(path))) < LIMIT_BYTES


def test_a_series_is_shown_where_space_is_one_cell(tmp_path):
    path = write(
        tmp_path / "a.nc",
        {"time": days(3), "lat": latitudes([10]), "lon": longitudes([5])},
        np.array([1.5, -999.0, 3.0]).reshape(3, 1, 1),
    )
    told = preview(path)
    assert told["kind"] == "series"
    assert told["x"]["values"] == ["2000-01-01T00:00:00", "2000-01-02T00:00:00", "2000-01-03T00:00:00"]
    assert told["values"] == [1.5, None, 3.0]
    assert (told["minimum"], told["maximum"]) == (1.5, 3.0)


def test_a_long_series_is_thinned(tmp_path):
    told = preview(write(tmp_path / "a.nc", {"time": days(5000)}, np.arange(5000.0), chunksizes=(512,)))
    assert len(told["values"]) == len(told["x"]["values"]) == 1000
    assert told["values"][:2] == [2, 7]


def test_a_single_number_is_a_table_of_one_row(tmp_path):
    told = preview(write(tmp_path / "a.nc", {"time": days(1)}, np.array([280.5])))
    assert told == {"kind": "table", "columns": ["time", "tas"], "rows": [["2000-01-01T00:00:00", 280.5]], "units": "K"}


def test_a_file_without_numbers_has_no_preview(tmp_path):
    with netCDF4.Dataset(tmp_path / "a.nc", "w") as data:
        data.title = "nothing"
    assert preview(tmp_path / "a.nc") is None


def test_cells_of_a_2d_grid_lie_where_they_are(tmp_path):
    """Turn a grid by 45 degrees: its corners are north, east, south and west, and between them lies nothing."""
    u, v = np.meshgrid(np.linspace(-10, 10, 41), np.linspace(-10, 10, 41))
    with netCDF4.Dataset(tmp_path / "a.nc", "w") as data:
        data.createDimension("y", 41)
        data.createDimension("x", 41)
        for name, values, units in (("lon", u - v, "degrees_east"), ("lat", u + v, "degrees_north")):
            made = data.createVariable(name, "f8", ("y", "x"))
            made.units = units
            made[:] = values
        field = data.createVariable("tas", "f4", ("y", "x"))
        field.coordinates = "lon lat"
        field[:] = u + v
    told = preview(tmp_path / "a.nc")
    cells, y = decode(told), np.array(told["y"]["values"])
    assert np.isnan(cells[[0, 0, -1, -1], [0, -1, 0, -1]]).all()
    seen = ~np.isnan(cells)
    assert seen.mean() == pytest.approx(0.5, abs=0.1)
    middle = cells[:, cells.shape[1] // 2]
    np.testing.assert_allclose(middle, y, atol=1.0)


def test_a_huge_step_is_read_in_part_and_in_little_memory(tmp_path):
    path = tmp_path / "a.nc"
    rows, columns = 4000, 8000  # 128 MB of float32
    with netCDF4.Dataset(path, "w") as data:
        for name, size, units in (("lat", rows, "degrees_north"), ("lon", columns, "degrees_east")):
            data.createDimension(name, size)
            axis = data.createVariable(name, "f8", (name,))
            axis.units = units
            axis[:] = np.linspace(-80, 80, size)
        field = data.createVariable("tas", "f4", ("lat", "lon"), zlib=True, complevel=1, chunksizes=(500, 500))
        for row in range(0, rows, 500):
            field[row : row + 500] = row
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began = time.monotonic()
    told = preview(path)
    assert time.monotonic() - began < 5
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024 < 100
    assert told["cells"]["shape"][1] <= 180
    assert told["cells"]["shape"][0] <= 45
