"""`/openapi`, and `/api`: the description of this API, as a document and as a page."""

import json
from http import HTTPStatus
from typing import cast

from flask import Blueprint, Response, current_app, request

from gaia_server.negotiation import language_of, wants_html
from gaia_server.openapi import EXTENSION, MEDIA_TYPE, Documents
from gaia_server.pages.api import render_api
from gaia_server.rendering import render_empty

routes = Blueprint("document", __name__)


@routes.get("/openapi")
@routes.get("/api", endpoint="show_api")
def show_document() -> Response:
    """Give the document of today, or the page that shows it."""
    language = language_of(request)
    written = cast("Documents", current_app.extensions[EXTENSION]).get(language)
    if wants_html(request):
        return render_api(json.loads(written.content))
    if request.if_none_match.contains(written.etag):
        response = render_empty(HTTPStatus.NOT_MODIFIED)
    else:
        response = Response(written.content, content_type=MEDIA_TYPE)
    response.set_etag(written.etag)
    response.headers["Content-Language"] = language
    response.headers["Cache-Control"] = "no-cache"
    return response
