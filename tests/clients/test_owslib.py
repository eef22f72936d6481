"""OWSLib (`owslib.ogcapi.processes`): one page of processes, `respond-sync`, and a `Prefer` that stays for later requests."""

import time
from collections.abc import Iterator

import pytest
from owslib.ogcapi import REQUEST_HEADERS
from owslib.ogcapi.processes import Processes
from owslib.util import http_delete, http_get

pytestmark = [pytest.mark.system, pytest.mark.timeout(240)]

A1B = {"dataset": "a1b-north-america", "bbox": [-110, 30, -80, 50], "datetime": "2000/2009"}


@pytest.fixture
def service(base_url) -> Iterator[Processes]:
    """Open the service; OWSLib keeps its headers for the whole program, so they are put back."""
    before = dict(REQUEST_HEADERS)
    yield Processes(base_url)
    REQUEST_HEADERS.clear()
    REQUEST_HEADERS.update(before)


def end_of(service: Processes, job: str) -> dict:
    """Poll as its users do: with OWSLib's own request, which still carries the `Prefer` of the execution."""
    give_up = time.monotonic() + 30
    while (status := http_get(job, headers=service.headers).json())["status"] in {"accepted", "running"}:
        assert time.monotonic() < give_up, status
        time.sleep(0.1)
    return dict(status)


def test_it_finds_the_description_of_the_api_and_what_it_conforms_to(service):
    assert service.api()["openapi"].startswith("3.0")
    assert "http://www.opengis.net/spec/ogcapi-processes-1/1.0/conf/core" in service.conformance()["conformsTo"]


def test_it_lists_all_processes_on_its_one_page_and_describes_each(service):
    listed = [summary["id"] for summary in service.processes()]
    assert {"echo", "subset"} <= set(listed)
    assert [service.process(id)["id"] for id in listed] == listed


def test_a_synchronous_run_gives_a_document_of_values(service):
    sent = {"message": "hello", "values": [1, 2]}
    assert service.execute("echo", sent) == sent
    assert "Link" not in service.response_headers


def test_a_synchronous_run_gives_the_address_of_a_file(service):
    link = service.execute("subset", A1B, outputs={"data": {}})["data"]
    assert http_get(link["href"]).content.startswith(b"\x89HDF")


def test_a_job_is_polled_until_its_results_are_there(service):
    told = service.execute("subset", A1B, async_=True)
    job = service.response_headers["Location"]
    assert job.endswith(told["jobID"])
    assert service.headers["Prefer"] == "respond-async"
    assert end_of(service, job)["status"] == "successful"
    results = http_get(f"{job}/results", headers=service.headers).json()
    assert http_get(results["data"]["href"], headers=service.headers).content.startswith(b"\x89HDF")


def test_a_run_that_takes_longer_than_it_waits_is_answered_with_a_job(service):
    began = time.monotonic()
    told = service.execute("echo", {"message": "later", "pause": 60})
    assert time.monotonic() - began < 10
    assert told["status"] == "accepted"
    http_delete(service.response_headers["Location"])


def test_a_raw_text_is_more_than_it_reads_but_a_raw_value_in_json_arrives(service):
    told = service.execute("echo", {"message": "x", "values": ["3"]}, outputs={"values": {}}, response="raw")
    assert told == [3]


@pytest.mark.xfail(strict=True, raises=ValueError, reason="OWSLib reads every answer as JSON; a raw text is none")
def test_a_raw_text_arrives(service):
    assert service.execute("echo", {"message": "x"}, outputs={"message": {}}, response="raw") == "x"


@pytest.mark.xfail(strict=True, raises=ValueError, reason="OWSLib reads every answer as JSON; a file is none")
def test_a_raw_file_arrives(service):
    service.execute("subset", A1B, response="raw")


def test_a_refusal_reaches_the_user_with_its_sentence(service):
    with pytest.raises(RuntimeError, match=r'There is no dataset \\"atlantis'):
        service.execute("subset", {"dataset": "atlantis"})
