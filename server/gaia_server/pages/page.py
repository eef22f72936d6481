"""
HTML in pygeoapi's template system: the same folders, the same variables (`config`, `data`, `locale`), the same base.

pygeoapi renders its own pages with these templates too; ours are rendered here, for it would compile them for each request.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from http import HTTPStatus
from pathlib import Path
from typing import Any, cast

from flask import Response, current_app, request
from jinja2 import Environment, FileSystemLoader
from markupsafe import Markup, escape

from gaia_processes.text import Language
from gaia_server.negotiation import HTML, LANGUAGES, language_of
from gaia_server.pages.here import Here, Step
from gaia_server.pages.words import translate, translate_number

EXTENSION = "gaia-pages"
_CODE = re.compile("`([^`]+)`")
_LONG = 160
TEMPLATES = Path(__file__).parent / "templates"


@dataclass(frozen=True, kw_only=True, slots=True)
class Pages:
    """What pages are made with, by language: the templates, and the configuration that they may read."""

    environments: Mapping[Language, Environment]
    configurations: Mapping[Language, dict[str, Any]]


def open_pages(configuration: Mapping[str, Any], further: Path) -> Pages:
    """
    Make what pages are made with.

    Parameters
    ----------
    configuration : mapping
        That of pygeoapi.
    further : Path
        The folder of pygeoapi's own templates, for those that ours do not stand before.
    """
    return Pages(
        environments={language: _make_environment(language, further) for language in LANGUAGES},
        configurations={language: _into(configuration, language) | {"page": Here()} for language in LANGUAGES},
    )


def render_page(
    template: str,
    data: Mapping[str, Any],
    *,
    title: str,
    trail: Sequence[Step] = (),
    status: int = HTTPStatus.OK,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """
    Answer with a page.

    Parameters
    ----------
    template : str
        Its name; it extends `_base.html`.
    data : mapping
        What the template shows. Its `links`, the links of the JSON document, are listed at the end of every page.
    title : str
        Of the page, in the language of the request.
    trail : sequence of Step
        The way from the landing page to the page that this one belongs to.
    """
    pages, language = cast("Pages", current_app.extensions[EXTENSION]), language_of(request)
    text = (
        pages.environments[language]
        .get_template(template)
        .render(config=pages.configurations[language], data=data, locale=language, title=title, trail=trail)
    )
    response = Response(text, status=status, content_type=f"{HTML}; charset=utf-8")
    response.headers["Content-Language"] = language
    response.headers.update(headers or {})
    return response


@cache
def _make_environment(language: Language, further: Path) -> Environment:
    """Make what templates are compiled in, which is the same for every application of a process: each is compiled once."""
    environment = Environment(
        loader=FileSystemLoader([TEMPLATES, further]), autoescape=True, extensions=["jinja2.ext.i18n"]
    )
    environment.install_gettext_callables(  # type: ignore[attr-defined]  # the extension brings it
        gettext=partial(translate, language=language), ngettext=partial(translate_number, language=language)
    )
    environment.filters |= {"marked": _marked, "first_sentence": _first_sentence}
    return environment


def _marked(text: str) -> Markup:
    """Set what stands between backticks as code, which is how descriptions mark what is to be typed."""
    return Markup(_CODE.sub(r"<code>\1</code>", str(escape(text))))  # noqa: S704 - escaped just now


def _first_sentence(text: str) -> tuple[str, str]:
    """Part a long text after its first sentence."""
    first, point, rest = text.partition(". ")
    return (first + ".", rest) if point and len(text) > _LONG else (text, "")


def _into(value: Any, language: Language) -> Any:
    """Choose the language wherever a configuration says something in several."""
    if isinstance(value, Mapping):
        if set(value) == set(LANGUAGES):
            return value[language]
        return {name: _into(each, language) for name, each in value.items()}
    return value
