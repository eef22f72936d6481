"""Zarr stores as datasets: what NetCDF holds, whatever the version, the codecs and the way in which a store lies."""

import json
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import netCDF4
import numcodecs
import numpy as np
import pytest
import xarray as xr
import zarr
from hypothesis import given, settings
from hypothesis import strategies as st
from zarr.codecs import BloscCodec, GzipCodec, TransposeCodec, ZstdCodec

from gaia_processes.errors import UnreadableData
from gaia_workers.readers import netcdf
from gaia_workers.readers import zarr as reader
from gaia_workers.readers.chunks import ByteCounter
from gaia_workers.readers.opening import open_dataset
from gaia_workers.readers.zarr_codecs import Chain, DamagedChunk, make_links
from gaia_workers.readers.zarr_stores import digest_of, size_of

VALUES = np.arange(4 * 5 * 6, dtype="f4").reshape(4, 5, 6)
DIMS = ("time", "lat", "lon")


def store(path: Path, version: int = 3, values: Any = VALUES, **options: Any) -> Path:
    """Write one array, `tas`, of 4 x 5 x 6 cells, as zarr-python does."""
    group = zarr.open_group(path, mode="w", zarr_format=version)
    options = {"chunks": (2, 3, 4), "fill_value": None if version == 2 else 0} | options
    if version == 3:
        options["dimension_names"] = DIMS[: values.ndim]
    array = group.create_array("tas", shape=values.shape, dtype=values.dtype, **options)
    array[...] = values
    if version == 2:
        array.attrs["_ARRAY_DIMENSIONS"] = list(DIMS[: values.ndim])
    return path


def read(path: Path, name: str = "tas", place: Any = ...) -> Any:
    with open_dataset(path) as dataset:
        return np.asarray(dataset.variables[name][place].values)


def zipped(folder: Path, path: Path, *, method: int = zipfile.ZIP_STORED, inside: str = "") -> Path:
    with zipfile.ZipFile(path, "w", method) as archive:
        for file in sorted(each for each in folder.rglob("*") if each.is_file()):
            archive.write(file, f"{inside}{file.relative_to(folder).as_posix()}")
    return path


CODECS: dict[str, tuple[int, dict[str, Any]]] = {
    "v2, nothing": (2, {"compressors": None}),
    "v2, column-major": (2, {"order": "F"}),
    "v2, keys with slashes": (2, {"chunk_key_encoding": {"name": "v2", "separator": "/"}}),
    **{
        f"v2, {codec.codec_id}": (2, {"compressors": codec})
        for codec in (
            numcodecs.Blosc("lz4"), numcodecs.Blosc("zstd", shuffle=2), numcodecs.Zlib(1), numcodecs.GZip(1),
            numcodecs.Zstd(), numcodecs.LZ4(), numcodecs.BZ2(), numcodecs.LZMA(),
        )
    },
    "v2, shuffle and zlib": (2, {"filters": [numcodecs.Shuffle(4)], "compressors": numcodecs.Zlib(1)}),
    "v2, delta": (2, {"filters": [numcodecs.Delta("<f4")]}),
    "v2, offset and scale": (2, {"filters": [numcodecs.FixedScaleOffset(0, 1, dtype="<f4", astype="<i2")]}),
    "v2, check sum": (2, {"filters": [numcodecs.Fletcher32()]}),
    "v3, nothing": (3, {"compressors": None}),
    "v3, gzip": (3, {"compressors": GzipCodec()}),
    "v3, zstd with check sum": (3, {"compressors": ZstdCodec(checksum=True)}),
    "v3, blosc": (3, {"compressors": BloscCodec()}),
    "v3, big-endian": (3, {"serializer": zarr.codecs.BytesCodec(endian="big")}),
    "v3, transposed": (3, {"filters": TransposeCodec(order=(2, 0, 1))}),
    "v3, check sum": (3, {"compressors": zarr.codecs.Crc32cCodec()}),
    "v3, sharded": (3, {"shards": (4, 6, 8)}),
    "v3, sharded, index first": (3, {"shards": {"shape": (4, 3, 4), "index_location": "start"}}),
    "v3, keys with dots": (3, {"chunk_key_encoding": {"name": "v2", "separator": "."}}),
}  # fmt: skip


