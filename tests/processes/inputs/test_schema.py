"""Schemas of inputs that every reader understands."""

from typing import Annotated, Any, Literal

import jsonschema
import pytest
from openapi_schema_validator import OAS30Validator
from pydantic import BaseModel, Field

from gaia_processes.catalogue import CATALOGUE
from gaia_processes.inputs.number import Number
from gaia_processes.inputs.schema import input_schemas


class Corner(BaseModel):
    """A model inside."""

    x: Annotated[float, Field(ge=0)] | None = None
    title: str = "corner"


class Inputs(BaseModel):
    """One input of each kind."""

    plain: str
    share: Annotated[Number, Field(ge=0, le=1)] | None = None
    choice: Literal["a", "b"] = "a"
    single: Literal["only"] = "only"
    many: tuple[Literal["x", "y"], ...] = ("x",)
    either: int | str = 3
    corner: Corner | None = None
    above: Annotated[float, Field(gt=0)] = 1
    between: Annotated[Number, Field(gt=0, lt=1)] | None = None
    pair: tuple[int, int] | None = None
    mixed: tuple[int, str] | None = None
    corners: tuple[Corner, ...] | None = None
    named: dict[str, Corner] | None = None
    shown: str | None = Field(None, examples=["this"])


CORNER = {
    "type": "object",
    "properties": {"x": {"type": "number", "minimum": 0}, "title": {"type": "string", "default": "corner"}},
}


@pytest.mark.parametrize(
    ("name", "schema"),
    [
        ("plain", {"type": "string"}),
        ("share", {"type": "number", "minimum": 0, "maximum": 1}),
        ("choice", {"type": "string", "enum": ["a", "b"], "default": "a"}),
        ("single", {"type": "string", "enum": ["only"], "default": "only"}),
        ("many", {"type": "array", "items": {"type": "string", "enum": ["x", "y"]}, "default": ["x"]}),
        ("either", {"oneOf": [{"type": "integer"}, {"type": "string"}], "default": 3}),
        ("above", {"type": "number", "minimum": 0, "not": {"enum": [0]}, "default": 1}),
        ("between", {"type": "number", "minimum": 0, "maximum": 1, "not": {"enum": [0, 1]}}),
        ("pair", {"type": "array", "items": {"type": "integer"}, "minItems": 2, "maxItems": 2}),
        (
            "mixed",
            {
                "type": "array",
                "items": {"oneOf": [{"type": "integer"}, {"type": "string"}]},
                "minItems": 2,
                "maxItems": 2,
            },
        ),
        ("corner", CORNER),
        ("corners", {"type": "array", "items": CORNER}),
        ("named", {"type": "object", "additionalProperties": CORNER}),
        ("shown", {"type": "string", "example": "this"}),
    ],
)
def test_a_schema_says_what_is_right_and_nothing_else(name: str, schema: dict[str, Any]) -> None:
    assert input_schemas(Inputs)[name] == schema


def test_inputs_stand_in_the_order_of_their_declaration() -> None:
    assert list(input_schemas(Inputs)) == list(Inputs.model_fields)


@pytest.mark.parametrize("name", Inputs.model_fields)
@pytest.mark.parametrize("value", [0, 0.5, 1, 1.5, [1, 2], [1], {"x": -1}, {"x": None}, [{"x": 1}], "a", "only", None])
def test_readers_of_openapi_and_of_json_schema_judge_alike(name: str, value: object) -> None:
    schema = input_schemas(Inputs)[name]
    openapi, plain = OAS30Validator(schema), jsonschema.Draft202012Validator(schema)
    openapi.check_schema(schema)
    plain.check_schema(schema)
    assert openapi.is_valid(value) == plain.is_valid(value)


@pytest.mark.parametrize("process", CATALOGUE, ids=lambda process: process.id)
def test_plain_json_schema_reads_them_too(process: Any) -> None:
    for schema in input_schemas(process.inputs).values():
        jsonschema.Draft202012Validator.check_schema(schema)
