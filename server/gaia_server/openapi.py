"""Our own routes as the OpenAPI document tells them: one table of operations, and the schemas that they speak of."""

from dataclasses import dataclass
from typing import Any

PROBLEM = "exception"

_LINK = {
    "type": "object",
    "required": ["href", "rel", "type"],
    "properties": {name: {"type": "string"} for name in ("href", "rel", "type", "title")},
}
_TIME = {"type": "string", "format": "date-time"}
_TEXT = {"type": "string"}


def _ref(schema: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{schema}"}


def _list_of(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    members = {name: {"type": "array", "items": schema}, "links": {"type": "array", "items": _ref("link")}}
    return {"type": "object", "required": list(members), "properties": members}


SCHEMAS: dict[str, Any] = {
    "link": _LINK,
    PROBLEM: {
        "type": "object",
        "required": ["type"],
        "properties": {
            "type": {"type": "string", "format": "uri"},
            "title": _TEXT,
            "status": {"type": "integer"},
            "detail": _TEXT,
            "instance": _TEXT,
            "errors": {
                "type": "array",
                "items": {
                    "type": "object",
                    "required": ["input", "pointer", "problem"],
                    "properties": {
                        "input": _TEXT,
                        "pointer": _TEXT,
                        "problem": _TEXT,
                        "allowed": {"type": "array", "items": {}},
                        "given": {},
                    },
                },
            },
        },
    },
    "processSummary": {
        "type": "object",
        "required": ["id", "version"],
        "properties": {
            "id": _TEXT,
            "version": _TEXT,
            "title": _TEXT,
            "description": _TEXT,
            "keywords": {"type": "array", "items": _TEXT},
            "jobControlOptions": {"type": "array", "items": _TEXT},
            "outputTransmission": {"type": "array", "items": _TEXT},
            "links": {"type": "array", "items": _ref("link")},
        },
    },
    "process": {
        "allOf": [
            _ref("processSummary"),
            {"type": "object", "properties": {"inputs": {"type": "object"}, "outputs": {"type": "object"}}},
        ]
    },
    "execute": {
        "type": "object",
        "properties": {
            "inputs": {"type": "object", "additionalProperties": True},
            "outputs": {
                "type": "object",
                "additionalProperties": {
                    "type": "object",
                    "properties": {
                        "format": {"type": "object", "properties": {"mediaType": _TEXT}},
                        "transmissionMode": {"type": "string", "enum": ["value", "reference"]},
                    },
                },
            },
            "response": {"type": "string", "enum": ["raw", "document"]},
        },
    },
    "statusInfo": {
        "type": "object",
        "required": ["jobID", "status", "type"],
        "properties": {
            "jobID": {"type": "string", "format": "uuid"},
            "processID": _TEXT,
            "type": {"type": "string", "enum": ["process"]},
            "status": {"type": "string", "enum": ["accepted", "running", "successful", "failed", "dismissed"]},
            "message": _TEXT,
            "created": _TIME,
            "started": _TIME,
            "finished": _TIME,
            "updated": _TIME,
            "progress": {"type": "integer", "minimum": 0, "maximum": 100},
            "links": {"type": "array", "items": _ref("link")},
        },
    },
    "constraints": {
        "type": "object",
        "required": ["processID", "inputs", "links"],
        "properties": {
            "processID": _TEXT,
            "inputs": {"type": "object", "additionalProperties": _ref("allowed")},
            "links": {"type": "array", "items": _ref("link")},
        },
    },
    "allowed": {
        "type": "object",
        "description": "What an input may be; a member is absent where nothing is known. No values at all: leave it out.",
        "properties": {
            "values": {"type": "array", "items": {}},
            "examples": {"type": "array", "items": {}},
            "minimum": {"type": "number"},
            "maximum": {"type": "number"},
            "extent": {"type": "array", "items": {}},
            "extents": {"type": "array", "items": {"type": "array", "items": {}}},
            "crs": _TEXT,
            "unit": _TEXT,
            "calendar": _TEXT,
            "step": _TEXT,
            "default": {},
        },
    },
    "results": {"type": "object", "additionalProperties": True},
    "processList": _list_of("processes", _ref("processSummary")),
    "jobList": _list_of("jobs", _ref("statusInfo")),
    "centre": {"type": "object", "required": ["id"], "properties": {"id": _TEXT, "up": {"type": "boolean"}}},
    "centreList": _list_of("centres", _ref("centre")),
    "health": {
        "type": "object",
        "required": ["status"],
        "properties": {"status": _TEXT, "reasons": {"type": "array", "items": _TEXT}},
    },
    "log": {"type": "object", "properties": {"log": {"type": "array", "items": {"type": "object"}}}},
}

_LIMIT = {"type": "integer", "minimum": 1, "maximum": 1000}
_NAMES = {"type": "array", "items": _TEXT}
PARAMETERS: dict[str, Any] = {
    "processID": {"name": "processID", "in": "path", "required": True, "schema": _TEXT},
    "jobID": {"name": "jobID", "in": "path", "required": True, "schema": {"type": "string", "format": "uuid"}},
    "outputID": {"name": "outputID", "in": "path", "required": True, "schema": _TEXT},
    "centreID": {"name": "centreID", "in": "path", "required": True, "schema": _TEXT},
    "limit": {"name": "limit", "in": "query", "schema": _LIMIT},
    "after": {"name": "after", "in": "query", "schema": _TEXT},
    "before": {"name": "before", "in": "query", "schema": {"type": "string", "format": "uuid"}},
    "byProcess": {"name": "processID", "in": "query", "schema": _NAMES, "style": "form", "explode": False},
    "byStatus": {"name": "status", "in": "query", "schema": _NAMES, "style": "form", "explode": False},
    "byType": {"name": "type", "in": "query", "schema": _NAMES, "style": "form", "explode": False},
    "prefer": {"name": "Prefer", "in": "header", "schema": _TEXT},
    "range": {"name": "Range", "in": "header", "schema": _TEXT},
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Operation:
    """
    One method of one path.

    Attributes
    ----------
    answers : dict
        Schema of the JSON answer, or media type of another one, or None for an empty one, by status.
    """

    method: str
    path: str
    id: str
    summary: str
    tag: str
    parameters: tuple[str, ...] = ()
    takes_execute: bool = False
    answers: dict[str, str | None]


ANY = "*/*"
_RESULTS: dict[str, str | None] = {"200": ANY, "204": None, "307": None}

OPERATIONS = (
    Operation(
        method="get", path="/processes", id="getProcesses", tag="processes",
        summary="The processes on offer", parameters=("limit", "after"), answers={"200": "processList"},
    ),
    Operation(
        method="get", path="/processes/{processID}", id="getProcessDescription", tag="processes",
        summary="The inputs and outputs of a process", parameters=("processID",), answers={"200": "process", "304": None},
    ),
    Operation(
        method="post", path="/processes/{processID}/execution", id="execute", tag="processes",
        summary="Run a process, now or as a job", parameters=("processID", "prefer"), takes_execute=True,
        answers={"200": ANY, "201": "statusInfo", "204": None},
    ),
    Operation(
        method="post", path="/processes/{processID}/estimate", id="estimate", tag="processes",
        summary="What a run would cost", parameters=("processID",), takes_execute=True, answers={"200": "results"},
    ),
    Operation(
        method="post", path="/processes/{processID}/constraints", id="getConstraints", tag="processes",
        summary="What each input may be, given those in the body", parameters=("processID",), takes_execute=True,
        answers={"200": "constraints"},
    ),
    Operation(
        method="get", path="/jobs", id="getJobs", tag="jobs", summary="The jobs, newest first",
        parameters=("limit", "before", "byProcess", "byStatus", "byType"), answers={"200": "jobList"},
    ),
    Operation(
        method="get", path="/jobs/{jobID}", id="getStatus", tag="jobs",
        summary="The status of a job", parameters=("jobID",), answers={"200": "statusInfo"},
    ),
    Operation(
        method="delete", path="/jobs/{jobID}", id="dismiss", tag="jobs",
        summary="Dismiss a job, or remove its results", parameters=("jobID",), answers={"200": "statusInfo"},
    ),
    Operation(
        method="get", path="/jobs/{jobID}/results", id="getResult", tag="jobs",
        summary="All results of a job", parameters=("jobID", "prefer", "range"), answers=_RESULTS,
    ),
    Operation(
        method="get", path="/jobs/{jobID}/results/{outputID}", id="getResultOutput", tag="jobs",
        summary="One output of a job, raw", parameters=("jobID", "outputID", "range"),
        answers={"200": ANY, "206": ANY, "304": None, "307": None},
    ),
    Operation(
        method="get", path="/jobs/{jobID}/log", id="getLog", tag="jobs",
        summary="What the workers said", parameters=("jobID",), answers={"200": "log"},
    ),
    Operation(
        method="get", path="/jobs/{jobID}/events", id="getEvents", tag="jobs",
        summary="Status and progress as they change, as server-sent events", parameters=("jobID",),
        answers={"200": "text/event-stream", "204": None},
    ),
    Operation(
        method="get", path="/jobs/{jobID}/definition", id="getDefinition", tag="jobs",
        summary="The request as it was understood", parameters=("jobID",), answers={"200": "execute"},
    ),
    Operation(
        method="get", path="/jobs/{jobID}/inputs", id="getInputs", tag="jobs",
        summary="The same as the definition", parameters=("jobID",), answers={"200": "execute"},
    ),
    Operation(
        method="get", path="/centres", id="getCentres", tag="centres",
        summary="The centres of the federation", answers={"200": "centreList"},
    ),
    Operation(
        method="get", path="/centres/{centreID}", id="getCentre", tag="centres",
        summary="One centre", parameters=("centreID",), answers={"200": "centre"},
    ),
    Operation(method="get", path="/health", id="getHealth", tag="health", summary="How the service is", answers={"200": "health"}),
    Operation(
        method="get", path="/health/live", id="getLive", tag="health",
        summary="Whether the server answers", answers={"200": "health"},
    ),
    Operation(
        method="get", path="/health/ready", id="getReady", tag="health",
        summary="Whether the service can work", answers={"200": "health", "503": "health"},
    ),
)  # fmt: skip


def add_operations(document: dict[str, Any]) -> dict[str, Any]:
    """Give a document with our operations in place of whatever it had for these paths."""
    ours: dict[str, dict[str, Any]] = {}
    for operation in OPERATIONS:
        ours.setdefault(operation.path, {})[operation.method] = _render(operation)
    foreign = {path: item for path, item in document["paths"].items() if not path.startswith(("/processes", "/jobs"))}
    components = document.get("components", {})
    tags = [tag for tag in document.get("tags", []) if tag["name"] not in _TAGS]
    return document | {
        "paths": foreign | ours,
        "tags": tags + [{"name": name} for name in _TAGS],
        "components": components
        | {
            "schemas": components.get("schemas", {}) | SCHEMAS,
            "parameters": components.get("parameters", {}) | PARAMETERS,
        },
    }


_TAGS = tuple(dict.fromkeys(operation.tag for operation in OPERATIONS))


def _render(operation: Operation) -> dict[str, Any]:
    rendered: dict[str, Any] = {
        "operationId": operation.id,
        "summary": operation.summary,
        "tags": [operation.tag],
        "parameters": [{"$ref": f"#/components/parameters/{name}"} for name in operation.parameters],
        "responses": {status: _answer(status, kind) for status, kind in operation.answers.items()}
        | {"default": _answer("default", PROBLEM)},
    }
    if operation.takes_execute:
        rendered["requestBody"] = {"required": True, "content": {"application/json": {"schema": _ref("execute")}}}
    return rendered


def _answer(status: str, kind: str | None) -> dict[str, Any]:
    words = {"default": "What went wrong", "201": "The job that makes the results", "304": "Not modified"}
    described: dict[str, Any] = {"description": words.get(status, "The answer")}
    if kind == ANY:
        described["content"] = {ANY: {"schema": {"type": "string", "format": "binary"}}}
    elif kind is not None and "/" in kind:
        described["content"] = {kind: {"schema": {"type": "string"}}}
    elif kind is not None:
        described["content"] = {"application/json": {"schema": _ref(kind)}}
    return described