@pytest.mark.parametrize("case", CODECS)
def test_every_way_to_store_gives_the_same_cells(case: str, tmp_path: Path) -> None:
    version, options = CODECS[case]
    folder = store(tmp_path / "a.zarr", version, **options)
    picked = (slice(1, 4), [4, 0], slice(None, None, 2))
    for path in (
        folder,
        zipped(folder, tmp_path / "a.zip"),
        zipped(folder, tmp_path / "b.zip", method=zipfile.ZIP_DEFLATED, inside="a.zarr/"),
    ):
        np.testing.assert_array_equal(read(path), VALUES)
        np.testing.assert_array_equal(read(path, place=picked), VALUES[1:4][:, [4, 0]][:, :, ::2])


@pytest.mark.parametrize("version", [2, 3])
@pytest.mark.parametrize("kind", ["?", "i1", "<u2", ">i4", "<i8", "<f2", ">f4", "<f8"])
def test_every_type_of_number_is_given_in_the_order_of_this_machine(version: int, kind: str, tmp_path: Path) -> None:
    values = np.array([0, 1, 1, 0]).astype(kind)
    found = read(store(tmp_path / "a.zarr", version, values, chunks=(3,)))
    assert found.dtype.isnative
    assert found.dtype.name == {"?": "int8", "<f2": "float32"}.get(kind, values.dtype.name)
    assert found.tolist() == [0, 1, 1, 0]


@pytest.mark.parametrize("version", [2, 3])
def test_texts_are_texts_whatever_their_length(version: int, tmp_path: Path) -> None:
    texts = xr.Dataset({"short": ("n", np.array([b"ab", b"c"])), "long": ("n", np.array(["é", "longer"], object))})
    with pytest.warns() if version == 3 else pytest.MonkeyPatch.context():
        texts.to_zarr(tmp_path / "a.zarr", zarr_format=version, consolidated=False)
    assert read(tmp_path / "a.zarr", "short").tolist() == ["ab", "c"]
    assert read(tmp_path / "a.zarr", "long").tolist() == ["é", "longer"]


LARGE = np.random.default_rng(3).normal(0, 1, (1, 721, 500)).astype("f4")


def large_store(path: Path) -> Path:
    """Write one chunk of 721 rows in blocks of 64 KiB, of 33 rows each."""
    codec = numcodecs.Blosc("lz4", clevel=5, shuffle=1, blocksize=2**16)
    return store(path, 2, LARGE, chunks=(1, 721, 500), compressors=codec)


def test_a_large_chunk_of_blosc_is_decoded_by_the_blocks_that_are_needed(tmp_path: Path) -> None:
    folder = large_store(tmp_path / "a.zarr")
    for rows in (slice(0, 1), slice(300, 420), slice(700, 721), slice(0, 721)):
        np.testing.assert_array_equal(read(folder, place=(0, rows, slice(3, 9))), LARGE[0, rows, 3:9])


def test_no_more_of_a_large_chunk_is_read_than_some_rows_need(tmp_path: Path) -> None:
    folder = large_store(tmp_path / "a.zarr")
    options = {"chunks": (1, 721, 500), "shards": (2, 721, 500), "compressors": BloscCodec(blocksize=2**16)}
    for path in (folder, store(tmp_path / "b.zarr", 3, LARGE, **options)):
        counter = ByteCounter()
        with open_dataset(path, counter=counter) as dataset:
            part = dataset["tas"][0, 330:340, :200].values
        np.testing.assert_array_equal(part, LARGE[0, 330:340, :200])
        assert 0 < counter.total < LARGE.nbytes / 4
    archive = zipped(folder, tmp_path / "a.zip")
    np.testing.assert_array_equal(read(archive, place=(0, slice(330, 340))), LARGE[0, 330:340])


