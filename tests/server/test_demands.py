from dataclasses import replace

import pytest

from gaia_processes.cube import Cube
from gaia_processes.errors import InvalidInputs
from gaia_processes.formats import CSV, GEOTIFF, GRIDDED, JSON, NETCDF, TEXT
from gaia_server.demands import read_demand, transmission_of
from gaia_server.jobs.records import RequestedOutput, Subscriber
from gaia_server.outbound import Outbound
from gaia_server.submission import content_key

MESSAGE = {"message": "hello"}


@pytest.fixture
def read(services):
    def read(body, process="echo", **how):
        return read_demand(
            services.processes[process], body, federation=services.federation, ignored=("mode", "*_x"), **how
        )

    return read


def asked(read, outputs=None, **how):
    body = {"inputs": MESSAGE} | ({} if outputs is None else {"outputs": outputs})
    return read(body, **how).demand.outputs


def faults_of(read, body, process="echo"):
    with pytest.raises(InvalidInputs) as caught:
        read(body, process)
    return {fault.pointer: fault for fault in caught.value.faults}


def test_without_outputs_all_are_asked_for(read):
    assert [output.id for output in asked(read)] == ["message", "values", "area"]


def test_no_outputs_are_no_outputs(read):
    assert asked(read, {}) == ()


def test_the_order_of_the_request_is_kept(read):
    assert [output.id for output in asked(read, {"values": {}, "message": None})] == ["values", "message"]


def test_format_and_transmission_are_read(read):
    wish = {"format": {"mediaType": "Text/Plain"}, "transmissionMode": "reference"}
    assert asked(read, {"message": wish}) == (RequestedOutput(id="message", format="text", transmission="reference"),)


def test_a_format_answers_to_its_other_names(read):
    body = {"inputs": {"dataset": "tas-monthly"}, "outputs": {"data": {"format": {"mediaType": "application/netcdf"}}}}
    assert read(body, "subset").demand.outputs[0].format == NETCDF.id


def test_the_preference_for_links_counts_where_nothing_was_said(read):
    outputs = {"message": {"transmissionMode": "value"}, "values": {}}
    assert [output.transmission for output in asked(read, outputs, returns="minimal")] == ["value", "reference"]


def test_the_preference_does_not_count_beside_a_response(read):
    body = {"inputs": MESSAGE, "response": "raw"}
    assert {output.transmission for output in read(body, returns="minimal").demand.outputs} == {None}


def test_accept_chooses_the_format_of_one_raw_output(read):
    accepted = {"message": JSON, "values": TEXT, "area": TEXT}
    assert asked(read, {"message": {}}, accepted=accepted)[0].format == JSON.id
    assert asked(read, accepted=accepted)[0].format == TEXT.id


def test_accept_does_not_choose_in_a_document(read):
    body = {"inputs": MESSAGE, "outputs": {"message": {}}, "response": "document"}
    assert read(body, accepted={"message": JSON}).demand.outputs[0].format == TEXT.id


def test_versions_are_pinned_and_defaults_filled_in(read):
    inputs = read({"inputs": {"dataset": "tas-monthly"}}, "subset").demand.inputs
    assert inputs["dataset"] == "tas-monthly@1"
    assert inputs["inclusion"] == "centre"


def test_what_was_understood_can_be_read_again(read):
    once = read(
        {"inputs": {"dataset": "tas-monthly", "bbox": [-5, 35, 5, 45], "datetime": "2000-03"}}, "subset"
    ).demand.inputs
    assert read({"inputs": once}, "subset").demand.inputs == once


def test_members_that_are_not_known_are_left_alone(read):
    assert read({"inputs": MESSAGE | {"mode": "auto", "a_x": 1}, "mode": "sync", "id": "echo"}).demand.inputs == MESSAGE


def test_inputs_may_be_absent_where_none_is_needed(read):
    assert set(faults_of(read, {})) == {"/inputs/message"}
    assert set(faults_of(read, {"inputs": None})) == {"/inputs/message"}


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"outputs": ["message"]}, "/outputs"),
        ({"outputs": {"picture": {}}}, "/outputs/picture"),
        ({"outputs": {"a/b~c": {}}}, "/outputs/a~1b~0c"),
        ({"outputs": {"message": 3}}, "/outputs/message"),
        ({"outputs": {"message": {"format": {"mediaType": "image/png"}}}}, "/outputs/message/format/mediaType"),
        ({"outputs": {"message": {"format": {"mediaType": 3}}}}, "/outputs/message/format/mediaType"),
        ({"outputs": {"message": {"transmissionMode": "pigeon"}}}, "/outputs/message/transmissionMode"),
        ({"outputs": {"message": {"transmissionMode": ["value"]}}}, "/outputs/message/transmissionMode"),
        ({"response": "both"}, "/response"),
        ({"response": {}}, "/response"),
        ({"inputs": [1]}, "/inputs"),
        ({"inputs": "x"}, "/inputs"),
    ],
)
def test_what_is_wrong_is_named_with_its_place(read, body, pointer):
    faults = faults_of(read, {"inputs": MESSAGE} | body)
    assert list(faults) == [pointer]
    assert faults[pointer].problem.en != faults[pointer].problem.fr


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"outputs": ["message"]}, "/outputs"),
        ({"outputs": {"message": ["message"]}}, "/outputs/message"),
        ({"response": ["message"]}, "/response"),
    ],
)
def test_what_was_given_is_sent_back_as_the_json_that_it_was(read, body, pointer):
    assert faults_of(read, {"inputs": MESSAGE} | body)[pointer].given == ["message"]


