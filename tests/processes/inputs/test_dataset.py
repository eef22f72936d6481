"""The grammar of `dataset`."""

import uuid
from collections.abc import Callable

import pytest

from gaia_processes.inputs.dataset import (
    CatalogueRef,
    DatasetReference,
    JobRef,
    UnknownDataset,
    UploadRef,
    explain_absent,
    explain_unknown,
    parse_dataset,
)

UUID = "8f14e45f-ceea-467f-a8e3-2f0d3f3f2d11"

type Complaint = Callable[[Callable[[object], object], object], str]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a1b-north-america", CatalogueRef(id="a1b-north-america")),
        (" sst.monthly_2 ", CatalogueRef(id="sst.monthly_2")),
        ("sst@v2.1", CatalogueRef(id="sst", version="v2.1")),
        ("x" * 200, CatalogueRef(id="x" * 200)),
        (f"upload:{UUID}", UploadRef(uuid=uuid.UUID(UUID))),
        (f"job:{UUID.upper()}", JobRef(uuid=uuid.UUID(UUID))),
    ],
)
def test_each_kind_of_reference_is_read(text: str, expected: DatasetReference) -> None:
    assert parse_dataset(text) == expected


@pytest.mark.parametrize("text", ["sst", "sst@2", f"upload:{UUID}", f"job:{UUID}"])
def test_a_reference_is_written_as_it_is_read(text: str) -> None:
    assert str(parse_dataset(text)) == text


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("/data/tas.nc", "is a path"),
        ("../tas.nc", "is a path"),
        ("C:\\tas.nc", "is a path"),
        ("https://example.org/tas.nc", "is an address"),
        ("file:///etc/passwd", "is an address"),
        ("upload:12", "does not hold a UUID"),
        ("x" * 201, "is not the id of a dataset"),
        ("", "is not the id of a dataset"),
        ("sst@", "is not the id of a dataset"),
        ("température", "is not the id of a dataset"),
        (7, "is not text"),
        (["a", "b"], "is not text"),
    ],
)
def test_what_is_no_reference_is_named_for_what_it_is(value: object, said: str, complaint: Complaint) -> None:
    message = complaint(parse_dataset, value)
    assert said in message
    assert "named by its id in the catalogue" in message


def test_an_unknown_dataset_is_answered_with_those_near_and_all_there_are() -> None:
    fault = explain_unknown(UnknownDataset(CatalogueRef(id="sst-montly"), known=["tas", "sst-monthly"]))
    assert "Did you mean sst-monthly?" in fault.problem.en
    assert "Vouliez-vous dire sst-monthly" in fault.problem.fr
    assert fault.allowed == ("tas", "sst-monthly")


def test_an_id_that_is_but_dots_can_be_told_from_the_sentence() -> None:
    fault = explain_unknown(UnknownDataset(CatalogueRef(id=".."), known=["tas"]))
    assert fault.problem.en.startswith('There is no dataset "..". ')
    assert fault.problem.fr.startswith('Il n\'y a pas de jeu de données "..". ')


def test_an_unknown_version_is_answered_with_the_versions() -> None:
    fault = explain_unknown(UnknownDataset(CatalogueRef(id="sst", version="3"), known=["sst"], versions=["1", "2"]))
    assert 'no version "3"; there is: 1, 2' in fault.problem.en
    assert fault.allowed == ("sst@1", "sst@2")


def test_a_long_catalogue_is_not_told_whole() -> None:
    fault = explain_unknown(UnknownDataset(CatalogueRef(id="x"), known=[f"data-{n}" for n in range(1000)]))
    assert "data-19, …" in fault.problem.en
    assert len(fault.allowed) == 200


@pytest.mark.parametrize(("text", "kind"), [(f"upload:{UUID}", "upload"), (f"job:{UUID}", "result")])
def test_an_upload_or_result_that_is_not_there_is_said_to_be_absent(text: str, kind: str) -> None:
    reference = parse_dataset(text)
    assert isinstance(reference, UploadRef | JobRef)
    assert f"There is no {kind} {text}" in explain_absent(reference).problem.en
