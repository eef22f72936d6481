import pytest
from flask import Flask, request

from gaia_server.errors import BadQuery
from gaia_server.queries import read_limit, read_names


@pytest.mark.parametrize(
    ("query", "limit"), [("", 100), ("limit=1", 1), ("limit=1000", 1000), ("limit=99999999999999999999", 1000)]
)
def test_a_limit_is_read_and_clamped(query, limit):
    with Flask("test").test_request_context(f"/?{query}"):
        assert read_limit(request, default=100) == limit


@pytest.mark.parametrize("text", ["0", "000", "-1", "1.5", "ten", "", "1e3", "\u0663"])
def test_anything_else_is_refused(text):
    with Flask("test").test_request_context("/", query_string={"limit": text}), pytest.raises(BadQuery):
        read_limit(request, default=100)


def test_names_come_with_commas_or_repeated():
    with Flask("test").test_request_context("/?status=a,b&status=c,,"):
        assert read_names(request, "status") == ("a", "b", "c")


def test_a_name_that_there_is_not_is_refused():
    with (
        Flask("test").test_request_context("/?status=done"),
        pytest.raises(BadQuery, match="'done' is not one of a, b"),
    ):
        read_names(request, "status", ["a", "b"])