def test_a_large_chunk_that_is_cut_short_or_was_never_written_is_known_by_any_of_its_rows(tmp_path: Path) -> None:
    folder = large_store(tmp_path / "a.zarr")
    (chunk,) = folder.glob("tas/0.*")
    os.truncate(chunk, chunk.stat().st_size - 5)
    with pytest.raises(UnreadableData):
        read(folder, place=(0, slice(0, 3)))
    chunk.unlink()
    assert not read(folder, place=(0, slice(0, 3))).any()


@settings(deadline=None, max_examples=40)
@given(begin=st.integers(0, 99), length=st.integers(1, 100), level=st.sampled_from([0, 1, 9]))
def test_any_rows_of_a_chunk_are_those_of_the_whole(begin: int, length: int, level: int) -> None:
    values = np.random.default_rng(begin).integers(0, 50, (100, 40)).astype("f4")
    raw = numcodecs.Blosc("lz4", clevel=level, shuffle=1, blocksize=1024).encode(values)
    chain = Chain(shape=(100, 40), dtype=values.dtype, links=make_links([("blosc", {})], cells=4000, size=16000))
    end = min(begin + length, 100)
    np.testing.assert_array_equal(chain.decode(raw, rows=(begin, end))[begin:end], values[begin:end])


def test_a_chunk_that_was_never_written_has_the_fill_value(tmp_path: Path) -> None:
    for version, folder in ((2, tmp_path / "2.zarr"), (3, tmp_path / "3.zarr")):
        store(folder, version, fill_value=-9.0)
        for chunk in (*folder.glob("tas/0.*"), *folder.glob("tas/c/0/*/*")):
            chunk.unlink()
        expected = VALUES.copy()
        expected[:2] = -9
        np.testing.assert_array_equal(read(folder), expected)


def test_bytes_are_counted_and_chunks_outside_of_the_box_are_not_read(tmp_path: Path) -> None:
    store(tmp_path / "a.zarr", compressors=None)
    counter = ByteCounter()
    with open_dataset(tmp_path / "a.zarr", counter=counter) as dataset:
        assert counter.total == 0
        assert dataset["tas"][0, 0, 0].values == 0
    assert counter.total == 2 * 3 * 4 * 4
    assert reader.stored_bytes(tmp_path / "a.zarr")["tas"] > 8 * 96


# --- attributes ------------------------------------------------------------------------------------------------------


def attributed(path: Path, version: int, kind: str, attributes: dict[str, Any], **options: Any) -> dict[str, Any]:
    store(path, version, np.array([1, 2]).astype(kind), chunks=(2,), **options)
    document = path / "tas" / (".zattrs" if version == 2 else "zarr.json")
    told = json.loads(document.read_text())
    (told if version == 2 else told["attributes"]).update(attributes)
    document.write_text(json.dumps(told))
    with open_dataset(path) as dataset:
        return dict(dataset["tas"].attrs)


def test_the_fill_value_of_version_2_marks_missing_cells_that_of_version_3_does_not(tmp_path: Path) -> None:
    found = attributed(tmp_path / "2.zarr", 2, "i2", {}, fill_value=-9)
    assert (found["_FillValue"], found["_FillValue"].dtype) == (-9, np.int16)
    assert "_FillValue" not in attributed(tmp_path / "3.zarr", 3, "i2", {}, fill_value=-9)


@pytest.mark.parametrize("written", ["AAAAAAAA+H8=", "NaN", float("nan")])
def test_a_mark_of_missing_cells_is_read_as_xarray_writes_it_and_as_a_number(tmp_path: Path, written: Any) -> None:
    found = attributed(tmp_path / "a.zarr", 3, "f4", {"_FillValue": written})
    assert np.isnan(found["_FillValue"])
    assert found["_FillValue"].dtype == np.float32


