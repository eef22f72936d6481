"""A user's own file, from the upload to the result, over HTTP and at a centre that does not have it."""

import hashlib
import shutil
from pathlib import Path

import netCDF4
import numpy as np
import pytest

pytestmark = [pytest.mark.system, pytest.mark.timeout(240)]

BOX = {"bbox": [-110, 30, -80, 50], "datetime": "2000/2009"}


def read(content: bytes) -> np.ndarray:
    with netCDF4.Dataset("result.nc", memory=content) as data:
        return np.asarray(data["air_temperature"][:])


@pytest.fixture
def file(box) -> Path:
    return next(iter(sorted((box.home / "centres").glob("*/data/**/a1b-north-america*.nc"))))


@pytest.fixture
def send(client):
    def post(content: bytes):
        name = {"Content-Disposition": 'attachment; filename="mine.nc"'}
        answer = client.send("POST", "/uploads", content, **name)
        assert answer.status == 201
        return answer.json

    return post


@pytest.fixture
def upload(send, file):
    return send(file.read_bytes())


def test_a_subset_of_ones_own_file_is_that_of_the_same_file_in_the_catalogue(client, upload, file):
    assert upload["sha256"] == hashlib.sha256(file.read_bytes()).hexdigest()
    own = client.execute("subset", {"inputs": BOX | {"dataset": upload["id"]}})
    known = client.execute("subset", {"inputs": BOX | {"dataset": "a1b-north-america"}})
    assert (own.status, known.status) == (200, 200)
    np.testing.assert_array_equal(read(own.content), read(known.content))


def test_the_receipt_says_what_was_moved_and_a_content_is_fetched_once_a_centre(client, send, file, tmp_path):
    other = shutil.copy(file, tmp_path / "other.nc")
    with netCDF4.Dataset(other, "a") as data:
        data.comment = "unlike any other"
    upload, centres = send(Path(other).read_bytes()), set()
    for year in ("2000", "2001", "2002", "2003"):
        status = client.end_of(client.job("subset", {"inputs": {"dataset": upload["id"], "datetime": year}}))
        moved = status["gaia:receipt"]["bytesMoved"]
        assert moved == (0 if status["gaia:centre"] in centres else upload["sizeBytes"])
        centres.add(status["gaia:centre"])


def test_a_selection_outside_the_file_fails_with_what_the_file_has(client, upload):
    job = client.job("subset", {"inputs": {"dataset": upload["id"], "bbox": [0, 0, 1, 1]}})
    status = client.end_of(job)
    assert status["status"] == "failed"
    answer = client.get(f"{job}/results")
    assert answer.status == 400
    assert "225" in answer.json["detail"] or "-135" in answer.json["detail"]
