"""Whatever is told as JSON is told as a page too, with all its links, in both languages, naming no outside host."""

import re
from dataclasses import replace
from html.parser import HTMLParser
from urllib.parse import urljoin

import pytest

from gaia_config.catalogue import publish
from gaia_server.operations import OPERATIONS
from gaia_server.pages.page import TEMPLATES
from gaia_workers.contract import Words

NEEDING_MORE = ("getCollection", "executeByLink")
"""They answer only where there is such a collection, or inputs in the link."""
PAGES = [
    each
    for each in OPERATIONS
    if each.method == "get" and 200 in each.answers and each.answers[200].page and each.id not in NEEDING_MORE
]
WITHOUT_LINKS = ("getOpenapi", "getApi")
"""Link objects in the OpenAPI document are examples."""


class Reader(HTMLParser):
    """What a browser would see of a page."""

    def __init__(self):
        super().__init__()
        self.links, self.loaded, self.inline = set(), set(), []
        self._script = False

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        if tag == "a":
            self.links.add(given.get("href"))
        if tag in ("script", "img", "image", "iframe", "object", "source", "video"):
            self.loaded.add(given.get("src") or given.get("href"))
        if tag == "link" and given.get("rel") in ("stylesheet", "icon", "modulepreload", "preload"):
            self.loaded.add(given.get("href"))
        self._script = tag == "script"
        self.inline += [name for name in given if name.startswith("on") or name == "style"]
        self.inline += ["style"] if tag == "style" else []

    def handle_data(self, data):
        if self._script and data.strip():
            self.inline.append(data)

    def handle_endtag(self, tag):
        self._script = False


@pytest.fixture
def address_of(client, desk):
    """Fill in the path of an operation with what there is."""
    job = desk.finish(desk.accept("message"), message=b"hello")
    ids = {
        "processID": "subset", "jobID": job.id, "outputID": "message", "centreID": "theia", "collectionID": "tas-monthly",
        "tileMatrixSetID": "WebMercatorQuad", "uploadID": client.post("/uploads", data=b"CDF\x01").get_json()["uploadID"],
    }  # fmt: skip
    return lambda operation: re.sub(r"\{(\w+)\}", lambda found: ids[found[1]], operation.path)


def read(client, address, language="en"):
    answer = client.get(address, headers={"Accept": "text/html", "Accept-Language": language})
    assert (answer.status_code, answer.mimetype) == (200, "text/html"), address
    reader = Reader()
    reader.feed(answer.get_data(as_text=True))
    return reader


def links_of(document):
    """All link objects, however deep."""
    if isinstance(document, dict):
        own = [document["href"]] if "href" in document and "rel" in document else []
        return own + [href for each in document.values() for href in links_of(each)]
    return [href for each in document for href in links_of(each)] if isinstance(document, list) else []


@pytest.mark.slow
@pytest.mark.parametrize(
    "operation", [each for each in PAGES if each.id not in WITHOUT_LINKS], ids=lambda each: each.id
)
def test_a_page_holds_every_link_of_its_document(client, address_of, settings, operation):
    address = address_of(operation)
    told = {href for href in links_of(client.get(address).get_json()) if "f=" not in href}
    assert told <= {urljoin(settings.public_url, href) for href in read(client, address).links}


@pytest.mark.slow
@pytest.mark.parametrize("operation", PAGES, ids=lambda each: each.id)
def test_a_page_loads_nothing_from_elsewhere_and_has_nothing_inline(client, address_of, operation):
    page = read(client, address_of(operation))
    assert page.inline == []
    assert page.loaded
    assert all(each.startswith("/api/") for each in page.loaded)


@pytest.mark.slow
@pytest.mark.parametrize("operation", PAGES, ids=lambda each: each.id)
def test_a_page_is_there_in_french(client, address_of, operation):
    answer = client.get(address_of(operation), headers={"Accept": "text/html", "Accept-Language": "fr"})
    assert answer.headers["Content-Language"].startswith("fr")
    assert "Aller au contenu" in answer.get_data(as_text=True)


def test_every_template_of_pygeoapi_that_names_an_outside_host_is_overridden():
    from pygeoapi.util import TEMPLATESDIR

    naming = {
        path.relative_to(TEMPLATESDIR)
        for path in TEMPLATESDIR.rglob("*.html")
        if re.search(r"https?://", path.read_text(encoding="utf-8"))
    }
    assert len(naming) > 10
    assert [str(path) for path in naming if not (TEMPLATES / path).is_file()] == []


def test_no_template_or_asset_of_ours_names_an_outside_host():
    files = [path for path in TEMPLATES.parent.rglob("*") if path.suffix in (".html", ".css", ".js", ".svg")]
    allowed = "http://www.w3.org/2000/svg"
    found = {
        str(path.relative_to(TEMPLATES.parent)): hosts
        for path in files
        if (hosts := re.findall(r"https?://[\w.]+[^\s\"'<>)]*", path.read_text(encoding="utf-8").replace(allowed, "")))
    }
    assert found == {}


@pytest.mark.parametrize(
    "address",
    [
        "/processes?q=%3Cscript%3Ealert(1)%3C/script%3E",
        "/processes/%3Cscript%3Ealert(1)%3C%2Fscript%3E",
        "/processes/echo?message=%22%3E%3Cscript%3Ealert(1)%3C/script%3E&values=%3Cscript%3Ealert(1)%3C/script%3E",
        "/centres/%3Cscript%3Ealert(1)%3C%2Fscript%3E",
        "/collections/%3Cscript%3Ealert(1)%3C%2Fscript%3E",
        "/processes?limit=%3Cscript%3Ealert(1)%3C/script%3E",
        "/nothing?x=%22%3E%3Cscript%3Ealert(1)%3C/script%3E",
    ],
)
def test_what_a_visitor_writes_is_never_markup(client, address):
    text = client.get(address, headers={"Accept": "text/html"}).get_data(as_text=True)
    assert "<!doctype html>" in text
    assert "<script>alert" not in text


HOSTILE = "</option></select><script>alert(1)</script><img src=x onerror=alert(1)>"


def test_what_a_catalogue_writes_is_never_markup(client, services, centres, monkeypatch):
    dataset = replace(services.federation.datasets()[0], title=HOSTILE, id="evil")
    publish(centres["theia"], dataset)
    monkeypatch.setattr("gaia_config.catalogue.LOOK_AGAIN_S", 0.0)
    for address in ("/processes/subset", "/processes/subset?dataset=evil", "/centres/theia", "/openapi"):
        page = read(client, address)
        assert page.inline == []
        assert "x" not in page.loaded, address


def test_what_a_worker_writes_is_never_markup(client, desk):
    job = desk.accept("message", reason=Words(en=HOSTILE, fr=HOSTILE))
    for address in (f"/jobs/{job.id}", "/jobs", f"/jobs/{job.id}/log"):
        assert read(client, address).inline == []
