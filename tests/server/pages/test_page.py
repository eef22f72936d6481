"""What holds for every page."""

import re

import pytest

from gaia_server.pages.protection import POLICY

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
PAGES = ("/", "/conformance", "/collections", "/TileMatrixSets", "/nothing", "/collections/nothing")


def test_a_browser_gets_a_page_and_a_program_gets_json(client):
    assert client.get("/conformance", headers={"Accept": BROWSER}).mimetype == "text/html"
    assert client.get("/conformance?f=html").mimetype == "text/html"
    for accept in ("*/*", "", "application/json", "application/json, text/html;q=0.5", "/*"):
        assert client.get("/conformance", headers={"Accept": accept}).mimetype == "application/json", accept


@pytest.mark.parametrize("path", PAGES)
def test_a_page_says_what_a_browser_shall_keep_to(client, path):
    answer = client.get(path, headers={"Accept": BROWSER})
    assert answer.mimetype == "text/html"
    assert answer.headers["Content-Security-Policy"] == POLICY
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] == "same-origin"
    assert {"Accept", "Accept-Language"} <= set(answer.vary)


def test_the_policy_lets_nothing_inline_and_nothing_from_elsewhere():
    assert "unsafe" not in POLICY
    assert "http" not in POLICY
    assert "frame-ancestors 'none'" in POLICY


def test_a_problem_keeps_its_status_and_lists_all_that_is_wrong(client):
    answer = client.post(
        "/processes/echo/execution",
        json={"inputs": {"colour": "<script>alert(1)</script>", "values": ["x"]}},
        headers={"Accept": BROWSER},
    )
    text = answer.get_data(as_text=True)
    assert (answer.status_code, answer.mimetype) == (400, "text/html")
    assert all(f"<code>/inputs/{pointer}</code>" in text for pointer in ("message", "colour", "values/0"))
    assert "<script>alert" not in text


def test_a_problem_of_pygeoapi_is_a_page_of_ours_with_its_words(client):
    answer = client.get("/collections/nothing/items?f=html")
    assert answer.status_code == 404
    assert "Collection not found" in answer.get_data(as_text=True)


def test_a_page_leads_to_itself_in_the_other_language(client):
    text = client.get("/conformance?f=html&lang=fr").get_data(as_text=True)
    assert '<html lang="fr">' in text
    assert 'href="/api/conformance?f=html&amp;lang=en"' in text
    assert 'href="/api/processes?lang=fr"' in text, "a language that was chosen goes along"
    assert "Aller au contenu" in text


@pytest.mark.parametrize("path", PAGES)
def test_the_assets_that_a_page_names_are_there_and_may_be_kept(client, path):
    text = client.get(path, headers={"Accept": BROWSER}).get_data(as_text=True)
    names = re.findall(r'"/api(/assets/[^"]+)"', text)
    assert names
    for name in names:
        answer = client.get(name)
        assert answer.status_code == 200
        assert "immutable" in answer.headers["Cache-Control"]
        assert client.get(name, headers={"If-None-Match": answer.headers["ETag"]}).status_code == 304


def test_an_asset_of_another_version_is_not_kept(client):
    assert client.get("/assets/older/gaia.css").headers["Cache-Control"] == "no-cache"
    assert client.get("/assets/older/nothing.css").status_code == 404
