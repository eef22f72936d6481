"""Where a request can run that names more than one dataset."""

from dataclasses import replace

import pytest

from gaia_config.catalogue import Federation, publish
from gaia_processes.errors import InvalidInputs
from gaia_processes.inputs.dataset import CatalogueRef
from gaia_processes.inputs.references import NamedReference
from gaia_server.demands import read_demand
from gaia_server.holders import holders_of


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


def test_a_dataset_of_the_same_centre_is_taken_and_its_version_is_pinned(ask, federation):
    assert ask(like="beside").demand.inputs["like"] == "beside@1"
    both = [NamedReference(path=(id,), reference=CatalogueRef(id=id)) for id in ("tas-monthly", "beside")]
    assert holders_of(both, federation) == ("theia",)


def test_datasets_of_different_centres_are_refused(ask):
    assert complaint(ask, like="elsewhere") == (
        "like", "elsewhere lies at climeri, but tas-monthly at theia; name a dataset of a centre that has both.",
    )  # fmt: skip


def test_an_unknown_second_dataset_is_named(ask):
    name, said = complaint(ask, like="beside-me")
    assert name == "like"
    assert "There is no dataset" in said


def test_a_second_dataset_without_rows_and_columns_is_refused(ask):
    name, said = complaint(ask, like="points")
    assert name == "like"
    assert "unstructured" in said
