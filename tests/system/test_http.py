"""The service as its users meet it: requests over HTTP to a real box, real data, compared with an independent read."""

import base64
import hashlib
import json
import time
from pathlib import Path

import netCDF4
import numpy as np
import pytest

from gaia_processes.formats import GRIDDED
from wire import ASYNC, Answer

pytestmark = [pytest.mark.system, pytest.mark.timeout(240)]

A1B = {"dataset": "a1b-north-america", "bbox": [-110, 30, -80, 50], "datetime": "2000/2009"}
SST = {"dataset": "sst-ostia-monthly", "bbox": [-10, -5, 10, 5]}


def file_of(box, dataset: str) -> Path:
    """Find the file of a dataset at whichever centre."""
    return next(iter(sorted((box.home / "centres").glob(f"*/data/**/{dataset}*.nc"))))


def digest_of(content: bytes) -> str:
    return f"sha-256=:{base64.b64encode(hashlib.sha256(content).digest()).decode()}:"


def read(content: bytes, name: str) -> np.ndarray:
    with netCDF4.Dataset("result.nc", memory=content) as data:
        data.set_auto_maskandscale(False)
        return np.asarray(data[name][:])


def expect_a1b(path: Path) -> np.ndarray:
    with netCDF4.Dataset(path) as data:
        data.set_auto_maskandscale(False)
        axis = data["time"]
        years = np.array([date.year for date in netCDF4.num2date(axis[:], axis.units, axis.calendar)])
        longitudes, latitudes = data["longitude"][:] - 360, data["latitude"][:]
        places = (
            (years >= 2000) & (years <= 2009),
            (latitudes >= 30) & (latitudes <= 50),
            (longitudes >= -110) & (longitudes <= -80),
        )
        return np.asarray(data["air_temperature"][:])[np.ix_(*places)]


def expect_sst(path: Path) -> np.ndarray:
    """Read a box over Greenwich of a grid from 0 to 359: west of it first."""
    with netCDF4.Dataset(path) as data:
        data.set_auto_maskandscale(False)
        longitudes = (np.asarray(data["longitude"][:]) + 180) % 360 - 180
        latitudes = np.asarray(data["latitude"][:])
        columns = [n for n in np.argsort(longitudes, kind="stable") if -10 <= longitudes[n] <= 10]
        rows = (latitudes >= -5) & (latitudes <= 5)
        return np.asarray(data["surface_temperature"][:])[:, rows, :][:, :, columns]


@pytest.mark.parametrize(
    ("inputs", "name", "expect"), [(A1B, "air_temperature", expect_a1b), (SST, "surface_temperature", expect_sst)]
)
def test_a_subset_holds_the_very_cells_at_once_and_as_a_job(box, client, inputs, name, expect):
    wanted = expect(file_of(box, inputs["dataset"]))
    at_once = client.execute("subset", {"inputs": inputs})
    assert (at_once.status, at_once.headers["Content-Type"]) == (200, "application/x-netcdf")
    assert at_once.headers["Link"] is None
    np.testing.assert_array_equal(read(at_once.content, name), wanted)
    job = client.job("subset", {"inputs": inputs})
    assert client.end_of(job)["status"] == "successful"
    later = client.get(f"{job}/results")
    assert later.content == at_once.content


def test_every_format_comes_by_accept_and_by_outputs_alike(box, client):
    begin = {"netcdf": b"\x89HDF", "zarr": b"PK", "geotiff": b"II*\0", "csv": b"time,latitude,longitude,air_temperature\r\n",
             "csv_fr": b"\xef\xbb\xbftime;latitude", "coverage_json": b'{"type":"Coverage"', "png": b"\x89PNG"}  # fmt: skip
    for each in GRIDDED:
        accepted = client.execute("subset", {"inputs": A1B}, Accept=each.media_type)
        asked = client.execute(
            "subset", {"inputs": A1B, "outputs": {"data": {"format": {"mediaType": each.media_type}}}}
        )
        assert (accepted.status, asked.status) == (200, 200), (each.id, accepted.content[:500])
        assert accepted.content == asked.content
        assert accepted.headers["Content-Type"].partition(";")[0] == each.media_type.partition(";")[0]
        assert accepted.content.startswith(begin[each.id]), each.id


