"""The other requirements classes of OGC API - Processes - Part 1 (1.0), a test for each requirement."""

import re
from dataclasses import replace
from datetime import timedelta
from html.parser import HTMLParser

import pytest
from openapi_spec_validator import OpenAPIV30SpecValidator
from pydantic import BaseModel

from gaia_processes.catalogue import CATALOGUE
from gaia_processes.formats import JSON, TEXT
from gaia_processes.inputs.schema import input_schemas
from gaia_server.descriptions import description
from gaia_server.operations import OPERATIONS
from gaia_workers.contract import utc_now

PROCESSES = [each.id for each in CATALOGUE]
HELLO = {"message": "hello"}


def listed(client, query=""):
    return [job["jobID"] for job in client.get(f"/jobs{query}").get_json()["jobs"]]


def parameter(client, name):
    document = client.get("/openapi").get_json(force=True)
    references = document["paths"]["/jobs"]["get"]["parameters"]
    told = [document["components"]["parameters"][each["$ref"].rpartition("/")[2]] for each in references]
    return next(each for each in told if each["name"] == name)


# --- ogc-process-description -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("process", PROCESSES)
def test_json_encoding(client, schemas, process):
    schemas.check(client.get(f"/processes/{process}").get_json(), "process")


@pytest.mark.parametrize("process", PROCESSES)
def test_inputs_def(client, schemas, process):
    inputs = client.get(f"/processes/{process}").get_json()["inputs"]
    assert inputs
    for told in inputs.values():
        schemas.check(told, "inputDescription")


@pytest.mark.parametrize("process", PROCESSES)
def test_input_def(client, schemas, execute, process):
    for told in client.get(f"/processes/{process}").get_json()["inputs"].values():
        schemas.check(told["schema"], "schema")
    answer = execute({"message": "hello", "pause": -1})
    assert (answer.status_code, answer.get_json()["errors"][0]["input"]) == (400, "pause"), "minimum: 0"


class Mixed(BaseModel):
    """An input of either of two kinds; no process of ours has one yet."""

    either: int | str


def test_input_mixed_type(client):
    assert input_schemas(Mixed)["either"] == {"oneOf": [{"type": "integer"}, {"type": "string"}]}
    for process in PROCESSES:
        for told in client.get(f"/processes/{process}").get_json()["inputs"].values():
            assert "anyOf" not in told["schema"]


def test_input_binary(execute, schemas):
    schemas.check("aGVsbG8=", "binaryInputValue")
    sent = {"value": "aGVsbG8=", "encoding": "base64"}
    assert execute({"message": sent}, outputs={"message": {}}).data == b"hello"


@pytest.mark.parametrize("process", PROCESSES)
def test_outputs_def(client, schemas, process):
    outputs = client.get(f"/processes/{process}").get_json()["outputs"]
    assert outputs
    for told in outputs.values():
        schemas.check(told, "outputDescription")


@pytest.mark.parametrize("process", PROCESSES)
def test_output_def(client, schemas, process):
    for told in client.get(f"/processes/{process}").get_json()["outputs"].values():
        schemas.check(told["schema"], "schema")


def test_output_mixed_type():
    """Several formats of an output stand in `oneOf`, the default first."""
    echo = next(process for process in CATALOGUE if process.id == "echo")
    output = replace(echo.outputs["message"], schema=None, formats=(TEXT, JSON))
    told = description(replace(echo, outputs={"message": output}), "en", "")["outputs"]["message"]["schema"]
    assert [each["contentMediaType"] for each in told["oneOf"]] == ["text/plain", "application/json"]


# --- json --------------------------------------------------------------------------------------------------------------


def test_json_definition(client, desk, execute):
    job = desk.accept("message")
    for path in ("/", "/conformance", "/processes", "/processes/echo", f"/jobs/{job.id}"):
        answer = client.get(path, headers={"Accept": "application/json"})
        assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/json"), path
    assert execute(HELLO, response="document").headers["Content-Type"] == "application/json"
    assert execute(HELLO, prefer="respond-async").headers["Content-Type"] == "application/json"


# --- html --------------------------------------------------------------------------------------------------------------

PAGES = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


class Page(HTMLParser):
    """Collects the text and the addresses of a page's body."""

    def __init__(self, html):
        super().__init__()
        self.text, self.addresses = "", []
        self.feed(html)

    def handle_data(self, data):
        self.text += " " + data

    def handle_starttag(self, tag, attrs):
        if tag == "a":
            self.addresses.append(dict(attrs).get("href") or "")


