"""Descriptions as OGC API - Processes 1.0 has them, checked with its own schemas."""

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT4

from gaia_processes.catalogue import CATALOGUE, by_id
from gaia_processes.process import Process
from gaia_processes.text import Language
from gaia_server.descriptions import EXECUTE, description, summary

BASE = "https://example.org/api"
SUBSET = by_id(CATALOGUE)["subset"]
ECHO = by_id(CATALOGUE)["echo"]

type Validate = Callable[[str, object], None]


@pytest.fixture(scope="module")
def validate(shared_data: Path) -> Validate:
    """Give a function that checks a document against a schema of the standard, read from disk."""
    folder = shared_data.parent / "reference" / "ogc-schemas" / "part1-1.0" / "schemas"
    if not folder.is_dir():
        pytest.skip("the standard's schemas are not beside the sample data")

    @cache
    def retrieve(uri: str) -> Resource[Any]:
        contents = yaml.safe_load((folder / Path(uri).name).read_text(encoding="utf-8"))
        return Resource.from_contents(contents, default_specification=DRAFT4)

    # OpenAPI 3.0 schemas are those of JSON Schema draft 4 in all that is used here.
    registry: Registry[Any] = Registry(retrieve=retrieve)  # type: ignore[call-arg]  # attrs takes it by this name

    def check(schema: str, document: object) -> None:
        reference = {"$ref": f"https://schemas.example/{schema}.yaml"}
        jsonschema.Draft4Validator(reference, registry=registry).validate(document)

    return check


@pytest.mark.parametrize("language", ["en", "fr"])
@pytest.mark.parametrize("process", CATALOGUE, ids=lambda process: process.id)
def test_a_description_is_valid_by_the_standard(process: Process, language: Language, validate: Validate) -> None:
    for ids in ((), ("a", "b"), tuple(map(str, range(201)))):
        validate("process", description(process, language, BASE, ids))
    validate("processSummary", summary(process, language, BASE))
    for described in description(process, language, BASE)["inputs"].values():
        validate("schema", described["schema"])


def test_the_standards_schemas_do_find_mistakes(validate: Validate) -> None:
    wrong = description(SUBSET, "en", BASE) | {"jobControlOptions": ["whenever"]}
    with pytest.raises(jsonschema.ValidationError):
        validate("process", wrong)
    with pytest.raises(jsonschema.ValidationError):
        validate("schema", {"type": "string", "nonsense": 1})


def test_a_summary_is_the_head_of_the_description() -> None:
    whole, head = description(SUBSET, "en", BASE), summary(SUBSET, "en", BASE)
    assert list(whole)[: len(head)] == list(head)
    assert {name: whole[name] for name in head} == head
    assert head["jobControlOptions"] == ["sync-execute", "async-execute", "dismiss"]
    assert head["outputTransmission"] == ["value", "reference"]


def test_links_lead_to_itself_the_other_language_and_execution() -> None:
    given = summary(SUBSET, "fr", BASE)["links"]
    (page,) = [link for link in given if link["type"] == "text/html"]
    assert (page["rel"], page["href"]) == ("alternate", f"{BASE}/processes/subset?f=html")
    links = {link["rel"]: link for link in given if link is not page}
    assert links["self"]["href"] == f"{BASE}/processes/subset"
    assert (links["alternate"]["href"], links["alternate"]["hreflang"]) == (f"{BASE}/processes/subset?lang=en", "en")
    assert links[EXECUTE]["href"] == f"{BASE}/processes/subset/execution"
    assert all(link["type"] == "application/json" for link in links.values())


def test_texts_are_in_the_language_asked_for() -> None:
    assert description(SUBSET, "en", BASE)["inputs"]["dataset"]["title"] == "Dataset"
    assert description(SUBSET, "fr", BASE)["inputs"]["dataset"]["title"] == "Jeu de données"
    assert description(SUBSET, "fr", BASE)["outputs"]["data"]["title"] == "Sous-ensemble"


def test_inputs_keep_their_order() -> None:
    assert list(json.loads(json.dumps(description(ECHO, "en", BASE)))["inputs"]) == [
        "message",
        "pause",
        "values",
        "area",
    ]


def test_only_what_is_required_must_occur() -> None:
    occurrences = {name: each["minOccurs"] for name, each in description(ECHO, "en", BASE)["inputs"].items()}
    assert occurrences == {"message": 1, "pause": 0, "values": 0, "area": 0}


def test_up_to_200_datasets_are_listed() -> None:
    ids = [f"data-{number}" for number in range(200)]
    described = description(SUBSET, "en", BASE, ids)["inputs"]["dataset"]
    assert described["schema"] == {"type": "string", "format": "gaia-dataset", "enum": ids, "example": "data-0"}
    assert "metadata" not in described


def test_more_datasets_are_looked_for_elsewhere() -> None:
    inputs = description(SUBSET, "en", BASE, [f"data-{number}" for number in range(201)])["inputs"]
    assert "enum" not in inputs["dataset"]["schema"]
    assert inputs["dataset"]["schema"]["example"] == "data-0"
    assert inputs["dataset"]["metadata"][0]["href"] == f"{BASE}/collections"
    assert not any("metadata" in each for name, each in inputs.items() if name != "dataset")


def test_an_empty_catalogue_lists_nothing() -> None:
    assert "enum" not in description(SUBSET, "en", BASE)["inputs"]["dataset"]["schema"]


def test_a_file_says_its_media_type() -> None:
    assert description(SUBSET, "en", BASE)["outputs"]["data"]["schema"] == {
        "type": "string",
        "contentEncoding": "binary",
        "contentMediaType": "application/x-netcdf",
    }


def test_no_schema_has_references_or_nulls() -> None:
    for process in CATALOGUE:
        text = json.dumps(description(process, "en", BASE))
        assert "$ref" not in text
        assert "null" not in text
