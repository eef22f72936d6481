"""
What pygeoapi does for us: landing page, conformance, collections, STAC, the OpenAPI document, and their HTML.

It reads its configuration from files that environment variables name when it is imported, so both are made here first.
Its own `/processes` and `/jobs` are never reached: our routes stand before them.
"""

import json
import os
from functools import cache, partial
from html import unescape
from http import HTTPStatus
from pathlib import Path
from types import CodeType
from typing import Any, cast

import yaml
from flask import Blueprint, Response, current_app, request
from jinja2 import BytecodeCache, Environment
from jinja2.bccache import Bucket
from werkzeug.datastructures import Headers
from werkzeug.local import LocalProxy

from gaia_config.files import write_whole
from gaia_config.settings import Settings
from gaia_processes.process import Process
from gaia_processes.text import Text
from gaia_server.negotiation import HTML, JSON
from gaia_server.openapi import make_head
from gaia_server.pages import here, land, page
from gaia_server.pages.assets import Assets, read_assets
from gaia_server.pages.examples import DATASET
from gaia_server.pages.here import Here, make_place
from gaia_server.pages.messages import write_messages
from gaia_server.pages.page import TEMPLATES, open_pages
from gaia_server.problems import PROBLEMS, code_of_status, render_problem
from gaia_server.services import Services
from gaia_server.status import REL

EXTENSION = "gaia-front"
FOLDER = "front"
BLUEPRINT = "pygeoapi"
LINKED_DATA = "application/ld+json"
LANDING_PAGE = "pygeoapi.landing_page"
TILINGS = "pygeoapi.get_tilematrix_sets"
_PROCESSES = "http://www.opengis.net/spec/ogcapi-processes-1/1.0/conf/"
_COMMON = "http://www.opengis.net/spec/ogcapi-common-"

CONFORMANCE = [
    f"{_COMMON}1/1.0/conf/core",
    f"{_COMMON}1/1.0/conf/landing-page",
    f"{_COMMON}1/1.0/conf/json",
    f"{_COMMON}2/1.0/conf/collections",
    f"{_PROCESSES}core",
    f"{_PROCESSES}ogc-process-description",
    f"{_PROCESSES}json",
    f"{_PROCESSES}html",
    f"{_PROCESSES}oas30",
    f"{_PROCESSES}job-list",
    f"{_PROCESSES}callback",
    f"{_PROCESSES}dismiss",
]
"""What is true today, and nothing else."""


class CompiledTemplates(BytecodeCache):
    """Templates as Jinja compiled them, in memory: compiling those of a page takes longer than all the rest of it."""

    def __init__(self) -> None:
        self._compiled: dict[tuple[str, str], CodeType | None] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        """Give a template as it was compiled before, if its text is still the same."""
        bucket.code = self._compiled.get((bucket.key, bucket.checksum))

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep a template that was compiled just now."""
        self._compiled[bucket.key, bucket.checksum] = bucket.code


_COMPILED = CompiledTemplates()


def pygeoapi_configuration(settings: Settings) -> dict[str, Any]:
    """Make the configuration that pygeoapi runs with."""
    title = {"en": "gaia: processing where the data are", "fr": "gaia : le calcul là où sont les données"}
    described = {
        "en": "On-demand processing of climate, ocean and biodiversity data at the centres that hold them.",
        "fr": "Traitement à la demande de données de climat, d'océan et de biodiversité, dans les centres qui les détiennent.",
    }
    return {
        "server": {
            "bind": {"host": settings.host, "port": settings.port},
            "url": settings.public_url,
            "mimetype": "application/json; charset=UTF-8",
            "encoding": "utf-8",
            "gzip": False,
            "cors": False,
            "languages": ["en", "fr"],
            "pretty_print": False,
            "templates": {"path": str(TEMPLATES)},
            "locale_dir": str(settings.home / FOLDER / "locale"),
            "map": {"url": f"{settings.public_url}/static/tiles/{{z}}/{{x}}/{{y}}.png", "attribution": "gaia"},
        },
        "logging": {"level": "ERROR"},
        "metadata": {
            "identification": {
                "title": title,
                "description": described,
                "keywords": {
                    "en": ["climate", "ocean", "biodiversity", "processing"],
                    "fr": ["climat", "océan", "biodiversité", "traitement"],
                },
                "keywords_type": "theme",
                "terms_of_service": settings.public_url,
                "url": settings.public_url,
            },
            "license": {"name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"},
            "provider": {"name": "gaia", "url": settings.public_url},
            "contact": {"name": "gaia", "url": settings.public_url},
        },
        "resources": {},
    }


def import_front(settings: Settings) -> Blueprint:
    """
    Get pygeoapi's blueprint, which from now on works with what the application at hand was given (`open_house`).

    The modules are imported here and not above, since importing them reads the files that are written here.
    """
    configuration = pygeoapi_configuration(settings)
    folder = settings.home / FOLDER
    _publish("PYGEOAPI_CONFIG", folder / "pygeoapi.yml", yaml.safe_dump(configuration, allow_unicode=True))
    _publish("PYGEOAPI_OPENAPI", folder / "openapi.json", json.dumps(_document(configuration, settings)))

    from pygeoapi import api, flask_app, util

    api.CONFORMANCE_CLASSES = CONFORMANCE
    flask_app.api_ = LocalProxy(lambda: current_app.extensions[EXTENSION])  # it has one for the whole process
    util.Environment = partial(Environment, bytecode_cache=_COMPILED)  # it makes one for each page
    return cast("Blueprint", flask_app.BLUEPRINT)


def open_house(services: Services) -> dict[str, Any]:
    """Make what pygeoapi's and our own pages are made with, as extensions of the application."""
    from pygeoapi import api, l10n
    from pygeoapi.util import TEMPLATESDIR

    settings = services.settings
    configuration = pygeoapi_configuration(settings)
    write_messages(settings.home / FOLDER / "locale")
    l10n._cfg_cache.clear()  # noqa: SLF001 - it keeps the configuration of whoever made a page first
    front = api.API(configuration, _document(configuration, settings))
    front.tpl_config |= {"page": Here(), "path": str(TEMPLATES)}  # its tiles look there for the folder
    front.manager.is_async = True  # so that its landing page links our list of jobs
    place = make_place(
        settings.public_url,
        assets=_read_own_assets(),
        processes=tuple(sorted(services.processes.values(), key=_has_no_data)),
        centres=tuple(services.centres.values()),
    )
    return {EXTENSION: front, page.EXTENSION: open_pages(configuration, TEMPLATESDIR), here.EXTENSION: place}


