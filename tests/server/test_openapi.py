"""The OpenAPI document: valid, whole, true, and made again when the catalogue changes."""

import json
import re
from dataclasses import replace

import pytest
from openapi_spec_validator import OpenAPIV30SpecValidator

from gaia_config.catalogue import publish
from gaia_processes.catalogue import CATALOGUE
from gaia_server.app import OURS
from gaia_server.operations import OPERATIONS
from gaia_server.problems import PROBLEMS
from gaia_server.schemas import HEADERS, PARAMETERS, SCHEMAS

INTERNAL = ("/store/", "/assets/", "/forms/", "/static/")
"""For centres that push, and for pages: no part of the API."""
WITHOUT_COLLECTIONS = re.compile(r"/asyncapi|/stac/.+|/stac-api/.+|/collections/[^/]+/.+")
"""Routes that pygeoapi has for kinds of data that it is not given here; they answer that there is nothing."""
IDS = [process.id for process in CATALOGUE]
MEDIA_TYPE = "application/vnd.oai.openapi+json;version=3.0"


@pytest.fixture(scope="module")
def written():
    """Keep the document of the usual catalogue, which takes longer to make than to look at."""
    return {}


@pytest.fixture
def document(written, request):
    if not written:
        written["document"] = request.getfixturevalue("client").get("/openapi").data
    return json.loads(written["document"])


def without_names(path):
    return re.sub(r"<[^>]+>|\{[^}]+\}", "{}", path)


def routes_of(app):
    return {
        (method.lower(), without_names(rule.rule))
        for rule in app.url_map.iter_rules()
        if not rule.rule.startswith(INTERNAL) and not WITHOUT_COLLECTIONS.search(without_names(rule.rule))
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }


@pytest.mark.parametrize("language", ["en", "fr"])
def test_the_document_is_valid_openapi(client, language):
    document = client.get(f"/openapi?lang={language}").get_json(force=True)
    assert [error.message for error in OpenAPIV30SpecValidator(document).iter_errors()] == []


