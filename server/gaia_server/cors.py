"""Who may read answers from a page of another origin (CORS): everybody, without credentials."""

import re
from http import HTTPStatus

from flask import Flask, Request, Response, current_app, request

from gaia_server.rendering import render_empty

EXPOSED = "Location, Link, Preference-Applied, Content-Disposition, Content-Location, Retry-After, ETag, Repr-Digest, Gaia-Job"
METHODS = "GET, HEAD, POST, DELETE, OPTIONS"
PREFLIGHT_LIFETIME_S = 86400

_HEADER_NAMES = re.compile(r"[A-Za-z0-9-]+(\s*,\s*[A-Za-z0-9-]+)*", re.ASCII)


def allow_other_origins(app: Flask) -> None:
    """Answer preflights, and mark every answer as readable."""
    app.before_request(lambda: _answer_preflight(request))
    app.after_request(_mark)


def _answer_preflight(request: Request) -> Response | None:
    if request.method != "OPTIONS" or request.url_rule is None:
        return None
    asked = request.headers.get("Access-Control-Request-Headers", "").strip()
    response = render_empty(HTTPStatus.NO_CONTENT)
    response.headers["Allow"] = ", ".join(sorted(current_app.make_default_options_response().allow))
    response.headers["Access-Control-Allow-Methods"] = METHODS
    response.headers["Access-Control-Max-Age"] = str(PREFLIGHT_LIFETIME_S)
    if _HEADER_NAMES.fullmatch(asked):
        response.headers["Access-Control-Allow-Headers"] = asked
    response.vary.add("Access-Control-Request-Headers")
    return response


def _mark(response: Response) -> Response:
    response.headers["Access-Control-Allow-Origin"] = "*"
    response.headers["Access-Control-Expose-Headers"] = EXPOSED
    return response
