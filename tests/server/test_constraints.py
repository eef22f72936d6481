import pytest

from gaia_processes.errors import InvalidInputs
from gaia_server import constraints
from gaia_server.constraints import allowed_inputs
from gaia_server.demands import read_demand


@pytest.fixture
def ask(services):
    def ask(inputs, process="subset"):
        body = {"inputs": inputs}
        return allowed_inputs(
            services.processes[process], body, federation=services.federation, ignored=services.settings.ignored_inputs
        )

    return ask


def test_before_anything_is_known_there_are_the_datasets_and_the_choices(ask):
    allowed = ask({})
    assert list(allowed) == list(ask({"dataset": "tas-monthly"})), "always all inputs, in the order of the description"
    assert allowed["dataset"].values == ("tas-monthly",)
    assert (allowed["inclusion"].values, allowed["inclusion"].default) == (("centre", "touch"), "centre")
    assert allowed["variables"].as_json() == {}


def test_a_dataset_brings_its_variables_and_extents(ask):
    allowed = ask({"dataset": "tas-monthly"})
    assert allowed["variables"].values == ("tas",)
    assert allowed["bbox"].extent == (-10.0, 30.0, 20.0, 60.0)
    assert allowed["datetime"].calendar == "360_day"
    assert allowed["levels"].values == ()


def test_too_many_datasets_are_examples(ask, monkeypatch):
    monkeypatch.setattr(constraints, "LISTED_DATASETS", 0)
    allowed = ask({})["dataset"]
    assert (allowed.values, allowed.examples) == (None, ("tas-monthly",))


def test_bounds_come_from_the_description(ask):
    assert ask({}, "echo")["pause"].minimum == 0


@pytest.mark.parametrize(
    ("inputs", "pointers"),
    [
        ({"dataset": "nothing"}, ["/inputs/dataset"]),
        ({"datset": "tas-monthly"}, ["/inputs/datset"]),
        ({"inclusion": "around", "bbox": "x"}, ["/inputs/bbox", "/inputs/inclusion"]),
        (
            {"dataset": "tas-monthly", "variables": ["salt"], "datetime": "1850", "levels": 850},
            ["/inputs/variables/0", "/inputs/datetime", "/inputs/levels"],
        ),
        ([1], ["/inputs"]),
    ],
)
def test_what_is_wrong_already_is_said_all_at_once(ask, inputs, pointers):
    with pytest.raises(InvalidInputs) as caught:
        ask(inputs)
    assert sorted(fault.pointer for fault in caught.value.faults) == sorted(pointers)


def test_a_whole_request_is_refused_for_the_same_reason(ask, services):
    wrong = {"dataset": "tas-monthly", "variables": ["salt"], "bbox": [100, 0, 110, 5], "datetime": "1850"}
    with pytest.raises(InvalidInputs) as here:
        ask(wrong)
    with pytest.raises(InvalidInputs) as there:
        read_demand(services.processes["subset"], {"inputs": wrong}, federation=services.federation, ignored=())
    assert here.value.faults == there.value.faults
