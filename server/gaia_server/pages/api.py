"""The OpenAPI document as a page: its operations, with all references followed."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import reduce
from typing import Any

from flask import Response, request

from gaia_server.negotiation import language_of
from gaia_server.pages.page import render_page
from gaia_server.pages.words import translate

METHODS = ("get", "put", "post", "delete", "patch", "options", "head")


@dataclass(frozen=True, kw_only=True, slots=True)
class OperationView:
    """An operation of the OpenAPI document, with its references followed."""

    id: str
    tag: str
    method: str
    path: str
    summary: str
    description: str
    parameters: tuple[Mapping[str, Any], ...]
    body: tuple[tuple[str, Any], ...]
    answers: tuple[tuple[str, Mapping[str, Any]], ...]


def render_api(document: Mapping[str, Any]) -> Response:
    """Show an OpenAPI document."""
    data = {"document": document, "operations": operations_by_tag(document)}
    return render_page("openapi/swagger.html", data, title=translate("The API", language_of(request)))


def operations_by_tag(document: Mapping[str, Any]) -> tuple[tuple[str, tuple[OperationView, ...]], ...]:
    """Give the operations of a document by their tag, in the order in which the document names the tags."""
    found: dict[str, list[OperationView]] = {tag["name"]: [] for tag in document.get("tags", ())}
    for each in _operations(document):
        found.setdefault(each.tag, []).append(each)
    return tuple((tag, tuple(operations)) for tag, operations in found.items() if operations)


def _operations(document: Mapping[str, Any]) -> list[OperationView]:
    return [
        _view(document, path, method, item)
        for path, item in document["paths"].items()
        for method in METHODS
        if method in item
    ]


def _view(document: Mapping[str, Any], path: str, method: str, item: Mapping[str, Any]) -> OperationView:
    operation = item[method]
    parameters = [*item.get("parameters", ()), *operation.get("parameters", ())]
    content = _follow(document, operation.get("requestBody", {})).get("content", {})
    return OperationView(
        id=operation.get("operationId", f"{method}{path}"),
        tag=next(iter(operation.get("tags", ())), "api"),
        method=method,
        path=path,
        summary=operation.get("summary", ""),
        description=operation.get("description", ""),
        parameters=tuple(_follow(document, each) for each in parameters),
        body=tuple((name, _follow(document, each.get("schema", {}))) for name, each in content.items()),
        answers=tuple((status, _follow(document, each)) for status, each in operation["responses"].items()),
    )


def _follow(document: Mapping[str, Any], value: Mapping[str, Any]) -> Mapping[str, Any]:
    """Find what a reference inside of the document names; one to another document stays as it is."""
    name = value.get("$ref", "")
    if not name.startswith("#/"):
        return value
    steps = [step.replace("~1", "/").replace("~0", "~") for step in name[2:].split("/")]
    found: Mapping[str, Any] = reduce(lambda inside, step: inside.get(step, {}), steps, document)
    return found
