"""`/assets`: style sheets, scripts and pictures of the pages."""

from typing import cast

from flask import Blueprint, Response, current_app, request
from werkzeug.exceptions import NotFound

from gaia_server.pages.assets import FOREVER
from gaia_server.pages.here import EXTENSION, Place

routes = Blueprint("assets", __name__)


@routes.get("/assets/<version>/<path:name>")
def show_asset(version: str, name: str) -> Response:
    """Give an asset; under the version of today it may be kept for ever, under another one it has to be asked for again."""
    assets = cast("Place", current_app.extensions[EXTENSION]).assets
    asset = assets.files.get(name)
    if asset is None:
        raise NotFound
    response = Response(asset.content, content_type=asset.media_type)
    response.headers["Cache-Control"] = FOREVER if version == assets.version else "no-cache"
    response.set_etag(asset.etag)
    response.make_conditional(request)
    return response
