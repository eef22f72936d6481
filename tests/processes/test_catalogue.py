"""What is offered, and how others join."""

import json
from collections.abc import Iterator
from dataclasses import replace
from importlib.metadata import EntryPoint, EntryPoints

import pytest

from gaia_processes import catalogue
from gaia_processes.catalogue import CATALOGUE, all_processes, by_id
from gaia_processes.inputs.schema import input_schemas
from gaia_processes.process import Process

STRANGER = replace(CATALOGUE[0], id="stranger", package="elsewhere")
NO_PROCESS = "no process"


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Give a list of what other packages offer, as paths into this module's own values."""
    paths: list[str] = []
    values = {"stranger": STRANGER, "twin": CATALOGUE[0], "nothing": NO_PROCESS}
    monkeypatch.setattr(EntryPoint, "load", lambda self: values[self.name])
    monkeypatch.setattr(
        catalogue,
        "entry_points",
        lambda group: EntryPoints(EntryPoint(name=name, value=f"elsewhere:{name}", group=group) for name in paths),
    )
    all_processes.cache_clear()
    yield paths
    all_processes.cache_clear()


def test_ours_come_first_and_strangers_by_entry_point(installed: list[str]) -> None:
    installed.append("stranger")
    assert [process.id for process in all_processes()] == [*(each.id for each in CATALOGUE), "stranger"]


def test_two_of_the_same_id_are_refused(installed: list[str]) -> None:
    installed.append("twin")
    with pytest.raises(ValueError, match="'echo' is claimed by"):
        all_processes()


def test_an_entry_point_must_lead_to_a_process(installed: list[str]) -> None:
    installed.append("nothing")
    with pytest.raises(TypeError, match=r"nothing = elsewhere:nothing .* is not a Process"):
        all_processes()


@pytest.mark.parametrize("process", CATALOGUE, ids=lambda each: each.id)
def test_an_input_stands_beside_values_that_the_other_can_have(process: Process) -> None:
    schemas = input_schemas(process.inputs)
    for name, beside in process.beside.items():
        assert {name, beside.input} <= schemas.keys()
        known = json.dumps(schemas[beside.input])
        assert all(f'"{value}"' in known for value in beside.values), name


def test_processes_are_found_by_id() -> None:
    assert by_id(CATALOGUE)["subset"] is CATALOGUE[1]