def test_attributes_get_the_types_that_cf_asks_for(tmp_path: Path) -> None:
    found = attributed(
        tmp_path / "a.zarr", 2, "i2",
        {
            "missing_value": -9, "valid_range": [0, 4], "flag_values": [1, 2], "scale_factor": 0.009999999776482582,
            "add_offset": 0.0, "whole": 7, "large": 2**40, "half": 0.5, "words": ["a", "b"], "yes": True, "none": None,
            "nested": {"a": 1},
        },
    )  # fmt: skip
    assert {found[name].dtype for name in ("missing_value", "valid_range", "flag_values")} == {np.dtype("i2")}
    assert {found[name].dtype for name in ("scale_factor", "add_offset")} == {np.dtype("f4")}
    assert (found["whole"].dtype, found["large"].dtype, found["half"].dtype) == ("int32", "int64", "float64")
    assert (found["words"], found["yes"], found["nested"]) == (["a", "b"], 1, '{"a": 1}')
    assert "none" not in found


def test_a_scale_that_single_precision_does_not_hold_stays_double(tmp_path: Path) -> None:
    found = attributed(tmp_path / "a.zarr", 2, "i2", {"scale_factor": 0.01, "add_offset": 273.15})
    assert {found[name].dtype for name in ("scale_factor", "add_offset")} == {np.dtype("f8")}


def test_dimensions_that_the_netcdf_library_names_are_known(tmp_path: Path) -> None:
    folder = store(tmp_path / "a.zarr", 2)
    (folder / "tas" / ".zattrs").write_text('{"_nczarr_array": {"dimrefs": ["/time", "/lat", "/lon"]}}')
    with open_dataset(folder) as dataset:
        assert dataset["tas"].dims == DIMS


# --- real data -------------------------------------------------------------------------------------------------------

SAME = ("A1B_north_america", "reduced", "rotated_pole", "orca2_votemper", "timeseries", "bcsd_obs_1999")


@pytest.mark.parametrize("version", [2, 3])
@pytest.mark.parametrize("name", SAME)
def test_what_xarray_writes_holds_what_netcdf_holds(shared_data: Path, tmp_path: Path, name: str, version: int) -> None:
    source = shared_data / "climate" / f"{name}.nc"
    with xr.open_dataset(source, decode_cf=False) as dataset:
        for each in dataset.variables.values():
            each.encoding.clear()
        dataset.to_zarr(tmp_path / "a.zarr", zarr_format=version, consolidated=version == 2)
    with netcdf.open_dataset(source) as expected, open_dataset(tmp_path / "a.zarr") as found:
        assert set(found.variables) == set(expected.variables)
        for each in map(str, expected.variables):
            assert found[each].dims == expected[each].dims
            np.testing.assert_array_equal(found[each].values, expected[each].values, strict=True)


def test_the_stores_of_the_sample_data_hold_what_their_sources_hold(shared_data: Path) -> None:
    for name, other in (("bcsd_obs_1999_v3.zarr", "bcsd_obs_1999.nc"), ("oisst_packed_v2.zarr", "reduced.nc")):
        folder = shared_data / "climate"
        with open_dataset(folder / name) as found, open_dataset(folder / other) as expected:
            for each in set(expected.variables) - {"time"}:
                np.testing.assert_array_equal(found[each].values, expected[each].values, strict=True)
                for mark in ("scale_factor", "add_offset", "units", "standard_name"):
                    assert found[each].attrs.get(mark) == expected[each].attrs.get(mark)


def test_the_digest_of_a_store_is_what_a_shell_makes_of_it(tmp_path: Path) -> None:
    folder = store(tmp_path / "a.zarr")
    line = "find . -type f | LC_ALL=C sort | xargs sha256sum | sha256sum"
    said = subprocess.run(["sh", "-c", line], cwd=folder, capture_output=True, text=True, check=True)
    assert digest_of(folder) == said.stdout.split()[0]
    assert size_of(folder) == sum(each.stat().st_size for each in folder.rglob("*") if each.is_file())


