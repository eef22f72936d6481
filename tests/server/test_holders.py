"""Which centres hold what a request names, and that all of it is checked before anything is queued."""

from dataclasses import replace

import pytest

from gaia_config.catalogue import Federation, publish
from gaia_processes.errors import InvalidInputs
from gaia_processes.inputs.dataset import CatalogueRef
from gaia_processes.inputs.references import NamedReference
from gaia_server.demands import read_demand
from gaia_server.holders import centres_of, holders_of


@pytest.fixture
def federation(services, centres):
    known = services.federation.find("tas-monthly")
    lies = {centre: tuple(replace(each, centre=centre) for each in known.replicas) for centre in centres}
    publish(centres["theia"], replace(known, id="beside", replicas=lies["theia"]))
    publish(centres["climeri"], replace(known, id="beside", replicas=lies["climeri"]))
    publish(centres["climeri"], replace(known, id="elsewhere", replicas=lies["climeri"]))
    points = {**known.properties, "gaia:grid": "unstructured"}
    publish(centres["theia"], replace(known, id="points", properties=points))
    return Federation(centres)


@pytest.fixture
def ask(services, federation):
    def ask(**inputs):
        body = {"inputs": {"dataset": "tas-monthly", **inputs}}
        return read_demand(services.processes["regrid"], body, federation=federation, ignored=())

    return ask


def complaint(ask, **inputs):
    with pytest.raises(InvalidInputs) as caught:
        ask(**inputs)
    (fault,) = caught.value.faults
    return fault.input, fault.problem.en


def named(*ids):
    return [NamedReference(path=(id,), reference=CatalogueRef(id=id)) for id in ids]


def test_a_dataset_of_the_same_centre_is_taken_and_its_version_is_pinned(ask, federation):
    assert ask(like="beside").demand.inputs["like"] == "beside@1"
    assert holders_of(named("tas-monthly", "beside"), federation) == ("theia",)


def test_a_dataset_of_another_centre_is_taken_too(ask, federation):
    assert ask(like="elsewhere").demand.inputs["like"] == "elsewhere@1"
    assert holders_of(named("tas-monthly", "elsewhere"), federation) == ()


def test_a_dataset_that_there_is_not_lies_nowhere(federation):
    assert centres_of(CatalogueRef(id="nowhere"), federation) == ()


def test_an_unknown_second_dataset_is_named(ask):
    name, said = complaint(ask, like="beside-me")
    assert name == "like"
    assert "There is no dataset" in said


def test_a_second_dataset_without_rows_and_columns_is_refused(ask):
    name, said = complaint(ask, like="points")
    assert name == "like"
    assert "unstructured" in said