def test_an_unknown_dataset_is_told_with_those_there_are(read):
    fault = faults_of(read, {"inputs": {"dataset": "tas-monthy"}}, "subset")["/inputs/dataset"]
    assert "tas-monthly" in fault.problem.en


def test_an_unknown_version_is_told_with_those_there_are(read):
    fault = faults_of(read, {"inputs": {"dataset": "tas-monthly@9"}}, "subset")["/inputs/dataset"]
    assert "1" in fault.problem.en


@pytest.mark.parametrize("dataset", ["/etc/passwd", "https://example.org/a.nc", "../a.nc", "file:a.nc"])
def test_a_dataset_is_never_a_path_or_an_address(read, dataset):
    assert set(faults_of(read, {"inputs": {"dataset": dataset}}, "subset")) == {"/inputs/dataset"}


def test_a_selection_outside_the_data_is_told_before_it_runs(read):
    faults = faults_of(
        read, {"inputs": {"dataset": "tas-monthly", "bbox": [100, -40, 110, -30], "datetime": "1850"}}, "subset"
    )
    assert set(faults) == {"/inputs/bbox", "/inputs/datetime"}


def test_the_cost_is_estimated(read):
    assert read({"inputs": MESSAGE | {"pause": 30}}).estimate.seconds == 30


@pytest.mark.parametrize(
    ("returns", "transmission"), [(None, None), ("minimal", "reference"), ("representation", "value")]
)
def test_return_minimal_means_links(returns, transmission):
    assert transmission_of(returns) == transmission


CALLS = {"successUri": "https://portal.example.org/done", "failedUri": "https://portal.example.org/failed"}


@pytest.fixture
def outbound():
    return Outbound(hosts=("portal.example.org",))


def test_whoever_is_called_hears_the_language_of_the_request(app, client, services, outbound):
    app.extensions["gaia"] = replace(services, outbound=outbound)
    answer = client.post(
        "/processes/echo/execution",
        json={"inputs": MESSAGE, "subscriber": CALLS},
        headers={"Accept-Language": "fr", "Prefer": "respond-async"},
    )
    job = services.store.find(answer.get_json()["jobID"], owner="anonymous")
    assert job.demand.subscriber.language == "fr"


def test_whom_to_call_is_kept_with_the_job_and_is_no_part_of_the_work(read, outbound, services):
    body = {"inputs": MESSAGE, "subscriber": CALLS}
    demand = read(body, outbound=outbound).demand
    assert demand.subscriber == Subscriber(success=CALLS["successUri"], failed=CALLS["failedUri"])
    process = services.processes["echo"]
    assert content_key(process, demand, owner="a") == content_key(process, read({"inputs": MESSAGE}).demand, owner="a")


def key_of(read, services, process, inputs, **beside):
    demand = read({"inputs": {"dataset": "tas-monthly"} | inputs} | beside, process).demand
    return content_key(services.processes[process], demand, owner="a")


def points(*place):
    return {"points": {"type": "Point", "coordinates": place}}


def as_netcdf(media_type):
    return {"outputs": {"data": {"format": {"mediaType": media_type}}}}


SAME = {
    "a default": ("subset", {}, {"inclusion": "centre"}),
    "an alone value and an array of it": ("subset", {"variables": "tas"}, {"dataset": ["tas-monthly"], "variables": ["tas"]}),
    "whole numbers and others": ("subset", {"bbox": [-170, -80, 170, 80]}, {"bbox": [-170.0, -80.0, "170", 80]}),
    "a box and one that is wrapped": ("subset", {"bbox": [-170, -80, 170, 80]}, {"bbox": {"crs": "http://www.opengis.net/def/crs/OGC/1.3/CRS84", "bbox": [-170, -80, 170, 80]}}),
    "spellings of an instant": ("subset", {"datetime": "2000-03-01T01:00:00+01:00/.."}, {"datetime": "2000-03-01t00:00:00.000Z/"}),
    "blanks": ("subset", {"datetime": " 2000 "}, {"datetime": "2000/2000"}),
    "the version that is newest and none": ("subset", {}, {"dataset": "tas-monthly@1"}),
    "places": ("extract-points", points(1, 2), points(1.0, 2.0)),
    "grids": ("regrid", {"grid": "1x2"}, {"grid": "1.0 X 2.00"}),
}  # fmt: skip


