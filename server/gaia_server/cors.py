"""Who may read answers from a page of another origin (CORS): everybody without credentials, listed origins with theirs."""

import re
from http import HTTPStatus

from flask import Flask, Response, current_app, request

from gaia_server.rendering import render_empty
from gaia_server.services import current_services

EXPOSED = "Location, Link, Preference-Applied, Content-Disposition, Content-Location, Retry-After, ETag, Repr-Digest, Gaia-Job"
METHODS = "GET, HEAD, POST, DELETE, OPTIONS"
PREFLIGHT_LIFETIME_S = 86400

_HEADER_NAMES = re.compile(r"[A-Za-z0-9-]+(\s*,\s*[A-Za-z0-9-]+)*", re.ASCII)


def allow_other_origins(app: Flask) -> None:
    """Answer preflights, and mark every answer as readable; with credentials for the origins that the settings list."""
    app.before_request(_answer_preflight)
    app.after_request(_mark)


def _answer_preflight() -> Response | None:
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
    with_credentials = current_services().settings.credential_origins
    origin = request.headers.get("Origin", "")
    known = origin.lower() in with_credentials
    add = response.headers.add  # nobody else has set them, so none need be looked for
    add("Access-Control-Allow-Origin", origin if known else "*")
    if known:
        add("Access-Control-Allow-Credentials", "true")
    if with_credentials:
        response.vary.add("Origin")
    add("Access-Control-Expose-Headers", EXPOSED)
    return response
