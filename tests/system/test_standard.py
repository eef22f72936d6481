"""
OGC API - Processes - Part 1: Core (1.0), a test a requirement, over HTTP, from outside.

Written from the standard; every body is validated with the official schemas. What the official test suite asserts beyond
that stands in `test_official_suite.py`. The mark says which requirement a test holds; none is left out
(`test_every_requirement_has_a_test`).
"""

import email
import email.policy
import json
import re
import socket
import sys
import time
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import pytest

from official_schemas import Schemas
from real_box import Box
from wire import ASYNC, Answer, Client

pytestmark = [pytest.mark.system, pytest.mark.timeout(240)]

EXC = "http://www.opengis.net/def/exceptions/ogcapi-processes-1/1.0/"
REL = "http://www.opengis.net/def/rel/ogc/1.0/"
CONF = "http://www.opengis.net/spec/ogcapi-processes-1/1.0/conf/"
CRS84 = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
NOBODY = "00000000-0000-4000-8000-000000000000"
ALL = {"message": "hello", "values": [1, 2], "area": {"bbox": [1, 2, 3, 4]}}
A1B = {"dataset": "a1b-north-america", "bbox": [-110, 30, -80, 50], "datetime": "2000/2009"}
REFERENCE = {"transmissionMode": "reference"}

REQUIREMENTS = {
    "core": """
        http landingpage-op landingpage-success api-definition-op api-definition-success conformance-op conformance-success
        process-list process-list-success pl-limit-definition pl-limit-response pl-links process process-success
        process-exception/no-such-process process-execute-op process-execute-request process-execute-inputs
        process-execute-input-array process-execute-input-inline-object process-execute-input-mixed-type
        process-execute-input-inline-binary process-execute-input-inline-bbox process-execute-input-validation
        process-execute-default-outputs process-execute-default-execution-mode process-execute-auto-execution-mode
        process-execute-success-async process-execute-sync-raw-value-one process-execute-sync-raw-value-multi
        process-execute-sync-raw-ref process-execute-sync-raw-mixed-multi process-execute-sync-document job job-success
        job-results job-results-async-raw-value-one job-results-async-raw-value-multi job-results-async-raw-ref
        job-results-async-raw-mixed-multi job-results-async-document job-exception-no-such-job
        job-results-exception/no-such-job job-results-exception/results-not-ready job-results-failed
        job-results-success-sync test-process
    """,
    "ogc-process-description": """
        json-encoding inputs-def outputs-def input-def output-def input-mixed-type output-mixed-type input-binary
    """,
    "json": "definition",
    "html": "definition content",
    "oas30": "oas-definition-1 oas-definition-2 oas-impl completeness exceptions-codes security",
    "job-list": """
        job-list-op job-list-success type processID status datetime minDuration maxDuration limit-definition
        limit-response links processID-mandatory
    """,
    "callback": "job-callback",
    "dismiss": "job-dismiss-op job-dismiss-success",
}


def req(conformance: str, names: str) -> Any:
    """Mark a test with the requirements of a class that it holds."""
    return pytest.mark.requirement(*(f"{conformance}/{name}" for name in names.split()))


# --- a job for each shape of results, made once ---------------------------------------------------------------------


@pytest.fixture(scope="module")
def service(box: Box) -> Client:
    return Client(box.base_url)


@pytest.fixture(scope="module")
def job(service: Client) -> str:
    """Give the address of a job that has ended well, asked for without `response`."""
    address = service.job("echo", {"inputs": ALL})
    assert service.end_of(address)["status"] == "successful"
    return address


