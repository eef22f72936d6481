"""Reading NetCDF: whatever the storage, the values are those of the NetCDF library; whatever is broken is refused."""

from pathlib import Path

import h5py
import netCDF4
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gaia_processes.errors import UnreadableData
from gaia_workers.readers.chunks import ByteCounter, ChunkedArray
from gaia_workers.readers.netcdf import open_dataset, stored_bytes

VALUES = np.arange(7 * 6 * 5, dtype="f4").reshape(7, 6, 5)
STORAGES = {
    "contiguous": {"contiguous": True},
    "chunked": {"chunksizes": (2, 4, 3)},
    "deflated": {"chunksizes": (2, 4, 3), "zlib": True, "shuffle": False},
    "shuffled and deflated": {"chunksizes": (2, 4, 3), "zlib": True, "shuffle": True},
    "large chunks": {"chunksizes": (7, 6, 5), "zlib": True, "shuffle": True},
    "checksummed": {"chunksizes": (2, 4, 3), "zlib": True, "fletcher32": True},
    "big endian": {"chunksizes": (2, 4, 3), "zlib": True, "endian": "big"},
}


def write_file(path, *, values=VALUES, scale=1, format_name="NETCDF4", **storage):
    """Write a variable v(t, y, x)."""
    values = np.tile(values, (1, scale, scale))
    with netCDF4.Dataset(path, "w", format=format_name) as file:
        for name, size in zip("tyx", values.shape, strict=True):
            file.createDimension(name, size)
        kind = values.dtype.newbyteorder(">") if storage.get("endian") == "big" else values.dtype
        file.createVariable("v", kind, ("t", "y", "x"), **storage)[:] = values
    return values


def read_oracle(path):
    with netCDF4.Dataset(path) as file:
        file.set_auto_maskandscale(False)
        file.set_auto_chartostring(False)
        return {name: np.asarray(each[...]) for name, each in file.variables.items()}


def same(ours, theirs):
    if theirs.dtype.kind in "OU":
        return bool((ours == theirs.astype(object)).all())
    return ours.dtype == theirs.dtype and ours.shape == theirs.shape and ours.tobytes() == theirs.tobytes()


def test_every_real_file_reads_as_the_library_reads_it(shared_data):
    for path in sorted((shared_data / "climate").glob("*.nc")):
        theirs = read_oracle(path)
        with open_dataset(path) as dataset:
            assert list(dataset.encoding["order"]) == list(theirs)
            for name, values in theirs.items():
                assert same(np.asarray(dataset.variables[name].values), values), (path.name, name)


@pytest.fixture(scope="module")
def storages(tmp_path_factory):
    """Write one file of each way of storage, of small chunks and of chunks that are worth a thread."""
    folder = tmp_path_factory.mktemp("storages")
    files = {}
    for name, storage in STORAGES.items():
        for scale in (1, 8):
            path = folder / f"{name}-{scale}.nc"
            own = dict(storage)
            if "chunksizes" in own:
                own["chunksizes"] = tuple(np.multiply(own["chunksizes"], (1, scale, scale)))
            files[name, scale] = path, write_file(path, scale=scale, **own)
    return files


def places(size):
    """Give slices and index lists along one dimension."""
    slices = st.slices(size).filter(lambda each: each.step is None or each.step > 0)
    return st.one_of(slices, st.lists(st.integers(0, size - 1), min_size=0, max_size=12).map(np.array))


@pytest.mark.slow
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=15)
@pytest.mark.parametrize("scale", [1, 8])
@pytest.mark.parametrize("storage", STORAGES)
@given(data=st.data())
def test_any_box_of_any_storage_is_what_numpy_takes(storages, storage, scale, data):
    path, values = storages[storage, scale]
    keys = [data.draw(places(size)) for size in values.shape]
    chosen = [
        np.arange(size)[key if isinstance(key, slice) else key.astype(int)]
        for size, key in zip(values.shape, keys, strict=True)
    ]
    with open_dataset(path) as dataset:
        taken = dataset.isel(dict(zip("tyx", chosen, strict=True))).v.values
    np.testing.assert_array_equal(taken, values[np.ix_(*chosen)])