# --- what is refused -------------------------------------------------------------------------------------------------


def refused(path: Path, place: Any = ...) -> str:
    with pytest.raises(UnreadableData) as caught:
        read(path, place=place)
    assert str(path.parent) not in caught.value.text.en
    assert caught.value.text.en != caught.value.text.fr
    return caught.value.text.en


def edited(path: Path, change: Callable[[dict[str, Any]], None], version: int = 3) -> Path:
    folder = store(path, version)
    document = folder / "tas" / ("zarr.json" if version == 3 else ".zarray")
    told = json.loads(document.read_text())
    change(told)
    document.write_text(json.dumps(told))
    return folder


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"shape": [2**40, 5, 6]}, "at 'shape.0'"),
        ({"shape": [4, 5]}, "at 'chunk_shape'"),
        ({"dimension_names": None}, "does not name each of its dimensions once"),
        ({"dimension_names": ["x", "x", "y"]}, "does not name each of its dimensions once"),
        ({"data_type": "complex64"}, "type 'complex64'"),
        ({"data_type": {"name": "numpy.datetime64", "configuration": {}}}, "type 'numpy.datetime64'"),
        ({"codecs": [{"name": "bytes"}, {"name": "zfpy"}]}, "encoded with 'zfpy'"),
        ({"codecs": []}, "encoded with '-'"),
        ({"chunk_grid": {"name": "rectilinear"}}, "at 'chunk_grid'"),
        ({"chunk_key_encoding": {"name": "fanout"}}, "at 'chunk_key_encoding'"),
        ({"storage_transformers": [{"name": "x"}]}, "at 'storage_transformers'"),
        ({"chunk_grid": {"name": "regular", "configuration": {"chunk_shape": [9**9, 9**9, 9]}}}, "at most 1073741824"),
    ],
)
def test_a_document_that_asks_for_what_is_not_read_is_refused_by_name(
    tmp_path: Path, change: dict[str, Any], said: str
) -> None:
    assert said in refused(edited(tmp_path / "a.zarr", lambda told: told.update(change)))


def test_codecs_that_run_what_the_data_say_are_refused(tmp_path: Path) -> None:
    for filters in ([{"id": "pickle"}], [{"id": "json2"}], []):
        folder = edited(tmp_path / "a.zarr", lambda told, f=filters: told.update(dtype="|O", filters=f), 2)
        assert "which is not read" in refused(folder)
        shutil.rmtree(folder)
    folder = edited(tmp_path / "a.zarr", lambda told: told.update(compressor={"id": "pickle"}), 2)
    assert "encoded with 'pickle'" in refused(folder)


@pytest.mark.parametrize(
    "case", ["v2, blosc", "v2, lz4", "v2, zlib", "v3, zstd with check sum", "v3, gzip", "v3, sharded"]
)
def test_a_chunk_that_is_cut_short_is_damaged(tmp_path: Path, case: str) -> None:
    version, options = CODECS[case]
    folder = store(tmp_path / "a.zarr", version, **options)
    for chunk in (*folder.glob("tas/?.?.?"), *folder.glob("tas/c/?/?/?")):
        os.truncate(chunk, chunk.stat().st_size - 5)
    assert "truncated or damaged" in refused(folder)


@pytest.mark.parametrize(
    "codec", [numcodecs.Blosc(), numcodecs.Zstd(), numcodecs.LZ4(), numcodecs.Zlib(), numcodecs.GZip()]
)
@pytest.mark.parametrize("length", [99, 101, 10**7])
def test_a_chunk_that_swells_to_another_size_is_damaged(codec: Any, length: int) -> None:
    packed = codec.encode(bytes(length))
    chain = Chain(shape=(25,), dtype=np.dtype("f4"), links=make_links([(codec.codec_id, {})], cells=25, size=100))
    with pytest.raises(DamagedChunk):
        chain.decode(packed)


