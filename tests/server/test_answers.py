"""The shapes of results, as `GET /jobs/{jobID}/results` gives them."""

import hashlib
import json
from dataclasses import replace
from email.parser import BytesParser

import pytest

from gaia_server.rendering import render_time

AREA = {"bbox": [1, 2, 3, 4]}
AREA_JSON = json.dumps(AREA).encode()


def results(client, job, query="", **headers):
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return client.get(f"/jobs/{job.id}/results{query}", headers=named)


@pytest.fixture
def three(desk):
    """A job that made all outputs of echo."""

    def make(**members):
        job = desk.accept("message", "values", "area", **members)
        return desk.finish(job, message=b"hello", values=b"[1, 2]", area=AREA_JSON)

    return make


def parts_of(answer):
    head = f"Content-Type: {answer.headers['Content-Type']}\r\n\r\n".encode()
    message = BytesParser().parsebytes(head + answer.data)
    assert message.get_content_type() == "multipart/related"
    assert not message.defects
    return {part["Content-ID"]: part for part in message.get_payload()}


def test_one_output_raw_is_its_bytes(client, desk):
    job = desk.finish(desk.accept("message"), message=b"hello")
    answer = results(client, job)
    assert (answer.status_code, answer.data, answer.mimetype) == (200, b"hello", "text/plain")


def test_several_raw_are_one_message(client, three):
    answer = results(client, three())
    parts = parts_of(answer)
    assert answer.data.startswith(b"--")
    assert list(parts) == ["message", "values", "area"]
    assert parts["message"].get_content_type() == "text/plain"
    assert [part.get_payload(decode=True) for part in parts.values()] == [b"hello", b"[1, 2]", AREA_JSON]
    assert answer.headers["Repr-Digest"]


@pytest.mark.parametrize("synchronous", [True, False])
@pytest.mark.parametrize("asked", [["values"], ["values", "area"]])
def test_where_nothing_that_was_requested_was_made_there_is_no_content_however_it_ran(client, desk, asked, synchronous):
    answer = results(client, desk.finish(desk.accept(*asked, synchronous=synchronous)))
    assert (answer.status_code, answer.data, answer.headers.getlist("Link")) == (204, b"", [])


def test_where_nothing_was_made_a_document_has_nothing_in_it(client, desk):
    assert results(client, desk.finish(desk.accept("values", response="document"))).get_json() == {}
    assert results(client, desk.finish(desk.accept("values")), Accept="application/json").get_json() == {}


def test_the_same_parts_make_the_same_bytes(client, three):
    assert results(client, three()).data == results(client, three()).data


def test_the_shape_counts_what_was_requested_not_what_was_made(client, desk):
    job = desk.finish(desk.accept("message", "values"), message=b"hello")
    assert list(parts_of(results(client, job))) == ["message"]


def test_no_outputs_are_an_empty_object(client, desk):
    answer = results(client, desk.finish(desk.accept()))
    assert (answer.status_code, answer.get_json()) == (200, {})


def test_a_requested_output_that_was_not_made_is_left_out(client, desk):
    job = desk.finish(desk.accept("values", response="document"))
    assert results(client, job).get_json() == {}
    assert results(client, desk.finish(desk.accept("values", response="raw"))).status_code == 204


def test_raw_by_reference_is_a_link_each(client, three):
    answer = results(client, job := three(response="raw", transmission="reference"))
    assert (answer.status_code, answer.data) == (204, b"")
    assert answer.headers.getlist("Link")[0] == (
        f'<https://gaia.test/api/jobs/{job.id}/results/message>; rel="message"; type="text/plain"'
    )
    assert len(answer.headers.getlist("Link")) == 3


def test_raw_and_mixed_is_one_message_with_addresses(client, desk):
    job = desk.accept("message", "values", response="raw")
    wishes = (replace(job.demand.outputs[0], transmission="reference"), job.demand.outputs[1])
    demand = replace(job.demand, outputs=wishes)
    mixed = desk.services.store.accept(replace(job, id=job.id[:-4] + "0000", content_key="mixed", demand=demand))
    parts = parts_of(results(client, desk.finish(mixed, message=b"hello", values=b"[1]")))
    assert parts["message"]["Content-Location"] == f"https://gaia.test/api/jobs/{mixed.id}/results/message"
    assert (parts["message"].get_payload(), parts["values"].get_payload()) == ("", "[1]")


