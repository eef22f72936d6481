"""
cuiman, by its own requests, read with its own models.

cuiman itself needs a notebook and a key ring. Its models are a package of their own (`gavicore`), and its transport does no
more than send JSON, read JSON and let a model validate it (`cuiman/api/transport`).
"""

from typing import Any

import pytest
from gavicore.models import (
    ApiError,
    Capabilities,
    ConformanceDeclaration,
    JobInfo,
    JobList,
    JobResults,
    JobStatus,
    ProcessDescription,
    ProcessList,
    ProcessRequest,
)
from pydantic import BaseModel

from wire import Client

pytestmark = [pytest.mark.system, pytest.mark.timeout(240)]

USUAL = {"Accept": "*/*", "Accept-Encoding": "identity", "User-Agent": "python-httpx2"}
A1B = {"dataset": "a1b-north-america", "bbox": [-110, 30, -80, 50], "datetime": "2000/2009"}


def get[M: BaseModel](client: Client, path: str, model: type[M]) -> M:
    """Read an answer as JSON, whatever it is, and let the model validate it."""
    answer = client.get(path, **USUAL)
    assert answer.status == 200, answer.content
    return model.model_validate(answer.json)


def execute(client: Client, process: str, **members: Any) -> Any:
    """Send a request without any preference: cuiman leaves the mode to the server."""
    request = ProcessRequest(**members)
    body = request.model_dump(mode="json", by_alias=True, exclude_none=True, exclude_defaults=True)
    return client.execute(process, body, **USUAL)


def end_of(client: Client, job: JobInfo) -> JobInfo:
    client.end_of(f"{client.base_url}/jobs/{job.jobID}")
    return get(client, f"/jobs/{job.jobID}", JobInfo)


def test_the_service_is_read(client):
    assert get(client, "/", Capabilities).links
    assert get(client, "/conformance", ConformanceDeclaration).conformsTo
    assert {"echo", "subset"} <= {each.id for each in get(client, "/processes", ProcessList).processes}


@pytest.mark.parametrize("process", ["echo", "subset"])
def test_a_process_is_described(client, process):
    described = get(client, f"/processes/{process}", ProcessDescription)
    assert described.id == process
    assert described.inputs
    assert described.outputs


def test_a_job_is_run_and_its_results_are_read(client):
    started = execute(client, "echo", inputs={"message": "hello", "pause": 9, "values": [1, 2]})
    job = JobInfo.model_validate(started.json)
    assert started.status == 201
    assert client.send("DELETE", f"/jobs/{job.jobID}", **USUAL).status == 200
    assert get(client, f"/jobs/{job.jobID}", JobInfo).status is JobStatus.dismissed

    body = ProcessRequest(inputs=A1B).model_dump(mode="json", by_alias=True, exclude_none=True, exclude_defaults=True)
    job = JobInfo.model_validate(client.execute("subset", body, **USUAL, Prefer="respond-async").json)
    assert end_of(client, job).status is JobStatus.successful
    results = client.get(f"/jobs/{job.jobID}/results?f=json", **USUAL).json
    link = JobResults.model_validate(results).model_dump(mode="json")["data"]
    assert client.get(str(link["href"])).content.startswith(b"\x89HDF")
    assert job.jobID in {each.jobID for each in get(client, "/jobs", JobList).jobs}


def test_a_refusal_is_read(client):
    answer = execute(client, "subset", inputs={"dataset": "atlantis"})
    error = ApiError.model_validate(answer.json)
    assert (error.status, "atlantis" in str(error.detail)) == (400, True)


@pytest.mark.xfail(
    strict=True, raises=ValueError, reason="cuiman wants JSON of every answer, and asks for none of the shapes that are"
)
def test_a_synchronous_run_is_read(client):
    JobInfo.model_validate(execute(client, "subset", inputs=A1B).json)
