"""The schemas of a process' inputs, in the part of OpenAPI 3.0 that plain JSON Schema readers understand too."""

from copy import deepcopy
from functools import cache
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue

_MADE_BY_PYDANTIC = ("title", "description")
_SAID_OTHERWISE = {"ge": "minimum", "le": "maximum", "gt": "exclusiveMinimum", "lt": "exclusiveMaximum"}
"""Bounds behind a parser of our own, which pydantic leaves as they are."""
_EXCLUSIVE = {"exclusiveMinimum": "minimum", "exclusiveMaximum": "maximum"}


class _AsWritten(GenerateJsonSchema):
    """Keeps the order of members, so that a person reads `type` first."""

    def sort(self, value: JsonSchemaValue, parent_key: str | None = None) -> JsonSchemaValue:  # noqa: ARG002 - pydantic's signature
        return value


def input_schemas(inputs: type[BaseModel]) -> dict[str, dict[str, Any]]:
    """
    Give the schema of every input, in the order of their declaration.

    Parameters
    ----------
    inputs : type of BaseModel
        The inputs of a process.

    Returns
    -------
    dict
        By input: without references, without `null`, with the default where there is one; the caller's own.
    """
    return deepcopy(_made(inputs))


@cache
def _made(inputs: type[BaseModel]) -> dict[str, dict[str, Any]]:
    """Make the schemas once: pydantic needs milliseconds for it, and every request asks for them."""
    whole = inputs.model_json_schema(mode="validation", schema_generator=_AsWritten)
    return {name: _plain(schema, whole.get("$defs", {})) for name, schema in whole["properties"].items()}


def _plain(schema: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    """
    Leave out what only pydantic says, and say the rest so that both kinds of readers understand the same.

    OpenAPI 3.0 and JSON Schema 2020-12 share most words and differ in some: `nullable` against `null`, exclusive bounds that
    are true against ones that are numbers, `prefixItems`, `const`. None of these is used.
    """
    if "$ref" in schema:
        schema = definitions[schema["$ref"].removeprefix("#/$defs/")] | {k: v for k, v in schema.items() if k != "$ref"}
    rest = {
        _SAID_OTHERWISE.get(key, key): value
        for key, value in schema.items()
        if key not in _MADE_BY_PYDANTIC and value is not None
    }
    choices = [_plain(each, definitions) for each in _not_null(rest.pop("anyOf", ()))]
    if len(choices) == 1:
        rest = choices[0] | rest
    elif choices:
        rest["oneOf"] = choices
    if "const" in rest:
        rest["enum"] = [rest.pop("const")]
    if "examples" in rest:
        rest["example"] = rest.pop("examples")[0]
    return _within(_bounded(_of_items(rest)), definitions)


def _bounded(schema: dict[str, Any]) -> dict[str, Any]:
    """Say an exclusive bound as a bound that is not allowed itself."""
    bounds = {name: schema.pop(exclusive) for exclusive, name in _EXCLUSIVE.items() if exclusive in schema}
    return schema | bounds | {"not": {"enum": list(bounds.values())}} if bounds else schema


def _of_items(schema: dict[str, Any]) -> dict[str, Any]:
    """Say items of which each has a schema of its own as items that have one of them."""
    firsts = schema.pop("prefixItems", None)
    if firsts is None:
        return schema
    different = [each for number, each in enumerate(firsts) if each not in firsts[:number]]
    return schema | {"items": different[0] if len(different) == 1 else {"anyOf": different}}


def _within(schema: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    """Do the same to the schemas inside."""
    inner: dict[str, Any] = {}
    for key, value in schema.items():
        if key == "properties":
            inner[key] = {name: _plain(each, definitions) for name, each in value.items()}
        elif key in ("items", "additionalProperties", "not") and isinstance(value, dict):
            inner[key] = _plain(value, definitions)
        elif key == "allOf":
            inner[key] = [_plain(each, definitions) for each in value]
    return schema | inner


def _not_null(choices: Any) -> list[dict[str, Any]]:
    return [choice for choice in choices if choice.get("type") != "null"]
