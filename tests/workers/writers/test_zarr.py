"""Zarr in a zip file: xarray and zarr-python read what the source holds; the same bytes every time."""

import zipfile

import netCDF4
import numpy as np
import xarray as xr
from zarr.storage import ZipStore

from gaia_workers.readers.netcdf import open_dataset
from gaia_workers.writers import chunks
from gaia_workers.writers.zarr import write


def write_quietly(dataset, path):
    write(dataset, path, progress=lambda *_: None, history="made by a test")


def read_back(path, **options):
    return xr.open_zarr(ZipStore(path, mode="r"), consolidated=False, chunks=None, **options)


def test_xarray_reads_the_same_from_it_as_from_the_source(shared_data, tmp_path):
    for name in ("A1B_north_america", "bcsd_obs_1999", "rotated_pole", "orca2_votemper", "timeseries"):
        path = shared_data / "climate" / f"{name}.nc"
        with open_dataset(path) as dataset:
            write_quietly(dataset, tmp_path / "a.zarr.zip")
        with xr.open_dataset(path, decode_times=False) as source:
            found = read_back(tmp_path / "a.zarr.zip", decode_times=False)
            xr.testing.assert_equal(source, found)
            assert {v: set(source[v].attrs) for v in source} == {v: set(found[v].attrs) for v in source}
            assert found.attrs["history"].endswith("made by a test")


def test_chunks_are_put_together_where_those_of_the_source_begin_elsewhere(tmp_path, monkeypatch):
    monkeypatch.setattr(chunks, "plan_aligned_blocks", lambda *_: None)
    values = np.arange(11 * 4, dtype="f4").reshape(11, 4)
    with netCDF4.Dataset(tmp_path / "a.nc", "w") as file:
        file.createDimension("t", 11)
        file.createDimension("x", 4)
        file.createVariable("v", "f4", ("t", "x"), chunksizes=(4, 3))[:] = values
    with open_dataset(tmp_path / "a.nc") as dataset:
        write_quietly(dataset.isel(t=slice(3, None)), tmp_path / "a.zip")
    np.testing.assert_array_equal(read_back(tmp_path / "a.zip")["v"].values, values[3:])


def test_packing_stays_bit_for_bit_and_missing_cells_stay_missing(tmp_path):
    packed = xr.Variable(
        ("y", "x"), np.array([[1, -9], [3, 4]], "i2"), {"_FillValue": np.int16(-9), "scale_factor": 0.5}
    )
    plain = xr.Variable(("y", "x"), np.array([[1, np.nan]], "f4"), {"_FillValue": np.float32(np.nan)})
    write_quietly(
        xr.Dataset({"v": packed, "w": xr.Variable(("z", "x"), plain.values, plain.attrs)}), tmp_path / "a.zip"
    )
    raw = read_back(tmp_path / "a.zip", mask_and_scale=False)
    assert (raw["v"].dtype, raw["v"].values.tolist()) == (np.int16, [[1, -9], [3, 4]])
    np.testing.assert_equal(read_back(tmp_path / "a.zip")["v"].values, [[0.5, np.nan], [1.5, 2.0]])
    assert np.isnan(read_back(tmp_path / "a.zip")["w"].attrs.get("_FillValue", np.nan))


def test_texts_numbers_of_the_other_byte_order_and_scalars_are_read(tmp_path):
    dataset = xr.Dataset(
        {
            "name": (("n", "strlen"), np.array([[b"a", b"b"], [b"\xc3", b"\xa9"]], "S1")),
            "big": ("n", np.array([1.5, 2.5], ">f8")),
            "crs": ((), np.int32(7), {"valid_range": np.array([0.0, np.inf])}),
        }
    )
    write_quietly(dataset, tmp_path / "a.zip")
    found = read_back(tmp_path / "a.zip")
    assert found["name"].values.tolist() == ["ab", "é"]
    assert found["big"].values.tolist() == [1.5, 2.5]
    assert (int(found["crs"]), found["crs"].attrs["valid_range"]) == (7, [0.0, "Infinity"])


def test_every_name_stands_once_with_a_fixed_date_and_threads_make_no_difference(tmp_path):
    with netCDF4.Dataset(tmp_path / "a.nc", "w") as file:
        for dim, size in (("time", 40), ("y", 100), ("x", 150)):
            file.createDimension(dim, size)
        values = np.random.default_rng(7).normal(280, 5, (40, 100, 150)).astype("f4")
        file.createVariable("v", "f4", ("time", "y", "x"), zlib=True, chunksizes=(7, 33, 150))[:] = values
    made = set()
    for threads in (1, 2):
        with open_dataset(tmp_path / "a.nc", threads=threads) as dataset:
            write_quietly(dataset.isel(x=slice(3, 149), time=[5, 1, 30]), tmp_path / "a.zip")
        made.add((tmp_path / "a.zip").read_bytes())
    assert len(made) == 1
    np.testing.assert_array_equal(read_back(tmp_path / "a.zip")["v"].values, values[[5, 1, 30], :, 3:149])
    with zipfile.ZipFile(tmp_path / "a.zip") as entries:
        assert len(set(entries.namelist())) == len(entries.namelist())
        assert {entry.date_time[0] for entry in entries.infolist()} == {1980}
