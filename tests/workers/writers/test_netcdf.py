"""Writing NetCDF-4: bit for bit what was read, the same bytes every time, in bounded memory."""

import hashlib
import subprocess
from itertools import pairwise
from pathlib import Path

import h5py
import netCDF4
import numpy as np
import pytest
import xarray as xr

from gaia_processes.errors import UnreadableData
from gaia_processes.subset.compute import compute as subset
from gaia_workers.readers.netcdf import open_dataset
from gaia_workers.writers import netcdf as writer
from gaia_workers.writers.netcdf import choose_chunks, write

# The NetCDF library makes a string of a fill value of characters, a text of one character.
COMPARED = ("dtype", "dimensions", "shape")


def write_quietly(dataset, path, history="made by a test"):
    write(dataset, path, progress=lambda *_: None, history=history)


def attributes(item):
    return {name: repr(item.getncattr(name)) for name in item.ncattrs() if name != "history"}


def assert_same_file(source, target):
    with netCDF4.Dataset(source) as theirs, netCDF4.Dataset(target) as ours:
        assert list(theirs.variables) == list(ours.variables)
        assert attributes(theirs) == attributes(ours)
        used = {dim for each in theirs.variables.values() for dim in each.dimensions}
        for name in used:
            assert theirs.dimensions[name].isunlimited() == ours.dimensions[name].isunlimited()
        for name, variable in theirs.variables.items():
            assert_same_variable(variable, ours.variables[name])


def assert_same_variable(theirs, ours):
    for each in (theirs, ours):
        each.set_auto_maskandscale(False)
        each.set_auto_chartostring(False)
    assert [getattr(theirs, name) for name in COMPARED] == [getattr(ours, name) for name in COMPARED], theirs.name
    assert attributes(theirs) == attributes(ours), theirs.name
    assert np.asarray(theirs[...]).tolist() == np.asarray(ours[...]).tolist() or (
        np.asarray(theirs[...]).tobytes() == np.asarray(ours[...]).tobytes()
    )
    if theirs.filters() and ours.filters():
        wanted = {name: theirs.filters()[name] for name in ("zlib", "shuffle", "fletcher32")}
        assert wanted == {name: ours.filters()[name] for name in wanted}, theirs.name


@pytest.mark.slow
def test_every_real_file_comes_out_as_it_went_in(shared_data, tmp_path):
    for path in sorted((shared_data / "climate").glob("*.nc")):
        with open_dataset(path) as dataset:
            if "tracking_id" in dataset.attrs:
                continue  # a result has a new identity: tested below
            write_quietly(dataset, tmp_path / "out.nc")
        assert_same_file(path, tmp_path / "out.nc")


def make_source(path, *, steps=400, **storage):
    """Write v(time, y, x) with an unlimited time."""
    with netCDF4.Dataset(path, "w") as file:
        for name, size in (("time", None), ("y", 40), ("x", 50)):
            file.createDimension(name, size)
        file.createVariable("time", "f8", ("time",))[:] = np.arange(steps)
        values = np.random.default_rng(7).normal(280, 5, (steps, 40, 50)).astype("f4")
        file.createVariable("v", "f4", ("time", "y", "x"), **storage)[:] = values
    return values


def test_the_same_input_gives_the_same_bytes(tmp_path):
    make_source(tmp_path / "a.nc", zlib=True, complevel=1, chunksizes=(1, 40, 50))
    digests = set()
    for threads in (1, 2, 2):
        with open_dataset(tmp_path / "a.nc", threads=threads) as dataset:
            write_quietly(dataset.isel(x=[5, 1, 2]), tmp_path / "out.nc")
        digests.add(hashlib.sha256((tmp_path / "out.nc").read_bytes()).hexdigest())
    assert len(digests) == 1


def test_no_time_stamp_is_in_the_bytes(tmp_path, monkeypatch):
    # HDF5 stamps objects to the second; a second file after that second must be equal.
    data = xr.Dataset({"v": ("x", np.arange(3.0))})
    write_quietly(data, tmp_path / "a.nc")
    first = (tmp_path / "a.nc").read_bytes()
    program = "import time; time.sleep(1.1)"
    subprocess.run(["python3", "-c", program], check=True)
    write_quietly(data, tmp_path / "a.nc")
    assert (tmp_path / "a.nc").read_bytes() == first


