"""Requirements class "core" of OGC API - Processes - Part 1 (1.0), a test for each requirement."""

import pytest

from gaia_processes.catalogue import CATALOGUE

REL = "http://www.opengis.net/def/rel/ogc/1.0/"
CONF = "http://www.opengis.net/spec/ogcapi-processes-1/1.0/conf/"
EXC = "http://www.opengis.net/def/exceptions/ogcapi-processes-1/1.0/"
NOBODY = "00000000-0000-4000-8000-000000000000"
HELLO = {"message": "hello"}
BOTH = {"message": "hello", "values": [1, 2]}
BY_REFERENCE = {"transmissionMode": "reference"}
MESSAGE = {"message": {}}
BY_VALUE = {"transmissionMode": "value"}


def names(answer):
    return [wrong["input"] for wrong in answer.get_json()["errors"]]


# --- landing page, API definition, conformance -------------------------------------------------------------------------


def test_landingpage_op(client):
    assert client.get("/").status_code == 200


def test_landingpage_success(client, schemas, links_of):
    told = client.get("/", headers={"Accept": "application/json"}).get_json()
    schemas.check(told, "landingPage")
    links = links_of(told)
    assert {"service-desc", f"{REL}conformance", f"{REL}processes"} <= set(links)
    assert links[f"{REL}processes"] == ["/processes"]


def test_api_definition_op(client, links_of):
    links = links_of(client.get("/").get_json())
    for path in (*links["service-desc"], *links.get("service-doc", ())):
        assert client.get(path).status_code != 405


def test_api_definition_success(client, links_of):
    links = links_of(client.get("/").get_json())
    for path in (*links["service-desc"], *links.get("service-doc", ())):
        answer = client.get(path)
        assert (answer.status_code, bool(answer.data)) == (200, True)


def test_conformance_op(client):
    assert client.get("/conformance").status_code == 200


def test_conformance_success(client, schemas):
    told = client.get("/conformance").get_json()
    schemas.check(told, "confClasses")
    assert f"{CONF}core" in told["conformsTo"]


# --- the list of processes ---------------------------------------------------------------------------------------------


def test_process_list(client):
    assert client.get("/processes").status_code == 200


def test_process_list_success(client, schemas):
    told = client.get("/processes").get_json()
    schemas.check(told, "processList")
    assert [process["id"] for process in told["processes"]] == [process.id for process in CATALOGUE]


def test_pl_limit_definition(client):
    parameters = client.get("/openapi").get_json(force=True)["components"]["parameters"]
    assert parameters["limit"]["in"] == "query"
    assert parameters["limit"]["schema"] == {"type": "integer", "minimum": 1, "maximum": 1000}
    assert client.get("/processes?limit=0").status_code == 400


def test_pl_limit_response(client):
    assert len(client.get("/processes?limit=1").get_json()["processes"]) == 1


def test_pl_links(client, links_of):
    links = links_of(client.get("/processes?limit=1").get_json())
    assert links["self"] == ["/processes?limit=1"]
    assert any("html" in href for href in links["alternate"])
    assert len(client.get(links["next"][0]).get_json()["processes"]) == 1


# --- a process ---------------------------------------------------------------------------------------------------------


def test_process(client):
    assert client.get("/processes/echo").status_code == 200


def test_process_success(client, schemas):
    schemas.check(client.get("/processes/echo").get_json(), "process")


@pytest.mark.parametrize("method", ["get", "post"])
def test_no_such_process(client, schemas, method):
    path = "/processes/nothing" + ("/execution" if method == "post" else "")
    answer = getattr(client, method)(path, **({"json": {"inputs": {}}} if method == "post" else {}))
    schemas.check(answer.get_json(), "exception")
    assert (answer.status_code, answer.get_json()["type"]) == (404, f"{EXC}no-such-process")


def test_test_process(client):
    told = client.get("/processes/echo").get_json()
    assert {"sync-execute", "async-execute", "dismiss"} <= set(told["jobControlOptions"])
    assert "pause" in told["inputs"], "with a delay, so that a running job can be looked at"


# --- execution ---------------------------------------------------------------------------------------------------------


def test_process_execute_op(client):
    assert client.post("/processes/echo/execution", json={"inputs": HELLO}).status_code == 200


def test_process_execute_request(execute, schemas):
    request = {"inputs": HELLO, "outputs": {"message": BY_VALUE}, "response": "document"}
    schemas.check(request, "execute", any_branch=True)
    assert execute(**request).status_code == 200


def test_process_execute_request_refuses_what_is_none(client):
    assert client.post("/processes/echo/execution", json=[1]).status_code == 400
    assert client.post("/processes/echo/execution", data="hello", content_type="text/plain").status_code == 415


