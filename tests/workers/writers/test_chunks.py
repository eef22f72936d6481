"""Chunks that are packed here are those that HDF5's own filters read back."""

import h5py
import netCDF4
import numpy as np
import pytest
import xarray as xr
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gaia_workers.readers.netcdf import open_dataset
from gaia_workers.writers import chunks
from gaia_workers.writers.chunks import Assembly, even_out, pack, plan_chunks
from gaia_workers.writers.netcdf import write


@pytest.mark.parametrize("kind", ["i1", "i2", "f4", "f8"])
@pytest.mark.parametrize(("shuffle", "level"), [(False, None), (True, None), (False, 1), (True, 1), (True, 9)])
def test_hdf5_reads_a_chunk_that_was_packed_here(tmp_path, kind, shuffle, level):
    values = np.arange(24).reshape(4, 6).astype(kind)
    with h5py.File(tmp_path / "a.h5", "w") as file:
        dataset = file.create_dataset(
            "v", (4, 6), kind, chunks=(4, 6), shuffle=shuffle, compression=None if level is None else "gzip"
        )
        dataset.id.write_direct_chunk((0, 0), pack(values, (4, 6), shuffle=shuffle, level=level))
        np.testing.assert_array_equal(dataset[:], values)


def test_a_chunk_at_the_end_is_filled_up_with_zeros():
    assert pack(np.int8([[1, 2]]), (2, 3), shuffle=False, level=None) == bytes([1, 2, 0, 0, 0, 0])


def test_a_box_of_whole_chunks_gives_them_all():
    values = np.arange(10).reshape(2, 5)
    pieces = list(Assembly((6, 5), (2, 3)).add((slice(4, 6), slice(0, 5)), values))
    assert [(start, cells.tolist()) for start, cells in pieces] == [
        ((4, 0), [[0, 1, 2], [5, 6, 7]]), ((4, 3), [[3, 4], [8, 9]])
    ]  # fmt: skip


def test_a_chunk_is_given_with_its_last_cell():
    assembly = Assembly((3, 4), (2, 2))
    boxes = [(slice(0, 1), slice(0, 4)), (slice(1, 3), slice(0, 3)), (slice(1, 3), slice(3, 4))]
    cells = np.arange(12).reshape(3, 4)
    given = [[(start, part.tolist()) for start, part in assembly.add(box, cells[box])] for box in boxes]
    assert given == [
        [],
        [((0, 0), [[0, 1], [4, 5]]), ((2, 0), [[8, 9]])],
        [((0, 2), [[2, 3], [6, 7]]), ((2, 2), [[10, 11]])],
    ]


@pytest.mark.parametrize(
    ("kind", "storage"),
    [
        pytest.param("f4", {"contiguous": True}, id="not in chunks"),
        pytest.param("f4", {"chunksizes": (512, 1024), "fletcher32": True}, id="with a check sum"),
        pytest.param("f4", {"chunksizes": (512, 1024), "fletcher32": False, "endian": "big"}, id="big endian"),
        pytest.param("S1", {"chunksizes": (512, 1024), "fletcher32": False}, id="characters"),
    ],
)
def test_what_the_netcdf_library_must_write(kind, storage):
    assert plan_chunks(xr.Variable(("y", "x"), np.zeros((1024, 1024), kind)), storage) is None


def test_a_short_last_chunk_is_shared_out_unless_chunks_lie_as_in_the_source(tmp_path):
    with netCDF4.Dataset(tmp_path / "a.nc", "w") as file:
        file.createDimension("x", 40)
        file.createVariable("v", "f4", ("x",), chunksizes=(9,))[:] = np.arange(40)
    with open_dataset(tmp_path / "a.nc") as dataset:
        variable = dataset.variables["v"]
        assert even_out(variable[9:19], (9,)) == (9,)  # edges at 9 in both
        assert even_out(variable[3:13], (9,)) == (5,)  # the source's edge is at 6
        assert even_out(variable[3:3], (9,)) == (9,)


def test_small_variables_are_left_to_the_netcdf_library():
    storage = {"chunksizes": (10, 10), "fletcher32": False}
    assert plan_chunks(xr.Variable(("y", "x"), np.zeros((10, 10))), storage) is None


@pytest.fixture
def all_by_chunk(monkeypatch):
    """Let even the smallest variable be written chunk by chunk."""
    monkeypatch.setattr(chunks, "_WORTH_BYTES", 0)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=40)
@given(data=st.data())
def test_any_part_in_any_chunks_is_what_was_cut_out(tmp_path, all_by_chunk, data):
    with pytest.MonkeyPatch.context() as patch:
        if data.draw(st.booleans(), "layer by layer"):
            patch.setattr(chunks, "plan_aligned_blocks", lambda *_: None)
        cut_out_any_part(tmp_path, data)


def cut_out_any_part(tmp_path, data):
    """Cut any part out of any chunks, write it, and compare."""
    shape = data.draw(st.tuples(st.integers(1, 9), st.integers(1, 9), st.integers(1, 9)))
    chunk = tuple(data.draw(st.integers(1, size)) for size in shape)
    part = tuple(slice(data.draw(st.integers(0, size - 1)), None) for size in shape)
    zlib = data.draw(st.booleans())
    values = np.arange(np.prod(shape), dtype="f4").reshape(shape)
    with netCDF4.Dataset(tmp_path / "a.nc", "w") as file:
        file.createDimension("t", None)
        file.createDimension("y", shape[1])
        file.createDimension("x", shape[2])
        file.createVariable("v", "f4", ("t", "y", "x"), zlib=zlib, chunksizes=chunk)[:] = values
    with open_dataset(tmp_path / "a.nc") as dataset:
        cut = dataset.isel(dict(zip("tyx", part, strict=True)))
        write(cut, tmp_path / "b.nc", progress=lambda *_: None, history="")
    with netCDF4.Dataset(tmp_path / "b.nc") as file:
        assert file.dimensions["t"].isunlimited()
        assert len(file.dimensions["t"]) == values[part].shape[0]
        np.testing.assert_array_equal(file["v"][:], values[part])