@pytest.mark.parametrize("case", SAME.values(), ids=SAME.keys())
def test_requests_that_mean_the_same_are_the_same_work(read, services, case):
    process, one, other = case
    assert key_of(read, services, process, one) == key_of(read, services, process, other)


def test_names_of_a_format_are_one_format_and_answers_are_no_part_of_the_work(read, services):
    plain = key_of(read, services, "subset", {})
    assert key_of(read, services, "subset", {}, **as_netcdf("application/netcdf"), response="document") == plain
    assert key_of(read, services, "subset", {}, **as_netcdf("image/png")) != plain


@pytest.mark.parametrize(
    "other",
    [{"inclusion": "touch"}, {"datetime": "2000"}, {"variables": ["tas"]}, {"bbox": [-180, -90, 180, 90]}],
)
def test_requests_that_mean_something_else_are_other_work(read, services, other):
    assert key_of(read, services, "subset", other) != key_of(read, services, "subset", {})


def test_another_version_of_the_process_or_of_the_dataset_is_other_work(read, services):
    process, demand = services.processes["subset"], read({"inputs": {"dataset": "tas-monthly"}}, "subset").demand
    raised = replace(process, version="99.0.0")
    assert content_key(raised, demand, owner="a") != content_key(process, demand, owner="a")
    newer = replace(demand, inputs=demand.inputs | {"dataset": "tas-monthly@2"})
    assert content_key(process, newer, owner="a") != content_key(process, demand, owner="a")


@pytest.mark.parametrize(
    ("subscriber", "pointers"),
    [
        ({"successUri": "https://inner.example.org/"}, ["/subscriber/successUri"]),
        ({"successUri": "http://portal.example.org/"}, ["/subscriber/successUri"]),
        ({"successUri": CALLS["successUri"], "failedUri": "https://[::1]/"}, ["/subscriber/failedUri"]),
        ({"successUri": "file:///etc/passwd", "inProgressUri": 3}, ["/subscriber/inProgressUri", "/subscriber/successUri"]),
        ({"successUri": ["https://portal.example.org/"]}, ["/subscriber/successUri"]),
        ({}, ["/subscriber"]),
        ("https://portal.example.org/", ["/subscriber"]),
        ([], ["/subscriber"]),
    ],
)  # fmt: skip
def test_a_host_that_may_not_be_called_is_refused_when_the_request_comes(read, outbound, subscriber, pointers):
    with pytest.raises(InvalidInputs) as caught:
        read({"inputs": {}, "subscriber": subscriber}, outbound=outbound)
    assert sorted(fault.pointer for fault in caught.value.faults) == ["/inputs/message", *pointers]
    assert all("portal.example.org, which" not in fault.problem.en for fault in caught.value.faults)


def test_no_subscriber_is_no_fault(read, outbound):
    assert read({"inputs": MESSAGE, "subscriber": None}, outbound=outbound).demand.subscriber is None


def test_without_the_list_nobody_may_be_called(client, services):
    answer = client.post("/processes/echo/execution", json={"inputs": MESSAGE, "subscriber": CALLS})
    assert answer.status_code == 400
    assert {error["pointer"] for error in answer.get_json()["errors"]} == {
        "/subscriber/successUri",
        "/subscriber/failedUri",
    }
    assert services.store.queued() == 0


def test_every_gridded_format_is_chosen_by_outputs_and_by_accept(read):
    body = {"inputs": {"dataset": "tas-monthly"}}
    for each in GRIDDED:
        named = read(body | {"outputs": {"data": {"format": {"mediaType": each.media_type}}}}, process="subset")
        accepted = read(body, process="subset", accepted={"data": each})
        assert [demand.demand.outputs[0].format for demand in (named, accepted)] == [each.id, each.id]


def test_text_costs_more_than_binary(read):
    body = {"inputs": {"dataset": "tas-monthly"}}
    plain, text = (read(body, process="subset", accepted={"data": each}).estimate for each in (NETCDF, CSV))
    assert text.bytes_written == 12 * plain.bytes_written
    assert text.seconds > plain.seconds


def test_a_format_that_cannot_hold_the_grid_is_refused_wherever_it_is_named(read, monkeypatch):
    from_stac = Cube.from_stac
    monkeypatch.setattr(Cube, "from_stac", lambda told: from_stac({**told, "gaia:grid": "curvilinear"}))
    for asked_for in ({"outputs": {"data": {"format": {"mediaType": "image/tiff"}}}}, {}):
        with pytest.raises(InvalidInputs) as refused:
            read({"inputs": {"dataset": "tas-monthly"}} | asked_for, process="subset", accepted={"data": GEOTIFF})
        (fault,) = refused.value.faults
        assert (fault.pointer, fault.given) == ("/outputs/data/format/mediaType", GEOTIFF.media_type)
        assert "regrid it first" in fault.problem.en