def test_a_format_that_cannot_hold_the_grid_is_refused_before_anything_runs(client):
    body = {
        "inputs": {"dataset": "sea-temperature-orca2"},
        "outputs": {"data": {"format": {"mediaType": "image/tiff"}}},
    }
    refused = client.execute("subset", body)
    assert refused.status == 400
    assert refused.json["errors"][0]["pointer"] == "/outputs/data/format/mediaType"
    assert "regrid it first" in refused.json["errors"][0]["problem"]


def test_a_mean_over_an_area_is_the_same_at_once_and_as_a_job(box, client):
    inputs = {"dataset": SST["dataset"], "over": ["area", "time"], "period": "month-of-year"}
    at_once = client.execute("aggregate", {"inputs": inputs})
    assert at_once.status == 200
    with netCDF4.Dataset(file_of(box, SST["dataset"])) as data:
        values, latitudes = data["surface_temperature"][:].astype("f8"), data["latitude"][:]
        calendar = data["time"]
        months = [date.month for date in netCDF4.num2date(calendar[:], calendar.units, calendar.calendar)]
    weights = np.broadcast_to(np.cos(np.radians(latitudes))[:, None], values.shape[1:])  # exact where rows are alike
    steps = np.ma.average(values.reshape(len(values), -1), axis=1, weights=weights.reshape(-1))
    july = steps[np.array(months) == 7].mean()
    assert read(at_once.content, "surface_temperature")[6] == pytest.approx(july, rel=1e-6)
    job = client.job("aggregate", {"inputs": inputs}, Cache_Control="no-cache")
    assert client.end_of(job)["status"] == "successful"
    assert read(client.get(f"{job}/results").content, "surface_temperature").tolist() == (
        read(at_once.content, "surface_temperature").tolist()
    )


@pytest.mark.parametrize("inputs", [A1B, SST], ids=["a centre that pushes", "a centre that serves"])
def test_the_digest_is_the_same_everywhere(box, client, inputs):
    job = client.job("subset", {"inputs": inputs}, Cache_Control="no-cache")
    status = client.end_of(job)
    document = client.get(f"{job}/results?f=json").json["data"]
    answer = client.get(document["href"])
    sha256 = hashlib.sha256(answer.content).hexdigest()
    manifest = json.loads(
        next((box.home / "centres" / status["gaia:centre"]).glob(f"**/{status['jobID']}/*/manifest.json")).read_text()
    )
    assert document["gaia:sha256"] == sha256 == manifest["files"][0]["sha256"]
    assert document["gaia:sizeBytes"] == len(answer.content)
    assert answer.headers["Repr-Digest"] == digest_of(answer.content)
    assert answer.headers["ETag"] == f'"{sha256}"'


@pytest.mark.parametrize("inputs", [A1B, SST], ids=["a centre that pushes", "a centre that serves"])
def test_a_result_has_a_small_preview(client, inputs):
    job = client.job("subset", {"inputs": inputs})
    (link,) = [link for link in client.end_of(job)["links"] if link["rel"] == "preview"]
    answer = client.get(link["href"])
    told = answer.json
    assert (told["kind"], answer.headers["Content-Type"]) == ("map", "application/json")
    assert told["minimum"] < told["maximum"]
    assert len(answer.content) < 64 * 1024
    assert list(client.get(f"{job}/results?f=json").json) == ["data"]


def test_events_tell_a_job_from_its_beginning_to_its_end(client):
    job = client.job("echo", {"inputs": {"message": "hello", "pause": 1}})
    text = client.get(f"{job}/events").content.decode()
    told = [json.loads(line.removeprefix("data: ")) for line in text.splitlines() if line.startswith("data: ")]
    progress = [status["progress"] for status in told]
    assert progress == sorted(progress)
    assert len(told) > 3
    assert told[-1] == client.get(job).json | {"status": "successful"}


def test_the_same_request_gives_the_same_bytes(client):
    first, second = (client.execute("subset", {"inputs": A1B}, Cache_Control="no-cache") for _ in range(2))
    assert first.headers["Gaia-Job"] != second.headers["Gaia-Job"]
    assert first.content == second.content


def test_a_result_can_be_read_in_parts(client):
    job = client.job("subset", {"inputs": SST})
    client.end_of(job)
    whole = client.get(f"{job}/results/data.nc").content
    part = client.get(f"{job}/results/data", Range="bytes=100-199")
    assert (part.status, part.content) == (206, whole[100:200])
    rest = client.get(f"{job}/results/data", Range="bytes=200-", If_Range=part.headers["ETag"])
    assert whole[:200] + rest.content == whole
    assert client.get(f"{job}/results/data", If_None_Match=part.headers["ETag"]).status == 304
    assert client.get(f"{job}/results/data", Range=f"bytes={len(whole)}-").status == 416


