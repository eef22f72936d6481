import pytest
from flask import Flask, request

from gaia_processes.formats import JSON, NETCDF, TEXT
from gaia_server.negotiation import AcceptRepair, accepted_format, language_of, names_media_type, wants_html, wants_json


def asking(path: str = "/", **headers: str):
    return Flask("test").test_request_context(
        path, headers={name.replace("_", "-"): value for name, value in headers.items()}
    )


@pytest.mark.parametrize(
    ("accept_language", "language"),
    [
        ("", "en"),
        ("fr", "fr"),
        ("fr-CA, en;q=0.5", "fr"),
        ("de, fr;q=0.4", "fr"),
        ("de", "en"),
        ("en, fr", "en"),
        ("*", "en"),
    ],
)
def test_the_language_follows_accept_language(accept_language, language):
    with asking(Accept_Language=accept_language):
        assert language_of(request) == language


def test_the_query_outweighs_the_header():
    with asking("/?lang=fr-FR", Accept_Language="en"):
        assert language_of(request) == "fr"


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("application/json", True),
        ("application/json;q=0", False),
        ("*/*", False),
        ("application/*", False),
        ("", False),
    ],
)
def test_only_a_media_type_by_its_name_is_named(accept, expected):
    with asking(Accept=accept):
        assert names_media_type(request, "application/json") is expected


@pytest.mark.parametrize("form", ["json", "JSON", "application/json"])
def test_f_json_asks_for_json(form):
    with asking(f"/?f={form}", Accept="text/html"):
        assert wants_json(request)
        assert not wants_html(request)


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        pytest.param("*/*", NETCDF, id="a wildcard: the default"),
        pytest.param("application/json", JSON, id="by name"),
        pytest.param("application/netcdf, application/json", NETCDF, id="by another name, and first"),
        pytest.param("text/plain;q=0.3, application/json;q=0.9", JSON, id="the better liked"),
        pytest.param("image/png", NETCDF, id="none of them: the default, never a refusal"),
        pytest.param("text/plain;q=0", NETCDF, id="not liked at all"),
    ],
)
def test_accept_chooses_the_format(accept, expected):
    with asking(Accept=accept):
        assert accepted_format(request, (NETCDF, TEXT, JSON)) is expected


@pytest.mark.parametrize(
    ("sent", "seen"),
    [
        ("/*", "application/json, */*;q=0.1"),
        ("text/html, /*;q=0.5", "application/json, */*;q=0.1"),
        ("*/*", "*/*"),
        ('application/json; charset=utf-8, text/html;charset="UTF-8";q=0.5', "application/json, text/html;q=0.5"),
        ("text/html", "text/html"),
    ],
)
def test_the_literal_that_wrappers_send_is_rewritten(sent, seen):
    environ = {"HTTP_ACCEPT": sent}
    AcceptRepair(lambda environ, start_response: [])(environ, lambda *_: None)
    assert environ["HTTP_ACCEPT"] == seen
