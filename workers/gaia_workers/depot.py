"""The depot of a centre that serves its results, the command `gaia depot`: hands out files to whoever holds a signed address."""

import json
import re
import signal
import time
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import structlog
import typer
from flask import Flask, Response, abort, request, send_file
from gevent.pywsgi import WSGIServer

from gaia_config.centres import Centre, own_centre
from gaia_config.errors import ConfigurationError
from gaia_config.logs import set_up_logs
from gaia_config.settings import Settings
from gaia_workers.contract import link_holds
from gaia_workers.results import MANIFEST

EXPOSED = "Content-Disposition, Content-Length, Content-Range, ETag, Repr-Digest, Accept-Ranges"
STOP_S = 2
_LOCATION = re.compile(
    r"(?P<job>[0-9a-f-]{36})/(?P<attempt>[0-9]{1,9})/(?P<name>[A-Za-z0-9][A-Za-z0-9._-]{0,199})", re.ASCII
)

_log = structlog.get_logger()


def make_depot(centre: Centre) -> Flask:
    """
    Make the depot's web application.

    Raises
    ------
    ConfigurationError
        If the centre has no results folder here.
    """
    if centre.results is None:
        raise ConfigurationError(f"centre {centre.id}: a depot needs its `results` folder in the centres file.")
    root = centre.results
    app = Flask("gaia_depot", static_folder=None)

    @app.get("/health/live")
    def live() -> Response:
        return Response("up\n", mimetype="text/plain")

    @app.get("/results/<path:location>")
    def result(location: str) -> Response:
        if not _LOCATION.fullmatch(location):
            abort(404)
        if not _may_read(centre.key, location):
            abort(403, "The signature of this address does not hold, or it has expired.")
        return _answer(root, location)

    @app.after_request
    def guard(response: Response) -> Response:
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Access-Control-Allow-Origin"] = "*"
        response.headers["Access-Control-Expose-Headers"] = EXPOSED
        return response

    return app


def _may_read(key: bytes, location: str) -> bool:
    expires, signature = request.args.get("expires", ""), request.args.get("signature", "")
    if not (expires.isascii() and expires.isdecimal() and len(expires) < 12):
        return False
    return link_holds(key, signature, method="GET", location=location, expires=int(expires), now=time.time())


def _answer(root: Path, location: str) -> Response:
    path = root / location
    entry = _entry(path)
    if entry is None or path.is_symlink() or not path.resolve().is_relative_to(root.resolve()):
        abort(404)
    return send_file(
        path,
        mimetype=entry["mediaType"],
        as_attachment=True,
        download_name=path.name,
        conditional=True,
        etag=entry["sha256"],
    )


def _entry(path: Path) -> dict[str, str] | None:
    """Find the file in the manifest of its attempt: what is not in there was not published."""
    try:
        manifest = json.loads((path.parent / MANIFEST).read_text())
    except FileNotFoundError:
        return None
    return next((entry for entry in manifest["files"] if entry["name"] == path.name and path.is_file()), None)


def command(
    host: Annotated[
        str | None, typer.Option(help="Address to listen on; that of the centre's public_url if left out.")
    ] = None,
    port: Annotated[
        int | None, typer.Option(help="Port to listen on; that of the centre's public_url if left out.")
    ] = None,
) -> None:
    """Hand out the results of a centre that serves them, to those who hold a signed address."""
    settings = Settings()
    set_up_logs(settings.log_level)
    centre = own_centre(settings)
    if centre.delivery != "serve" or centre.public_url is None:
        raise ConfigurationError(
            f"centre {centre.id} pushes its results and needs no depot; set `delivery: serve` to serve them."
        )
    address = urlsplit(centre.public_url)
    where = (host or address.hostname or "127.0.0.1", port or address.port or 80)
    server = WSGIServer(where, make_depot(centre), log=None, error_log=None, environ={"wsgi.multithread": False})
    try:
        server.start()
    except OSError as error:
        raise ConfigurationError(
            f"{where[0]}:{where[1]} cannot be listened on ({error.strerror}); choose another port."
        ) from None
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: server.stop(timeout=STOP_S))
    _log.info("depot is up", centre=centre.id, port=where[1])
    server.serve_forever()