def test_compression_byte_order_and_unlimited_time_are_kept(tmp_path):
    make_source(tmp_path / "a.nc", zlib=True, complevel=4, shuffle=True, chunksizes=(8, 40, 50), fill_value=-1.0)
    with open_dataset(tmp_path / "a.nc") as dataset:
        write_quietly(dataset, tmp_path / "b.nc")
    assert_same_file(tmp_path / "a.nc", tmp_path / "b.nc")
    with netCDF4.Dataset(tmp_path / "b.nc") as file:
        assert (file["v"].filters()["complevel"], file["v"].chunking()) == (4, [8, 40, 50])


def test_big_endian_stays_big_endian(tmp_path):
    with netCDF4.Dataset(tmp_path / "a.nc", "w") as file:
        file.createDimension("x", 3)
        file.createVariable("v", ">i4", ("x",), endian="big", fill_value=-9)[:] = [1, 2, 3]
    with open_dataset(tmp_path / "a.nc") as dataset:
        write_quietly(dataset, tmp_path / "b.nc")
    with netCDF4.Dataset(tmp_path / "b.nc") as file:
        assert (file["v"].endian(), file["v"][:].tolist(), int(file["v"]._FillValue)) == ("big", [1, 2, 3], -9)


@pytest.mark.parametrize(
    ("shape", "source", "expected"),
    [
        pytest.param((100, 40, 50), (1, 144, 192), (9, 40, 50), id="clipped, then 9 steps of 8000 bytes are 64 KiB"),
        pytest.param((100, 144, 192), (1, 144, 192), (1, 144, 192), id="as the source"),
        pytest.param((5, 1, 1), (1, 144, 192), (5, 1, 1), id="never longer than the shape"),
        pytest.param((100000, 1, 1), (1, 1, 1), (14286, 1, 1), id="a series of one cell: 7 equal parts of 64 KiB"),
        pytest.param((12, 96, 192), None, (1, 48, 192), id="half a step where the source has no chunks"),
        pytest.param((10, 4000, 4000), (10, 4000, 4000), (10, 125, 250), id="halved to 2 MiB"),
        pytest.param((0, 3), (1, 3), (1, 3), id="an empty dimension"),
    ],
)
def test_chunks_are_the_sources_but_sensible(shape, source, expected):
    chunks = choose_chunks(shape, source, 4)
    assert np.prod(chunks) * 4 <= 2**21
    assert chunks == expected


def test_progress_grows_to_the_end_in_many_steps(tmp_path):
    make_source(tmp_path / "a.nc", steps=4000, chunksizes=(1, 40, 50))
    seen = []
    with open_dataset(tmp_path / "a.nc") as dataset:
        part = dataset.isel(x=slice(0, 1))
        write(part, tmp_path / "b.nc", progress=lambda done, total: seen.append((done, total)), history="")
    assert seen[0][0] == 0
    assert all(earlier[0] <= later[0] for earlier, later in pairwise(seen))
    assert seen[-1] == (part.nbytes, part.nbytes)


def test_a_failed_write_leaves_nothing(tmp_path):
    make_source(tmp_path / "a.nc")

    def stop(done, _total):
        if done:
            raise KeyboardInterrupt

    with open_dataset(tmp_path / "a.nc") as dataset, pytest.raises(KeyboardInterrupt):
        write(dataset, tmp_path / "b.nc", progress=stop, history="")
    assert not (tmp_path / "b.nc").exists()


def test_the_history_grows_and_the_source_is_named(tmp_path):
    data = xr.Dataset({"v": ("x", [1.0])}, attrs={"history": "first", "tracking_id": "hdl:1"})
    write_quietly(data, tmp_path / "a.nc", history="second")
    with netCDF4.Dataset(tmp_path / "a.nc") as file:
        assert (file.history, file.parent_tracking_id) == ("first\nsecond", "hdl:1")
        assert "tracking_id" not in file.ncattrs()


