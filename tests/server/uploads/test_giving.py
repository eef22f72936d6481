"""Files of users, as the server gives them to centres."""

import time

import pytest

from gaia_workers.contract import Kind, Report, Uploaded, Words, sign_link

CDF = b"CDF\x01" + b"x" * 100


@pytest.fixture
def upload(client):
    return client.post("/uploads", data=CDF).get_json()


@pytest.fixture
def job(client, submission, services, upload):
    answer = client.post(
        "/processes/subset/execution", json={"inputs": {"dataset": upload["id"]}}, headers={"Prefer": "respond-async"}
    )
    return services.store.get(answer.get_json()["jobID"])


@pytest.fixture
def fetch(client, services):
    def get(upload_id, job, *, centre="theia", attempt=1, key=None, method="GET"):
        location = f"uploads/{upload_id}/{job.id}/{attempt}"
        expires = int(time.time()) + 60
        signature = sign_link(key or services.centres[centre].key, method=method, location=location, expires=expires)
        address = f"/store/{location}?expires={expires}&signature={signature}"
        with client.get(address, headers={"Gaia-Centre": centre}) as answer:
            return answer.status_code, answer.data

    return get


def test_a_request_names_an_upload_as_its_dataset(job, upload):
    assert job.demand.inputs["dataset"] == upload["id"]
    (named,) = job.demand.uploads
    assert named == Uploaded(
        reference=upload["id"], sha256=upload["sha256"], size_bytes=len(CDF), media_type="application/x-netcdf"
    )


def test_the_centre_that_has_the_order_gets_the_file(fetch, job, upload):
    assert fetch(upload["uploadID"], job) == (200, CDF)


@pytest.mark.parametrize(
    "change",
    [{"centre": "climeri"}, {"attempt": 2}, {"key": b"w" * 32}, {"method": "PUT"}],
    ids=lambda each: next(iter(each)),
)
def test_nobody_else_does(fetch, job, upload, change):
    assert fetch(upload["uploadID"], job, **change)[0] in (403, 404)


def test_an_order_opens_only_the_files_that_it_names(client, fetch, job):
    other = client.post("/uploads", data=CDF).get_json()["uploadID"]
    assert fetch(other, job)[0] == 404


def test_when_the_job_has_ended_the_way_is_closed(fetch, job, upload, services):
    services.store.apply(
        [Report(job_id=job.id, part=0, attempt=1, centre="theia", kind=Kind.FAILED, words=Words(en="x", fr="x"))],
        attempts=1,
    )
    assert fetch(upload["uploadID"], job)[0] == 404


def test_a_file_that_was_removed_meanwhile_is_still_given(client, fetch, job, upload):
    client.delete(f"/uploads/{upload['uploadID']}")
    assert fetch(upload["uploadID"], job) == (200, CDF)


@pytest.mark.parametrize(
    ("content", "words"),
    [(None, "There is no upload"), (b"a,b\n1,2\n", "table as text (CSV); this input takes data on a grid: NetCDF")],
)
def test_an_upload_that_cannot_be_the_dataset_is_refused_before_anything_is_queued(client, content, words):
    name = "upload:00000000-0000-4000-8000-000000000000"
    if content is not None:
        name = client.post("/uploads", data=content).get_json()["id"]
    answer = client.post("/processes/subset/execution", json={"inputs": {"dataset": name}})
    assert answer.status_code == 400
    (error,) = answer.get_json()["errors"]
    assert error["pointer"] == "/inputs/dataset"
    assert words in error["problem"]


def test_the_estimate_counts_the_file(client, upload):
    told = client.post("/processes/subset/estimate", json={"inputs": {"dataset": upload["id"]}}).get_json()
    assert told["gaia:estimate"]["bytesRead"] == len(CDF)
