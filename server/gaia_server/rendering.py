"""JSON on the wire: members in the order they were written, UTF-8 as it is, no charset parameter, no `null` members."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

from flask import Response

from gaia_processes.text import Language, Text
from gaia_server.negotiation import HTML, JSON

_PAGE = Text(en="This document as a page", fr="Ce document sous forme de page")


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
    response = Response(text, status=status, content_type=content_type)
    response.headers.update(headers or {})
    return response


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