@pytest.fixture
def paths(desk):
    """Give an address of every operation of the standard that answers 200 to a reader."""
    job = desk.finish(desk.accept("message", response="document"), message=b"hello")
    return (
        "/",
        "/conformance",
        "/openapi",
        "/processes",
        "/processes/echo",
        "/jobs",
        f"/jobs/{job.id}",
        f"/jobs/{job.id}/results",
    )


def test_html_definition(client, paths):
    for path in paths:
        answer = client.get(path, headers=PAGES)
        assert (answer.status_code, answer.mimetype) == (200, "text/html"), path


def test_html_definition_of_what_is_sent(client, desk, execute):
    assert execute(HELLO, accept="text/html", response="document").mimetype == "text/html"
    answer = client.delete(f"/jobs/{desk.accept('message').id}", headers=PAGES)
    assert (answer.status_code, answer.mimetype) == (200, "text/html")


def test_html_content(client, desk, paths):
    page = Page(client.get("/processes/echo", headers=PAGES).get_data(as_text=True))
    told = client.get("/processes/echo").get_json()
    for each in (*told["inputs"].values(), *told["outputs"].values()):
        assert each["title"] in page.text
        assert each["description"] in page.text
    job = paths[-2]
    page, told = Page(client.get(job, headers=PAGES).get_data(as_text=True)), client.get(job).get_json()
    assert told["processID"] in page.text
    assert any("/results" in address for address in page.addresses)
    page = Page(client.get("/processes", headers=PAGES).get_data(as_text=True))
    assert all(any(f"/processes/{process}" in address for address in page.addresses) for process in PROCESSES)
    page = Page(client.get("/conformance", headers=PAGES).get_data(as_text=True))
    told = client.get("/conformance").get_json()
    assert all(uri in page.text or uri in page.addresses for uri in told["conformsTo"])


# --- oas30 -------------------------------------------------------------------------------------------------------------


def test_oas_definition_1(client):
    assert client.get("/openapi").headers["Content-Type"] == "application/vnd.oai.openapi+json;version=3.0"
    assert client.get("/openapi", headers=PAGES).mimetype == "text/html"


def test_oas_definition_2(client):
    document = client.get("/openapi").get_json(force=True)
    assert document["openapi"].startswith("3.0.")
    assert not list(OpenAPIV30SpecValidator(document).iter_errors())


def test_oas_impl(app, client):
    document = client.get("/openapi").get_json(force=True)
    adapter = app.url_map.bind("")
    for path, item in document["paths"].items():
        for method in item:
            there = re.sub(r"\{\w+\}", "x", path)
            assert adapter.test(there, method=method.upper()), (method, path)


def test_completeness(client):
    """Every status that the tests of the routes meet is told; made-up requests look for more (test_any_request.py)."""
    responses = client.get("/openapi").get_json(force=True)["paths"]["/processes/{processID}/execution"]["post"][
        "responses"
    ]
    assert {"200", "201", "204", "400", "404", "408", "413", "415", "500", "503", "504"} <= set(responses)
    assert set(responses["201"]["headers"]) >= {"Location", "Preference-Applied"}
    assert "multipart/related" in responses["200"]["content"]


def test_exceptions_codes(client):
    document = client.get("/openapi").get_json(force=True)
    for operation in OPERATIONS:
        told = document["paths"][operation.path][operation.method]["responses"]
        for status, codes in operation.problems_by_status().items():
            if status not in operation.answers:
                content = told[str(status)]["content"]["application/json"]
                assert content["schema"] == {"$ref": "#/components/schemas/exception"}
                assert set(content["examples"]) == set(codes)


def test_security(client):
    """Nobody needs to say who they are yet, and so there is no scheme to tell of."""
    document = client.get("/openapi").get_json(force=True)
    assert "securitySchemes" not in document["components"]
    assert client.get("/jobs").status_code == 200


# --- job-list ----------------------------------------------------------------------------------------------------------


def test_job_list_op(client):
    assert client.get("/jobs").status_code == 200


def test_job_list_success(client, desk, schemas):
    job = desk.accept("message")
    told = client.get("/jobs").get_json()
    schemas.check(told, "jobList")
    assert [each["jobID"] for each in told["jobs"]] == [job.id]


