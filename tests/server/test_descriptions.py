"""Descriptions as OGC API - Processes 1.0 has them, checked with its own schemas."""

import json
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from openapi_schema_validator import OAS30Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT4

from gaia_processes.catalogue import CATALOGUE, by_id
from gaia_processes.formats import GRIDDED
from gaia_processes.process import Process
from gaia_processes.text import Language
from gaia_server.descriptions import EXECUTE, description, summary

BASE = "https://example.org/api"
SUBSET = by_id(CATALOGUE)["subset"]
ECHO = by_id(CATALOGUE)["echo"]

LANGUAGES: tuple[Language, ...] = ("en", "fr")

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


@pytest.mark.slow
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
    schema = description(SUBSET, "en", BASE)["outputs"]["data"]["schema"]
    first, *others = schema["oneOf"]
    assert first == {"type": "string", "contentEncoding": "binary", "contentMediaType": "application/x-netcdf"}
    assert [each["contentMediaType"] for each in others] == [each.media_type for each in GRIDDED[1:]]


def test_no_schema_has_references_or_nulls() -> None:
    for process in CATALOGUE:
        text = json.dumps(description(process, "en", BASE))
        assert "$ref" not in text
        assert "null" not in text


def schemas_in(schema: object) -> Iterator[dict[str, Any]]:
    """Walk through a schema and all the schemas inside."""
    if isinstance(schema, dict):
        yield schema
        for name in ("items", "additionalProperties"):  # what is not allowed (`not`) is no choice
            yield from schemas_in(schema.get(name))
        for name in ("allOf", "anyOf", "oneOf"):
            for each in schema.get(name, ()):
                yield from schemas_in(each)
        for each in schema.get("properties", {}).values():
            yield from schemas_in(each)


def is_box(schema: dict[str, Any]) -> bool:
    return bool(schema.get("allOf", [{}])[0].get("format") == "ogc-bbox")


def is_features_or_text(schema: dict[str, Any]) -> bool:
    """Tell whether a value may be GeoJSON or text: two types, each of which says its own."""
    first, *others = schema.get("oneOf", ({},))
    formats = [each.get("format") for each in first.get("allOf", ())]
    return "geojson-feature-collection" in formats and all(each.get("type") == "string" for each in others)


@pytest.mark.parametrize("process", CATALOGUE, ids=lambda process: process.id)
class TestEveryReader:
    """What clients of OpenAPI 3.0, validators of JSON Schema 2020-12 and the official suite need of every process."""

    def test_understands_the_schemas(self, process: Process) -> None:
        told = description(process, "en", BASE, ("a", "b"))
        for each in (*told["inputs"].values(), *told["outputs"].values()):
            jsonschema.Draft202012Validator.check_schema(each["schema"])
            OAS30Validator.check_schema(each["schema"])

    def test_judges_examples_and_defaults_right(self, process: Process) -> None:
        for name, told in description(process, "en", BASE, ("a", "b"))["inputs"].items():
            schema = told["schema"]
            for value in (schema[key] for key in ("example", "default") if key in schema):
                assert OAS30Validator(schema).is_valid(value), name
                assert jsonschema.Draft202012Validator(schema).is_valid(value), name

    def test_finds_a_type_at_the_top_of_all_but_boxes_and_features(self, process: Process) -> None:
        told = description(process, "en", BASE)
        for name, each in (told["inputs"] | told["outputs"]).items():
            assert "type" in each["schema"] or is_box(each["schema"]) or is_features_or_text(each["schema"]), name
        needed = [each["schema"] for each in told["inputs"].values() if each["minOccurs"]]
        assert all("type" in each or is_features_or_text(each) for each in needed)

    def test_finds_an_example_or_a_choice_for_every_input(self, process: Process) -> None:
        for name, each in description(process, "en", BASE, ("a", "b"))["inputs"].items():
            assert {"example", "default", "enum"} & set(each["schema"]), name

    def test_finds_only_text_to_choose_from(self, process: Process) -> None:
        for each in description(process, "en", BASE, ("a", "b"))["inputs"].values():
            for schema in schemas_in(each["schema"]):
                assert all(isinstance(choice, str) for choice in schema.get("enum", ()))

    def test_meets_no_word_that_the_two_standards_read_differently(self, process: Process) -> None:
        told = description(process, "en", BASE, ("a", "b"))
        apart = {
            "nullable",
            "exclusiveMinimum",
            "exclusiveMaximum",
            "const",
            "prefixItems",
            "examples",
            "$defs",
            "$ref",
        }
        for each in (*told["inputs"].values(), *told["outputs"].values()):
            for schema in schemas_in(each["schema"]):
                assert not apart & set(schema)
                assert isinstance(schema.get("type", ""), str)

    def test_can_use_the_ids_of_inputs(self, process: Process) -> None:
        """One wrapper turns dots into underscores, and mangles ids that hold `_array` or `_object`."""
        for name in process.inputs.model_fields:
            assert "." not in name
            assert "_array" not in name
            assert "_object" not in name

    def test_finds_texts_and_keywords_in_both_languages(self, process: Process) -> None:
        english, french = (description(process, language, BASE) for language in LANGUAGES)
        assert english["title"]
        assert english["description"] != french["description"]
        assert english["keywords"] != french["keywords"]
        for kind in ("inputs", "outputs"):
            for name, told in english[kind].items():
                assert told["title"], name
                assert french[kind][name]["title"], name
                assert told["description"] != french[kind][name]["description"], name


def test_echo_is_as_the_official_suite_wants_it() -> None:
    inputs = description(ECHO, "en", BASE)["inputs"]
    message = inputs["message"]["schema"]
    assert next(iter(inputs)) == "message"
    assert message["type"] == "string"
    assert not {"enum", "pattern", "format", "contentMediaType"} & set(message), "it is sent the text `teststring`"
    assert [name for name, told in inputs.items() if told["minOccurs"]] == ["message"], "numbers and such are not sent"
    assert not any(told["schema"].get("type") == "object" for told in inputs.values()), "those are sent as `value`"
    assert inputs["values"]["schema"]["items"]["type"] == "integer", "an array of strings is sent a bare string"
    first, second = inputs["area"]["schema"]["allOf"]
    assert (first, second["type"]) == ({"format": "ogc-bbox"}, "object"), (
        "the short code stands first, the rest in-line"
    )
    assert set(inputs) >= set(ECHO.outputs), "each output is an input that comes back"