def test_a_damaged_member_of_an_archive_is_found_by_its_check_sum(tmp_path: Path) -> None:
    path = zipped(store(tmp_path / "a.zarr", compressors=None), tmp_path / "a.zip")
    content = bytearray(path.read_bytes())
    at = content.index(VALUES[:1, :1, :4].tobytes())
    content[at] ^= 1
    path.write_bytes(content)
    assert "truncated or damaged" in refused(path)


def test_a_store_without_arrays_a_single_array_and_a_plain_folder_are_refused(tmp_path: Path) -> None:
    zarr.open_group(tmp_path / "empty.zarr", mode="w").create_group("inner")
    assert "no arrays at its root" in refused(tmp_path / "empty.zarr")
    zarr.create_array(tmp_path / "one.zarr", data=VALUES)
    assert "single array" in refused(tmp_path / "one.zarr")
    (tmp_path / "folder").mkdir()
    assert "no Zarr store" in refused(tmp_path / "folder")


def test_arrays_that_share_a_dimension_but_not_its_length_are_refused(tmp_path: Path) -> None:
    folder = store(tmp_path / "a.zarr")
    zarr.open_group(folder).create_array("lat", data=np.arange(7.0), dimension_names=["lat"])
    assert "along 'lat'" in refused(folder)


def test_documents_that_are_no_json_are_refused(tmp_path: Path) -> None:
    folder = store(tmp_path / "a.zarr")
    for content in (b"{", b"[1]", b"\xff\xfe", b"[" * 100_000):
        (folder / "tas" / "zarr.json").write_bytes(content)
        assert "document of 'tas'" in refused(folder)


def test_forty_petabytes_in_one_chunk_are_refused_before_anything_is_read(shared_data: Path) -> None:
    assert "40000000000000 bytes" in refused(shared_data / "bad" / "zarr_huge.zarr")


def test_links_are_not_followed(tmp_path: Path) -> None:
    folder = store(tmp_path / "a.zarr", compressors=None)
    (tmp_path / "secret").write_bytes(bytes(96))
    chunk = folder / "tas" / "c" / "0" / "0" / "0"
    chunk.unlink()
    chunk.symlink_to(tmp_path / "secret")
    assert "truncated or damaged" in refused(folder)
    with pytest.raises(UnreadableData, match="link"):
        digest_of(folder)


@pytest.mark.parametrize("name", ["dwca_traversal.zip", "dwca_symlink.zip", "dwca_zipbomb.zip", "shapefile_no_prj.zip"])
def test_archives_that_are_not_safe_or_no_zarr_are_refused(shared_data: Path, name: str) -> None:
    with pytest.raises(UnreadableData) as caught, open_dataset(shared_data / "bad" / name):
        pass
    assert "archive" in caught.value.text.en or "shapefile" in caught.value.text.en


@pytest.mark.slow
def test_reading_a_store_starts_no_thread_before_the_first_values(tmp_path: Path) -> None:
    folder = store(tmp_path / "a.zarr")
    program = (
        "import sys, threading; from pathlib import Path; from gaia_workers.readers.opening import open_dataset\n"
        f"with open_dataset(Path({str(folder)!r})) as dataset:\n"
        "    assert threading.active_count() == 1; assert 'zarr' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_netcdf_of_a_compressed_store_is_compressed(tmp_path: Path) -> None:
    from gaia_workers.writers.netcdf import write

    with open_dataset(store(tmp_path / "a.zarr", compressors=GzipCodec())) as dataset:
        write(dataset, tmp_path / "a.nc", progress=lambda *_: None, history="a test")
    with netCDF4.Dataset(tmp_path / "a.nc") as file:
        assert file["tas"].filters()["zlib"]
        np.testing.assert_array_equal(file["tas"][:], VALUES)
