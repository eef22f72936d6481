"""The depot of a centre that serves its results, the command `gaia depot`: hands out files to whoever holds a signed address."""

import json
import re
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path
from typing import Annotated
from urllib.parse import quote, urlsplit

import structlog
import typer
from flask import Flask, Response, abort, request
from gevent.pywsgi import WSGIServer
from werkzeug.exceptions import HTTPException, RequestedRangeNotSatisfiable
from werkzeug.http import http_date

from gaia_config.centres import Centre, own_centre
from gaia_config.errors import ConfigurationError
from gaia_config.logs import set_up_logs
from gaia_config.settings import Settings
from gaia_processes.text import Language, Text
from gaia_workers.clock import SharedClock
from gaia_workers.contract import link_holds
from gaia_workers.downloads import (
    NoSuchRange,
    Span,
    content_type,
    digest_header,
    find_span,
    judge_conditions,
    read_pieces,
)
from gaia_workers.results import DRAFTS, MANIFEST
from gaia_workers.transport import Line

EXPOSED = "Content-Disposition, Content-Length, Content-Range, ETag, Repr-Digest, Accept-Ranges, Last-Modified"
METHODS = "GET, HEAD, OPTIONS"
ALLOWED_HEADERS = "Range, If-Range, If-Match, If-None-Match, If-Modified-Since, If-Unmodified-Since"
PREFLIGHT_LIFETIME_S = 86400
JSON, PROBLEM = "application/json", "application/problem+json"
OURS = "https://gaia-data.org/errors/"
STOP_S = 2
_LOCATION = re.compile(
    r"(?P<job>[0-9a-f-]{36})/(?P<attempt>[0-9]{1,9})/(?P<name>[A-Za-z0-9][A-Za-z0-9._-]{0,199})", re.ASCII
)

_log = structlog.get_logger()


@dataclass(frozen=True, kw_only=True, slots=True)
class Problem:
    """How a status is told."""

    code: str
    title: Text
    detail: Text


def _problem(code: str, title: tuple[str, str], detail: tuple[str, str]) -> Problem:
    return Problem(code=code, title=Text(en=title[0], fr=title[1]), detail=Text(en=detail[0], fr=detail[1]))


PROBLEMS: dict[int, Problem] = {
    HTTPStatus.BAD_REQUEST: _problem(
        "bad-request",
        ("Bad request", "Requête incorrecte"),
        ("The request cannot be read.", "La requête ne peut pas être lue."),
    ),
    HTTPStatus.FORBIDDEN: _problem(
        "forbidden",
        ("Forbidden", "Interdit"),
        (
            "The signature of this address does not hold, or it has expired; ask the server for the result again.",
            "La signature de cette adresse n'est pas valable, ou elle a expiré ; redemandez le résultat au serveur.",
        ),
    ),
    HTTPStatus.NOT_FOUND: _problem(
        "not-found",
        ("Not found", "Introuvable"),
        (
            "There is no result at this address, or not any more.",
            "Il n'y a pas de résultat à cette adresse, ou il n'y en a plus.",
        ),
    ),
    HTTPStatus.GONE: _problem(
        "result-not-available",
        ("The result is gone", "Le résultat n'est plus là"),
        (
            "The result is no longer there: it was removed or has expired.",
            "Le résultat n'est plus là : il a été supprimé ou a expiré.",
        ),
    ),
    HTTPStatus.METHOD_NOT_ALLOWED: _problem(
        "method-not-allowed",
        ("Method not allowed", "Méthode non autorisée"),
        (
            "This address does not take this method; `Allow` lists those it takes.",
            "Cette adresse n'accepte pas cette méthode ; « Allow » liste celles qu'elle accepte.",
        ),
    ),
    HTTPStatus.PRECONDITION_FAILED: _problem(
        "precondition-failed",
        ("It is not the same any more", "Ce n'est plus le même"),
        (
            "The result is not the one that If-Match or If-Unmodified-Since speaks of.",
            "Le résultat n'est pas celui dont parle If-Match ou If-Unmodified-Since.",
        ),
    ),
    HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE: _problem(
        "range-not-satisfiable",
        ("No such range", "Plage inexistante"),
        (
            "The range that was asked for lies outside the result; Content-Range says how many bytes it has.",
            "La plage demandée est en dehors du résultat ; Content-Range dit combien d'octets il compte.",
        ),
    ),
    HTTPStatus.SERVICE_UNAVAILABLE: _problem(
        "depot-down",
        ("The centre does not answer", "Le centre ne répond pas"),
        (
            "The results folder of this centre cannot be read at the moment; try again later.",
            "Le dossier des résultats de ce centre ne peut pas être lu pour le moment ; réessayez plus tard.",
        ),
    ),
    HTTPStatus.INTERNAL_SERVER_ERROR: _problem(
        "internal-error",
        ("Internal error", "Erreur interne"),
        ("Something unexpected went wrong at this centre.", "Une erreur inattendue s'est produite dans ce centre."),
    ),
}
"""The depot's own table: that of the server, whose room is not here, has the same words for the same codes."""