def test_results_come_by_reference(client):
    by_reference = {"inputs": A1B, "outputs": {"data": {"transmissionMode": "reference"}}}
    at_once = client.execute("subset", by_reference)
    assert (at_once.status, at_once.content) == (204, b"")
    address = at_once.headers["Link"].partition(">")[0].removeprefix("<")
    assert client.get(address).content.startswith(b"\x89HDF")
    job = client.job("subset", by_reference)
    client.end_of(job)
    assert client.get(f"{job}/results").json["data"]["href"] == f"{job}/results/data"


def test_results_come_by_value(client):
    body = {"inputs": {"message": "hé", "values": [1, 2], "area": {"bbox": [1, 2, 3, 4]}}, "response": "document"}
    told = client.execute("echo", body).json
    assert (told["message"], told["values"], told["area"]["bbox"]) == ("hé", [1, 2], [1, 2, 3, 4])
    one = client.execute("echo", {"inputs": {"message": "hé"}, "outputs": {"message": {}}})
    assert one.content.decode() == "hé"
    assert one.headers["Repr-Digest"] == digest_of(one.content)


def test_a_job_tells_how_it_goes(client):
    job = client.job("echo", {"inputs": {"message": "hello", "pause": 3}})
    seen = []
    while (status := client.get(job)).json["status"] in {"accepted", "running"}:
        seen.append(status.json)
        assert int(status.headers["Retry-After"]) > 0
        early = client.get(f"{job}/results").status
        if client.get(job).json["status"] != "successful":
            assert early == 404
        time.sleep(0.1)
    progress = [told["progress"] for told in seen]
    assert progress == sorted(progress)
    assert len(set(progress)) > 5
    assert status.json["progress"] == 100
    assert status.json["started"] <= status.json["finished"]
    assert {"gaia:centre", "gaia:reason", "gaia:receipt"} <= set(status.json)


def test_a_synchronous_run_that_takes_longer_goes_on_as_a_job(client):
    answer = client.execute(
        "echo", {"inputs": {"message": "hello", "pause": 2}, "outputs": {"message": {}}}, Prefer="wait=1"
    )
    assert answer.status == 201
    job = answer.headers["Location"]
    assert client.end_of(job)["status"] == "successful"
    assert client.get(f"{job}/results").content == b"hello"


def test_a_dismissed_job_is_gone_within_two_seconds(client):
    job = client.job("echo", {"inputs": {"message": "hello", "pause": 60}})
    while client.get(job).json["status"] != "running":
        time.sleep(0.05)
    assert client.send("DELETE", job).json["status"] == "dismissed"
    give_up = time.monotonic() + 2.5
    while sum(centre["running"] for centre in client.get("/centres").json["centres"]) > 0:
        assert time.monotonic() < give_up
        time.sleep(0.1)
    assert client.get(job).json["status"] == "dismissed"
    assert client.get(f"{job}/results").status == 410
    assert client.send("DELETE", job).status == 410


def test_dismissing_an_ended_job_removes_its_results(box, client):
    for inputs in (A1B, SST):
        job = client.job("subset", {"inputs": inputs})
        client.end_of(job)
        assert client.send("DELETE", job).json["status"] == "dismissed"
        assert client.get(job).json["status"] == "successful"
        assert client.get(f"{job}/results").status == 410
        id = job.rpartition("/")[2]
        box.wait_until(lambda id=id: not list(box.home.glob(f"**/{id}/*/*.nc")), limit_s=5)


def test_a_definition_can_be_posted_again_with_the_same_outcome(client):
    job = client.job("subset", {"inputs": A1B})
    client.end_of(job)
    again = client.execute("subset", client.get(f"{job}/definition").json)
    assert again.content == client.get(f"{job}/results").content


def test_the_log_is_there_for_who_asks(client):
    job = client.job("subset", {"inputs": A1B})
    client.end_of(job)
    assert client.get(f"{job}/log").headers["Content-Type"] == "text/plain; charset=utf-8"
    assert isinstance(client.get(f"{job}/log?f=json").json["log"], list)


