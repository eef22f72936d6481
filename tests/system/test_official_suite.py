"""
What the official test suite (ets-ogcapi-processes10) sends and asserts, test by test, with its habits and its traps.

The suite reads the description of a process and makes its requests from it: text gets `teststring`, numbers and what has a
format are left out. It asks for all outputs by value, mostly without `response`, with `Accept: application/json`, and with
`Prefer: respond-async ` including the blank. Its names stand in the tests' first lines.
"""

import email
import email.policy
import json
import re
import time
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest

from real_box import Box
from wire import Answer, Client

pytestmark = [pytest.mark.system, pytest.mark.timeout(240)]

EXC = "http://www.opengis.net/def/exceptions/ogcapi-processes-1/1.0/"
REL = "http://www.opengis.net/def/rel/ogc/1.0/"
CRS84 = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
JSON = {"Accept": "application/json"}
ASYNC = {"Prefer": "respond-async "}
POLLS, POLL_S = 4, 5  # the suite's, for its whole run; a test has as much time, and looks more often


def inputs_for(description: dict[str, Any]) -> dict[str, Any]:
    """Fill in what the suite fills in."""
    inputs = {}
    for id, described in description["inputs"].items():
        schema = described["schema"]
        if (schema.get("type") == "string" and not {"format", "contentMediaType"} & set(schema)) or (
            schema.get("type") == "array" and schema.get("items", {}).get("type") == "string"
        ):
            inputs[id] = "teststring"
        elif schema.get("type") == "object" and "bbox" in schema.get("properties", {}):
            inputs[id] = {"bbox": [345345345] * 4, "crs": "urn:ogc:def:crs:EPSG:6.6:4326"}
        elif schema.get("type") == "object":
            inputs[id] = {"value": "teststring"}
    return inputs


def kind_of(schema: dict[str, Any]) -> str | None:
    """Tell how the suite sees a schema: an array, a box, or something else; a branch without `format` stops its set-up."""
    if "allOf" in schema:
        first = schema["allOf"][0]["format"]
        return "bbox" if first == "ogc-bbox" else None
    return "array" if schema.get("type") == "array" else None


@pytest.fixture(scope="module")
def echo(box: Box) -> dict[str, Any]:
    description: dict[str, Any] = Client(box.base_url).get("/processes/echo", **JSON).json
    return description


@pytest.fixture(scope="module")
def everything(echo: dict[str, Any]) -> dict[str, Any]:
    """Give the suite's ordinary request: all outputs, by value."""
    outputs = {id: {"transmissionMode": "value"} for id in echo["outputs"]}
    return {"inputs": inputs_for(echo), "outputs": outputs}


def asked(client: Client, body: dict[str, Any], **headers: str) -> Answer:
    answer = client.execute("echo", body, **JSON | headers)
    assert answer.status in (200, 201), answer.content
    return answer


def by_kind(echo: dict[str, Any], kind: str, value: Any) -> dict[str, Any]:
    """Give the first input of a kind a value, and ask for the outputs of that kind, or for none."""
    id = next(id for id, one in echo["inputs"].items() if kind_of(one["schema"]) == kind)
    outputs = {id: {} for id, one in echo["outputs"].items() if kind_of(one["schema"]) == kind}
    return {"inputs": inputs_for(echo) | {id: value}, "outputs": outputs}


def ended(client: Client, location: str) -> dict[str, Any]:
    """Wait until the job has succeeded."""
    give_up = time.monotonic() + POLLS * POLL_S
    while (status := client.get(location, **JSON).json)["status"] != "successful":
        assert time.monotonic() < give_up, status
        time.sleep(0.1)
    return dict(status)


@pytest.mark.parametrize("path", ["/", "/conformance", "/processes", "/jobs", "/processes/echo"])
def test_nulls_and_charsets_are_nowhere(client, schemas, path):
    """LandingPage, Conformance, ProcessList, JobList: bodies by their schemas, `Content-Type` with nothing behind it."""
    names = {"/": "landingPage", "/conformance": "confClasses", "/processes": "processList", "/jobs": "jobList"}
    answer = client.get(path, **JSON)
    schemas.check(answer.json, names.get(path, "process"))
    assert path == "/" or path == "/conformance" or answer.headers["Content-Type"] == "application/json"


def test_one_process_at_a_limit_of_one(client):
    """testPlLimitResponse, testPlLinks."""
    listed = client.get("/processes?limit=1", **JSON).json
    assert len(listed["processes"]) == 1
    assert isinstance(listed["links"], list)


