from dataclasses import replace

import pytest

from gaia_server.app import make_app

PAGE = {"Origin": "https://portal.example"}
EXPOSED = {
    "Location", "Link", "Preference-Applied", "Content-Disposition", "Content-Location", "Retry-After", "ETag",
    "Repr-Digest", "Gaia-Job",
}  # fmt: skip


def test_any_origin_may_read_without_credentials(client):
    answer = client.get("/processes", headers=PAGE)
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert "Access-Control-Allow-Credentials" not in answer.headers
    assert set(answer.headers["Access-Control-Expose-Headers"].split(", ")) == EXPOSED


def test_problems_may_be_read_too(client):
    assert client.get("/nothing", headers=PAGE).headers["Access-Control-Allow-Origin"] == "*"
    assert client.get("/collections/nothing", headers=PAGE).headers["Access-Control-Allow-Origin"] == "*"


def test_a_preflight_is_answered(client):
    asked = {
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "content-type,prefer,authorization",
    }
    answer = client.options("/processes/echo/execution", headers=PAGE | asked)
    assert (answer.status_code, answer.data) == (204, b"")
    assert answer.headers["Access-Control-Allow-Headers"] == "content-type,prefer,authorization"
    assert {"POST", "DELETE", "GET"} <= set(answer.headers["Access-Control-Allow-Methods"].split(", "))


def test_header_names_that_are_none_are_not_given_back(client):
    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "a b<script>"}
    assert "Access-Control-Allow-Headers" not in client.options("/jobs", headers=PAGE | asked).headers


def test_options_says_what_an_address_takes(client):
    assert client.options("/jobs/x").headers["Allow"] == "DELETE, GET, HEAD, OPTIONS"


@pytest.fixture
def portal(services):
    """A client of a server that lets one portal act for its users."""
    settings = services.settings.model_copy(update={"credential_origins": ("https://portal.example",)})
    return make_app(replace(services, settings=settings)).test_client()


def test_a_listed_origin_may_read_with_credentials(portal):
    for answer in (
        portal.get("/jobs", headers=PAGE),
        portal.get("/nothing", headers=PAGE),
        portal.options("/jobs", headers=PAGE),
    ):
        assert answer.headers["Access-Control-Allow-Origin"] == "https://portal.example"
        assert answer.headers["Access-Control-Allow-Credentials"] == "true"
        assert "Origin" in answer.headers["Vary"]


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "https://portal.example.evil", "http://portal.example", "null", ""]
)
def test_any_other_origin_may_not(portal, origin):
    answer = portal.get("/jobs", headers={"Origin": origin})
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert "Access-Control-Allow-Credentials" not in answer.headers
    assert "Origin" in answer.headers["Vary"]


def test_every_answer_of_every_route_may_be_read_and_asked_for(app, client):
    for rule in app.url_map.iter_rules():
        path = rule.rule.replace("<", "").replace(">", "").replace(":", "")
        asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"}
        answer = client.options(path, headers=PAGE | asked)
        assert (answer.status_code, answer.headers["Access-Control-Allow-Headers"]) == (204, "authorization"), path
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        assert set(answer.headers["Access-Control-Expose-Headers"].split(", ")) == EXPOSED