@pytest.mark.parametrize("path", ["/openapi", "/api"])
def test_it_comes_with_its_own_media_type_and_an_etag(client, path):
    answer = client.get(path)
    assert answer.headers["Content-Type"] == MEDIA_TYPE
    again = client.get(path, headers={"If-None-Match": answer.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")


def test_a_browser_gets_a_page_of_it(client):
    assert client.get("/openapi", headers={"Accept": "text/html"}).mimetype == "text/html"


def test_it_says_where_the_service_is(document, settings):
    assert document["servers"][0]["url"] == settings.public_url


def test_every_route_is_told_and_nothing_else(app, document):
    told = {
        (method, without_names(path))
        for path, item in document["paths"].items()
        for method in item
        if not any(path.startswith(f"/processes/{process}/") for process in IDS)
    }
    assert told == routes_of(app)


def test_routes_for_data_that_are_not_here_answer_that_there_is_nothing(app, client):
    left_out = [rule for rule in app.url_map.iter_rules() if WITHOUT_COLLECTIONS.search(without_names(rule.rule))]
    assert left_out
    for rule in left_out:
        path = re.sub(r"<[^>]+>", "nothing", rule.rule)
        assert client.get(path).status_code in (400, 404, 501), path


def test_every_parameter_of_a_path_is_told():
    for operation in OPERATIONS:
        assert set(re.findall(r"\{(\w+)\}", operation.path)) <= set(operation.parameters), operation.path
        assert set(operation.parameters) <= set(PARAMETERS)


def test_no_reference_leads_out_or_nowhere(document):
    found = re.findall(r'"\$ref": "([^"]*)"', json.dumps(document))
    for reference in found:
        match = re.fullmatch(r"#/components/(\w+)/([\w-]+)", reference)
        assert match is not None, reference
        assert match[2] in document["components"][match[1]], reference


def test_every_schema_parameter_and_header_is_used(document):
    text = json.dumps(document)
    for kind, names in (("schemas", SCHEMAS), ("parameters", PARAMETERS), ("headers", HEADERS)):
        unused = [name for name in names if f'"#/components/{kind}/{name}"' not in text]
        assert not unused


def test_no_operation_is_told_twice(document):
    ids = [operation["operationId"] for item in document["paths"].values() for operation in item.values()]
    assert len(ids) == len(set(ids))


def test_every_problem_that_a_client_can_meet_is_told_with_an_example(document):
    examples = {
        code
        for item in document["paths"].values()
        for operation in item.values()
        for answer in operation["responses"].values()
        for code in answer.get("content", {}).get("application/json", {}).get("examples", {})
    }
    pushed = {"invalid-delivery", "delivery-offset", "delivery-digest"}
    by_the_framework = {"not-found", "method-not-allowed", "not-implemented", "busy", "invalid-request"}
    assert set(PROBLEMS) - examples == pushed | by_the_framework


@pytest.mark.parametrize("process", CATALOGUE, ids=lambda process: process.id)
def test_each_process_has_a_request_with_its_own_inputs(document, process):
    operation = document["paths"][f"/processes/{process.id}/execution"]["post"]
    told = operation["requestBody"]["content"]["application/json"]
    schema = document["components"]["schemas"][told["schema"]["$ref"].rpartition("/")[2]]
    inputs = schema["properties"]["inputs"]
    assert list(inputs["properties"]) == list(process.inputs.model_fields)
    assert inputs.get("required", []) == [
        name for name, field in process.inputs.model_fields.items() if field.is_required()
    ]
    assert set(told["example"]["inputs"]) >= set(inputs.get("required", []))
    formats = {each.media_type for output in process.outputs.values() for each in output.formats}
    assert formats <= set(operation["responses"]["200"]["content"])


@pytest.mark.parametrize("process", CATALOGUE, ids=lambda process: process.id)
def test_the_example_of_a_request_is_a_good_one(client, document, process):
    operation = document["paths"][f"/processes/{process.id}/estimate"]["post"]
    example = operation["requestBody"]["content"]["application/json"]["example"]
    answer = client.post(f"/processes/{process.id}/estimate", json=example)
    if process.id == "climate-indices":  # the tests' dataset has no days: there the example is one of each input's own
        assert {error["input"] for error in answer.json["errors"]} == {"indices", "levels"}
        return
    assert answer.status_code == 200, answer.text


def test_a_new_dataset_is_in_the_document_at_once(client, services, centres, monkeypatch):
    before = client.get("/openapi")
    publish(centres["theia"], replace(services.federation.datasets()[0], id="sea-level"))
    monkeypatch.setattr("gaia_config.catalogue.LOOK_AGAIN_S", 0.0)
    after = client.get("/openapi")
    assert before.headers["ETag"] != after.headers["ETag"]
    assert '"sea-level"' in after.get_data(as_text=True)
    assert '"sea-level"' not in before.get_data(as_text=True)


def test_pages_are_told_where_there_are_some(client, desk):
    job = desk.fail(desk.accept("message"), "timeout")
    ids = {
        "processID": "echo",
        "jobID": job.id,
        "outputID": "message",
        "centreID": "theia",
        "collectionID": "x",
        "tileMatrixSetID": "WebMercatorQuad",
        "uploadID": client.post("/uploads", data=b"CDF\x01").get_json()["uploadID"],
    }
    for operation in OPERATIONS:
        if operation.method != "get" or operation.id in (
            "getEvents",
            "getCollection",
            "getResult",
            "getResultOutput",
            "executeByLink",
        ):
            continue
        path = re.sub(r"\{(\w+)\}", lambda found: ids[found[1]], operation.path)
        answer = client.get(path, headers={"Accept": "text/html"})
        assert (answer.mimetype == "text/html") == operation.answers[200].page, operation.path


def test_all_blueprints_of_ours_are_registered(app):
    assert {blueprint.name for blueprint in OURS} <= set(app.blueprints)


def test_callbacks_are_told_with_what_they_carry(document):
    told = document["paths"]["/processes/echo/execution"]["post"]["callbacks"]
    members = document["components"]["schemas"]["execute"]["properties"]["subscriber"]["properties"]
    assert {address for each in told.values() for address in each} == {
        f"{{$request.body#/subscriber/{member}}}" for member in members
    }
