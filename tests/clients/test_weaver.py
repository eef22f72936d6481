"""The command line client of Weaver (crim-ca/weaver, `weaver/cli.py`), by its own requests."""

from typing import Any

import pytest

from wire import Client

pytestmark = [pytest.mark.system, pytest.mark.timeout(240)]

USUAL = {"Accept": "application/json", "Content-Type": "application/json"}
PROFILE = "http://www.opengis.net/def/profile/OGC/0/ogc-results"


def execute(client: Client, process: str, inputs: dict[str, Any], **preference: str) -> Any:
    """Describe, then ask for each described output, with `mode` and `response` for older servers in the body."""
    described = client.get(f"/processes/{process}", **USUAL)
    assert described.status == 200
    body = {
        "inputs": inputs,
        "outputs": {id: {} for id in described.json["outputs"]},
        "mode": "async" if preference else "auto",
        "response": "document",
    }
    return client.execute(process, body, **USUAL, **preference)


def monitor(client: Client, job_url: str) -> dict[str, Any]:
    """Poll the address of `Location`, with the headers of a request that has a body."""
    assert client.get(job_url, **USUAL).status == 200
    return client.end_of(job_url)


def results(client: Client, job_url: str) -> dict[str, Any]:
    """Ask for the document, links preferred; the outputs are expected at its root."""
    accept = {"Accept": "application/json", "Prefer": "return=minimal", "Accept-Profile": PROFILE}
    answer = client.get(f"{job_url}/results", **accept)
    assert (answer.status, answer.headers["Content-Type"]) == (200, "application/json")
    return dict(answer.json)


def test_a_job_is_run_and_its_file_downloaded(client):
    inputs = {"dataset": "a1b-north-america", "bbox": [-110, 30, -80, 50], "datetime": "2000/2009"}
    started = execute(client, "subset", inputs, Prefer="respond-async, wait=0")
    assert started.status == 201
    job_url = started.headers["Location"]
    assert monitor(client, job_url)["status"] == "successful"
    told = results(client, job_url)
    assert client.get(told["data"]["href"]).content.startswith(b"\x89HDF")


def test_values_lie_at_the_root_of_the_document(client):
    started = execute(client, "echo", {"message": "hello", "values": [1, 2]}, Prefer="respond-async")
    monitor(client, started.headers["Location"])
    told = results(client, started.headers["Location"])
    assert (told["message"], told["values"]) == ("hello", [1, 2])


def test_a_synchronous_run_gives_the_document_at_once(client):
    answer = execute(client, "echo", {"message": "hello"})
    assert (answer.status, answer.json) == (200, {"message": "hello"})


def test_lists_jobs_and_dismisses_one(client):
    started = execute(client, "echo", {"message": "hello", "pause": 60}, Prefer="respond-async")
    job_url = started.headers["Location"]
    listed = client.get("/jobs", **USUAL).json["jobs"]
    assert started.json["jobID"] in [job["jobID"] for job in listed]
    assert client.send("DELETE", job_url, **USUAL).json["status"] == "dismissed"


def test_a_job_shows_its_inputs(client):
    started = execute(client, "echo", {"message": "hello"}, Prefer="respond-async")
    assert client.get(f"{started.headers['Location']}/inputs", **USUAL).json["inputs"]["message"] == "hello"