def test_process_execute_inputs(execute):
    assert execute(HELLO, outputs=MESSAGE).data == b"hello"
    answer = execute({"message": {"href": "https://elsewhere.example/a.txt", "type": "text/plain"}})
    assert answer.status_code == 400, (
        "no host is allowed here; allowed ones are fetched (tests/server/test_references.py)"
    )
    assert "elsewhere.example" in answer.get_json()["detail"]


def test_process_execute_input_array(client, execute):
    job = execute({**HELLO, "values": [1]}, prefer="respond-async").get_json()["jobID"]
    assert client.get(f"/jobs/{job}/definition").get_json()["inputs"]["values"] == [1], "also with one item"


def test_process_execute_input_array_refuses_other_items(execute):
    answer = execute({**HELLO, "values": ["x"]})
    assert (answer.status_code, names(answer)) == (400, ["values"])


def test_process_execute_input_inline_object(client, execute):
    area = {"bbox": [1, 2, 3, 4]}
    job = execute({**HELLO, "area": {"value": area}}, prefer="respond-async").get_json()["jobID"]
    assert client.get(f"/jobs/{job}/definition").get_json()["inputs"]["area"]["bbox"] == [1, 2, 3, 4]


def test_process_execute_input_mixed_type(execute):
    for said in ({"mediaType": "text/plain"}, {"format": {"mediaType": "text/plain"}}):
        assert execute({"message": {"value": "hello", **said}}, outputs=MESSAGE).data == b"hello"


def test_process_execute_input_inline_binary(execute):
    sent = {"value": "aGVsbG8=", "encoding": "base64", "mediaType": "text/plain"}
    assert execute({"message": sent}, outputs=MESSAGE).data == b"hello"


def test_process_execute_input_inline_bbox(client, execute):
    area = {"bbox": [51.9, 7, 52, 7.1], "crs": "http://www.opengis.net/def/crs/OGC/1.3/CRS84"}
    job = execute({**HELLO, "area": area}, prefer="respond-async").get_json()["jobID"]
    assert client.get(f"/jobs/{job}/definition").get_json()["inputs"]["area"] == area
    assert execute({**HELLO, "area": {"bbox": [1, 2, 3]}}).status_code == 400


def test_process_execute_input_validation(execute, schemas):
    answer = execute({"message": 7, "pause": -1, "values": "x", "nonsense": 1})
    schemas.check(answer.get_json(), "exception")
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.status_code == 400
    assert set(names(answer)) == {"message", "pause", "values", "nonsense"}


def test_process_execute_default_outputs(execute):
    assert list(execute(BOTH, response="document").get_json()) == ["message", "values"]


def test_process_execute_default_execution_mode(execute):
    answer = execute(HELLO, outputs=MESSAGE)
    assert (answer.status_code, answer.data) == (200, b"hello")


def test_process_execute_auto_execution_mode(execute):
    answer = execute(HELLO, prefer="respond-async ")
    assert (answer.status_code, answer.headers["Preference-Applied"]) == (201, "respond-async")


def test_process_execute_success_async(client, execute, schemas):
    answer = execute(HELLO, prefer="respond-async")
    schemas.check(answer.get_json(), "statusInfo")
    assert answer.status_code == 201
    assert answer.headers["Location"] == f"https://gaia.test/api/jobs/{answer.get_json()['jobID']}"


def test_process_execute_sync_raw_value_one(execute):
    answer = execute(BOTH, outputs={"message": {}}, response="raw")
    assert (answer.status_code, answer.mimetype, answer.data) == (200, "text/plain", b"hello")


def test_process_execute_sync_raw_value_multi(execute, parts_of):
    answer = execute(BOTH, response="raw")
    assert (answer.status_code, answer.mimetype) == (200, "multipart/related")
    parts = parts_of(answer)
    assert {id: part.get_content_type() for id, part in parts.items()} == {
        "message": "text/plain", "values": "application/json",
    }  # fmt: skip
    assert parts["message"].get_payload(decode=True) == b"hello"


def test_process_execute_sync_raw_ref(execute):
    answer = execute(BOTH, outputs={"message": BY_REFERENCE, "values": BY_REFERENCE}, response="raw")
    assert (answer.status_code, answer.data) == (204, b"")
    links = answer.headers.getlist("Link")
    assert [('rel="message"' in link, 'rel="values"' in link) for link in links] == [(True, False), (False, True)]


def test_process_execute_sync_raw_mixed_multi(execute, parts_of):
    answer = execute(BOTH, outputs={"message": BY_VALUE, "values": BY_REFERENCE}, response="raw")
    assert (answer.status_code, answer.mimetype) == (200, "multipart/related")
    parts = parts_of(answer)
    assert parts["message"].get_payload(decode=True) == b"hello"
    assert parts["values"]["Content-Location"].endswith("/results/values")
    assert parts["values"].get_payload(decode=True) == b""


