"""What a file is, by its content."""

import sqlite3
import struct
import zipfile
from pathlib import Path

import pytest

from gaia_processes import archives
from gaia_server.errors import UploadRefused
from gaia_server.uploads.kinds import recognise


@pytest.fixture
def file(tmp_path: Path):
    def make(content: bytes) -> Path:
        path = tmp_path / "file"
        path.write_bytes(content)
        return path

    return make


@pytest.fixture
def archive(tmp_path: Path):
    def make(*members: str | zipfile.ZipInfo, content: bytes = b"x") -> Path:
        path = tmp_path / "archive.zip"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as stream:
            for member in members:
                stream.writestr(member, content)
        return path

    return make


@pytest.mark.parametrize(
    ("beginning", "kind"),
    [
        (b"CDF\x01....", "netcdf"),
        (b"CDF\x05....", "netcdf"),
        (b"\x89HDF\r\n\x1a\n....", "netcdf"),
        (b"II*\0....", "geotiff"),
        (b"MM\0+....", "geotiff"),
        (b"PAR1....", "parquet"),
        (b'{"type": "FeatureCollection", "features": []}', "geojson"),
        (b'\xef\xbb\xbf\n {"type":"Polygon","coordinates":[]}', "geojson"),
        (b"species,decimalLatitude\nParus major,48.1\n", "csv"),
        ("espèce;latitude\nMésange;48,1\n".encode(), "csv"),
        ("espèce;latitude\n".encode("latin-1"), "csv"),
        ("espèce;latitude\n".encode("utf-16"), "csv"),
    ],
)
def test_a_file_is_known_by_its_first_bytes(file, beginning, kind):
    assert recognise(file(beginning)).id == kind


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (b"", "empty"),
        (b"<!DOCTYPE html><html>", "HTML"),
        (b"<VRTDataset rasterXSize='1'>", "GDAL VRT"),
        (b"<OGRVRTDataSource>", "OGR VRT"),
        (b"<?xml version='1.0'?><a/>", "XML"),
        (b"GRIB....", "GRIB"),
        (b"\x1f\x8b....", "gzip"),
        (b'{"refs": {}}', "not GeoJSON"),
        (b"a,b\n1,\x002\n", "binary"),
        ('{"type": "Point"}'.encode("utf-16"), "GeoJSON as UTF-16"),
        ("a,b\0".encode("utf-16"), "binary"),
    ],
)
def test_what_cannot_be_used_is_called_what_it_is(file, content, word):
    with pytest.raises(UploadRefused, match=word):
        recognise(file(content))


def test_a_geopackage_is_no_other_database(tmp_path):
    path = tmp_path / "parks.gpkg"
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE parks (id INTEGER)")
    with pytest.raises(UploadRefused, match="SQLite"):
        recognise(path)
    with sqlite3.connect(path) as database:
        (number,) = struct.unpack(">i", b"GPKG")
        database.execute(f"PRAGMA application_id = {number}")
    assert recognise(path).id == "geopackage"


@pytest.mark.parametrize(
    ("members", "kind"),
    [
        (("occurrence.txt", "meta.xml"), "dwca"),
        (("pontaurus/meta.xml", "__MACOSX/._meta.xml"), "dwca"),
        (("lux.shp", "lux.dbf"), "shapefile"),
        (("zarr.json", "tas/c/0"), "zarr"),
    ],
)
def test_an_archive_is_known_by_its_members(archive, members, kind):
    assert recognise(archive(*members)).id == kind


def test_an_archive_of_something_else_is_refused(archive):
    with pytest.raises(UploadRefused, match=r"meta\.xml"):
        recognise(archive("readme.txt"))


def link(name: str) -> zipfile.ZipInfo:
    member = zipfile.ZipInfo(name)
    member.external_attr = 0o120777 << 16
    return member


@pytest.mark.parametrize(
    ("member", "word"),
    [
        ("../evil.txt", "leads out"),
        ("..\\evil.txt", "leads out"),
        ("a/../../evil.txt", "leads out"),
        ("/etc/hostname", "leads out"),
        ("inner.zip", "archive inside"),
        (link("occurrence.txt"), "link"),
    ],
)
def test_an_archive_that_is_not_safe_is_refused(archive, member, word):
    with pytest.raises(UploadRefused, match=word) as caught:
        recognise(archive("meta.xml", member))
    assert caught.value.code == "unsafe-upload"


def test_an_archive_that_grows_a_hundredfold_is_refused(archive):
    with pytest.raises(UploadRefused, match="times what it has"):
        recognise(archive("meta.xml", content=bytes(3 * 2**20)))


def test_a_small_file_of_blanks_hurts_nobody(archive):
    assert recognise(archive("meta.xml", content=b" " * 100_000)).id == "dwca"


def test_a_zarr_store_may_have_more_members_than_other_archives(archive, monkeypatch):
    monkeypatch.setattr(archives, "MOST_MEMBERS", 2)
    monkeypatch.setattr(archives, "MOST_CHUNKS", 3)
    assert recognise(archive("zarr.json", "tas/zarr.json", "tas/c/0")).id == "zarr"
    with pytest.raises(UploadRefused, match="4 members, more than 3"):
        recognise(archive("zarr.json", "tas/zarr.json", "tas/c/0", "tas/c/1"))


def test_a_directory_that_would_fill_the_memory_is_refused_unread(archive, monkeypatch):
    path = archive("zarr.json", "tas/zarr.json")
    monkeypatch.setattr(archives, "DIRECTORY_LIMIT_BYTES", 100)
    with pytest.raises(UploadRefused, match="a directory of"):
        recognise(path)


def test_an_archive_of_too_many_members_is_refused(archive, monkeypatch):
    monkeypatch.setattr(archives, "MOST_MEMBERS", 2)
    with pytest.raises(UploadRefused, match="3 members"):
        recognise(archive("meta.xml", "a", "b"))


def test_a_cut_archive_is_refused(archive):
    path = archive("meta.xml")
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(UploadRefused, match="cut short"):
        recognise(path)