BAD_INPUTS = {
    "no dataset": {},
    "an unknown dataset": {"dataset": "atlantis"},
    "an unknown version": {"dataset": "a1b-north-america@nought"},
    "a path": {"dataset": "/etc/passwd"},
    "a way out": {"dataset": "../../keys/climeri"},
    "a URL": {"dataset": "http://127.0.0.1:1/a.nc"},
    "an unknown variable": A1B | {"variables": ["salinity"]},
    "five numbers": A1B | {"bbox": [1, 2, 3, 4, 5]},
    "south over north": A1B | {"bbox": [-110, 50, -80, 30]},
    "beyond the pole": A1B | {"bbox": [-110, 30, -80, 95]},
    "beside the grid": A1B | {"bbox": [10, -60, 20, -50]},
    "an unknown crs": A1B | {"bbox": {"bbox": [1, 2, 3, 4], "crs": "EPSG:nope"}},
    "a reversed interval": A1B | {"datetime": "2009/2000"},
    "month 13": A1B | {"datetime": "2000-13"},
    "day 32": A1B | {"datetime": "2000-01-32"},
    "before the data": A1B | {"datetime": "1066"},
    "no time": A1B | {"datetime": "yesterday"},
    "levels on a flat dataset": A1B | {"levels": "850 hPa"},
    "an unknown input": A1B | {"colour": "blue"},
    "an unknown choice": A1B | {"inclusion": "half"},
    "an object for a word": A1B | {"inclusion": {"href": "http://127.0.0.1:1/"}},
}
BAD_BODIES = {
    "NaN": (b'{"inputs": {"dataset": "a1b-north-america", "bbox": [NaN, 1, 2, 3]}}', 400),
    "a number beyond all": (b'{"inputs": {"dataset": "a1b-north-america", "bbox": [1e999, 1, 2, 3]}}', 400),
    "3 MiB": (b'{"inputs": {"dataset": "' + b"a" * 3 * 2**20 + b'"}}', 413),
    "5,000 deep": (b'{"inputs": ' + b"[" * 5000 + b"]" * 5000 + b"}", 400),
    "100,000 deep": (b"[" * 100_000 + b"]" * 100_000, 400),
    "a list": (b"[1]", 400),
    "null": (b"null", 400),
    "half a body": (b'{"inputs": ', 400),
    "a byte-order mark": (b"\xef\xbb\xbf{}", 400),
    "not UTF-8": (b'{"inputs": {"dataset": "\xff"}}', 400),
    "a member twice": (b'{"inputs": {"dataset": "a", "dataset": "b"}}', 400),
}


def assert_problem(answer: Answer, status: int) -> None:
    assert answer.status == status, answer.content
    assert answer.headers["Content-Type"] == "application/json"
    told = answer.json
    assert told["status"] == status
    assert told["detail"]
    assert not [word for word in ("Traceback", "site-packages", "/home/", "/tmp/") if word in answer.content.decode()]


def test_bad_requests_are_problems_and_nothing_is_queued(client):
    before = client.count_jobs()
    for name, inputs in BAD_INPUTS.items():
        for headers in ({}, ASYNC):
            answer = client.execute("subset", {"inputs": inputs}, **headers)
            assert_problem(answer, 400)
            assert answer.json["errors"], name
    for content, status in BAD_BODIES.values():
        answer = client.send("POST", "/processes/subset/execution", content, Content_Type="application/json")
        assert_problem(answer, status)
    assert_problem(client.send("POST", "/processes/subset/execution", b"{}", Content_Type="text/plain"), 415)
    assert_problem(
        client.send(
            "POST", "/processes/echo/execution", b"\x1f\x8b", Content_Type="application/json", Content_Encoding="gzip"
        ),
        415,
    )
    assert_problem(client.execute("nope", {"inputs": {}}), 404)
    assert client.count_jobs() == before
    give_up = time.monotonic() + 10  # what earlier tests left at work is counted too, for a moment
    while busy := sum(sum(c["waiting"].values()) + c["running"] for c in client.get("/centres").json["centres"]):
        assert time.monotonic() < give_up, busy
        time.sleep(0.2)


def test_a_person_is_told_what_would_be_right(client):
    told = client.execute("subset", {"inputs": A1B | {"variables": ["salinity"], "datetime": "2000-13"}}).json
    assert {fault["pointer"].split("/")[2] for fault in told["errors"]} == {"variables", "datetime"}
    assert "air_temperature" in told["detail"]
    french = client.execute("subset", {"inputs": {"dataset": "atlantis"}}, Accept_Language="fr").json
    assert french["title"] == "Entrée non valable"


def test_the_first_page_leads_to_everything(client):
    links = client.get("/").json["links"]
    addresses = [link["href"] for link in links if "json" in link["type"]]
    assert all(client.get(address).status == 200 for address in addresses)