def test_the_first_input_is_the_plain_text_and_its_output_has_the_same_id(echo):
    """The members of JSON are read in their order: `message` first."""
    first = next(iter(echo["inputs"]))
    assert first == next(iter(echo["outputs"])) == "message"
    assert inputs_for(echo) == {"message": "teststring"}


@pytest.mark.parametrize("accept", [{}, JSON], ids=["without Accept", "with Accept"])
def test_the_address_of_a_job_gives_its_status(client, schemas, everything, accept):
    """JobCreationOp, JobCreationRequest, JobCreationSuccessAsync, JobSuccess: two of them send no `Accept`."""
    started = asked(client, everything, **ASYNC)
    answer = client.get(started.headers["Location"], **accept)
    assert answer.status == 200
    assert "application/json" in answer.headers["Content-Type"]
    schemas.check(answer.json, "statusInfo")


def test_a_blank_behind_the_preference_is_none_of_it(client, everything):
    """AutoExecutionMode."""
    assert asked(client, everything, **ASYNC).status == 201


def test_without_a_preference_it_runs_at_once(client, everything):
    """JobCreationDefault: 200, since the description offers `sync-execute`."""
    assert asked(client, everything).status == 200


def test_without_outputs_it_runs(client, everything):
    """JobCreationDefaultOutputs."""
    asked(client, {"inputs": everything["inputs"]})


def test_an_array_of_numbers_comes_back(client, echo):
    """InputArray."""
    answer = asked(client, by_kind(echo, "array", [1, 2, 3]))
    assert answer.json == [1, 2, 3]


def test_an_array_is_taken_when_no_output_is_asked_for(client, echo):
    """InputArray, where no output is an array: `outputs` is then an empty object."""
    answer = asked(client, by_kind(echo, "array", [1, 2, 3]) | {"outputs": {}})
    assert (answer.status, answer.json) == (200, {})
    asked(client, by_kind(echo, "array", [1, 2, 3]) | {"outputs": {}}, **ASYNC)


def test_a_box_comes_back(client, echo):
    """InputInlineBbox."""
    answer = asked(client, by_kind(echo, "bbox", {"bbox": [51.9, 7, 52, 7.1], "crs": CRS84}))
    assert answer.json["bbox"] == [51.9, 7, 52, 7.1]


def test_the_text_is_a_part_of_plain_text(client, everything):
    """InputRef and the sync raw tests: JSON, or `multipart/related` that begins with its boundary and holds the text."""
    answer = asked(client, everything)
    boundary = re.search(r"boundary=([^;]+)", answer.headers["Content-Type"])
    assert boundary
    assert answer.content.startswith(f"--{boundary[1]}".encode())
    head = f"Content-Type: {answer.headers['Content-Type']}\r\n\r\n".encode()
    parts = list(email.message_from_bytes(head + answer.content, policy=email.policy.HTTP).iter_parts())
    assert [part.get_content_type() for part in parts] == ["text/plain"]
    assert parts[0].get_content() == "teststring"


@pytest.mark.parametrize("response", [{}, {"response": "raw"}, {"response": "document"}], ids=str)
@pytest.mark.parametrize("mode", [{}, ASYNC], ids=["sync", "async"])
def test_every_shape_is_answered(client, schemas, everything, response, mode):
    """SyncDocument, SyncRaw…, AsyncDocument, AsyncRaw…: 200 or 201, and the status where it is a job."""
    answer = asked(client, everything | response, **mode)
    if answer.status == 201:
        schemas.check(answer.json, "statusInfo")
    elif "response" in response and response["response"] == "document":
        schemas.check(answer.json, "results", any_branch=True)


def test_a_synchronous_raw_answer_holds_the_text(client, everything, echo):
    """SyncRawValueOne: the output whose id equals that of the first input."""
    id = next(iter(echo["inputs"]))
    body = {"inputs": everything["inputs"], "outputs": {id: {"transmissionMode": "value"}}, "response": "raw"}
    assert "teststring" in asked(client, body).content.decode()


def test_an_asynchronous_raw_answer_holds_the_text(client, everything, echo):
    """AsyncRawValueOne: 201, the link to the results, which is read without `Accept`."""
    id = next(iter(echo["inputs"]))
    body = {"inputs": everything["inputs"], "outputs": {id: {"transmissionMode": "value"}}, "response": "raw"}
    started = asked(client, body, **ASYNC)
    assert started.status == 201
    links = ended(client, started.headers["Location"])["links"]
    (results,) = [link["href"] for link in links if link["rel"] == f"{REL}results"]
    assert "teststring" in client.get(results).content.decode()


