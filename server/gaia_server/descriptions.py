"""A process as OGC API - Processes describes it: renderings of `gaia_processes`' descriptions, with nothing added by hand."""

from collections.abc import Mapping, Sequence
from typing import Any

from gaia_processes.formats import Format
from gaia_processes.inputs.dataset import DATASET_FORMAT
from gaia_processes.inputs.schema import input_schemas
from gaia_processes.inputs.sources import role_of
from gaia_processes.kinds import Role
from gaia_processes.process import Output, Process, told_of
from gaia_processes.text import Language, Text
from gaia_server.rendering import link_page

type DatasetIds = Sequence[str] | Mapping[Role, Sequence[str]]

EXECUTE = "http://www.opengis.net/def/rel/ogc/1.0/execute"
LISTED_DATASETS = 200
"""Up to so many datasets are named one by one in a description."""

_JSON = "application/json"
_OTHER_LANGUAGE: dict[Language, Language] = {"en": "fr", "fr": "en"}
_ALTERNATE = Text(en="This process in English", fr="Ce processus en français")
_SELF = Text(en="This process", fr="Ce processus")
_RUN = Text(en="Run this process", fr="Exécuter ce processus")
_SEARCH = Text(en="All the datasets", fr="Tous les jeux de données")


def summary(process: Process, language: Language, base_url: str) -> dict[str, Any]:
    """
    Render what a list of processes says of one.

    Parameters
    ----------
    process : Process
    language : str
        Of the texts.
    base_url : str
        Address of the landing page, without a slash at its end.

    Returns
    -------
    dict
        By `processSummary.yaml` of version 1.0, in the order in which it should be read.
    """
    return {
        "id": process.id,
        "title": process.title.into(language),
        "description": process.description.into(language),
        "keywords": [keyword.into(language) for keyword in process.keywords],
        "version": process.version,
        "jobControlOptions": list(process.control),
        "outputTransmission": ["value", "reference"],
        "links": _links(process, language, base_url),
    }


def description(process: Process, language: Language, base_url: str, dataset_ids: DatasetIds = ()) -> dict[str, Any]:
    """
    Render the full description of a process.

    Parameters
    ----------
    process, language, base_url
        As for `summary`.
    dataset_ids : sequence of str, or mapping of sequences
        The datasets that the process can work on, of every input or by what it takes; up to `LISTED_DATASETS` they are listed.

    Returns
    -------
    dict
        By `process.yaml` of version 1.0. Schemas stand in the part of OpenAPI 3.0 that JSON Schema readers share.
    """
    schemas = input_schemas(process.inputs)
    return summary(process, language, base_url) | {
        "inputs": {
            name: _input(process, name, schema, language, base_url, _ids_for(process, name, dataset_ids))
            for name, schema in schemas.items()
        },
        "outputs": {name: _output(output, language) for name, output in process.outputs.items()},
    }


def show_example(described: dict[str, Any], example: Mapping[str, Any] | None) -> dict[str, Any]:
    """Let the examples of the inputs be those of one request, so that together they are right on data that are here."""
    if example is None:
        return described
    shown = {
        name: told | {"schema": told["schema"] | {"example": example["inputs"][name]}}
        for name, told in described["inputs"].items()
        if name in example["inputs"]
    }
    return described | {"inputs": described["inputs"] | shown}


def _links(process: Process, language: Language, base_url: str) -> list[dict[str, str]]:
    here = f"{base_url}/processes/{process.id}"
    other = _OTHER_LANGUAGE[language]
    return [
        {"href": here, "rel": "self", "type": _JSON, "hreflang": language, "title": _SELF.into(language)},
        {
            "href": f"{here}?lang={other}",
            "rel": "alternate",
            "type": _JSON,
            "hreflang": other,
            "title": _ALTERNATE.into(other),
        },
        link_page(here, language),
        {"href": f"{here}/execution", "rel": EXECUTE, "type": _JSON, "title": _RUN.into(language)},
    ]


def _input(
    process: Process,
    name: str,
    schema: dict[str, Any],
    language: Language,
    base_url: str,
    dataset_ids: Sequence[str],
) -> dict[str, Any]:
    told = told_of(process, name)
    rendered: dict[str, Any] = {
        "title": told.title.into(language),
        "description": told.description.into(language),
        "minOccurs": 1 if process.inputs.model_fields[name].is_required() else 0,
        "schema": _name_datasets(schema, dataset_ids) | ({} if told.example is None else {"example": told.example}),
    }
    if len(dataset_ids) > LISTED_DATASETS and takes_dataset(schema):
        rendered["metadata"] = [
            {"title": _SEARCH.into(language), "role": "search", "href": f"{base_url}/collections"},
        ]
    return rendered


def _ids_for(process: Process, name: str, ids: DatasetIds) -> Sequence[str]:
    return ids.get(role_of(process.inputs, name), ()) if isinstance(ids, Mapping) else ids


def takes_dataset(schema: dict[str, Any]) -> bool:
    """Tell whether an input takes a dataset, alone or in an array."""
    item = schema.get("items", schema)
    ways = (item, *item.get("oneOf", ()), *item.get("allOf", ()))
    return any(each.get("format") == DATASET_FORMAT for each in ways)


def _name_datasets(schema: dict[str, Any], dataset_ids: Sequence[str]) -> dict[str, Any]:
    """Put the ids into a schema that takes a dataset, alone or in an array; leave any other as it is."""
    if "items" in schema:
        items = _name_datasets(schema["items"], dataset_ids)
        example = {"example": [items["example"]]} if "example" in items and takes_dataset(schema) else {}
        return schema | {"items": items} | example
    if not takes_dataset(schema) or not dataset_ids or "oneOf" in schema or "allOf" in schema:
        return schema  # of several ways the example shows one, and the constraints name the datasets
    listed = {"enum": list(dataset_ids)} if len(dataset_ids) <= LISTED_DATASETS else {}
    return schema | listed | {"example": dataset_ids[0]}


def _output(output: Output, language: Language) -> dict[str, Any]:
    return {
        "title": output.title.into(language),
        "description": output.description.into(language),
        "schema": dict(output.schema) if output.schema is not None else _file_schema(output.formats),
    }


def _file_schema(formats: Sequence[Format]) -> dict[str, Any]:
    """Say in which formats a file comes; the first is the default."""
    choices = [_format_schema(each) for each in formats]
    return choices[0] if len(choices) == 1 else {"type": "string", "oneOf": choices}


def _format_schema(file_format: Format) -> dict[str, Any]:
    text = file_format.media_type.startswith("text/") or file_format.media_type.endswith("json")
    return {
        "type": "string",
        **({} if text else {"contentEncoding": "binary"}),
        "contentMediaType": file_format.media_type,
    }