def test_attributes_keep_their_types(tmp_path):
    with netCDF4.Dataset(tmp_path / "a.nc", "w") as file:
        file.createDimension("x", 1)
        variable = file.createVariable("v", "f4", ("x",))
        variable.setncatts(
            {"byte": np.int8(1), "longs": np.int64([1, 2]), "real": np.float32(0.1), "empty": "", "text": "K"}
        )
        variable.setncattr("characters", "µg".encode())
        variable.setncattr_string("string", "plain")
        variable.setncattr_string("strings", ["a", "b"])
        file.setncattr_string("title", "a string")
    with open_dataset(tmp_path / "a.nc") as dataset:
        write_quietly(dataset, tmp_path / "b.nc")
    headers = [dump(tmp_path / name) for name in ("a.nc", "b.nc")]
    assert headers[0] == headers[1]


def dump(path):
    """Give types and values of all attributes of v and of the file, as HDF5 has them."""
    import h5py

    with h5py.File(path) as file:
        return {
            (item, name): (str(file[item].attrs.get_id(name).dtype), str(file[item].attrs[name]))
            for item in ("v", "/")
            for name in file[item].attrs
            if not name.startswith(("_N", "_n", "DIM", "history"))
        }


def test_strings_and_characters_are_written(tmp_path):
    with netCDF4.Dataset(tmp_path / "a.nc", "w") as file:
        file.createDimension("x", 2)
        file.createDimension("n", 3)
        file.createVariable("s", str, ("x",))[:] = np.array(["é", "long text"], dtype=object)
        file.createVariable("c", "S1", ("x", "n"))[:] = np.array([list("abc"), list("de ")], dtype="S1")
        file.createVariable("one", str, ())[...] = "alone"
    with open_dataset(tmp_path / "a.nc") as dataset:
        write_quietly(dataset, tmp_path / "b.nc")
    assert_same_file(tmp_path / "a.nc", tmp_path / "b.nc")


def test_memory_does_not_grow_with_the_file(tmp_path):
    """A file of 240 MB passes through a process that may not take 100 MB more than it has."""
    path = tmp_path / "a.nc"
    with netCDF4.Dataset(path, "w") as file:
        file.createDimension("time", None)
        file.createDimension("x", 100_000)
        variable = file.createVariable("v", "f4", ("time", "x"), zlib=True, complevel=1, chunksizes=(1, 100_000))
        for step in range(600):
            variable[step] = step
    before = peak_kib(reset=True)
    with open_dataset(path) as dataset:
        write_quietly(dataset, tmp_path / "b.nc")
    assert peak_kib() - before < 100 * 1024


def peak_kib(*, reset=False):
    """Give the peak of resident memory since it was last set back to what is resident now."""
    if reset:
        with open("/proc/self/clear_refs", "w") as file:  # noqa: PTH123
            file.write("5")
    with open("/proc/self/status") as file:  # noqa: PTH123
        return next(int(line.split()[1]) for line in file if line.startswith("VmHWM"))


# --- chunks that are handed over -------------------------------------------------------------------------------------


@pytest.fixture
def steps(tmp_path):
    """Write 40 steps of 60 x 150 cells (1.4 MB) in chunks of 4 steps, deflated by zlib, whose bytes differ from ours."""
    with netCDF4.Dataset(tmp_path / "steps.nc", "w") as file:
        for dim, size in (("time", None), ("y", 60), ("x", 150)):
            file.createDimension(dim, size)
        made = file.createVariable("v", "f4", ("time", "y", "x"), zlib=True, complevel=6, chunksizes=(4, 60, 150))
        made[:] = np.round(np.random.default_rng(1).normal(280, 5, (40, 60, 150)), 1)
    return tmp_path / "steps.nc"


def stored_chunks(path):
    with h5py.File(path) as file:
        found = file["v"].id
        infos = [found.get_chunk_info(at) for at in range(found.get_num_chunks())]
        return {info.chunk_offset: found.read_direct_chunk(info.chunk_offset)[1] for info in infos}