def test_a_document_is_a_map_by_output(client, three):
    answer = results(client, three(response="document"))
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.get_json() == {
        "message": "hello",
        "values": [1, 2],
        "area": AREA,
    }


def test_files_go_into_a_document_as_links(client, desk):
    content = b"CDF"
    job = desk.finish(desk.accept("data", process="subset", response="document", transmission="value"), data=content)
    assert results(client, job).get_json() == {
        "data": {
            "href": f"https://gaia.test/api/jobs/{job.id}/results/data",
            "type": "application/x-netcdf",
            "title": "data.nc",
            "gaia:sha256": hashlib.sha256(content).hexdigest(),
            "gaia:sizeBytes": 3,
            "gaia:expires": render_time(job.expires),
        }
    }


def test_large_json_goes_into_a_document_as_a_link(client, desk):
    job = desk.finish(desk.accept("values", response="document"), values=b"[" + b"1," * 600_000 + b"1]")
    assert results(client, job).get_json()["values"]["gaia:sizeBytes"] == 1_200_003


def test_other_text_goes_by_value_where_that_was_said(client, desk):
    for transmission, by_value in (("value", True), (None, False)):
        job = desk.accept("message", response="document", transmission=transmission)
        desk.end(job, desk.keep(job, "message", b"a,b\n1,2\n", media_type="text/csv"))
        assert isinstance(results(client, job).get_json()["message"], str) is by_value


@pytest.mark.parametrize(
    ("query", "headers"),
    [("?f=json", {}), ("", {"Accept": "application/json"}), ("", {"Accept": "/*"})],
)
def test_without_a_response_whoever_asks_for_json_gets_the_document(client, three, query, headers):
    assert results(client, three(), query, **headers).get_json()["message"] == "hello"


@pytest.mark.parametrize("headers", [{}, {"Accept": "*/*"}, {"Accept": "image/png"}])
def test_without_a_response_others_get_it_raw(client, three, headers):
    assert results(client, three(), **headers).mimetype == "multipart/related"


def test_an_explicit_response_is_obeyed_to_the_letter(client, three):
    assert results(client, three(response="raw"), "?f=json", Accept="application/json").mimetype == "multipart/related"


def test_a_wrapper_that_asked_for_references_gets_document_and_links(client, three):
    answer = results(client, job := three(transmission="reference"))
    assert answer.status_code == 200
    assert answer.get_json()["message"]["href"] == f"https://gaia.test/api/jobs/{job.id}/results/message"
    assert len(answer.headers.getlist("Link")) == 3


def test_return_minimal_makes_links_of_values(client, three):
    told = results(client, three(), Accept="application/json", Prefer="return=minimal").get_json()
    assert all("href" in told[output] for output in ("message", "values", "area"))


@pytest.mark.parametrize(
    ("state", "status"), [("accepted", 404), ("failed", 500), ("dismissed", 410), ("removed", 410)]
)
def test_without_results_there_is_a_problem(client, desk, state, status):
    job = desk.accept("message")
    if state == "failed":
        desk.fail(job, "worker-lost")
    if state == "removed":
        desk.finish(job, message=b"hello")
    if state in ("dismissed", "removed"):
        client.delete(f"/jobs/{job.id}")
    assert results(client, job).status_code == status


def test_head_is_get_without_the_bytes(client, three):
    job = three()
    asked, got = client.head(f"/jobs/{job.id}/results"), results(client, job)
    assert (asked.status_code, asked.data) == (200, b"")
    assert dict(asked.headers) == dict(got.headers)


@pytest.mark.parametrize("padding", [0, 1_000_000, 1_100_000])
def test_geojson_up_to_a_mebibyte_stands_in_a_document_and_what_is_larger_is_linked(client, desk, padding):
    """Contract 4: in a document JSON up to 1 MiB goes by value; everything else as a link."""
    wished = {"process": "extract-points", "inputs": {"dataset": "tas-monthly", "points": "p"}, "response": "document"}
    job = desk.accept("points", **wished)
    features = {"type": "FeatureCollection", "features": [], "note": "x" * padding}
    file = desk.keep(job, "points", json.dumps(features).encode(), media_type="application/geo+json")
    told = results(client, desk.end(job, file)).get_json()["points"]
    if padding <= 1_000_000:
        assert told == {"value": features, "mediaType": "application/geo+json"}
    else:
        assert (told["type"], "value" in told) == ("application/geo+json", False)
        assert told["href"].endswith(f"/jobs/{job.id}/results/points")