@pytest.fixture(scope="module")
def failed(box: Box, service: Client, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Give the address of a job that has failed: its data vanished after they were published."""
    source = next((box.home / "centres" / "climeri" / "data").glob("a1b-north-america*.nc"))
    path = tmp_path_factory.mktemp("gone") / "soon-gone.nc"
    path.write_bytes(source.read_bytes())
    assert box.run("catalogue", "add", str(path), "--centre", "theia").returncode == 0
    for copy in (path, *box.centre_folder("theia").glob("data/**/soon-gone*")):
        copy.unlink()
    box.wait_until(lambda: "soon-gone" in service.get("/processes/subset").content.decode(), limit_s=5)
    address = service.job("subset", {"inputs": A1B | {"dataset": "soon-gone"}})
    assert service.end_of(address)["status"] == "failed"
    return address


@pytest.fixture
def running(client: Client) -> Iterator[str]:
    """Give the address of a job that goes on for as long as the test needs it."""
    address = client.job("echo", {"inputs": {"message": "hello", "pause": 60}})
    yield address
    client.send("DELETE", address)


def links_of(document: dict[str, Any], rel: str) -> list[dict[str, Any]]:
    return [link for link in document["links"] if link["rel"] == rel]


def parts_of(answer: Answer) -> dict[str, Any]:
    """Take a `multipart/related` message apart (RFC 2387), by Content-ID."""
    head = f"Content-Type: {answer.headers['Content-Type']}\r\n\r\n".encode()
    message = email.message_from_bytes(head + answer.content, policy=email.policy.HTTP)
    assert message.get_content_type() == "multipart/related"
    assert not message.defects
    return {part["Content-ID"]: part for part in message.iter_parts()}


def content_of(part: Any) -> bytes:
    return bytes(part.get_payload(decode=True))


def header_links(answer: Answer) -> dict[str, str]:
    """Read the `Link` headers: address by relation."""
    pattern = re.compile(r'<([^>]+)>; *rel="?([^";]+)"?')
    return {match[2]: match[1] for text in answer.headers.get_all("Link", []) for match in pattern.finditer(text)}


def assert_exception(answer: Answer, status: int, schemas: Schemas, kind: str | None = None) -> None:
    assert answer.status == status, answer.content
    assert answer.headers["Content-Type"] == "application/json"
    schemas.check(answer.json, "exception")
    assert answer.json["status"] == status
    assert kind is None or answer.json["type"] == EXC + kind


# --- core: the API itself -------------------------------------------------------------------------------------------


@req("core", "http")
def test_the_server_speaks_http_1_1(box):
    at = urlsplit(box.base_url)
    with socket.create_connection((at.hostname, at.port), timeout=10) as connection:
        connection.sendall(f"GET / HTTP/1.1\r\nHost: {at.netloc}\r\nConnection: close\r\n\r\n".encode())
        assert connection.makefile("rb").readline().startswith(b"HTTP/1.1 200")


@req("core", "landingpage-op landingpage-success")
def test_the_landing_page_links_the_api_the_conformance_and_the_processes(client, schemas):
    answer = client.get("/", Accept="application/json")
    assert answer.status == 200
    schemas.check(answer.json, "landingPage")
    rels = {link["rel"] for link in answer.json["links"]}
    assert rels & {"service-desc", "service-doc"}
    assert {f"{REL}conformance", f"{REL}processes", f"{REL}job-list"} <= rels
    assert all(link["type"] for link in answer.json["links"])


@req("core", "api-definition-op api-definition-success")
def test_every_api_definition_that_is_linked_is_there(client):
    links = [link for rel in ("service-desc", "service-doc") for link in links_of(client.get("/").json, rel)]
    assert links
    for link in links:
        answer = client.get(link["href"])
        assert answer.status == 200
        assert answer.headers.get_content_type() == link["type"].partition(";")[0]


@req("core", "conformance-op conformance-success")
def test_the_conformance_is_declared(client, schemas):
    answer = client.get("/conformance", Accept="application/json")
    assert answer.status == 200
    schemas.check(answer.json, "confClasses")
    assert {CONF + name for name in REQUIREMENTS} <= set(answer.json["conformsTo"])
    assert not [uri for uri in answer.json["conformsTo"] if "ogcapi-processes-1/2.0" in uri]


# --- core: processes ------------------------------------------------------------------------------------------------


@req("core", "process-list process-list-success")
def test_the_processes_are_listed(client, schemas):
    answer = client.get("/processes")
    assert (answer.status, answer.headers["Content-Type"]) == (200, "application/json")
    schemas.check(answer.json, "processList")
    assert {"echo", "subset"} <= {process["id"] for process in answer.json["processes"]}


@req("core", "pl-limit-definition")
def test_the_limit_is_clamped_above_and_refused_below(client, schemas):
    assert client.get("/processes?limit=100000").status == 200
    for wrong in ("0", "-1", "ten", "1.5", ""):
        assert_exception(client.get(f"/processes?limit={wrong}"), 400, schemas)


@req("core", "pl-limit-response")
def test_no_more_processes_are_listed_than_the_limit(client):
    assert len(client.get("/processes?limit=1").json["processes"]) == 1


@req("core", "pl-links")
def test_the_list_links_itself_its_other_forms_and_the_next_page(client):
    first = client.get("/processes?limit=1").json
    (itself,) = links_of(first, "self")
    assert itself["type"] == "application/json"
    assert [link["type"] for link in links_of(first, "alternate")].count("text/html") == 1
    (following,) = links_of(first, "next")
    second = client.get(following["href"]).json
    assert second["processes"][0]["id"] != first["processes"][0]["id"]


@req("core", "process process-success")
@req("ogc-process-description", "json-encoding")
def test_every_process_is_described(client, schemas):
    for process in client.get("/processes").json["processes"]:
        answer = client.get(f"/processes/{process['id']}")
        assert (answer.status, answer.headers["Content-Type"]) == (200, "application/json")
        schemas.check(answer.json, "process")
        assert {"sync-execute", "async-execute", "dismiss"} >= set(answer.json["jobControlOptions"])


@req("core", "process-exception/no-such-process")
def test_an_unknown_process_is_an_exception_of_its_own(client, schemas):
    assert_exception(client.get("/processes/nope"), 404, schemas, "no-such-process")
    assert_exception(client.execute("nope", {"inputs": {}}), 404, schemas, "no-such-process")


# --- core: execute --------------------------------------------------------------------------------------------------


@req("core", "process-execute-op process-execute-request")
def test_an_execute_request_by_the_schema_is_carried_out(client, schemas):
    body = {"inputs": ALL, "outputs": {"message": {"format": {"mediaType": "text/plain"}}}, "response": "raw"}
    schemas.check(body, "execute", any_branch=True)
    answer = client.execute("echo", body)
    assert (answer.status, answer.content) == (200, b"hello")
    (link,) = links_of(client.get("/processes/echo").json, f"{REL}execute")
    assert link["href"].endswith("/processes/echo/execution")


@req("core", "process-execute-inputs")
def test_inputs_come_in_line_and_a_reference_to_an_unknown_host_is_refused_by_name(client, schemas):
    assert client.execute("echo", {"inputs": {"message": "in line"}, "outputs": {"message": {}}}).content == b"in line"
    refused = client.execute(
        "echo", {"inputs": {"message": {"href": "https://example.org/a.txt", "type": "text/plain"}}}
    )
    assert_exception(refused, 400, schemas)
    assert refused.json["errors"][0]["pointer"].startswith("/inputs/message")


@req("core", "process-execute-input-array")
@pytest.mark.parametrize(("sent", "read"), [([1, 2, 3], [1, 2, 3]), ([7], [7]), (7, [7]), ([], [])])
def test_an_array_holds_many_one_or_none(client, sent, read):
    body = {"inputs": {"message": "x", "values": sent}, "outputs": {"values": {}}}
    assert client.execute("echo", body).json == read


@req("core", "process-execute-input-inline-object")
def test_an_object_comes_wrapped_in_value(client):
    body = {"inputs": {"message": "x", "area": {"value": {"bbox": [1, 2, 3, 4]}}}, "outputs": {"area": {}}}
    assert client.execute("echo", body).json["bbox"] == [1, 2, 3, 4]


@req("core", "process-execute-input-mixed-type")
@pytest.mark.parametrize("about", [{"mediaType": "text/plain"}, {"format": {"mediaType": "text/plain"}}])
def test_a_value_says_its_format_beside_itself_or_in_format(client, about):
    body = {"inputs": {"message": {"value": "hello"} | about}, "outputs": {"message": {}}}
    assert client.execute("echo", body).content == b"hello"


@req("core", "process-execute-input-inline-binary")
@req("ogc-process-description", "input-binary")
def test_a_binary_input_is_described_as_base64_text(client):
    for process in client.get("/processes").json["processes"]:
        for described in client.get(f"/processes/{process['id']}").json["inputs"].values():
            schema = described["schema"]
            if schema.get("format") == "byte" or "contentEncoding" in schema:
                assert (schema["type"], schema["format"]) == ("string", "byte")


@req("core", "process-execute-input-inline-bbox")
@pytest.mark.parametrize(
    "sent",
    [
        {"bbox": [51.9, 7, 52, 7.1], "crs": CRS84},
        {"bbox": [51.9, 7, 52, 7.1]},
        {"bbox": [51.9, 7, -10, 52, 7.1, 10], "crs": "http://www.opengis.net/def/crs/OGC/0/CRS84h"},
    ],
)
def test_a_box_has_four_or_six_numbers_and_lies_in_crs84_unless_said(client, schemas, sent):
    answer = client.execute("echo", {"inputs": {"message": "x", "area": sent}, "outputs": {"area": {}}})
    schemas.check(answer.json, "bbox")
    assert answer.json == {"crs": CRS84} | sent


WRONG = {
    "nothing": {},
    "a number for a text": {"message": 3},
    "a text for a number": {"message": "x", "pause": "soon"},
    "less than nothing": {"message": "x", "pause": -1},
    "a fraction for a whole number": {"message": "x", "values": [1.5]},
    "two for one": {"message": ["a", "b"]},
    "an unknown input": {"message": "x", "colour": "blue"},
    "five numbers for a box": {"message": "x", "area": {"bbox": [1, 2, 3, 4, 5]}},
    "an unknown crs": {"message": "x", "area": {"bbox": [1, 2, 3, 4], "crs": "EPSG:6.6:4326"}},
    "a type that is none": {"message": {"type": "wrong/type_0"}},
}


@req("core", "process-execute-input-validation")
@pytest.mark.parametrize("inputs", WRONG.values(), ids=WRONG)
@pytest.mark.parametrize("headers", [{}, ASYNC], ids=["sync", "async"])
def test_a_wrong_input_is_refused_at_once_by_its_name(client, schemas, inputs, headers):
    answer = client.execute("echo", {"inputs": inputs}, **headers)
    assert_exception(answer, 400, schemas)
    assert all({"input", "pointer", "problem"} <= set(error) for error in answer.json["errors"])
    assert "Location" not in answer.headers


@req("core", "process-execute-default-outputs")
def test_without_outputs_all_are_given(client):
    assert list(client.execute("echo", {"inputs": ALL, "response": "document"}).json) == list(ALL)


@req("core", "process-execute-default-execution-mode")
def test_without_a_preference_what_can_run_at_once_does(client):
    answer = client.execute("echo", {"inputs": {"message": "x"}})
    assert answer.status == 200
    assert "Location" not in answer.headers


@req("core", "process-execute-auto-execution-mode")
@pytest.mark.parametrize(
    "prefer", ["respond-async", "respond-async ", "respond-async;return=representation", "wait=5, respond-async"]
)
def test_a_preference_for_a_job_is_honoured_and_said(client, prefer):
    answer = client.execute("echo", {"inputs": {"message": "x"}}, Prefer=prefer)
    assert answer.status == 201
    assert "respond-async" in answer.headers["Preference-Applied"]


@req("core", "process-execute-success-async")
def test_a_job_is_answered_with_its_address_and_its_status(client, schemas):
    answer = client.execute("echo", {"inputs": {"message": "x"}}, **ASYNC)
    assert answer.status == 201
    assert answer.headers["Content-Type"] == "application/json"
    schemas.check(answer.json, "statusInfo")
    assert answer.headers["Location"] == f"{client.base_url}/jobs/{answer.json['jobID']}"
    assert UUID(answer.json["jobID"]).version == 4
    assert answer.json["processID"] == "echo"


# --- the five shapes of results, at once and as those of a job ------------------------------------------------------


def at_once(client: Client, body: dict[str, Any]) -> Answer:
    answer = client.execute("echo", body)
    assert "Link" not in answer.headers or answer.status == 204, "a synchronous answer has no job of its own to monitor"
    return answer


def later(client: Client, body: dict[str, Any]) -> Answer:
    address = client.job("echo", body)
    client.end_of(address)
    return client.get(f"{address}/results")


@req("core", "process-execute-sync-raw-value-one job-results-async-raw-value-one")
@pytest.mark.parametrize("run", [at_once, later])
def test_one_raw_output_is_its_bare_bytes(client, run):
    answer = run(client, {"inputs": ALL, "outputs": {"message": {}}, "response": "raw"})
    assert (answer.status, answer.headers.get_content_type(), answer.content) == (200, "text/plain", b"hello")


@req("core", "process-execute-sync-raw-value-multi job-results-async-raw-value-multi")
@pytest.mark.parametrize("run", [at_once, later])
def test_several_raw_outputs_are_parts_of_one_message(client, run):
    answer = run(client, {"inputs": ALL, "response": "raw"})
    assert answer.status == 200
    assert answer.content.startswith(b"--")
    parts = parts_of(answer)
    assert list(parts) == ["message", "values", "area"]
    assert (content_of(parts["message"]), parts["message"].get_content_type()) == (b"hello", "text/plain")
    assert json.loads(content_of(parts["values"])) == [1, 2]


@req("core", "process-execute-sync-raw-ref job-results-async-raw-ref")
@pytest.mark.parametrize("run", [at_once, later])
@pytest.mark.parametrize("outputs", [["message"], ["message", "values"]], ids=["one", "several"])
def test_raw_outputs_by_reference_are_links_and_no_content(client, run, outputs):
    answer = run(client, {"inputs": ALL, "outputs": dict.fromkeys(outputs, REFERENCE), "response": "raw"})
    assert (answer.status, answer.content) == (204, b"")
    links = header_links(answer)
    assert list(links) == outputs
    assert client.get(links["message"]).content == b"hello"


@req("core", "process-execute-sync-raw-mixed-multi job-results-async-raw-mixed-multi")
@pytest.mark.parametrize("run", [at_once, later])
def test_raw_outputs_of_both_kinds_are_parts_of_which_some_are_elsewhere(client, run):
    answer = run(client, {"inputs": ALL, "outputs": {"message": REFERENCE, "values": {}}, "response": "raw"})
    parts = parts_of(answer)
    assert content_of(parts["message"]) == b""
    assert client.get(parts["message"]["Content-Location"]).content == b"hello"
    assert json.loads(content_of(parts["values"])) == [1, 2]


@req("core", "process-execute-sync-document job-results-async-document")
@pytest.mark.parametrize("run", [at_once, later])
@pytest.mark.parametrize("mode", ["value", "reference", "both"])
def test_a_document_is_a_map_by_output(client, schemas, run, mode):
    modes = {"value": {}, "reference": dict.fromkeys(ALL, REFERENCE), "both": {"values": REFERENCE}}[mode]
    answer = run(client, {"inputs": ALL, "outputs": {id: modes.get(id, {}) for id in ALL}, "response": "document"})
    assert (answer.status, answer.headers["Content-Type"]) == (200, "application/json")
    schemas.check(answer.json, "results", any_branch=True)
    assert list(answer.json) == list(ALL)
    for id, value in answer.json.items():
        if id in modes:
            assert client.get(value["href"]).status == 200
        else:
            assert value == (ALL[id] if id != "area" else {"bbox": [1, 2, 3, 4], "crs": CRS84})


def test_a_file_in_a_document_is_a_link_with_its_digest(client, schemas):
    told = client.execute("subset", {"inputs": A1B, "response": "document"}).json
    schemas.check(told, "results")
    assert set(told["data"]) >= {"href", "type", "title", "gaia:sha256", "gaia:sizeBytes"}


# --- core: jobs -----------------------------------------------------------------------------------------------------


@req("core", "job job-success")
def test_a_job_tells_its_status(client, schemas, job):
    answer = client.get(job)
    assert (answer.status, answer.headers["Content-Type"]) == (200, "application/json")
    schemas.check(answer.json, "statusInfo")
    assert (answer.json["status"], answer.json["progress"]) == ("successful", 100)
    assert answer.json["created"] <= answer.json["started"] <= answer.json["finished"] <= answer.json["updated"]
    assert [link["href"] for link in links_of(answer.json, f"{REL}results")] == [f"{job}/results"]
    assert links_of(answer.json, "self")
    assert links_of(answer.json, "monitor")


@req("core", "job-results")
def test_the_results_of_a_job_are_where_its_link_says(client, job):
    (link,) = links_of(client.get(job).json, f"{REL}results")
    assert list(parts_of(client.get(link["href"]))) == list(ALL)
    assert list(client.get(f"{link['href']}?f=json").json) == list(ALL)


@req("core", "job-exception-no-such-job job-results-exception/no-such-job")
def test_an_unknown_job_is_an_exception_of_its_own(client, schemas):
    for path in ("", "/results", "/results/message", "/log"):
        assert_exception(client.get(f"/jobs/{NOBODY}{path}"), 404, schemas, "no-such-job")
    assert_exception(client.send("DELETE", f"/jobs/{NOBODY}"), 404, schemas, "no-such-job")


@req("core", "job-results-exception/results-not-ready")
def test_results_are_not_there_before_the_job_ends(client, schemas, running):
    status = client.get(running)
    schemas.check(status.json, "statusInfo")
    assert int(status.headers["Retry-After"]) > 0
    assert not links_of(status.json, f"{REL}results")
    assert_exception(client.get(f"{running}/results"), 404, schemas, "result-not-ready")
    assert_exception(client.get(f"{running}/results/message"), 404, schemas, "result-not-ready")


@req("core", "job-results-failed")
def test_a_failed_job_answers_with_the_cause_in_place_of_results(client, schemas, failed):
    status = client.get(failed).json
    schemas.check(status, "statusInfo")
    assert links_of(status, f"{REL}exceptions")
    assert not links_of(status, f"{REL}results")
    answer = client.get(f"{failed}/results")
    assert answer.status >= 400
    assert_exception(answer, answer.status, schemas)
    assert not answer.json["type"].endswith(("no-such-job", "result-not-ready", "about:blank"))


@req("core", "job-results-success-sync")
def test_a_synchronous_run_is_no_job_of_the_list_and_names_its_record_in_a_header(client):
    answer = client.execute("echo", {"inputs": {"message": "now"}})
    assert "Link" not in answer.headers
    record = answer.headers["Gaia-Job"]
    assert client.get(record).json["status"] == "successful"
    listed = [job["jobID"] for job in client.get("/jobs?limit=1000").json["jobs"]]
    assert record.rpartition("/")[2] not in listed


@req("core", "test-process")
def test_there_is_a_process_to_test_with_that_waits_and_gives_back(client):
    began = time.monotonic()
    answer = client.execute("echo", {"inputs": {"message": "x", "pause": 0.5}, "outputs": {"message": {}}})
    assert answer.content == b"x"
    assert time.monotonic() - began >= 0.5


# --- ogc-process-description ----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def descriptions(service: Client) -> list[dict[str, Any]]:
    listed = service.get("/processes").json["processes"]
    return [service.get(f"/processes/{process['id']}").json for process in listed]


@req("ogc-process-description", "inputs-def outputs-def")
def test_inputs_and_outputs_are_maps_by_id(schemas, descriptions):
    for described in descriptions:
        for id, one in described["inputs"].items():
            schemas.check({id: one}, "inputDescription") if id == "" else schemas.check(one, "inputDescription")
        for one in described["outputs"].values():
            schemas.check(one, "outputDescription")


@req("ogc-process-description", "input-def output-def")
def test_every_input_and_output_has_a_schema(schemas, descriptions):
    for described in descriptions:
        for one in (*described["inputs"].values(), *described["outputs"].values()):
            schemas.check(one["schema"], "schema")


@req("ogc-process-description", "input-mixed-type output-mixed-type")
def test_of_several_formats_the_first_is_the_default(client, descriptions):
    for described in descriptions:
        for one in (*described["inputs"].values(), *described["outputs"].values()):
            for branch in one["schema"].get("oneOf", ()):
                assert branch.get("contentMediaType") or branch.get("type")
    answer = client.execute("subset", {"inputs": A1B})
    subset = next(each for each in descriptions if each["id"] == "subset")
    schema = subset["outputs"]["data"]["schema"]
    assert answer.headers["Content-Type"] == (schema.get("oneOf") or [schema])[0]["contentMediaType"]


# --- json -----------------------------------------------------------------------------------------------------------


@req("json", "definition")
def test_every_answer_that_is_no_result_is_json(client, job):
    for path in ("/", "/conformance", "/processes", "/processes/echo", job, "/jobs"):
        for accept in ({}, {"Accept": "application/json"}, {"Accept": "*/*"}):
            answer = client.get(path, **accept)
            assert answer.headers.get_content_type() == "application/json"
            assert isinstance(answer.json, dict)


# --- html -----------------------------------------------------------------------------------------------------------


class Page(HTMLParser):
    """What a page says, and where its links lead."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.words: list[str] = []
        self.addresses: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        if tag == "a":
            self.addresses.add(dict(attributes).get("href") or "")

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    def says(self, text: str) -> bool:
        return " ".join(text.split()) in " ".join(" ".join(self.words).split())


def page(client: Client, address: str) -> Page:
    answer = client.get(address, Accept="text/html")
    assert (answer.status, answer.headers.get_content_type()) == (200, "text/html"), address
    return Page(answer.content.decode())


@req("html", "definition")
def test_every_answer_that_a_person_would_look_at_is_html_too(client, job):
    for path in ("/", "/conformance", "/processes", "/processes/echo", "/processes/subset", "/jobs", job, "/openapi"):
        page(client, path)
        shown = client.get(f"{path}?f=html")
        assert (shown.status, shown.headers.get_content_type()) == (200, "text/html")


@req("html", "content")
def test_a_page_holds_what_its_json_says(client, job):
    described = client.get("/processes/subset").json
    shown = page(client, "/processes/subset")
    for text in (described["title"], described["description"], *(one["title"] for one in described["inputs"].values())):
        assert shown.says(text), text
    listed = page(client, "/processes")
    for process in client.get("/processes").json["processes"]:
        assert listed.says(process["title"])
        assert any(urlsplit(address).path.endswith(f"/processes/{process['id']}") for address in listed.addresses)
    status = page(client, job)
    assert status.says(job.rpartition("/")[2])
    assert any(urlsplit(address).path.endswith("/results/message") for address in status.addresses)


# --- oas30 ----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def openapi(service: Client) -> dict[str, Any]:
    document: dict[str, Any] = service.get("/openapi?f=json").json
    return document


@req("oas30", "oas-definition-1 oas-definition-2")
def test_the_api_is_defined_in_openapi_3_0_for_programs_and_for_people(client, openapi):
    assert openapi["openapi"].startswith("3.0.")
    told = client.get("/openapi", Accept="application/vnd.oai.openapi+json;version=3.0")
    assert told.headers["Content-Type"] == "application/vnd.oai.openapi+json;version=3.0"
    page(client, "/openapi")


@req("oas30", "oas-impl")
def test_the_server_does_what_the_definition_says(client, openapi, job):
    values = {
        "{processId}": "echo",
        "{processID}": "echo",
        "{jobId}": job[-36:],
        "{jobID}": job[-36:],
        "{outputID}": "message",
    }
    values["{outputId}"] = "message"
    asked = 0
    for path, operations in openapi["paths"].items():
        for name, value in values.items():
            path = path.replace(name, value)
        if "get" in operations and "{" not in path and not path.endswith(("/events", "/execution")):
            status = str(client.get(path).status)
            assert status in operations["get"]["responses"], (path, status)
            asked += 1
    assert asked >= 10


@req("oas30", "completeness exceptions-codes")
def test_the_definition_names_every_status_and_its_body(openapi):
    execution = next(item for path, item in openapi["paths"].items() if path == "/processes/echo/execution")
    assert {"200", "201", "204", "400", "413", "415"} <= set(execution["post"]["responses"])
    for path, operations in openapi["paths"].items():
        for method, operation in operations.items():
            if method in {"get", "post", "put", "delete", "head"}:
                for status, told in operation["responses"].items():
                    assert "$ref" in told or told.get("description") is not None, (path, method, status)
                    assert (
                        "$ref" in told
                        or status in {"201", "204", "303", "304", "307"}
                        or told.get("content")
                        or method == "head"
                    )


@req("oas30", "security")
def test_the_definition_names_no_security_that_there_is_not(client, openapi):
    schemes = openapi.get("components", {}).get("securitySchemes", {})
    assert {name for each in openapi.get("security", ()) for name in each} <= set(schemes)
    assert client.get("/processes").status == 200


# --- job-list -------------------------------------------------------------------------------------------------------


def listed(client: Client, query: str = "") -> list[dict[str, Any]]:
    answer = client.get(f"/jobs?limit=1000&{query}")
    assert answer.status == 200, answer.content
    return list(answer.json["jobs"])


def ids(jobs: list[dict[str, Any]]) -> set[str]:
    return {job["jobID"] for job in jobs}


@req("job-list", "job-list-op job-list-success processID-mandatory")
def test_the_jobs_are_listed_each_with_its_process(client, schemas, job):
    answer = client.get("/jobs")
    assert (answer.status, answer.headers["Content-Type"]) == (200, "application/json")
    schemas.check(answer.json, "jobList")
    assert job[-36:] in ids(listed(client))
    assert all(each["processID"] for each in listed(client))


@req("job-list", "type")
def test_jobs_are_chosen_by_type(client, schemas, job):
    assert job[-36:] in ids(listed(client, "type=process"))
    assert job[-36:] in ids(listed(client, "type=process,other"))
    assert listed(client, "type=other") == []


@req("job-list", "processID")
def test_jobs_are_chosen_by_process_any_of_several(client, job, failed):
    assert {each["processID"] for each in listed(client, "processID=echo")} == {"echo"}
    both = ids(listed(client, "processID=echo,subset"))
    assert {job[-36:], failed[-36:]} <= both
    assert listed(client, "processID=nope") == []


@req("job-list", "status")
def test_jobs_are_chosen_by_status_any_of_several_and_with_the_process(client, schemas, job, failed):
    assert {each["status"] for each in listed(client, "status=failed")} == {"failed"}
    both = listed(client, "status=failed,successful")
    assert {job[-36:], failed[-36:]} <= ids(both)
    assert job[-36:] not in ids(listed(client, "status=successful&processID=subset"))
    assert_exception(client.get("/jobs?status=asleep"), 400, schemas)


@req("job-list", "datetime")
def test_jobs_are_chosen_by_when_they_were_created(client, schemas, job):
    created = client.get(job).json["created"]
    for inside in (created, f"{created}/..", f"../{created}", f"{created}/", f"/{created}", f"{created}/{created}"):
        assert job[-36:] in ids(listed(client, f"datetime={inside}")), inside
    for outside in ("2001-01-01T00:00:00Z", "../2001-01-01T00:00:00Z", "2101-01-01T00:00:00Z/.."):
        assert job[-36:] not in ids(listed(client, f"datetime={outside}")), outside
    assert_exception(client.get("/jobs?datetime=yesterday"), 400, schemas)


@req("job-list", "minDuration maxDuration")
def test_jobs_are_chosen_by_how_long_they_ran(client, schemas):
    slow = client.job("echo", {"inputs": {"message": "x", "pause": 2}})[-36:]
    quick = client.job("echo", {"inputs": {"message": "x"}})[-36:]
    for id in (slow, quick):
        client.end_of(f"/jobs/{id}")
    assert (slow in ids(listed(client, "minDuration=2")), quick in ids(listed(client, "minDuration=2"))) == (
        True,
        False,
    )
    assert (slow in ids(listed(client, "maxDuration=1")), quick in ids(listed(client, "maxDuration=1"))) == (
        False,
        True,
    )
    assert slow in ids(listed(client, "minDuration=1&maxDuration=60"))
    assert_exception(client.get("/jobs?minDuration=long"), 400, schemas)


@req("job-list", "limit-definition limit-response")
def test_no_more_jobs_are_listed_than_the_limit(client, schemas, job, failed):
    assert len(client.get("/jobs?limit=1").json["jobs"]) == 1
    assert client.get("/jobs?limit=100000").status == 200
    assert_exception(client.get("/jobs?limit=0"), 400, schemas)


@req("job-list", "links")
def test_the_pages_of_jobs_lead_through_all_of_them_once(client, job, failed):
    document = client.get("/jobs?limit=2&status=successful,failed").json
    assert links_of(document, "self")
    seen = [each["jobID"] for each in document["jobs"]]
    while following := links_of(document, "next"):
        document = client.get(following[0]["href"]).json
        seen += [each["jobID"] for each in document["jobs"]]
    assert len(seen) == len(set(seen))
    assert {job[-36:], failed[-36:]} <= set(seen)


# --- callback -------------------------------------------------------------------------------------------------------


@req("callback", "job-callback")
def test_a_callback_to_a_host_that_nobody_allowed_is_refused_by_name(client, schemas):
    """That allowed ones are called is held where a host is allowed, beside the sender of callbacks."""
    body = {"inputs": {"message": "x"}, "subscriber": {"successUri": "http://127.0.0.1:9/done"}}
    answer = client.execute("echo", body, **ASYNC)
    assert_exception(answer, 400, schemas)
    assert "successUri" in json.dumps(answer.json)


# --- dismiss --------------------------------------------------------------------------------------------------------


@req("dismiss", "job-dismiss-op job-dismiss-success")
def test_a_running_job_is_dismissed(client, schemas):
    address = client.job("echo", {"inputs": {"message": "never mind", "pause": 60}})
    answer = client.send("DELETE", address)
    assert (answer.status, answer.headers["Content-Type"]) == (200, "application/json")
    schemas.check(answer.json, "statusInfo")
    assert answer.json["status"] == "dismissed"
    assert client.get(address).json["status"] == "dismissed"
    assert_exception(client.get(f"{address}/results"), 410, schemas)
    assert_exception(client.send("DELETE", address), 410, schemas)
    assert "dismiss" in client.get("/processes/echo").json["jobControlOptions"]


@req("dismiss", "job-dismiss-op")
def test_an_ended_job_gives_up_its_results(client, schemas):
    address = client.job("echo", {"inputs": {"message": "x"}})
    client.end_of(address)
    answer = client.send("DELETE", address)
    schemas.check(answer.json, "statusInfo")
    assert (answer.status, answer.json["status"]) == (200, "dismissed")
    assert_exception(client.get(f"{address}/results"), 410, schemas)


# --- the list itself ------------------------------------------------------------------------------------------------


def test_every_requirement_has_a_test():
    module = sys.modules[__name__]
    marks = [mark for name in dir(module) for mark in getattr(getattr(module, name), "pytestmark", ())]
    tested = {requirement for mark in marks if mark.name == "requirement" for requirement in mark.args}
    wanted = {f"{conformance}/{name}" for conformance, names in REQUIREMENTS.items() for name in names.split()}
    assert (wanted - tested, tested - wanted) == (set(), set())
