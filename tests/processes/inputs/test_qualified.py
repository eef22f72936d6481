"""Values with their qualifiers, beside the value or nested in `format`."""

import base64
from typing import Any

import pytest

from gaia_processes.catalogue import CATALOGUE, by_id
from gaia_processes.errors import InvalidInputs
from gaia_processes.inputs.bad_value import BadValue
from gaia_processes.inputs.qualified import is_qualified, read_qualified
from gaia_processes.reading import read_inputs

ECHO = by_id(CATALOGUE)["echo"]


def in_base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


@pytest.mark.parametrize(
    ("qualified", "value"),
    [
        ({"value": "x"}, "x"),
        ({"value": [1]}, [1]),
        ({"value": "x", "mediaType": "text/plain"}, "x"),
        ({"value": "x", "mediaType": "Text/Plain; charset=utf-8", "encoding": "UTF-8"}, "x"),
        ({"value": {"type": "Point"}, "mediaType": "application/geo+json", "schema": "https://geojson.org"}, {"type": "Point"}),
        ({"value": "x", "format": {"mediaType": "text/csv", "schema": {}}}, "x"),
        ({"value": "x", "format": None, "mediaType": None}, "x"),
        ({"value": in_base64("hé"), "encoding": "base64"}, "hé"),
        ({"value": in_base64("hé"), "format": {"mediaType": "text/plain", "encoding": "BASE64"}}, "hé"),
        ({"value": in_base64("[1, 2.5]"), "mediaType": "application/json", "encoding": "base64"}, [1, 2.5]),
        ({"value": in_base64("a" * 99)[:60] + "\r\n" + in_base64("a" * 99)[60:], "encoding": "base64"}, "a" * 99),
    ],
)  # fmt: skip
def test_the_value_is_what_its_qualifiers_say(qualified: dict[str, Any], value: object) -> None:
    assert is_qualified(qualified)
    assert read_qualified(qualified) == value


@pytest.mark.parametrize(
    ("qualified", "pointer"),
    [
        ({"value": "x", "mediaType": "image/png"}, "/mediaType"),
        ({"value": "x", "format": {"mediaType": "image/png"}}, "/format/mediaType"),
        ({"value": "x", "mediaType": 3}, "/mediaType"),
        ({"value": "x", "format": "text/plain"}, "/format"),
        ({"value": "x", "encoding": "rot13"}, "/encoding"),
        ({"value": "x", "format": {"encoding": "gzip"}}, "/format/encoding"),
        ({"value": "not base64!", "encoding": "base64"}, "/value"),
        ({"value": 3, "encoding": "base64"}, "/value"),
        ({"value": base64.b64encode(b"\xff").decode(), "encoding": "base64"}, "/value"),
        ({"value": in_base64("{"), "mediaType": "application/json", "encoding": "base64"}, "/value"),
        ({"value": in_base64("[NaN]"), "mediaType": "application/json", "encoding": "base64"}, "/value"),
        ({"value": in_base64("1e999"), "mediaType": "application/json", "encoding": "base64"}, "/value"),
        ({"value": in_base64("[" * 100_000), "mediaType": "application/json", "encoding": "base64"}, "/value"),
    ],
)
def test_a_qualifier_that_is_wrong_is_named(qualified: dict[str, Any], pointer: str) -> None:
    with pytest.raises(BadValue) as caught:
        read_qualified(qualified)
    (fault,) = caught.value.faults
    assert fault.pointer == pointer
    assert fault.problem.en != fault.problem.fr


def test_an_object_with_other_members_is_no_qualified_value() -> None:
    assert not is_qualified({"value": 1, "unit": "K"})
    assert not is_qualified({"mediaType": "text/plain"})
    assert not is_qualified("value")


def test_faults_of_items_and_values_are_said_together_with_their_places() -> None:
    items = [{"value": 1}, {"value": 2, "mediaType": "image/png"}, {"href": "https://data.example.org/x"}]
    with pytest.raises(InvalidInputs) as caught:
        read_inputs(ECHO, {"message": {"value": "eA=", "encoding": "base64"}, "values": items, "pause": ["1", "2"]})
    assert [fault.pointer for fault in caught.value.faults] == [
        "/inputs/message/value",
        "/inputs/values/1/mediaType",
        "/inputs/values/2",
        "/inputs/pause",
    ]
    assert "takes one value; 2 were given" in caught.value.faults[-1].problem.en
