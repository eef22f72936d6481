import json
import os
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest
import yaml

from gaia_server.app import make_app
from gaia_server.front import CONFORMANCE, import_front, pygeoapi_configuration

REL = "http://www.opengis.net/def/rel/ogc/1.0/"
CONF = "http://www.opengis.net/spec/ogcapi-processes-1/1.0/conf/"


def test_the_landing_page_links_everything_that_the_standard_wants(client):
    rels = {link["rel"]: link for link in client.get("/").get_json()["links"]}
    assert {"service-desc", "conformance", REL + "processes", REL + "job-list"} <= set(rels)
    assert rels[REL + "processes"]["href"] == "https://gaia.test/api/processes"
    assert rels[REL + "job-list"]["href"].startswith("https://gaia.test/api/jobs")
    assert all({"href", "type"} <= set(link) for link in rels.values())


@pytest.mark.parametrize("path", ["/", "/conformance"])
@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        ("application/json;q=0, text/html", "text/html"),
        ("text/*", "text/html"),
        ("application/*", "application/json"),
        ("text/html;q=0.1, application/json;q=0.9", "application/json"),
        ("application/ld+json", "application/ld+json"),
        ("application/xml", "application/json"),
        ("application/json; charset=utf-8", "application/json"),
    ],
)
def test_the_front_reads_accept_as_everything_here_does(client, path, accept, media_type):
    answer = client.get(path, headers={"Accept": accept})
    assert (answer.status_code, answer.mimetype) == (200, media_type)


def test_the_tilings_link_themselves_by_the_address_that_they_have(client):
    for link in client.get("/TileMatrixSets?f=json").get_json()["links"]:
        assert client.get(link["href"].removeprefix("https://gaia.test/api")).status_code == 200


def test_the_landing_page_speaks_french(client):
    assert "calcul" in client.get("/", headers={"Accept-Language": "fr"}).get_json()["title"]


def test_the_templates_of_a_page_are_compiled_once(client, monkeypatch):
    page = client.get("/?f=html").data
    monkeypatch.delattr("jinja2.Environment.compile")
    assert client.get("/?f=html").data == page


def test_every_page_that_is_linked_as_json_is_there(client):
    for link in client.get("/").get_json()["links"]:
        if "json" in link["type"]:
            assert client.get(link["href"].removeprefix("https://gaia.test/api") or "/").status_code == 200, link


def test_only_what_is_true_is_declared(client):
    declared = set(client.get("/conformance").get_json()["conformsTo"])
    assert declared == set(CONFORMANCE)
    assert CONF + "core" in declared  # which others are true is held by the table (conformance/test_table.py)


def test_the_configuration_is_one_that_pygeoapi_takes_and_finds(client, settings):
    from pygeoapi.config import validate_config

    assert validate_config(pygeoapi_configuration(settings))
    import_front(settings)
    assert yaml.safe_load(Path(os.environ["PYGEOAPI_CONFIG"]).read_text())["server"]["url"] == settings.public_url


def test_two_applications_each_have_their_own(client, services):
    there = services.settings.model_copy(update={"public_url": "https://elsewhere.test"})
    elsewhere = make_app(replace(services, settings=there)).test_client()
    for each, url in ((client, "https://gaia.test/api"), (elsewhere, "https://elsewhere.test")):
        links = {link["rel"]: link["href"] for link in each.get("/").get_json()["links"]}
        assert links["service-desc"] == f"{url}/openapi"


def test_no_version_is_told(client):
    for path in ("/", "/collections", "/collections/nothing", "/processes"):
        assert "X-Powered-By" not in client.get(path).headers


@pytest.mark.slow
@pytest.mark.parametrize("path", ["/openapi", "/api"])
def test_the_openapi_document_is_valid(client, path):
    from pygeoapi.openapi import validate_openapi_document

    answer = client.get(path)
    assert answer.headers["Content-Type"] == "application/vnd.oai.openapi+json;version=3.0"
    try:
        assert validate_openapi_document(json.loads(answer.data))
    except jsonschema.ValidationError as error:
        pytest.fail(error.message)


def test_pygeoapis_static_files_are_served(client):
    with client.get("/static/img/logo.png") as answer:
        assert (answer.status_code, answer.mimetype) == (200, "image/png")


def test_a_problem_of_pygeoapi_is_told_like_ours(client):
    told = client.get("/collections/nothing/items").get_json()
    assert (told["type"], told["detail"]) == ("https://gaia-data.org/errors/not-found", "Collection not found")