def make_depot(centre: Centre, *, now: Callable[[], float] = time.time) -> Flask:
    """
    Make the depot's web application.

    Parameters
    ----------
    centre : Centre
    now : callable
        Tells the server's time, by which signed addresses expire.

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
            abort(HTTPStatus.NOT_FOUND)
        if not _may_read(centre.key, location, now=now()):
            abort(HTTPStatus.FORBIDDEN)
        try:
            answer = _answer(root, location)
        except FileNotFoundError:
            abort(HTTPStatus.GONE)  # it was removed just now
        job_id, attempt, name = location.split("/")
        _log.info("result handed out", job=job_id, attempt=int(attempt), file=name, status=answer.status_code)
        return answer

    @app.after_request
    def guard(response: Response) -> Response:
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Access-Control-Allow-Origin"] = "*"
        response.headers["Access-Control-Expose-Headers"] = EXPOSED
        if request.method == "OPTIONS":
            response.headers["Access-Control-Allow-Methods"] = METHODS
            response.headers["Access-Control-Allow-Headers"] = ALLOWED_HEADERS
            response.headers["Access-Control-Max-Age"] = str(PREFLIGHT_LIFETIME_S)
        return response

    app.register_error_handler(Exception, _render_error)
    return app


def _render_error(error: Exception) -> Response:
    """Answer with a problem (RFC 9457) as the server does; a person with a browser gets the same as a small page."""
    if not isinstance(error, HTTPException):
        _log.error("unexpected error", exc_info=error)
    given = error.code if isinstance(error, HTTPException) and error.code else HTTPStatus.INTERNAL_SERVER_ERROR
    status = given if given in PROBLEMS else HTTPStatus.BAD_REQUEST if given < 500 else HTTPStatus.INTERNAL_SERVER_ERROR
    problem, language = PROBLEMS[status], _language()
    title, detail = problem.title.into(language), problem.detail.into(language)
    if _wants_page():
        page = f'<!doctype html><html lang="{language}"><title>{title}</title><h1>{title}</h1><p>{detail}</p></html>\n'
        response = Response(page, status, content_type="text/html; charset=utf-8")
    else:
        members = {"type": OURS + problem.code, "title": title, "status": int(status), "detail": detail}
        members["instance"] = quote(request.path)
        kind = PROBLEM if PROBLEM in request.accept_mimetypes.values() else JSON
        response = Response(json.dumps(members, ensure_ascii=False).encode(), status, content_type=kind)
    if isinstance(error, HTTPException):
        kept = ((name, value) for name, value in error.get_headers() if name in ("Allow", "Content-Range"))
        response.headers.extend(kept)
    response.headers["Content-Language"] = language
    response.headers["Cache-Control"] = "no-store"
    response.vary.update(("Accept", "Accept-Language"))
    return response


def _language() -> Language:
    return "fr" if request.accept_languages.best_match(("en", "fr"), "en") == "fr" else "en"


def _wants_page() -> bool:
    return request.accept_mimetypes.quality("text/html") > request.accept_mimetypes.quality(JSON)


def _may_read(key: bytes, location: str, *, now: float) -> bool:
    expires, signature = request.args.get("expires", ""), request.args.get("signature", "")
    if not (expires.isascii() and expires.isdecimal() and len(expires) < 12):
        return False
    return link_holds(key, signature, method="GET", location=location, expires=int(expires), now=now)


def _answer(root: Path, location: str) -> Response:
    path = root / location
    if not (root / DRAFTS).is_dir():
        abort(HTTPStatus.SERVICE_UNAVAILABLE)  # the worker makes it; without it the disk is away, not the result
    if not path.parent.is_dir():
        abort(HTTPStatus.GONE)  # the signature says that it was there once
    entry = _entry(path)
    if entry is None or path.is_symlink() or not path.resolve().is_relative_to(root.resolve()):
        abort(HTTPStatus.NOT_FOUND)
    about = path.stat()
    etag, modified = entry["sha256"], datetime.fromtimestamp(about.st_mtime, UTC)
    headers = _headers(path, entry, modified)
    verdict = judge_conditions(request, etag=etag, modified=modified)
    if verdict is HTTPStatus.PRECONDITION_FAILED:
        abort(verdict)
    if verdict is not None:
        return Response(status=verdict, headers=headers)
    try:
        span = find_span(request, size_bytes=about.st_size, etag=etag, modified=modified)
    except NoSuchRange:
        raise RequestedRangeNotSatisfiable(about.st_size) from None
    if span is not None:
        headers["Content-Range"] = span.content_range(about.st_size)
    status = HTTPStatus.OK if span is None else HTTPStatus.PARTIAL_CONTENT
    span = span or Span(start=0, stop=about.st_size)
    headers["Content-Length"] = str(span.size_bytes)
    return Response(() if request.method == "HEAD" else read_pieces(path, span), status=status, headers=headers)


def _headers(path: Path, entry: dict[str, str], modified: datetime) -> dict[str, str]:
    return {
        "Content-Type": content_type(entry["mediaType"]),
        "Content-Disposition": f'attachment; filename="{path.name}"',
        "ETag": f'"{entry["sha256"]}"',
        "Repr-Digest": digest_header(entry["sha256"]),
        "Last-Modified": http_date(modified),
        "Accept-Ranges": "bytes",
        "Cache-Control": "no-cache",
    }


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
    clock = SharedClock(Line(centre))
    clock.keep_looking()
    server = WSGIServer(
        where, make_depot(centre, now=clock), log=None, error_log=None, environ={"wsgi.multithread": False}
    )
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
