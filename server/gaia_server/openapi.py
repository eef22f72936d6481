"""
The OpenAPI 3.0 document: every operation, and every process' request with its own schemas.

It is made from our own tables alone: pygeoapi's own refers to schemas on other hosts, and tells of its own `/processes` and
`/jobs`.
"""

import hashlib
import json
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

from gaia_config.catalogue import Federation
from gaia_processes.formats import FORMATS
from gaia_processes.process import Process, told_of
from gaia_processes.text import Language, Text
from gaia_server.descriptions import DatasetIds, description
from gaia_server.events import MEDIA_TYPE as EVENTS
from gaia_server.fitting import ids_by_role
from gaia_server.negotiation import HTML, JSON, OPENAPI, PROBLEM
from gaia_server.operations import FILE, OPERATIONS, Answer, Operation, words_of_status
from gaia_server.schemas import PROBLEM as PROBLEM_SCHEMA
from gaia_server.schemas import SCHEMAS, TEXT, headers, parameters, problem_example, ref

MEDIA_TYPE = OPENAPI
EXTENSION = "gaia-openapi"
VERSION = "3.0.3"
_BYTES = {"type": "string", "format": "binary"}
BYTES, FORM = "application/octet-stream", "multipart/form-data"
_RUN = Text(en="Run", fr="Exécuter")
_CALLBACKS = (
    ("jobCompleted", "successUri", "results", Text(en="The job ended well", fr="La tâche s'est bien terminée")),
    ("jobInProgress", "inProgressUri", "statusInfo", Text(en="The job goes on", fr="La tâche avance")),
    ("jobFailed", "failedUri", PROBLEM_SCHEMA, Text(en="The job failed", fr="La tâche a échoué")),
)
_PLAIN = ("string", "number", "integer", "boolean", "array")
_OF_A_PROCESS = ("execute", "executeByLink", "estimate", "getConstraints")
"""Operations that are told once more for each process, with its own inputs."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Written:
    """The document as it goes out, and its ETag."""

    content: bytes
    etag: str


class Documents:
    """
    Keeps the document of each language, and makes it again when the catalogue changes.

    Parameters
    ----------
    metadata : mapping
        Title, description, licence and contact of the service, as pygeoapi's configuration has them.
    public_url : str
        Address of the landing page.
    example_of : callable
        Gives the body of a request for a process that is right on data that are here; None where none of them fits.
    """

    def __init__(
        self,
        metadata: Mapping[str, Any],
        *,
        public_url: str,
        processes: Mapping[str, Process],
        federation: Federation,
        example_of: Callable[[Process], dict[str, Any] | None] = lambda _: None,
    ) -> None:
        self._metadata = metadata
        self._public_url = public_url
        self._processes = processes
        self._federation = federation
        self._example_of = example_of
        self._kept: dict[Language, tuple[str, Written]] = {}
        self._making = threading.Lock()

    def get(self, language: Language) -> Written:
        """Get the document of today."""
        today = self._federation.etag
        kept = self._kept.get(language)
        if kept is None or kept[0] != today:
            with self._making:
                kept = (today, self._make(language))
                self._kept[language] = kept
        return kept[1]

    def _make(self, language: Language) -> Written:
        ids = ids_by_role(self._federation)
        head = make_head(self._metadata, self._public_url, language)
        found = {id: self._example_of(process) for id, process in self._processes.items()}
        examples = {id: example for id, example in found.items() if example is not None}
        document = make_document(head, self._processes.values(), ids, language, examples=examples)
        content = json.dumps(document, ensure_ascii=False, allow_nan=False).encode()
        return Written(content=content, etag=hashlib.sha256(content).hexdigest()[:32])


def make_head(metadata: Mapping[str, Any], public_url: str, language: Language) -> dict[str, Any]:
    """Say what the service is and where."""
    about, contact, licence = metadata["identification"], metadata["contact"], metadata["license"]
    return {
        "openapi": VERSION,
        "info": {
            "title": about["title"][language],
            "description": about["description"][language],
            "version": version("gaia"),
            "contact": {name: contact[name] for name in ("name", "url")},
            "license": {name: licence[name] for name in ("name", "url")},
        },
        "servers": [{"url": public_url, "description": about["title"][language]}],
    }


def make_document(
    head: Mapping[str, Any],
    processes: Iterable[Process],
    dataset_ids: DatasetIds,
    language: Language,
    *,
    examples: Mapping[str, dict[str, Any]] | None = None,
) -> dict[str, Any]:
    """
    Make the document.

    Parameters
    ----------
    head : mapping
        As `make_head` gives it.
    dataset_ids : tuple of str, or mapping
        The datasets that requests may name, of every input or by what it takes.
    examples : mapping, optional
        Bodies of requests by process; where there is none, it is put together from the examples of the inputs.

    Returns
    -------
    dict
        By OpenAPI 3.0; refers to nothing outside of itself.
    """
    paths: dict[str, dict[str, Any]] = {}
    schemas = dict(SCHEMAS)
    for operation in OPERATIONS:
        paths.setdefault(operation.path, {})[operation.method] = _render(operation, language)
    for process in processes:
        name = f"execute-{process.id}"
        described = description(process, language, "", dataset_ids)
        schemas[name] = _request_schema(process, described, language)
        example = (examples or {}).get(process.id) or _example(process, described)
        for operation in OPERATIONS:
            if operation.id in _OF_A_PROCESS:
                path = operation.path.replace("{processID}", process.id)
                paths.setdefault(path, {})[operation.method] = _render_of(
                    process, operation, described, example, language
                )
    tags = dict.fromkeys(operation.tag for operation in OPERATIONS)
    return {
        **head,
        "tags": [{"name": name} for name in tags],
        "paths": paths,
        "components": {"schemas": schemas, "parameters": parameters(language), "headers": headers(language)},
    }


def _render(operation: Operation, language: Language) -> dict[str, Any]:
    answers = {str(status): _answer(answer, language) for status, answer in operation.answers.items()}
    problems = {
        str(status): _problem(status, codes, language)
        for status, codes in operation.problems_by_status().items()
        if status not in operation.answers
    }
    rendered: dict[str, Any] = {
        "operationId": operation.id,
        "summary": operation.summary.into(language),
        "tags": [operation.tag],
        "parameters": [{"$ref": f"#/components/parameters/{name}"} for name in operation.parameters],
        "responses": answers | problems,
    }
    if operation.body is not None:
        rendered["requestBody"] = _body(ref(operation.body), {"inputs": {"message": "hello"}})
    if operation.file:
        rendered["requestBody"] = _file_body()
    if operation.id == "execute":
        rendered["callbacks"] = _callbacks(language)
    return rendered


def _callbacks(language: Language) -> dict[str, Any]:
    """Tell whom a request can have called, and with what."""
    taken = Text(en="The call was taken", fr="L'appel a été reçu").into(language)
    return {
        name: {
            f"{{$request.body#/subscriber/{member}}}": {
                "post": {
                    "summary": words.into(language),
                    "requestBody": {"required": True, "content": {JSON: {"schema": ref(schema)}}},
                    "responses": {"202": {"description": taken}},
                }
            }
        }
        for name, member, schema, words in _CALLBACKS
    }


def _example(process: Process, described: dict[str, Any]) -> dict[str, Any]:
    """Put a body together from the examples of the inputs that mean something by themselves."""
    examples = {
        name: told["schema"].get("example")
        for name, told in described["inputs"].items()
        if not told_of(process, name).conditional
    }
    return {"inputs": {name: value for name, value in examples.items() if value is not None}}


def _render_of(
    process: Process, operation: Operation, described: dict[str, Any], example: dict[str, Any], language: Language
) -> dict[str, Any]:
    """Tell an operation for one process: no parameter for its id, and its own inputs."""
    rendered = _render(operation, language)
    general = ("#/components/parameters/processID", "#/components/parameters/kvp")
    parameters = [each for each in rendered["parameters"] if each["$ref"] not in general]
    whole = {"requestBody": _body(ref(f"execute-{process.id}"), example)} if operation.body else {}
    inputs = [] if operation.body else _link_parameters(described)
    return (
        rendered
        | {
            "operationId": f"{operation.id}-{process.id}",
            "summary": f"{process.title.into(language)}: {operation.summary.into(language)}",
            "description": process.description.into(language),
            "parameters": [*inputs, *parameters],
        }
        | whole
    )


def _link_parameters(described: dict[str, Any]) -> list[dict[str, Any]]:
    """Tell each input as a parameter of a link; what is an object is written as text."""
    return [
        {
            "name": name,
            "in": "query",
            "description": told["title"],
            "required": bool(told["minOccurs"]),
            "schema": told["schema"] if told["schema"].get("type") in _PLAIN else TEXT,
            "style": "form",
            "explode": False,
        }
        for name, told in described["inputs"].items()
    ]


def _body(schema: dict[str, Any], example: dict[str, Any]) -> dict[str, Any]:
    return {"required": True, "content": {JSON: {"schema": schema, "example": example}}}


def _file_body() -> dict[str, Any]:
    """Tell a body that is a file: as it is, or as the one file of a form."""
    form = {"type": "object", "properties": {"file": _BYTES}, "required": ["file"]}
    content = {BYTES: {"schema": _BYTES}, FORM: {"schema": form}}
    return {"required": True, "content": content}


def _answer(answer: Answer, language: Language) -> dict[str, Any]:
    content: dict[str, Any] = {JSON: {"schema": ref(answer.schema)}} if answer.schema else {}
    for media_type in _media_types(answer):
        content[media_type] = {"schema": _schema_of(media_type, content.get(media_type))}
    if answer.page:
        content[HTML] = {"schema": TEXT}
    return _described(answer.words.into(language), content, answer.headers)


def _schema_of(media_type: str, known: dict[str, Any] | None) -> dict[str, Any]:
    """Say what a body of a media type is; JSON can be anything, also where a document of ours is JSON too."""
    if media_type.partition(";")[0].endswith("json"):
        return {} if known is None else {"anyOf": [known["schema"], {}]}
    if media_type == EVENTS:
        return {"description": "Events, each with a `statusInfo` as its data."}
    return TEXT if media_type.startswith("text/") else _BYTES


def _media_types(answer: Answer) -> list[str]:
    every = [each.media_type for each in FORMATS]
    return [name for media_type in answer.media_types for name in (every if media_type == FILE else [media_type])]


def _described(words: str, content: dict[str, Any], names: Iterable[str]) -> dict[str, Any]:
    described: dict[str, Any] = {"description": words}
    if listed := {name: {"$ref": f"#/components/headers/{name}"} for name in names}:
        described["headers"] = listed
    if content:
        described["content"] = content
    return described


def _problem(status: int, codes: tuple[str, ...], language: Language) -> dict[str, Any]:
    """Tell everything that one status can mean, each with an example."""
    examples = {code: problem_example(code, language) for code in codes}
    told = {"schema": ref(PROBLEM_SCHEMA), "examples": examples}
    titles = "; ".join(example["summary"] for example in examples.values())
    content = {JSON: told, PROBLEM: told, HTML: {"schema": TEXT}}
    names = ("Retry-After",) if status == 503 else ()
    return _described(f"{words_of_status(status)}: {titles}", content, names)


def _request_schema(process: Process, described: dict[str, Any], language: Language) -> dict[str, Any]:
    """Make the schema of a request to one process: each input as it is, wrapped, or by reference."""
    inputs: dict[str, Any] = {
        name: {
            "title": told["title"],
            "description": told["description"],
            "anyOf": [*_forms(told["schema"]), ref("qualifiedValue"), ref("reference")],
        }
        for name, told in described["inputs"].items()
    }
    required = [name for name, told in described["inputs"].items() if told["minOccurs"]]
    outputs = {
        name: {
            "type": "object",
            "properties": {
                "format": {
                    "type": "object",
                    "properties": {
                        "mediaType": {"type": "string", "enum": [each.media_type for each in output.formats]}
                    },
                },
                "transmissionMode": {"type": "string", "enum": ["value", "reference"]},
            },
        }
        for name, output in process.outputs.items()
    }
    whole = SCHEMAS["execute"]["properties"] | {
        "inputs": {"type": "object", "properties": inputs, **({"required": required} if required else {})},
        "outputs": {"type": "object", "properties": outputs, "additionalProperties": False},
    }
    return {
        "title": f"{_RUN.into(language)}: {process.title.into(language)}",
        "type": "object",
        "properties": whole,
        **({"required": ["inputs"]} if required else {}),
    }


def _forms(schema: dict[str, Any]) -> list[dict[str, Any]]:
    """Give the forms in which a bare value comes: a box as an object, as the standard has it, or as its numbers alone."""
    if schema.get("allOf", [{}])[0].get("format") != "ogc-bbox":
        return [schema]
    return [schema, {"type": "array", "items": {"type": "number"}, "minItems": 4, "maxItems": 6}]
