"""How a request's inputs are read and written down."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gaia_processes.catalogue import CATALOGUE, by_id
from gaia_processes.errors import Fault, InvalidInputs
from gaia_processes.process import Process
from gaia_processes.reading import dump_inputs, pin_versions, read_inputs

ECHO, SUBSET = by_id(CATALOGUE)["echo"], by_id(CATALOGUE)["subset"]


def faults_of(process: Process, raw: Any, **options: Any) -> tuple[Fault, ...]:
    with pytest.raises(InvalidInputs) as caught:
        read_inputs(process, raw, **options)
    return caught.value.faults


def pointers(faults: tuple[Fault, ...]) -> list[str]:
    return [fault.pointer for fault in faults]


@pytest.mark.parametrize(
    ("raw", "values"),
    [
        ({"values": [1, 2]}, [1, 2]),
        ({"values": 1}, [1]),
        ({"values": "1"}, [1]),
        ({"values": ["1", 2.0]}, [1, 2]),
        ({"values": []}, []),
        ({"values": {"value": [1, 2], "mediaType": "application/json"}}, [1, 2]),
        ({"values": [{"value": 1}, {"value": "2"}]}, [1, 2]),
        ({"values": None}, None),
        ({"values": {"value": None}}, None),
        ({}, None),
    ],
)
def test_one_value_and_an_array_of_one_mean_the_same(raw: dict[str, object], values: list[int] | None) -> None:
    inputs = dump_inputs(read_inputs(ECHO, {"message": ["hello"], **raw}))
    assert inputs == {"message": "hello"} | ({} if values is None else {"values": values})


def test_a_number_may_be_text() -> None:
    assert dump_inputs(read_inputs(ECHO, {"message": "m", "pause": "2.5"}))["pause"] == 2.5


def test_every_input_may_be_wrapped() -> None:
    wrapped = {
        "dataset": {"value": "sst", "mediaType": "text/plain"},
        "bbox": {"value": {"bbox": [0, 0, 1, 1]}},
        "mask_outside": {"value": False, "format": {"mediaType": "application/json"}},
    }
    assert dump_inputs(read_inputs(SUBSET, wrapped)) == {
        "dataset": "sst",
        "bbox": [0, 0, 1, 1],
        "inclusion": "centre",
        "mask_outside": False,
        "drop_halo": False,
        "nearest_level": False,
    }


def test_an_unknown_input_is_answered_with_those_there_are() -> None:
    (fault,) = faults_of(ECHO, {"message": "m", "paus": 1, "values": [1]})
    assert (fault.input, fault.pointer) == ("paus", "/inputs/paus")
    assert fault.allowed == ("message", "pause", "values", "area")
    assert "Did you mean pause?" in fault.problem.en
    assert "Vouliez-vous dire pause" in fault.problem.fr


def test_what_wrappers_send_along_is_ignored_where_the_configuration_says_so() -> None:
    sent = {"message": "m", "select_process": "echo", "outputData": "x", "data_outformat": "nc"}
    assert len(faults_of(ECHO, sent)) == 3
    ignored = ("select_process", "outputData", "outputFormat", "*_outformat")
    assert dump_inputs(read_inputs(ECHO, sent, ignored=ignored)) == {"message": "m"}


def test_an_array_without_end_is_one_fault() -> None:
    (fault,) = faults_of(ECHO, {"message": "m", "values": ["a"] * 10_001})
    assert "has 10001 items" in fault.problem.en


def test_an_answer_does_not_grow_with_what_is_wrong() -> None:
    with pytest.raises(InvalidInputs) as refused:
        read_inputs(ECHO, {"message": "m", "values": ["a"] * 5_000})
    assert len(refused.value.faults) == 100
    assert refused.value.text.en.endswith("And 4900 more.")
    assert refused.value.text.fr.endswith("Et 4900 de plus.")


def test_a_name_without_end_is_cut() -> None:
    (fault,) = faults_of(ECHO, {"message": "m", "x" * 100_000: 1})
    assert (len(fault.input), len(fault.pointer), len(fault.problem.en) < 300) == (81, 89, True)


def test_names_are_escaped_in_pointers() -> None:
    assert pointers(faults_of(ECHO, {"message": "m", "a/b~c": 1})) == ["/inputs/a~1b~0c"]


@pytest.mark.parametrize(
    ("raw", "pointer", "said"),
    [
        ({}, "/inputs/message", "required and was not given"),
        ({"message": None}, "/inputs/message", "required and was not given"),
        ({"message": 5}, "/inputs/message", "5 is not text"),
        ({"message": ["a", "b"]}, "/inputs/message", "takes one value; 2 were given"),
        ({"message": {"href": "http://x/"}}, "/inputs/message", "references are not fetched"),
        ({"message": {"type": "wrong/type"}}, "/inputs/message", "is not text"),
        ({"message": "m", "pause": -1}, "/inputs/pause", "at least 0"),
        ({"message": "m", "pause": 3600.5}, "/inputs/pause", "at most 3600"),
        ({"message": "m", "pause": float("nan")}, "/inputs/pause", "not a finite number"),
        ({"message": "m", "pause": {"value": "x"}}, "/inputs/pause/value", "is not a number"),
        ({"message": "m", "values": [1, "x"]}, "/inputs/values/1", "is not a number"),
        ({"message": "m", "values": "x"}, "/inputs/values", "is not a number"),
        ({"message": "m", "values": {"value": ["x"]}}, "/inputs/values/value/0", "is not a number"),
        ({"message": "m", "values": [2.5]}, "/inputs/values/0", "not a whole number"),
        ({"message": "m", "area": {"bbox": [1, 2, "x", 4]}}, "/inputs/area/bbox/2", "is not a number"),
        ({"message": "m", "area": [1, 2, 3, 4, 5]}, "/inputs/area", "5 were given"),
    ],
)
def test_a_fault_points_to_what_is_wrong(raw: dict[str, object], pointer: str, said: str) -> None:
    (fault,) = faults_of(ECHO, raw)
    assert fault.pointer == pointer
    assert said in fault.problem.en
    assert fault.problem.fr != fault.problem.en


@pytest.mark.parametrize("raw", [[], "x", None, 7])
def test_inputs_must_be_an_object(raw: object) -> None:
    assert pointers(faults_of(ECHO, raw)) == ["/inputs"]


def test_all_that_is_wrong_is_said_at_once() -> None:
    raw = {"dataset": "/etc/passwd", "variables": [1], "datetime": "2001-13", "inclusion": "center", "x": 1}
    assert pointers(faults_of(SUBSET, raw)) == [
        "/inputs/x",
        "/inputs/dataset",
        "/inputs/variables/0",
        "/inputs/datetime",
        "/inputs/inclusion",
    ]


def test_versions_are_pinned() -> None:
    inputs = read_inputs(SUBSET, {"dataset": "sst"})
    assert dump_inputs(pin_versions(inputs, version_of=lambda reference: f"{reference.id}-2"))["dataset"] == "sst@sst-2"


@given(
    st.fixed_dictionaries(
        {"dataset": st.sampled_from(["sst", "sst@2", "upload:8f14e45f-ceea-467f-a8e3-2f0d3f3f2d11"])},
        optional={
            "variables": st.lists(st.text(max_size=5), min_size=1, max_size=3),
            "bbox": st.sampled_from(
                [[0, 1, 2, 3], {"bbox": [6e5, 6.7e6, 7e5, 6.8e6], "crs": "EPSG:2154"}, [1, 2, 0, 3, 4, 10]]
            ),
            "datetime": st.sampled_from([1990, "1990/..", "../1995-06", "2001-01-01T00:00:00+02:00"]),
            "levels": st.sampled_from([850, "1000,850 hPa", "50/0 m"]),
            "inclusion": st.sampled_from(["centre", "touch"]),
            "mask_outside": st.booleans(),
        },
    )
)
def test_inputs_are_read_as_they_are_written(raw: dict[str, object]) -> None:
    inputs = read_inputs(SUBSET, raw)
    written = json.loads(json.dumps(dump_inputs(inputs), allow_nan=False))
    assert read_inputs(SUBSET, written) == inputs
    assert dump_inputs(read_inputs(SUBSET, written)) == written


def test_the_same_request_in_other_words_is_written_the_same() -> None:
    first = {"dataset": "sst", "bbox": [-10, 40, 20, 50], "levels": 850, "datetime": 1990}
    second = {
        "datetime": "1990",
        "levels": "850.0",
        "dataset": ["sst"],
        "bbox": {"bbox": [40, -10, 50, 20], "crs": "EPSG:4326"},
        "inclusion": "centre",
    }
    written = [json.dumps(dump_inputs(read_inputs(SUBSET, raw))) for raw in (first, second)]
    assert written[0] == written[1]
