"""Files of users: over HTTP, on the disk, and until when."""

import hashlib
import io
import os
import time
from uuid import uuid4

import pytest

import gaia_server.routes.uploads as routes
from gaia_server.uploads import uploads as module

CDF = b"CDF\x01" + b"x" * 100
HTML = {"Accept": "text/html"}


@pytest.fixture
def send(client):
    def post(content: bytes = CDF, **headers: str):
        return client.post("/uploads", data=content, headers=headers)

    return post


@pytest.fixture
def folder(settings):
    return settings.home / module.FOLDER


def path_of(answer) -> str:
    return answer.headers["Location"].removeprefix("https://gaia.test/api")


def test_a_file_comes_back_as_a_name_for_requests(send):
    answer = send(**{"Content-Disposition": 'attachment; filename="tas.nc"'})
    told = answer.get_json()
    assert answer.status_code == 201
    assert told["id"] == f"upload:{told['uploadID']}"
    assert (told["name"], told["type"], told["sizeBytes"]) == ("tas.nc", "application/x-netcdf", 104)
    assert told["sha256"] == hashlib.sha256(CDF).hexdigest()


def test_what_was_told_can_be_asked_for_again(client, send):
    answer = send()
    there = path_of(answer)
    assert client.get(there).get_json() == answer.get_json()
    assert client.head(there).status_code == 200


def test_a_file_can_come_in_a_form(client, folder):
    answer = client.post("/uploads", data={"file": (io.BytesIO(CDF), "mine/tas.nc")})
    assert answer.get_json()["name"] == "tas.nc"
    assert (folder / answer.get_json()["uploadID"]).read_bytes() == CDF


@pytest.mark.parametrize(
    "form", [{}, {"note": "x"}, {"a": (io.BytesIO(CDF), "a.nc"), "b": (io.BytesIO(CDF), "b.nc")}], ids=len
)
def test_a_form_holds_one_file(client, folder, form):
    answer = client.post("/uploads", data=form, content_type="multipart/form-data")
    assert answer.status_code == 400
    assert "one file" in answer.get_json()["detail"]
    assert list(folder.iterdir()) == []


def test_a_browser_is_led_to_the_page_of_the_file(client, send):
    answer = send(**HTML)
    assert answer.status_code == 303
    page = client.get(answer.headers["Location"].removeprefix("/api"), headers=HTML)
    assert "upload:" in page.text
    assert "/processes/subset?dataset=upload" in page.text


def test_the_page_for_uploads_says_what_can_be_used(client):
    assert "GeoPackage" in client.get("/uploads", headers=HTML).text
    assert client.get("/uploads").get_json()["limitBytes"] == 2 * 2**30


@pytest.mark.parametrize(
    ("content", "status", "code"),
    [(b"", 400, "invalid-upload"), (b"<html>", 415, "unknown-upload-type"), (b"PK\x03\x04", 422, "unsafe-upload")],
)
def test_what_cannot_be_used_leaves_nothing_behind(send, folder, content, status, code):
    answer = send(content)
    assert answer.status_code == status
    assert answer.get_json()["type"].endswith(code)
    assert list(folder.iterdir()) == []


def test_a_compressed_body_is_refused(send):
    assert send(**{"Content-Encoding": "gzip"}).status_code == 415


def test_a_file_over_the_limit_is_refused_before_it_is_read_and_while_it_is(client, services, folder):
    services.uploads._limit_bytes = 50
    assert client.post("/uploads", data=CDF).status_code == 413
    answer = client.post("/uploads", input_stream=io.BytesIO(CDF), headers={"Transfer-Encoding": "chunked"},
                         environ_overrides={"wsgi.input_terminated": True})  # fmt: skip
    assert answer.status_code == 413
    assert "50B" in answer.get_json()["detail"]
    assert not folder.exists() or list(folder.iterdir()) == []


def test_a_full_store_says_so(send, services):
    services.uploads._quota_bytes = 150
    assert send().status_code == 201
    assert send().status_code == 507


def test_a_file_is_its_owners_alone(client, send, monkeypatch):
    there = path_of(send())
    monkeypatch.setattr(routes, "identify", lambda _: "somebody else")
    assert client.get(there).status_code == 404
    assert client.delete(there).status_code == 404


@pytest.mark.parametrize("id", ["8f14e45f-ceea-467f-a8e3-2f0d3f3f2d11", "x", "..", "%00", "A" * 5000])
def test_there_is_no_such_upload(client, id):
    assert client.get(f"/uploads/{id}").status_code == 404


def test_a_removed_file_is_gone_and_its_bytes_go_with_the_next_sweep(client, send, services, folder):
    there = path_of(send())
    assert client.delete(there).status_code == 204
    assert client.get(there).status_code == 404
    assert client.delete(there).status_code == 404
    assert services.uploads.sweep(used=frozenset) == 1
    assert list(folder.iterdir()) == []


def test_a_file_that_a_job_needs_outlives_its_removal(client, send, services, folder):
    answer = send()
    client.delete(path_of(answer))
    needed = frozenset({answer.get_json()["uploadID"]})
    assert services.uploads.sweep(used=lambda: needed) == 0
    assert len(list(folder.iterdir())) == 1


def test_what_a_crash_left_behind_is_swept_away(send, services, folder):
    kept = send().get_json()["uploadID"]
    for name, age_s in (("dead.part", 10), ("new.part", 0), (str(uuid4()), 2 * 86400)):
        (folder / name).write_bytes(b"x")
        os.utime(folder / name, (time.time() - age_s,) * 2)
    services.uploads.sweep(used=frozenset)
    assert {path.name for path in folder.iterdir()} == {kept, "new.part"}


def test_what_is_still_being_written_is_left_alone_however_slowly_it_comes(services, folder):
    with services.uploads.open_part(owner="anna") as part:
        part.write(CDF)
        (draft,) = folder.iterdir()
        os.utime(draft, (time.time() - 3600,) * 2)
        assert services.uploads.sweep(used=frozenset) == 0
        assert part.finish(name="a.nc").size_bytes == len(CDF)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("a.nc", "a.nc"),
        ("../../a.nc", "a.nc"),
        ("C:\\x\\a.nc", "a.nc"),
        ("", "upload"),
        ("..", "upload"),
        ("a\u202eb", "ab"),
    ],
)
def test_a_name_is_for_people_and_no_path(given, name):
    assert module.plain_name(given) == name