def test_a_whole_file_is_handed_over_chunk_by_chunk_as_it_lies(steps, tmp_path):
    with open_dataset(steps) as dataset:
        write_quietly(subset(dataset, warn=print), tmp_path / "a.nc")
    assert stored_chunks(tmp_path / "a.nc") == stored_chunks(steps)
    assert_same_variable(netCDF4.Dataset(steps)["v"], netCDF4.Dataset(tmp_path / "a.nc")["v"])


def test_what_is_handed_over_and_what_is_made_anew_are_equal(steps, tmp_path, monkeypatch):
    for name in ("over.nc", "anew.nc"):
        with open_dataset(steps) as dataset:
            write_quietly(subset(dataset, warn=print), tmp_path / name)
        monkeypatch.setattr(writer, "find_handover", lambda *_: None)
    assert_same_file(tmp_path / "over.nc", tmp_path / "anew.nc")
    assert stored_chunks(tmp_path / "over.nc") != stored_chunks(tmp_path / "anew.nc")


@pytest.mark.parametrize(
    ("times", "handed"),
    [
        (slice(4, 40), True),
        (slice(0, 36), True),
        (slice(2, 38), False),
        (slice(4, 39), False),
        (slice(None, None, -1), False),
    ],
)
def test_only_whole_chunks_in_their_order_are_handed_over(steps, tmp_path, times, handed):
    with open_dataset(steps) as dataset:
        expected = dataset["v"].values[times]
        write_quietly(dataset.isel(time=times), tmp_path / "a.nc")
    assert (set(stored_chunks(tmp_path / "a.nc").values()) <= set(stored_chunks(steps).values())) == handed
    with netCDF4.Dataset(tmp_path / "a.nc") as file:
        np.testing.assert_array_equal(file["v"][:], expected)


def test_a_damaged_chunk_is_not_handed_over(steps, tmp_path):
    with h5py.File(steps) as file:
        info = file["v"].id.get_chunk_info(3)
    content = bytearray(steps.read_bytes())
    content[info.byte_offset + info.size // 2] ^= 0xFF
    steps.write_bytes(content)
    with open_dataset(steps) as dataset, pytest.raises(UnreadableData, match="'v'"):
        write_quietly(subset(dataset, warn=print), tmp_path / "a.nc")
    assert not (tmp_path / "a.nc").exists()


def test_chunks_that_were_never_written_are_made_anew(tmp_path):
    with netCDF4.Dataset(tmp_path / "a.nc", "w") as file:
        for dim, size in (("time", 40), ("y", 60), ("x", 150)):
            file.createDimension(dim, size)
        made = file.createVariable("v", "f4", ("time", "y", "x"), zlib=True, chunksizes=(4, 60, 150), fill_value=-9)
        made[8:] = 1
    with open_dataset(tmp_path / "a.nc") as dataset:
        write_quietly(subset(dataset, warn=print), tmp_path / "b.nc")
    assert_same_file(tmp_path / "a.nc", tmp_path / "b.nc")


def test_a_large_contiguous_variable_is_written_once(tmp_path, monkeypatch):
    values = make_source(tmp_path / "a.nc", steps=200, fill_value=-1.0)
    with open_dataset(tmp_path / "a.nc") as dataset:
        dataset.variables["v"].encoding["chunksizes"] = None
        dataset.encoding["unlimited_dims"] = set()
        sizes = {}
        for name, large_bytes in (("once.nc", 0), ("twice.nc", 2**40)):
            monkeypatch.setattr(writer, "_LARGE_BYTES", large_bytes)
            before = written_bytes()
            write_quietly(dataset, tmp_path / name)
            sizes[name] = written_bytes() - before
    assert sizes["twice.nc"] - sizes["once.nc"] == pytest.approx(values.nbytes, rel=0.1)
    assert_same_file(tmp_path / "twice.nc", tmp_path / "once.nc")


def written_bytes():
    """Ask the kernel how much this process has handed to it."""
    return next(
        int(line.split()[1]) for line in Path("/proc/self/io").read_text().splitlines() if line.startswith("wchar")
    )