@pytest.mark.parametrize("kind", ["i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "f4", "f8"])
def test_every_type_goes_the_fast_way(tmp_path, kind):
    values = (VALUES * 1.17).astype(kind)
    write_file(tmp_path / "a.nc", values=values, zlib=True, chunksizes=(2, 4, 3))
    with open_dataset(tmp_path / "a.nc") as dataset:
        assert isinstance(dataset.variables["v"]._data.array, ChunkedArray)
        assert same(dataset.v.values, values)


def test_slices_of_slices_stay_lazy(storages):
    path, values = storages["shuffled and deflated", 1]
    counter = ByteCounter()
    with open_dataset(path, counter=counter) as dataset:
        part = dataset.isel(t=slice(1, 6), x=[4, 0, 1]).isel(t=slice(2, None), y=[3])
        assert counter.total == 0
        np.testing.assert_array_equal(part.v.values, values[3:6][:, [3]][:, :, [4, 0, 1]])


def test_threads_do_not_change_the_bytes(storages):
    path, _ = storages["shuffled and deflated", 8]
    answers = []
    for threads in (1, 2, 5):
        with open_dataset(path, threads=threads) as dataset:
            answers.append(dataset.v.values.tobytes())
    assert len(set(answers)) == 1


@pytest.mark.parametrize("scale", [1, 8])
def test_chunks_that_were_never_written_hold_the_fill_value(tmp_path, scale):
    with netCDF4.Dataset(tmp_path / "a.nc", "w") as file:
        file.createDimension("t", None)
        file.createDimension("x", 100 * scale)
        variable = file.createVariable("v", "f4", ("t", "x"), zlib=True, chunksizes=(1, 50 * scale), fill_value=-7.0)
        variable[3, : 50 * scale] = 1.0
    with open_dataset(tmp_path / "a.nc") as dataset:
        assert same(dataset.v.values, read_oracle(tmp_path / "a.nc")["v"])
        assert dataset.v.values[0, 0] == -7


def test_a_variable_that_is_shorter_than_its_unlimited_dimension_is_filled(tmp_path):
    with netCDF4.Dataset(tmp_path / "a.nc", "w") as file:
        file.createDimension("t", None)
        file.createVariable("long", "f4", ("t",))[:5] = 1
        file.createVariable("short", "f4", ("t",))[:2] = 2
    with open_dataset(tmp_path / "a.nc") as dataset:
        assert same(dataset.short.values, read_oracle(tmp_path / "a.nc")["short"])


def test_a_variable_named_as_a_dimension_that_it_does_not_describe_is_found(tmp_path):
    with netCDF4.Dataset(tmp_path / "a.nc", "w") as file:
        file.createDimension("x", 3)
        file.createDimension("y", 2)
        file.createVariable("x", "f4", ("y", "x"), zlib=True)[:] = [[1, 2, 3], [4, 5, 6]]
    with open_dataset(tmp_path / "a.nc") as dataset:
        assert dataset.variables["x"].values.tolist() == [[1, 2, 3], [4, 5, 6]]


def test_packed_values_and_times_are_left_as_stored(shared_data):
    with open_dataset(shared_data / "climate" / "reduced.nc") as dataset:
        assert dataset.sst.dtype == np.int16
        assert {"_FillValue", "scale_factor"} <= set(dataset.sst.attrs)
        assert dataset.time.dtype == np.float32


# --- what is read ---------------------------------------------------------------------------------------------------


def read_characters():
    """Give the bytes that this process asked the kernel for."""
    return int(Path("/proc/self/io").read_text().split("rchar: ")[1].split()[0])


def test_only_the_chunks_that_meet_the_selection_are_read(tmp_path):
    values = np.random.default_rng(1).normal(size=(200, 60, 80)).astype("f4")
    write_file(tmp_path / "a.nc", values=values, zlib=True, complevel=1, chunksizes=(1, 30, 40))
    counter = ByteCounter()
    with open_dataset(tmp_path / "a.nc", counter=counter) as dataset:
        _ = dataset.v[0, 0, 0].values  # the index of the chunks is read now
        before, counted = read_characters(), counter.total
        _ = dataset.v[50:150, 35:50, 5:20].values
        used, counted = read_characters() - before, counter.total - counted
    with h5py.File(tmp_path / "a.nc") as file:
        met = sum(file["v"].id.get_chunk_info_by_coord((step, 30, 0)).size for step in range(50, 150))
    assert counted == met
    assert used <= 1.2 * met


WIDE = np.random.default_rng(1).normal(size=(40, 120, 160)).astype("f4")


@pytest.mark.parametrize(
    ("storage", "format_name"),
    [
        pytest.param({"contiguous": True}, "NETCDF4", id="contiguous"),
        pytest.param({"chunksizes": (1, 60, 80), "zlib": True, "complevel": 1}, "NETCDF4", id="the fast way"),
        pytest.param({"chunksizes": (1, 60, 80), "zlib": True, "fletcher32": True}, "NETCDF4", id="checksummed"),
        pytest.param({"chunksizes": (1, 60, 80), "endian": "big"}, "NETCDF4", id="big endian"),
        pytest.param({}, "NETCDF3_64BIT_OFFSET", id="classic"),
    ],
)
def test_what_was_read_is_counted_as_the_kernel_counts_it(tmp_path, storage, format_name):
    write_file(tmp_path / "a.nc", values=WIDE, format_name=format_name, **storage)
    counter = ByteCounter()
    with open_dataset(tmp_path / "a.nc", counter=counter) as dataset:
        assert counter.total == 0
        _ = dataset.v[0].values  # the index of the chunks is read now
        before, counted = read_characters(), counter.total
        _ = dataset.v[10:30].values
        used, counted = read_characters() - before, counter.total - counted
    met = 20 * 120 * 160 * 4
    assert counted <= used <= 1.02 * counted
    assert 0.8 * met <= counted <= 1.2 * met


def test_values_that_come_with_the_header_are_counted_once(tmp_path):
    write_file(tmp_path / "a.nc", values=VALUES, format_name="NETCDF3_64BIT_OFFSET")
    counter = ByteCounter()
    with open_dataset(tmp_path / "a.nc", counter=counter) as dataset:
        for _ in range(2):
            assert same(dataset.v.values, VALUES.astype(">f4").astype("f4"))
    assert counter.total == VALUES.nbytes


# --- what is refused ------------------------------------------------------------------------------------------------

REFUSED = {
    "truncated.nc": "truncated or damaged",
    "truncated_classic.nc": "has 2826 bytes, its header declares 5652",
    "empty.nc": "empty",
    "html_login.nc": "looks like a web page",
    "hdf5_external_link.nc": "refers to another file",
    "hdf5_external_storage.nc": "refers to another file",
}


def read_all(path):
    with open_dataset(path) as dataset:
        for variable in dataset.variables.values():
            _ = variable.values


def refuse(path, words):
    with pytest.raises(UnreadableData, match=words) as caught:
        read_all(path)
    assert str(path) not in caught.value.text.en + caught.value.text.fr
    assert path.name not in caught.value.text.en + caught.value.text.fr


@pytest.mark.parametrize("name", REFUSED)
def test_broken_files_are_refused_without_their_path(shared_data, name):
    refuse(shared_data / "bad" / name, REFUSED[name])


def test_after_a_broken_file_the_next_is_read(shared_data):
    refuse(shared_data / "bad" / "truncated.nc", "truncated")
    with open_dataset(shared_data / "bad" / "ok_control.nc") as dataset:
        assert dataset.tas.shape == (10, 10, 12)


@pytest.mark.parametrize("name", ["absent.nc", "http://127.0.0.1:9/a.nc", "."])
def test_only_files_are_opened(tmp_path, name):
    with pytest.raises(UnreadableData, match="not a regular file"), open_dataset(tmp_path / name):
        pass


def test_other_formats_are_refused(tmp_path):
    (tmp_path / "a.nc").write_bytes(b"GRIB" + bytes(100))
    refuse(tmp_path / "a.nc", "a GRIB file")


def test_a_virtual_dataset_is_refused(tmp_path):
    layout = h5py.VirtualLayout((3,), "f4")
    layout[:] = h5py.VirtualSource(tmp_path / "other.h5", "w", (3,))
    with h5py.File(tmp_path / "a.nc", "w") as file:
        file.create_virtual_dataset("v", layout)
    refuse(tmp_path / "a.nc", "refers to another file")


def test_a_huge_chunk_is_refused_before_it_is_inflated(tmp_path):
    with h5py.File(tmp_path / "a.nc", "w") as file:
        file.create_dataset("v", (2**30,), "f4", chunks=(2**29,), compression="gzip")
    refuse(tmp_path / "a.nc", "2147483648 bytes")


def test_a_group_that_holds_itself_does_not_run_for_ever(tmp_path):
    with h5py.File(tmp_path / "a.nc", "w") as file:
        group = file.create_group("g")
        group["g"] = group
    refuse(tmp_path / "a.nc", "truncated or damaged")


def test_groups_alone_are_refused(tmp_path):
    with netCDF4.Dataset(tmp_path / "a.nc", "w") as file:
        file.createGroup("inside")
    refuse(tmp_path / "a.nc", "only in groups")


def test_data_in_groups_are_not_left_out_in_silence(tmp_path):
    with netCDF4.Dataset(tmp_path / "a.nc", "w") as file:
        file.createDimension("x", 2)
        file.createVariable("x", "f8", "x")[:] = [1, 2]
        file.createGroup("g").createVariable("v", "f8", "x")[:] = [1, 2]
    refuse(tmp_path / "a.nc", "only in groups")


def test_a_compound_type_is_refused_by_name(tmp_path):
    with netCDF4.Dataset(tmp_path / "a.nc", "w") as file:
        kind = file.createCompoundType(np.dtype([("u", "f4"), ("v", "f4")]), "wind")
        file.createDimension("x", 2)
        file.createVariable("w", kind, ("x",))
    refuse(tmp_path / "a.nc", "'w'")


@pytest.mark.parametrize("scale", [1, 8])
def test_a_damaged_chunk_is_refused(tmp_path, scale):
    write_file(tmp_path / "a.nc", scale=scale, zlib=True, chunksizes=(7, 6 * scale, 5 * scale))
    with h5py.File(tmp_path / "a.nc") as file:
        place = file["v"].id.get_chunk_info(0)
    with (tmp_path / "a.nc").open("r+b") as stream:
        stream.seek(place.byte_offset + place.size // 2)
        stream.write(b"\xff" * 16)
    refuse(tmp_path / "a.nc", "'v' cannot be read")


@pytest.mark.parametrize("form", ["NETCDF3_CLASSIC", "NETCDF3_64BIT_OFFSET", "NETCDF3_64BIT_DATA"])
@pytest.mark.parametrize("kinds", [("i1",), ("i1", "f8"), ("i2", "i1", "f4")])
def test_a_classic_file_may_not_miss_a_value(tmp_path, form, kinds):
    path = tmp_path / "a.nc"
    with netCDF4.Dataset(path, "w", format=form) as file:
        file.title = "five"
        file.createDimension("t", None)
        file.createDimension("x", 3)
        file.createVariable("fixed", "f4", ("x",))[:] = 1
        for at, kind in enumerate(kinds):
            file.createVariable(f"v{at}", kind, ("t", "x"))[:] = np.ones((5, 3))
    with open_dataset(path) as dataset:
        assert dataset.sizes["t"] == 5
    whole = path.read_bytes()
    path.write_bytes(whole[:-4])
    refuse(path, "truncated")


def test_a_cut_header_is_refused(tmp_path):
    write_file(tmp_path / "a.nc")
    with netCDF4.Dataset(tmp_path / "b.nc", "w", format="NETCDF3_CLASSIC") as file:
        file.createDimension("x", 3)
        file.createVariable("v", "f4", ("x",))[:] = 1
    whole = (tmp_path / "b.nc").read_bytes()
    for length in (6, 12, 20, 40, 60):
        (tmp_path / "b.nc").write_bytes(whole[:length])
        refuse(tmp_path / "b.nc", "truncated or damaged")


def test_absurd_counts_in_a_header_are_refused_at_once(tmp_path):
    (tmp_path / "a.nc").write_bytes(b"CDF\x05" + bytes(8) + b"\x00\x00\x00\x0a" + b"\x7f" + b"\xff" * 7 + bytes(50))
    refuse(tmp_path / "a.nc", "truncated or damaged")


# --- storage --------------------------------------------------------------------------------------------------------


def test_how_it_is_stored_is_told(tmp_path):
    write_file(tmp_path / "a.nc", zlib=True, complevel=3, shuffle=True, chunksizes=(2, 4, 3))
    with open_dataset(tmp_path / "a.nc") as dataset:
        encoding = dataset.v.encoding
    assert {name: encoding[name] for name in ("zlib", "complevel", "shuffle", "chunksizes")} == {
        "zlib": True, "complevel": 3, "shuffle": True, "chunksizes": (2, 4, 3)
    }  # fmt: skip


def test_stored_bytes_are_those_on_disk(tmp_path):
    write_file(tmp_path / "a.nc", values=np.zeros((7, 60, 50), "f4"), zlib=True, chunksizes=(1, 60, 50))
    assert 0 < stored_bytes(tmp_path / "a.nc")["v"] < 1000