@pytest.mark.parametrize("name", ["type", "processID", "status"])
def test_lists_are_told(client, name):
    told = parameter(client, name)
    assert (told["in"], told["required"], told["schema"]["type"]) == ("query", False, "array")
    assert (told["style"], told["explode"]) == ("form", False)
    assert told["schema"]["items"]["type"] == "string"


def test_type_response(client, desk):
    job = desk.accept("message")
    assert listed(client, "?type=process") == [job.id]
    assert listed(client, "?type=process,other") == [job.id]
    assert listed(client, "?type=other") == []


def test_process_id_response(client, desk):
    echo, subset = desk.accept("message"), desk.accept("data", process="subset")
    assert listed(client, "?processID=echo") == [echo.id]
    assert listed(client, "?processID=echo,subset") == [subset.id, echo.id]
    assert listed(client, "?processID=other") == []


def test_process_id_mandatory(client, desk):
    desk.accept("message")
    assert client.get("/jobs").get_json()["jobs"][0]["processID"] == "echo"


def test_status_response(client, desk):
    waiting, failed = desk.accept("message"), desk.fail(desk.accept("message"), "timeout")
    assert listed(client, "?status=failed") == [failed.id]
    assert listed(client, "?status=failed,accepted") == [failed.id, waiting.id]
    assert listed(client, "?status=running") == []


def test_datetime_definition(client):
    told = parameter(client, "datetime")
    assert (told["in"], told["required"], told["schema"]) == ("query", False, {"type": "string"})
    assert client.get("/jobs?datetime=yesterday").status_code == 400


def test_datetime_response(client, desk):
    job = desk.accept("message")
    created = client.get(f"/jobs/{job.id}").get_json()["created"]
    for text in (created, f"{created}/{created}", f"{created}/..", f"../{created}", f"{created}/", f"/{created}"):
        assert listed(client, f"?datetime={text}") == [job.id], text
    assert listed(client, "?datetime=2000-01-01T00:00:00Z/2000-12-31T00:00:00Z") == []
    assert listed(client, "?datetime=../2000-01-01T00:00:00Z") == []


@pytest.mark.parametrize("name", ["minDuration", "maxDuration"])
def test_duration_definition(client, name):
    told = parameter(client, name)
    assert told["schema"]["type"] == "array"
    assert told["schema"]["items"]["type"] == "integer"
    assert client.get(f"/jobs?{name}=x").status_code == 400


def test_duration_response(client, desk):
    ago = utc_now() - timedelta(seconds=100)
    waiting = desk.accept("message", started=ago)
    ended = desk.fail(desk.accept("message", started=ago), "timeout")
    assert listed(client, "?minDuration=90") == [ended.id]
    assert listed(client, "?minDuration=110") == []
    assert listed(client, "?maxDuration=110") == [ended.id]
    assert listed(client, "?maxDuration=90") == []
    assert listed(client, "?minDuration=90&maxDuration=110&status=failed") == [ended.id]
    assert waiting.id not in listed(client, "?minDuration=0"), "what waits is not considered"


def test_limit_definition(client):
    told = parameter(client, "limit")
    assert told["schema"] == {"type": "integer", "minimum": 1, "maximum": 1000}
    assert client.get("/jobs?limit=none").status_code == 400


def test_limit_response(client, desk):
    for _ in range(3):
        desk.accept("message")
    assert len(listed(client, "?limit=2")) == 2
    assert len(listed(client, "?limit=100000")) == 3


def test_links(client, links_of):
    links = links_of(client.get("/jobs?status=failed").get_json())
    assert links["self"] == ["/jobs?status=failed"]
    assert any("html" in href for href in links["alternate"])


# --- dismiss -----------------------------------------------------------------------------------------------------------


def test_job_dismiss_op(client, desk):
    assert client.delete(f"/jobs/{desk.accept('message').id}").status_code == 200


def test_job_dismiss_success(client, desk, schemas):
    for job in (desk.accept("message"), desk.finish(desk.accept("message"), message=b"hello")):
        answer = client.delete(f"/jobs/{job.id}")
        schemas.check(answer.get_json(), "statusInfo")
        assert (answer.status_code, answer.get_json()["status"]) == (200, "dismissed")
        assert client.get(f"/jobs/{job.id}/results").status_code == 410
