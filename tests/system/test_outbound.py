"""What leaves the box: inputs by reference and callbacks, to one host that the configuration names, from real processes."""

import json
import os
import signal
import time
from hashlib import sha256
from hmac import compare_digest, new

import netCDF4
import numpy as np
import pytest

pytestmark = [pytest.mark.system, pytest.mark.timeout(240)]

HELLO = {"inputs": {"message": "hello"}, "outputs": {"message": {}}}


@pytest.fixture(autouse=True)
def nothing_yet(receiver):
    receiver.hits.clear()
    receiver.planned.clear()
    receiver.answers.clear()


def calls_to(receiver, path, count, limit_s=15.0):
    """Wait for calls to a path of the receiver."""
    give_up = time.monotonic() + limit_s
    while True:
        found = [(headers, body) for _, called, headers, body in list(receiver.hits) if called == path]
        if len(found) >= count:
            return found
        assert time.monotonic() < give_up, receiver.hits
        time.sleep(0.02)


def test_a_plain_link_is_a_button(client):
    answer = client.get("/processes/echo/execution?message=hello&message[include]=true")
    assert (answer.status, answer.content) == (200, b"hello")
    boxed = client.get("/processes/subset/execution?dataset=a1b-north-america&bbox=-110,30,-80,50&datetime=2000/2001")
    assert (boxed.status, boxed.headers["Content-Type"]) == (200, "application/x-netcdf")


def test_an_input_by_reference_is_fetched(client, receiver):
    receiver.answers["/box"] = (200, {}, b'{"bbox": [1, 2, 3, 4]}')
    inputs = {"message": "x", "area": {"href": f"{receiver.url}/box", "type": "application/json"}}
    answer = client.execute("echo", {"inputs": inputs, "outputs": {"area": {}}})
    assert answer.json["bbox"] == [1, 2, 3, 4]


@pytest.mark.parametrize("host", ["localhost", "[::1]", "2130706433", "127.1"])
def test_no_other_spelling_of_the_host_is_called(client, receiver, host):
    href = f"http://{host}:{receiver.port}/box"
    answer = client.execute("echo", {"inputs": {"message": {"href": href}}, "subscriber": {"successUri": href}})
    assert answer.status == 400
    assert {each["pointer"] for each in answer.json["errors"]} == {"/inputs/message/href", "/subscriber/successUri"}
    assert receiver.hits == []


def test_a_subscriber_is_called_until_it_takes_the_call(client, receiver, box):
    receiver.planned["/done"] = [(500, {}, b""), (302, {"Location": "/elsewhere"}, b"")]
    subscriber = {"successUri": f"{receiver.url}/done", "inProgressUri": f"{receiver.url}/news"}
    job = client.job("echo", HELLO | {"subscriber": subscriber})
    assert client.end_of(job)["status"] == "successful"
    calls = calls_to(receiver, "/done", 3)
    assert {body for _, body in calls} == {b'{"message": "hello"}'}
    assert {headers["Gaia-Job"] for headers, _ in calls} == {job}
    assert not [path for _, path, _, _ in receiver.hits if path == "/elsewhere"]
    key = box.run("callback-key", "127.0.0.1").stdout.strip()
    assert is_genuine(calls[-1], key)
    assert client.end_of(job)["status"] == "successful"


def is_genuine(call, key):
    headers, body = call
    said = dict(part.split("=", 1) for part in headers["Gaia-Signature"].split(","))
    return compare_digest(new(key.encode(), said["t"].encode() + b"." + body, sha256).hexdigest(), said["v1"])


@pytest.fixture
def damaged(box, tmp_path) -> str:
    """Publish a dataset, then cut its file short where it lies."""
    path = tmp_path / "damaged.nc"
    with netCDF4.Dataset(path, "w") as data:
        data.createDimension("lat", 400)
        data.createDimension("lon", 400)
        for name, units in (("lat", "degrees_north"), ("lon", "degrees_east")):
            axis = data.createVariable(name, "f8", (name,))
            axis.units, axis[:] = units, np.linspace(0, 80, 400)
        data.createVariable("tas", "f4", ("lat", "lon"), zlib=True)[:] = np.random.default_rng(1).random((400, 400))
    added = box.run("catalogue", "add", str(path), "--centre", "theia")
    assert added.returncode == 0, added.stderr
    (kept,) = box.home.rglob("damaged.nc")
    os.truncate(kept, kept.stat().st_size // 2)
    return path.stem


def test_a_subscriber_hears_of_a_failure(client, receiver, damaged):
    body = {"inputs": {"dataset": damaged}, "subscriber": {"failedUri": f"{receiver.url}/failed"}}
    job = client.job("subset", body)
    assert client.end_of(job)["status"] == "failed"
    ((_, told), *_) = calls_to(receiver, "/failed", 1)
    assert json.loads(told)["type"].endswith("/unreadable-data")


def test_a_recorder_that_was_killed_still_calls(client, receiver, box):
    receiver.planned["/late"] = [(503, {}, b"")]
    job = client.job("echo", HELLO | {"subscriber": {"successUri": f"{receiver.url}/late"}})
    calls_to(receiver, "/late", 1)
    os.kill(box.processes()["recorder"], signal.SIGKILL)
    assert len(calls_to(receiver, "/late", 2, limit_s=40)) >= 2
    assert client.end_of(job)["status"] == "successful"
