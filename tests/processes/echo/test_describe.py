"""Echo is declared exactly as the official suite needs it."""

import math

from gaia_processes.echo.describe import ECHO, Inputs
from gaia_processes.inputs.schema import input_schemas
from gaia_processes.reading import read_inputs


def test_the_message_comes_first_and_alone_is_required() -> None:
    assert list(Inputs.model_fields) == ["message", "pause", "values", "area"]
    assert [name for name, field in Inputs.model_fields.items() if field.is_required()] == ["message"]


def test_the_message_is_plain_text() -> None:
    assert input_schemas(Inputs)["message"] == {"type": "string"}


def test_the_array_is_of_whole_numbers() -> None:
    assert input_schemas(Inputs)["values"] == {"type": "array", "items": {"type": "integer"}}


def test_the_box_says_first_what_it_is() -> None:
    first, second = input_schemas(Inputs)["area"]["allOf"]
    assert first == {"format": "ogc-bbox"}
    assert second["type"] == "object"


def test_the_requests_of_the_official_suite_are_right() -> None:
    crs = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
    read_inputs(ECHO, {"message": "teststring"})
    read_inputs(ECHO, {"message": "teststring", "values": [1, 2, 3]})
    read_inputs(ECHO, {"message": "teststring", "area": {"bbox": [51.9, 7, 52, 7.1], "crs": crs}})
    read_inputs(ECHO, {"message": "teststring", "pause": 5})


def test_a_pause_is_what_it_costs() -> None:
    assert ECHO.estimate(Inputs(message="m", pause=3), None).seconds == 3
    assert ECHO.estimate(Inputs(message="m"), None).seconds == 0


def test_a_pause_is_waited_for_again() -> None:
    assert ECHO.reuse_s(Inputs(message="x")) == math.inf
    assert ECHO.reuse_s(Inputs(message="x", pause=5)) == 10
