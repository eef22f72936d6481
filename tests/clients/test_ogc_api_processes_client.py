"""`ogc-api-processes-client`, generated from the official schemas, whose pydantic models read every answer strictly."""

import time
import urllib.request

import pytest
from ogc_api_processes_client import Configuration
from ogc_api_processes_client.api_client_wrapper import ApiClientWrapper
from ogc_api_processes_client.exceptions import ApiException, BadRequestException, NotFoundException
from ogc_api_processes_client.models.execute import Execute
from ogc_api_processes_client.models.execute200_response import Execute200Response
from ogc_api_processes_client.models.status_code import StatusCode
from ogc_api_processes_client.models.status_info import StatusInfo

pytestmark = [pytest.mark.system, pytest.mark.timeout(240)]

A1B = {"dataset": "a1b-north-america", "bbox": [-110, 30, -80, 50], "datetime": "2000/2009"}
BODY = {"inputs": {"message": "x", "values": [1, 2], "area": {"bbox": [1, 2, 3, 4]}}}
JSON = {"Content-Type": "application/json"}
LATER = JSON | {"Prefer": "respond-async", "Cache-Control": "no-cache"}
DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@pytest.fixture
def api(base_url) -> ApiClientWrapper:
    return ApiClientWrapper(Configuration(host=base_url))


def submit(api: ApiClientWrapper, process: str, body: dict) -> StatusInfo:
    return api.execute_simple(process, body, _headers=dict(LATER))


def end_of(api: ApiClientWrapper, job: str) -> StatusInfo:
    give_up = time.monotonic() + 30
    while (status := api.get_status(job)).status in {StatusCode.ACCEPTED, StatusCode.RUNNING}:
        assert time.monotonic() < give_up, status
        time.sleep(0.1)
    return status


def results_of(api: ApiClientWrapper, body: dict) -> dict:
    """Run `echo` as a job, and let the client read its results."""
    job = submit(api, "echo", body).job_id
    assert end_of(api, job).status is StatusCode.SUCCESSFUL
    return api.get_result(job)


def test_the_landing_page_and_the_conformance_are_read(api):
    assert any(link.rel.endswith("/processes") for link in api.get_landing_page().links)
    assert "http://www.opengis.net/spec/ogcapi-processes-1/1.0/conf/core" in api.get_conformance_classes().conforms_to


def test_every_process_is_listed_and_described(api):
    listed = [summary.id for summary in api.get_processes().processes]
    assert {"echo", "subset"} <= set(listed)
    for id in listed:
        described = api.get_process_description(id)
        assert described.id == id
        assert described.outputs


def test_a_job_is_polled_until_its_results_are_there(api):
    job = submit(api, "subset", {"inputs": A1B})
    assert job.status is StatusCode.ACCEPTED
    status = end_of(api, job.job_id)
    assert (status.status, status.progress, status.process_id) == (StatusCode.SUCCESSFUL, 100, "subset")
    link = api.get_result(job.job_id)["data"].actual_instance
    with DIRECT.open(link.href, timeout=20) as answer:
        assert answer.read().startswith(b"\x89HDF")


def test_a_box_among_the_results_is_read(api):
    (box,) = results_of(api, BODY | {"outputs": {"area": {}}}).values()
    assert box.actual_instance.actual_instance.bbox == [1, 2, 3, 4]


def test_the_list_of_jobs_is_read(api):
    job = submit(api, "echo", {"inputs": {"message": "listed"}}).job_id
    assert job in [each.job_id for each in api.get_jobs().jobs]


def test_a_job_is_dismissed(api):
    job = submit(api, "echo", {"inputs": {"message": "never mind", "pause": 60}}).job_id
    assert api.dismiss(job).status is StatusCode.DISMISSED
    assert api.get_status(job).status is StatusCode.DISMISSED


def test_refusals_are_its_own_exceptions(api):
    with pytest.raises(BadRequestException, match=r'There is no dataset \\"atlantis'):
        submit(api, "subset", {"inputs": {"dataset": "atlantis"}})
    with pytest.raises(NotFoundException) as unknown:
        api.get_status("00000000-0000-4000-8000-000000000000")
    assert unknown.value.data.type.endswith("/no-such-job")


@pytest.mark.xfail(strict=True, raises=ValueError, reason="its model takes a string for text and for base64 at once")
def test_a_text_among_the_results_is_read(api):
    results_of(api, BODY | {"outputs": {"message": {}}})


@pytest.mark.xfail(strict=True, raises=ValueError, reason="its model of an array holds strings, and here are numbers")
def test_an_array_of_numbers_among_the_results_is_read(api):
    results_of(api, BODY | {"outputs": {"values": {}}})


@pytest.mark.xfail(strict=True, raises=UnicodeDecodeError, reason="it decodes every 200 as UTF-8, and a file is none")
def test_a_raw_file_is_read(api):
    api.execute_simple("subset", {"inputs": A1B}, _headers=dict(JSON))


@pytest.mark.xfail(strict=True, raises=ApiException, reason="its models know JSON only: unsupported content type")
def test_a_multipart_answer_is_read(api):
    api.execute_simple("echo", BODY, _headers=dict(JSON))


@pytest.mark.xfail(
    strict=True, raises=ValueError, reason="a document is an object, a map of results and anything else to its model"
)
def test_a_document_that_comes_at_once_is_read(api):
    document = api.execute_simple("subset", {"inputs": A1B, "response": "document"}, _headers=dict(JSON))
    assert isinstance(document, Execute200Response)


@pytest.mark.xfail(strict=True, raises=ValueError, reason="its model of a request takes no text as an input")
def test_a_request_is_made_by_its_own_model():
    Execute.from_dict({"inputs": {"message": "x"}})
