import json
import time

import pytest
from flask import Flask, request
from gunicorn.http.errors import InvalidChunkSize
from hypothesis import given
from hypothesis import strategies as st

from gaia_config.settings import Settings
from gaia_server.bodies import DRAIN_BYTES, TimedInput, parse_json, read_object
from gaia_server.errors import BadJson, BodyTooLarge, BodyTooSlow, WrongMediaType

JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**15), 10**15)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


def nested(depth: int) -> bytes:
    return b"[" * depth + b"]" * depth


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(nested(65), id="65 deep"),
        pytest.param(nested(5_000), id="5,000 deep"),
        pytest.param(nested(100_000), id="100,000 deep"),
        pytest.param(b'{"a":' * 70 + b"1" + b"}" * 70, id="objects 70 deep"),
        pytest.param(b"[" * 100_000, id="never closed"),
        pytest.param(b'{"a": NaN}', id="NaN"),
        pytest.param(b'{"a": Infinity}', id="infinity"),
        pytest.param(b'{"a": -Infinity}', id="minus infinity"),
        pytest.param(b'{"a": 1e999}', id="too large for a float"),
        pytest.param(b'{"a": ' + b"9" * 5000 + b"}", id="an integer of 5,000 digits"),
        pytest.param(b'{"a": 1, "a": 2}', id="a member twice"),
        pytest.param(b'{"a": {"b": 1, "b": 1}}', id="a member twice, inside"),
        pytest.param(b"\xef\xbb\xbf{}", id="byte-order mark"),
        pytest.param(b'{"a": "\xff"}', id="not UTF-8"),
        pytest.param(b'{"a": "\\ud800"}', id="half a surrogate pair"),
        pytest.param(b'{"a": "unterminated}', id="a string without end"),
        pytest.param(b'"\\"' * 50_000, id="quotes that never close"),
        pytest.param(b"{'a': 1}", id="single quotes"),
        pytest.param(b"", id="nothing"),
        pytest.param(json.dumps({str(n): n for n in range(10_001)}).encode(), id="10,001 members"),
        pytest.param(b'{"a": "' + b"x" * 1_000_001 + b'"}', id="a string of more than 1 MB"),
    ],
)
def test_hostile_json_is_refused_and_fast(content):
    began = time.monotonic()
    with pytest.raises(BadJson):
        parse_json(content, max_depth=64)
    assert time.monotonic() - began < 1


@pytest.mark.parametrize(
    ("content", "value"),
    [
        pytest.param(b'{"a": [1, 2.5, "\xc3\xa9"]}', {"a": [1, 2.5, "é"]}, id="plain"),
        pytest.param(b'{"a": "[[[[\\"]]"}', {"a": '[[[["]]'}, id="brackets and quotes inside a string"),
        pytest.param(b'{"a\\\\": "\\\\"}', {"a\\": "\\"}, id="backslashes"),
        pytest.param(b'{"a": "\\ud83c\\udf0d"}', {"a": "\N{EARTH GLOBE EUROPE-AFRICA}"}, id="a whole surrogate pair"),
        pytest.param(nested(64), json.loads(nested(64)), id="as deep as allowed"),
    ],
)
def test_good_json_is_read(content, value):
    assert parse_json(content, max_depth=64) == value


@given(JSON_VALUES)
def test_whatever_json_writes_is_read_back(value):
    assert parse_json(json.dumps(value).encode(), max_depth=64) == value


def test_two_megabytes_of_tiny_lists_are_looked_at_quickly():
    content = b"[" + b"[]," * 680_000 + b"[]]"
    began = time.process_time()
    parse_json(content, max_depth=64)
    assert time.process_time() - began < 1


@pytest.fixture
def read(settings: Settings):
    def read(**wsgi):
        with Flask("test").test_request_context("/", method="POST", **wsgi):
            return read_object(request, settings)

    return read


def test_an_object_is_read(read):
    assert read(data=b'{"inputs": {}}', content_type="application/json; charset=UTF-8") == {"inputs": {}}


def test_no_body_at_all_is_an_empty_object(read):
    assert read() == {}


@pytest.mark.parametrize("content", [b"[1]", b"null", b'""', b"3", b"   "])
def test_another_value_than_an_object_is_refused(read, content):
    with pytest.raises(BadJson):
        read(data=content, content_type="application/json")


@pytest.mark.parametrize(
    "headers",
    [
        {"content_type": "text/plain"},
        {"content_type": "application/x-www-form-urlencoded"},
        {"content_type": "application/geo+json"},
        {"content_type": "application/json; charset=latin-1"},
        {"content_type": "application/json", "headers": {"Content-Encoding": "gzip"}},
        {},
    ],
)
def test_another_media_type_or_encoding_is_refused(read, headers):
    with pytest.raises(WrongMediaType):
        read(data=b"{}", **headers)


def test_a_body_that_says_it_is_too_large_is_refused(read):
    with pytest.raises(BodyTooLarge):
        read(data=b" " * (2 * 2**20 + 1), content_type="application/json")


def test_a_body_that_does_not_say_how_large_it_is_is_refused_as_well(read):
    class Endless:
        taken = 0

        def read(self, size=-1):
            self.taken += size
            return b" " * size

    endless = Endless()
    environ = {"wsgi.input": endless, "wsgi.input_terminated": True, "HTTP_TRANSFER_ENCODING": "chunked"}
    with pytest.raises(BodyTooLarge):
        read(content_type="application/json", environ_overrides=environ)
    assert endless.taken < 3 * 2**20


def test_a_body_that_drips_is_given_up():
    class Dripping:
        def read(self, size=-1):
            time.sleep(0.02)
            return b"x"

    slow = TimedInput(Dripping(), 0.05)
    with pytest.raises(BodyTooSlow):
        b"".join(iter(lambda: slow.read(1), b""))


class Counting:
    """A body that goes on for ever, or breaks."""

    def __init__(self, broken: Exception | None = None) -> None:
        self.taken = 0
        self.broken = broken

    def read(self, size=-1):
        self.taken += size
        if self.broken is not None:
            raise self.broken
        return b" " * size


def test_what_is_left_of_a_refused_body_is_read_up_to_a_limit():
    endless = Counting()
    TimedInput(endless, 30).drain()
    assert endless.taken == DRAIN_BYTES


@pytest.mark.parametrize("broken", [ConnectionResetError(), InvalidChunkSize(b"x")])
def test_a_broken_body_is_refused_and_drained_no_further(read, broken):
    environ = {"wsgi.input": Counting(broken), "wsgi.input_terminated": True, "HTTP_TRANSFER_ENCODING": "chunked"}
    with pytest.raises(BadJson, match="ended before"):
        read(content_type="application/json", environ_overrides=environ)
    TimedInput(Counting(broken), 30).drain()
