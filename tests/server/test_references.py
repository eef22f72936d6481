"""Inputs by reference: fetched from where the configuration lets it, and judged like any other."""

import json
from dataclasses import replace

import pytest

from gaia_processes.errors import InvalidInputs
from gaia_server import references
from gaia_server.demands import read_demand
from gaia_server.outbound import Outbound
from gaia_server.references import References


@pytest.fixture
def lay(canary):
    """Lay a value at an address of the canary, and give the reference to it."""

    def lay(value, kind="application/json", path="/value", **more):
        content = value if isinstance(value, bytes) else json.dumps(value).encode()
        canary.answers[path] = (200, {"Content-Type": kind}, content)
        return {"href": canary.url + path, **more}

    return lay


@pytest.fixture
def read(services, canary):
    outbound = Outbound(hosts=(f"127.0.0.1:{canary.port}",), allow_http=True, time_limit_s=2)

    def read(inputs, process="echo"):
        return read_demand(
            services.processes[process],
            {"inputs": inputs},
            federation=services.federation,
            ignored=("stray",),
            references=References(outbound, max_depth=8),
        ).demand.inputs

    return read


def faults_of(read, inputs, process="echo"):
    with pytest.raises(InvalidInputs) as caught:
        read(inputs, process)
    return {fault.pointer: fault for fault in caught.value.faults}


def test_a_value_is_fetched_and_taken_for_the_input(read, lay):
    assert read({"message": lay("hello")}) == {"message": "hello"}


def test_text_is_a_value_too(read, lay):
    assert read({"message": lay("hé".encode(), "text/plain; charset=utf-8")}) == {"message": "hé"}


def test_the_reference_may_say_the_type_where_the_host_says_another(read, lay):
    assert read({"message": lay("x", "application/octet-stream", type="application/json")}) == {"message": "x"}


def test_an_array_comes_whole_or_by_its_items(read, lay):
    whole, two = lay([1, 2], path="/whole"), lay(2, path="/two")
    assert read({"message": "x", "values": whole})["values"] == [1, 2]
    assert read({"message": "x", "values": [whole]})["values"] == [1, 2]
    assert read({"message": "x", "values": [1, two, "3"]})["values"] == [1, 2, 3]


def test_one_value_may_come_in_an_array_of_one(read, lay):
    assert read({"message": [lay("hello")]}) == {"message": "hello"}


def test_a_box_may_come_by_reference(read, lay):
    box = {"bbox": [1, 2, 3, 4], "crs": "http://www.opengis.net/def/crs/OGC/1.3/CRS84"}
    assert read({"message": "x", "area": lay(box)})["area"] == box


def test_what_was_fetched_is_judged_like_any_value(read, lay):
    faults = faults_of(read, {"message": "x", "values": lay([1, "many"]), "pause": -1})
    assert set(faults) == {"/inputs/values/1", "/inputs/pause"}


def test_a_host_that_is_not_allowed_is_named_and_nothing_is_fetched(read, lay, canary):
    faults = faults_of(
        read, {"message": lay("x"), "values": {"href": "http://elsewhere.example.org/v?key=1"}, "pause": -1}
    )
    fault = faults["/inputs/values/href"]
    assert "the host elsewhere.example.org, which is not allowed" in fault.problem.en
    assert "127.0.0.1" not in fault.problem.en
    assert fault.given == "'http://elsewhere.example.org/v'"
    assert set(faults) == {"/inputs/values/href", "/inputs/pause"}
    assert canary.hits == []


@pytest.mark.parametrize("href", [None, 3, {}, "", "file:///etc/passwd", "http://user:word@127.0.0.1/"])
def test_an_address_that_is_none_is_a_fault(read, href):
    assert set(faults_of(read, {"message": {"href": href}})) == {"/inputs/message/href"}


def test_a_required_input_that_could_not_be_fetched_is_not_called_missing(read, canary):
    canary.answers["/gone"] = (404, {}, b"")
    faults = faults_of(read, {"message": {"href": canary.url + "/gone"}})
    assert "answered with status 404" in faults["/inputs/message/href"].problem.en
    assert len(faults) == 1


@pytest.mark.parametrize(
    ("content", "kind", "says"),
    [
        (b"{", "application/json", "not valid JSON"),
        (b"NaN", "application/json", "NaN is not a number"),
        (b"[" * 9 + b"]" * 9, "application/json", "deeper than 8"),
        (b'{"a": 1, "a": 2}', "application/geo+json", "stands twice"),
        (b"\xff", "text/plain", "not UTF-8"),
        (b"\x89PNG", "image/png", "is not read by reference"),
    ],
)
def test_what_cannot_be_read_is_said(read, lay, content, kind, says):
    fault = faults_of(read, {"message": lay(content, kind)})["/inputs/message"]
    assert says in fault.problem.en
    assert fault.problem.fr != fault.problem.en


def test_references_of_inputs_that_are_not_known_are_not_followed(read, lay, canary):
    assert read({"message": "x", "stray": lay(1)}) == {"message": "x"}
    assert canary.hits == []


def test_only_so_many_are_followed(read, lay, canary, monkeypatch):
    monkeypatch.setattr(references, "MOST_REFERENCES", 1)
    faults = faults_of(read, {"message": lay("x"), "values": [lay(1), lay(2)]})
    assert "at most 1 are followed" in faults["/inputs/values/0"].problem.en
    assert canary.hits == []


def test_without_the_list_a_reference_is_refused(client):
    answer = client.post(
        "/processes/echo/execution", json={"inputs": {"message": {"href": "https://data.example.org/x"}}}
    )
    assert answer.status_code == 400
    (error,) = answer.get_json()["errors"]
    assert (error["pointer"], error["input"]) == ("/inputs/message/href", "message")


def test_constraints_follow_references_too(client, services, app, lay, canary):
    outbound = Outbound(hosts=(f"127.0.0.1:{canary.port}",), allow_http=True)
    app.extensions["gaia"] = replace(services, outbound=outbound)
    body = {"inputs": {"dataset": lay("tas-monthly"), "variables": [lay("salt", path="/salt")]}}
    answer = client.post("/processes/subset/constraints", json=body)
    assert [error["pointer"] for error in answer.get_json()["errors"]] == ["/inputs/variables/0"]
