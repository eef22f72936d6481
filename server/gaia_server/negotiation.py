"""What a client can read: its language and its media types."""

import re
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import Any

from flask import Request
from werkzeug.datastructures import LanguageAccept, MIMEAccept
from werkzeug.http import parse_accept_header

from gaia_processes.formats import Format, format_for
from gaia_processes.text import Language

LANGUAGES: tuple[Language, ...] = ("en", "fr")
JSON = "application/json"
HTML = "text/html"
PROBLEM = "application/problem+json"
OPENAPI = "application/vnd.oai.openapi+json;version=3.0"
FORMS = {"json": JSON, JSON: JSON, "html": HTML, HTML: HTML}
"""The forms that `?f=` chooses, by their short names and by their media types; case does not count."""
_HEADERS_KEPT = 256
_CHARSET = re.compile(r"\s*;\s*charset\s*=\s*(\"[^\"]*\"|[^;,\s]*)", re.ASCII | re.I)

type WsgiApp = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


def parameter(request: Request, name: str) -> str:
    """Give a parameter of the query; empty where it is absent, which is found out at no cost where there is no query."""
    return request.args.get(name, "") if request.query_string else ""


def language_of(request: Request) -> Language:
    """Tell the language to answer in: `?lang=`, else `Accept-Language`, else English."""
    asked = parameter(request, "lang")[:2].lower()
    if asked in LANGUAGES:
        return asked
    return _best_language(request.headers.get("Accept-Language", ""))


@lru_cache(_HEADERS_KEPT)
def _best_language(accepted: str) -> Language:
    """Choose by the header; clients send the same few, and reading one takes longer than a poll should."""
    liked = (name[:2].lower() for name, quality in parse_accept_header(accepted, LanguageAccept) if quality > 0)
    return next((language for name in liked for language in LANGUAGES if language == name), "en")


def names_media_type(request: Request, media_type: str) -> bool:
    """Tell whether `Accept` names a media type itself, not by a wildcard."""
    return any(name.lower() == media_type and quality > 0 for name, quality in request.accept_mimetypes)


def form_of(request: Request) -> str | None:
    """Tell the form that `?f=` asks for; None where it is absent, empty, or none of ours."""
    return FORMS.get(parameter(request, "f").strip().lower())


def wants_json(request: Request) -> bool:
    """Tell whether a client asks for JSON in so many words: `?f=json`, or `Accept: application/json`."""
    return form_of(request) == JSON or names_media_type(request, JSON)


def wants_html(request: Request) -> bool:
    """Tell whether a person looks: `?f=html`, or an `Accept` that likes HTML better than JSON, as browsers send it."""
    if parameter(request, "f"):
        return form_of(request) == HTML
    return _likes_html(request.headers.get("Accept", ""))


@lru_cache(_HEADERS_KEPT)
def _likes_html(accepted: str) -> bool:
    liked = parse_accept_header(accepted, MIMEAccept)
    return liked.quality(HTML) > liked.quality(JSON)


def accepted_format(request: Request, offered: Sequence[Format]) -> Format:
    """Choose the format that `Accept` names, best liked first; the default (the first) where it names none of them."""
    return _best_format(request.headers.get("Accept", ""), tuple(offered))


@lru_cache(_HEADERS_KEPT)
def _best_format(accepted: str, offered: tuple[Format, ...]) -> Format:
    liked = sorted(parse_accept_header(accepted, MIMEAccept), key=lambda each: -each[1])
    named = (format_for(name, offered) for name, quality in liked if quality > 0)
    return next((each for each in named if each is not None), offered[0])


class AcceptRepair:
    """
    Rewrites an `Accept` that real clients send and the libraries misread, before anything else sees it.

    The literal `/*` of some wrappers means "anything, and JSON above all"; as it stands it is no media type. A `charset`
    is nothing by which forms differ: whoever names `application/json; charset=utf-8` names JSON.
    """

    def __init__(self, app: WsgiApp) -> None:
        self._app = app

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Answer a request."""
        accept = environ.get("HTTP_ACCEPT", "")
        if "/*" in (part.partition(";")[0].strip() for part in accept.split(",")):
            environ["HTTP_ACCEPT"] = f"{JSON}, */*;q=0.1"
        elif "charset" in accept.lower():
            environ["HTTP_ACCEPT"] = _CHARSET.sub("", accept)
        return self._app(environ, start_response)