def test_process_execute_sync_document(execute, schemas):
    answer = execute(BOTH, outputs={"message": {}, "values": BY_REFERENCE}, response="document")
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/json")
    schemas.check(answer.get_json(), "results", any_branch=True)
    assert answer.get_json()["message"] == "hello"
    assert answer.get_json()["values"]["href"].endswith("/results/values")


# --- jobs --------------------------------------------------------------------------------------------------------------


def test_job(client, desk):
    assert client.get(f"/jobs/{desk.accept('message').id}").status_code == 200


def test_job_success(client, desk, schemas):
    waiting, ended = desk.accept("message"), desk.finish(desk.accept("message"), message=b"hello")
    for job, status in ((waiting, "accepted"), (ended, "successful")):
        told = client.get(f"/jobs/{job.id}").get_json()
        schemas.check(told, "statusInfo")
        assert (told["status"], told["type"], told["jobID"]) == (status, "process", job.id)


@pytest.mark.parametrize("id", [NOBODY, "nothing", "%2e%2e"])
def test_job_exception_no_such_job(client, schemas, id):
    answer = client.get(f"/jobs/{id}")
    schemas.check(answer.get_json(), "exception")
    assert (answer.status_code, answer.get_json()["type"]) == (404, f"{EXC}no-such-job")


def test_job_results(client, desk):
    job = desk.finish(desk.accept("message"), message=b"hello")
    assert client.get(f"/jobs/{job.id}/results").status_code == 200


def test_job_results_async_raw_value_one(client, desk):
    job = desk.finish(desk.accept("message", response="raw"), message=b"hello")
    answer = client.get(f"/jobs/{job.id}/results")
    assert (answer.status_code, answer.mimetype, answer.data) == (200, "text/plain", b"hello")


def test_job_results_async_raw_value_multi(client, desk, parts_of):
    job = desk.finish(desk.accept("message", "values", response="raw"), message=b"hello", values=b"[1]")
    answer = client.get(f"/jobs/{job.id}/results")
    assert (answer.status_code, answer.mimetype) == (200, "multipart/related")
    assert list(parts_of(answer)) == ["message", "values"]


def test_job_results_async_raw_ref(client, desk):
    made = desk.accept("message", "values", response="raw", transmission="reference")
    job = desk.finish(made, message=b"hello", values=b"[1]")
    answer = client.get(f"/jobs/{job.id}/results")
    assert (answer.status_code, len(answer.headers.getlist("Link"))) == (204, 2)


def test_job_results_async_raw_mixed_multi(client, desk, execute, parts_of):
    told = execute(BOTH, prefer="respond-async", outputs={"message": BY_VALUE, "values": BY_REFERENCE}, response="raw")
    job = desk.services.store.find(told.get_json()["jobID"], owner="anonymous")
    desk.finish(job, message=b"hello", values=b"[1]")
    parts = parts_of(client.get(f"/jobs/{job.id}/results"))
    assert parts["message"].get_payload(decode=True) == b"hello"
    assert parts["values"]["Content-Location"]


def test_job_results_async_document(client, desk, schemas):
    job = desk.finish(desk.accept("message", "values", response="document"), message=b"hello", values=b"[1]")
    answer = client.get(f"/jobs/{job.id}/results")
    schemas.check(answer.get_json(), "results", any_branch=True)
    assert (answer.status_code, answer.get_json()) == (200, {"message": "hello", "values": [1]})


@pytest.mark.parametrize("id", [NOBODY, "nothing"])
def test_job_results_exception_no_such_job(client, schemas, id):
    answer = client.get(f"/jobs/{id}/results")
    schemas.check(answer.get_json(), "exception")
    assert (answer.status_code, answer.get_json()["type"]) == (404, f"{EXC}no-such-job")


def test_job_results_exception_results_not_ready(client, desk, schemas):
    answer = client.get(f"/jobs/{desk.accept('message').id}/results")
    schemas.check(answer.get_json(), "exception")
    assert (answer.status_code, answer.get_json()["type"]) == (404, f"{EXC}result-not-ready")


@pytest.mark.parametrize(("code", "status"), [("timeout", 504), ("memory-limit", 500), ("no-right", 403)])
def test_job_results_failed(client, desk, schemas, code, status):
    answer = client.get(f"/jobs/{desk.fail(desk.accept('message'), code).id}/results")
    schemas.check(answer.get_json(), "exception")
    assert (answer.status_code, answer.get_json()["type"].rpartition("/")[2]) == (status, code)


def test_job_results_success_sync(client, execute):
    """A synchronous run makes no job that a client sees: nothing in the list, and no link to monitor."""
    answer = execute(HELLO)
    assert "Link" not in answer.headers
    assert client.get("/jobs").get_json()["jobs"] == []