@cache
def _read_own_assets() -> Assets:
    """Read what pages name, once for every application of a process."""
    return read_assets({land.NAME: land.draw_land(), land.COAST: land.draw_coast()})


def _has_no_data(process: Process) -> bool:
    """Tell which processes come last on the landing page: those that are for trying things out."""
    return DATASET not in process.inputs.model_fields


def _document(configuration: dict[str, Any], settings: Settings) -> dict[str, Any]:
    """Make an OpenAPI document for pygeoapi, of which nothing is shown: ours has its own route."""
    return make_head(configuration["metadata"], settings.public_url, "en") | {"paths": {}}


def settle_accept() -> None:
    """
    Say to pygeoapi which of its forms `Accept` likes best, as everything else here understands it.

    Its own reading divides by the quality, takes no wildcard but `*/*`, and overlooks what is not liked at all.
    """
    if request.blueprint == BLUEPRINT:
        best = request.accept_mimetypes.best_match((JSON, HTML, LINKED_DATA), default=JSON)
        request.environ["HTTP_ACCEPT"] = best


def tell_as_problem(response: Response) -> Response:
    """Say what went wrong in pygeoapi as everything else here says it; and not which version of it runs."""
    if request.blueprint != BLUEPRINT:
        return response
    response.headers = Headers(response.headers)  # pygeoapi put a plain dict there
    response.headers.pop("X-Powered-By", None)
    if request.endpoint == LANDING_PAGE and (response.status_code, response.mimetype) == (HTTPStatus.OK, JSON):
        _link_conformance(response)
    if request.endpoint == TILINGS and response.status_code == HTTPStatus.OK:
        response.set_data(response.get_data().replace(b"/tileMatrixSets?", b"/TileMatrixSets?"))  # the path it has
    if response.status_code < HTTPStatus.BAD_REQUEST or response.mimetype not in (HTML, JSON, LINKED_DATA):
        return response
    code = code_of_status(response.status_code)
    words = _words(response) if response.status_code < HTTPStatus.INTERNAL_SERVER_ERROR else None
    return render_problem(code, Text(en=words, fr=words) if words else PROBLEMS[code].title)


def _link_conformance(response: Response) -> None:
    """Link the declaration by the relation of OGC API - Processes too; pygeoapi has the older one alone."""
    told: dict[str, Any] = response.get_json()
    known = next((link for link in told["links"] if link["rel"] == "conformance"), None)
    if known is not None:
        told["links"].append(known | {"rel": f"{REL}conformance"})
        response.set_data(json.dumps(told, ensure_ascii=False))


def _words(response: Response) -> str | None:
    """Read what pygeoapi says of a mistake: a member of its JSON, or all that our template for it holds."""
    if response.mimetype == HTML:
        return unescape(response.get_data(as_text=True)).strip()
    told: dict[str, str] = response.get_json(silent=True) or {}
    return told.get("description")


def _publish(variable: str, path: Path, text: str) -> None:
    write_whole(path, text)
    os.environ[variable] = str(path)
