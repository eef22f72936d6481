"""Schemas of inputs that every reader understands."""

from typing import Annotated, Any, Literal

import jsonschema
import pytest
from pydantic import BaseModel, Field

from gaia_processes.catalogue import CATALOGUE
from gaia_processes.inputs.number import Number
from gaia_processes.inputs.schema import input_schemas


class Corner(BaseModel):
    """A model inside."""

    x: float


class Inputs(BaseModel):
    """One input of each kind."""

    plain: str
    share: Annotated[Number, Field(ge=0, le=1)] | None = None
    choice: Literal["a", "b"] = "a"
    single: Literal["only"] = "only"
    many: tuple[Literal["x", "y"], ...] = ("x",)
    either: int | str = 3
    corner: Corner | None = None


@pytest.mark.parametrize(
    ("name", "schema"),
    [
        ("plain", {"type": "string"}),
        ("share", {"type": "number", "minimum": 0, "maximum": 1}),
        ("choice", {"type": "string", "enum": ["a", "b"], "default": "a"}),
        ("single", {"type": "string", "enum": ["only"], "default": "only"}),
        ("many", {"type": "array", "items": {"type": "string", "enum": ["x", "y"]}, "default": ["x"]}),
        ("either", {"oneOf": [{"type": "integer"}, {"type": "string"}], "default": 3}),
    ],
)
def test_a_schema_says_what_is_right_and_nothing_else(name: str, schema: dict[str, Any]) -> None:
    assert input_schemas(Inputs)[name] == schema


def test_inputs_stand_in_the_order_of_their_declaration() -> None:
    assert list(input_schemas(Inputs)) == list(Inputs.model_fields)


def test_no_reference_is_left() -> None:
    assert input_schemas(Inputs)["corner"]["type"] == "object"


@pytest.mark.parametrize("process", CATALOGUE, ids=lambda process: process.id)
def test_plain_json_schema_reads_them_too(process: Any) -> None:
    for schema in input_schemas(process.inputs).values():
        jsonschema.Draft202012Validator.check_schema(schema)