def test_the_links_of_a_status_each_have_a_relation(client, everything):
    """JobResults, AsyncRawValueOne: `links` is an array, and no results are linked before the job has succeeded."""
    started = asked(client, everything, Cache_Control="no-cache", **ASYNC)
    for links in (started.json["links"], ended(client, started.headers["Location"])["links"]):
        assert isinstance(links, list)
        assert all(link["rel"] for link in links)
    assert f"{REL}results" not in [link["rel"] for link in started.json["links"]]


def test_a_synchronous_answer_has_no_link_header(client, everything):
    """JobResultsSync: any `Link` must be `rel=monitor`, and is then read with its angle brackets, which cannot succeed."""
    assert "Link" not in asked(client, everything).headers


@pytest.mark.parametrize("id", ["message", "values", "area"])
def test_a_value_of_the_wrong_media_type_is_refused(client, schemas, everything, id):
    """InputValidation: 400 or 500 as `application/json` by the exception schema, at once."""
    body = everything | {"inputs": everything["inputs"] | {id: {"type": f"wrong/type_{uuid4()}"}}}
    for mode in ({}, ASYNC):
        answer = client.execute("echo", body, **JSON | mode)
        assert answer.status == 400
        assert re.fullmatch(r"application/json(;.*)?", answer.headers["Content-Type"])
        schemas.check(answer.json, "exception")


@pytest.mark.parametrize("mode", [{}, ASYNC], ids=["sync", "async"])
def test_a_request_that_is_none_is_refused(client, schemas, mode):
    """JobResultsFailed."""
    answer = client.execute("echo", {"invalid-execute-request": "true)"}, **JSON | mode)
    assert answer.status > 200
    schemas.check(answer.json, "exception")


@pytest.mark.parametrize("path", ["/processes/{0}", "/jobs/{0}", "/jobs/{0}/results"])
def test_what_is_not_there_is_an_exception(client, schemas, path):
    """NoSuchProcess, JobExceptionNoSuchJob, JobResultsNoSuchJob."""
    answer = client.get(path.format(uuid4()), **JSON)
    assert answer.status == 404
    schemas.check(answer.json, "exception")


@pytest.fixture
def pausing(client: Client, echo: dict[str, Any]) -> Iterator[str]:
    """Give the address of a job that pauses for five seconds; the suite is done with it before."""
    first = next(iter(echo["inputs"]))
    location = asked(client, {"inputs": {first: "teststring", "pause": 5}}, **ASYNC).headers["Location"]
    yield location
    client.send("DELETE", location)


def test_results_are_not_ready_while_echo_pauses(client, schemas, pausing):
    """JobResultsExceptionResultsNotReady."""
    assert client.get(pausing, **JSON).status == 200
    answer = client.get(f"{pausing}/results", **JSON)
    assert (answer.status, answer.json["type"]) == (404, f"{EXC}result-not-ready")
    schemas.check(answer.json, "exception")


def test_the_description_of_echo_is_one_that_the_suite_can_read(schemas, echo):
    """OGC Process Description: a schema each; what its set-up would stumble over is not there."""
    schemas.check(echo, "process")
    for one in (*echo["inputs"].values(), *echo["outputs"].values()):
        kind_of(one["schema"])
        assert "$ref" not in json.dumps(one["schema"])
        assert one["schema"].get("type") != "object"
    plain = [one["schema"] for one in echo["inputs"].values() if one["schema"].get("type") == "string"]
    assert not [schema for schema in plain if {"enum", "pattern"} & set(schema)]
    assert echo["inputs"]["pause"]["minOccurs"] == 0


def test_every_other_process_can_be_set_up_too(client):
    """`testallprocesses`: the set-up reads every description."""
    for process in client.get("/processes", **JSON).json["processes"]:
        description = client.get(f"/processes/{process['id']}", **JSON).json
        for one in (*description["inputs"].values(), *description["outputs"].values()):
            kind_of(one["schema"])


def test_the_list_of_jobs_is_not_empty_afterwards(client, schemas, everything):
    """JobList."""
    asked(client, everything, **ASYNC)
    listed = client.get("/jobs", **JSON).json
    assert listed["jobs"]
    schemas.check(listed, "jobList")
