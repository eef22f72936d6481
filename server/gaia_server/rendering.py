"""JSON on the wire: members in the order they were written, UTF-8 as it is, no charset parameter, no `null` members."""

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

from flask import Response
from werkzeug.datastructures import Headers

from gaia_processes.text import Language, Text
from gaia_server.negotiation import HTML, JSON

_AS_IT_IS = re.compile(r"[\w.~:/?#@!$&*+,;=%-]*", re.ASCII)
_WHOLE = frozenset({HTTPStatus.OK, HTTPStatus.CREATED})
_PAGE = Text(en="This document as a page", fr="Ce document sous forme de page")


class Answer(Response):
    """An answer whose body is there as a whole, with its length, and whose address can mostly be sent as it is."""

    def get_wsgi_headers(self, environ: dict[str, Any]) -> Headers:
        """Give the headers; werkzeug copies them and writes the address anew, which takes longer than making the rest of the answer."""
        headers = self.headers
        plain = "Content-Length" in headers and "Content-Location" not in headers
        if plain and self.status_code in _WHOLE and _AS_IT_IS.fullmatch(headers.get("Location", "")):
            return headers
        return super().get_wsgi_headers(environ)


def render_json(
    value: Any, status: int = HTTPStatus.OK, headers: Mapping[str, str] | None = None, *, content_type: str = JSON
) -> Response:
    """Answer with a JSON document."""
    return render_text(write_json(value), status, headers, content_type=content_type)


def write_json(value: Any) -> bytes:
    """Write a JSON document."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False).encode()


def render_text(
    text: bytes, status: int = HTTPStatus.OK, headers: Mapping[str, str] | None = None, *, content_type: str
) -> Response:
    """Answer with a JSON document that is written already."""
    return Answer(text, status=status, headers=headers, content_type=content_type)


def render_empty(status: int, headers: Mapping[str, str] | None = None) -> Response:
    """Answer without a body, and so without a media type."""
    response = Response(status=status)
    del response.headers["Content-Type"]
    response.headers.update(headers or {})
    return response


def without_none(members: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out members that have no value."""
    return {name: value for name, value in members.items() if value is not None}


def render_time(moment: datetime | None) -> str | None:
    """Write a time as `2026-01-31T12:00:00Z`."""
    return None if moment is None else f"{moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec='seconds')}Z"


def make_link(href: str, rel: str, media_type: str = JSON, title: str | None = None) -> dict[str, str]:
    """Make a link object; every link has `href`, `rel` and `type`."""
    return without_none({"href": href, "rel": rel, "type": media_type, "title": title})


def link_page(url: str, language: Language) -> dict[str, str]:
    """Make the link from a JSON document to the page that shows it to a person."""
    path, _, query = url.partition("?")
    kept = [each for each in query.split("&") if each and not each.startswith("f=")]
    return make_link(f"{path}?{'&'.join([*kept, 'f=html'])}", "alternate", HTML, _PAGE.into(language))
