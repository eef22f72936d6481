"""The schemas of a process' inputs, in the part of OpenAPI 3.0 that plain JSON Schema readers understand too."""

from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue

_MADE_BY_PYDANTIC = ("title", "description")
_SAID_OTHERWISE = {"ge": "minimum", "le": "maximum"}
"""Bounds behind a parser of our own, which pydantic leaves as they are."""


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
        By input: without references, without `null`, with the default where there is one.
    """
    whole = inputs.model_json_schema(mode="validation", schema_generator=_AsWritten)
    return {name: _plain(schema, whole.get("$defs", {})) for name, schema in whole["properties"].items()}


def _plain(schema: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    """Leave out what only pydantic says, and say the rest without references or nulls."""
    if "$ref" in schema:
        schema = definitions[schema["$ref"].removeprefix("#/$defs/")] | {k: v for k, v in schema.items() if k != "$ref"}
    inner = _not_null(schema.get("anyOf", ()))
    rest = {
        _SAID_OTHERWISE.get(key, key): value
        for key, value in schema.items()
        if key not in _MADE_BY_PYDANTIC and value is not None
    }
    if len(inner) == 1:
        rest = _plain(inner[0], definitions) | {key: value for key, value in rest.items() if key != "anyOf"}
    elif inner:
        rest["oneOf"] = [_plain(each, definitions) for each in inner]
        del rest["anyOf"]
    if "const" in rest:
        rest["enum"] = [rest.pop("const")]
    if isinstance(rest.get("items"), dict):
        rest["items"] = _plain(rest["items"], definitions)
    return rest


def _not_null(choices: Any) -> list[dict[str, Any]]:
    return [choice for choice in choices if choice.get("type") != "null"]
