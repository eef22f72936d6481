import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gaia_config.datasets import Dataset, Escape, Replica, from_stac, to_stac

NAMES = st.text("abzAZ019._-", min_size=1, max_size=200).filter(lambda name: name.strip("."))
DEGREES = st.floats(-180, 180)


def test_a_dataset_is_a_stac_collection(dataset):
    collection = to_stac(dataset(created="2026-01-01T00:00:00Z"), "theia")
    assert collection["type"] == "Collection"
    assert collection["license"] == "OGL-UK-3.0"
    assert collection["extent"]["spatial"]["bbox"] == [[-180.0, -10.0, 180.0, 10.0]]
    assert collection["assets"]["data"]["file:checksum"] == "1220" + "ab" * 32
    assert collection["cube:dimensions"]["time"]["type"] == "temporal"


@given(id=NAMES, version=NAMES.map(lambda v: v[:100]), box=st.none() | st.tuples(DEGREES, DEGREES, DEGREES, DEGREES))
def test_what_is_written_reads_as_the_same(id, version, box):
    if not version.strip("."):
        return
    replica = Replica(centre="theia", href="a b/é.nc", media_type="application/x-netcdf", size_bytes=3, sha256="0" * 64)
    given = Dataset(
        id=id, version=version, title="T", description="D", licence="other", keywords=("a",), bbox=box,
        interval=(None, "2020-01-01T00:00:00Z"), properties={"gaia:x": [1, {"y": 2}]}, replicas=(replica,),
        created="2026-01-01T00:00:00Z",
    )  # fmt: skip
    assert from_stac(json.loads(json.dumps(to_stac(given, "theia"))), "theia") == given


@pytest.mark.parametrize("id", ["", "a b", "a/b", "..", ".", "a" * 201, "ä", "a\n", "http://x"])
def test_an_id_is_a_plain_word(dataset, id):
    with pytest.raises(ValueError, match="id"):
        dataset(id=id)


@pytest.mark.parametrize("href", ["", "/etc/passwd", "../a.nc", "a/../../b.nc", "https://h/a.nc", "a\0b"])
def test_a_replica_lies_inside_its_data_folder(href):
    with pytest.raises(ValueError, match="href"):
        Replica(centre="theia", href=href, media_type="x", size_bytes=1, sha256="0" * 64)


def test_a_replica_finds_its_file(dataset, tmp_path):
    assert dataset().replicas[0].path(tmp_path) == tmp_path / "sst.nc"


def test_a_link_that_leads_out_is_refused(dataset, tmp_path):
    data = tmp_path / "data"
    data.mkdir()
    (tmp_path / "secret.nc").touch()
    (data / "sst.nc").symlink_to(tmp_path / "secret.nc")
    with pytest.raises(Escape, match="outside the data folder of theia"):
        dataset().replicas[0].path(data)


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"type": "Feature"}, r"not a STAC Collection"),
        ({"version": 1}, "version"),
        ({"id": "a/b"}, "id"),
        ({"assets": {}}, "assets.data is missing"),
        ({"assets": {"data": {"href": "a.nc", "type": "x", "file:size": 1, "file:checksum": "12"}}}, "file:checksum"),
        ({"assets": {"data": {"href": "a.nc", "type": "x", "file:checksum": "1220" + "0" * 64}}}, "file:size"),
        ({"extent": {"spatial": {"bbox": [[1, 2, 3]]}, "temporal": {"interval": [[None, None]]}}}, "bbox"),
        ({"extent": {}}, "extent.spatial.bbox"),
        ({"stac_version": 7}, r"not a STAC Collection"),
    ],
)
def test_a_wrong_collection_says_what_is_wrong(dataset, change, word):
    with pytest.raises(ValueError, match=word):
        from_stac(to_stac(dataset(), "theia") | change, "theia")


def test_a_dataset_that_is_not_here_cannot_be_written_here(dataset):
    with pytest.raises(ValueError, match="no replica at pndb"):
        to_stac(dataset(), "pndb")
