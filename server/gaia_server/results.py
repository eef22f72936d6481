"""The bytes of a job's outputs, wherever they lie: in the server's own store, or at the centre that made them."""

import hashlib
import json
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from http import HTTPStatus
from pathlib import Path
from types import MappingProxyType
from typing import Protocol

import requests
import structlog
from flask import Request, Response
from werkzeug.http import http_date

from gaia_config.centres import Centre
from gaia_server.errors import ConditionFailed, DepotDown, RangeWrong, ResultGone
from gaia_server.jobs.records import Job
from gaia_server.rendering import render_empty
from gaia_workers.contract import OutputFile, sign_link
from gaia_workers.downloads import (
    PIECE_BYTES,
    NoSuchRange,
    Pieces,
    Span,
    content_type,
    digest_header,
    find_span,
    judge_conditions,
    read_pieces,
)

STORE = "store-results"
CONNECT_S = 3.0
READ_S = 30.0
LOCATION = re.compile(r"(?P<job>[0-9a-f-]{36})/(?P<attempt>[0-9]{1,6})/(?P<name>[A-Za-z0-9._-]{1,200})", re.ASCII)

_NO_BYTES = Span(start=0, stop=0)
_SHOWN_IN_PLACE = frozenset({"text/plain", "application/json", "application/geo+json", "image/png"})

_log = structlog.get_logger()


class _Lost(ResultGone):
    """Whoever should have it says that it is not there: no mere 404, which anything between us and a depot may answer."""


class Makes(Protocol):
    """Whose files they are: a job, or a work without one."""

    @property
    def id(self) -> str:
        """What the log calls it."""

    @property
    def work_id(self) -> str:
        """Of the work that made them."""

    @property
    def attempt(self) -> int:
        """Of the work that made them."""

    @property
    def centre(self) -> str:
        """Where they were made."""


class ResultFiles:
    """
    Opens the files of results.

    Parameters
    ----------
    store : Path
        Folder of the server's own results store, to which some centres push.
    link_lifetime_s : float
        How long a signed address of a centre's depot holds.
    lose : callable
        Told of results that should be there and are not, as work, attempt and store, so that nobody else is led to them.
    """

    def __init__(
        self, *, store: Path, centres: Mapping[str, Centre], link_lifetime_s: float, lose: Callable[..., object]
    ) -> None:
        self._lose = lose
        self._store = store
        self._centres = centres
        self._link_lifetime_s = link_lifetime_s
        self._session = requests.Session()

    def close(self) -> None:
        """Give the connections to the centres back."""
        self._session.close()

    def open(self, job: Makes, file: OutputFile, span: Span | None = None) -> Pieces:
        """
        Open a file, and give its bytes piece by piece; whatever can go wrong at the start goes wrong here.

        Raises
        ------
        ResultGone
            If it is not there any more.
        DepotDown
            If its centre does not answer.
        """
        span = span or Span(start=0, stop=file.size_bytes)
        content = _inline(file)
        if content is not None:
            return Pieces(iter((content[span.start : span.stop],)), _nothing)
        self._require_place(job, file)
        with self._as_lost(job, file):
            return self._open_here(file, span) if file.store == "server" else self._open_there(job, file, span)

    def check(self, job: Makes, file: OutputFile) -> Pieces:
        """
        See whether a file could be opened, as `open` would, and read nothing of it.

        Raises
        ------
        ResultGone, DepotDown
            As `open`.
        """
        if _inline(file) is None:
            self._require_place(job, file)
            with self._as_lost(job, file):
                if file.store == "server":
                    self._open_here(file, _NO_BYTES).close()
                else:
                    self._ask_there(job, file)
        return Pieces(iter(()), _nothing)

    @contextmanager
    def _as_lost(self, job: Makes, file: OutputFile) -> Iterator[None]:
        """Note results that are gone though nobody removed them; while a whole store is away, nothing in it is lost."""
        try:
            yield
        except _Lost:
            away = file.store == "server" and not any(self._store.glob("*"))
            if not away and self._lose(job.work_id, job.attempt, store=file.store):
                _log.error("results are lost", job=job.work_id, attempt=job.attempt, centre=job.centre)
            raise

    def _require_place(self, job: Makes, file: OutputFile) -> None:
        if not _belongs(job, file):
            _log.error("a result lies outside its job's place", job=job.id, centre=job.centre)
            raise ResultGone

    def address(self, job: Makes, file: OutputFile) -> str | None:
        """Sign the address at which the file's centre gives it; None where it has none."""
        centre = self._centres.get(job.centre)
        if file.store != "centre" or centre is None or centre.public_url is None:
            return None
        expires = int(time.time() + self._link_lifetime_s)
        signature = sign_link(centre.key, method="GET", location=file.location, expires=expires)
        return f"{centre.public_url.rstrip('/')}/results/{file.location}?expires={expires}&signature={signature}"

    def _open_here(self, file: OutputFile, span: Span) -> Pieces:
        path = (self._store / file.location).resolve()
        if not path.is_relative_to(self._store.resolve()):
            raise ResultGone
        if not path.is_file():
            raise _Lost
        try:
            return read_pieces(path, span)
        except FileNotFoundError:
            raise ResultGone from None  # it was removed just now

    def _open_there(self, job: Makes, file: OutputFile, span: Span) -> Pieces:
        if span.size_bytes == 0:
            return self.check(job, file)
        headers = {"Range": f"bytes={span.start}-{span.stop - 1}"}
        answer = self._send(job, file, "GET", headers)
        _understand(answer, HTTPStatus.PARTIAL_CONTENT, span.size_bytes, job.centre)
        return Pieces(answer.iter_content(PIECE_BYTES), answer.close)

    def _ask_there(self, job: Makes, file: OutputFile) -> None:
        with self._send(job, file, "HEAD") as answer:
            _understand(answer, HTTPStatus.OK, file.size_bytes, job.centre)

    def _send(
        self, job: Makes, file: OutputFile, method: str, headers: Mapping[str, str] = MappingProxyType({})
    ) -> requests.Response:
        address = self.address(job, file)
        if address is None:
            raise DepotDown
        try:
            return self._session.request(
                method,
                address,
                headers={"Accept-Encoding": "identity", **headers},
                stream=True,
                timeout=(CONNECT_S, READ_S),
                allow_redirects=False,
            )
        except requests.RequestException as error:
            _log.warning("a depot does not answer", centre=job.centre, reason=type(error).__name__)
            raise DepotDown from None


def _nothing() -> None:
    """Close what needs no closing."""


def _belongs(job: Makes, file: OutputFile) -> bool:
    """Tell whether a file lies in the place of its job's work: the centre says where it lies, and may not point elsewhere."""
    match = LOCATION.fullmatch(file.location)
    return match is not None and match["job"] == job.work_id


def _understand(answer: requests.Response, status: HTTPStatus, size_bytes: int, centre: str) -> None:
    """Let a depot's answer pass if it is what was asked for; close any other, and say what it means."""
    if answer.status_code == status and answer.headers.get("Content-Length") == str(size_bytes):
        return
    answer.close()
    if answer.status_code == HTTPStatus.GONE:
        raise _Lost
    if answer.status_code == HTTPStatus.NOT_FOUND:
        raise ResultGone
    _log.error("a depot answers something else", centre=centre, status=answer.status_code)
    raise DepotDown


def _inline(file: OutputFile) -> bytes | None:
    """Give the bytes of a small value that came with the report, if they are the very bytes of the file."""
    if file.value is None:
        return None
    text = file.value if isinstance(file.value, str) else json.dumps(file.value, ensure_ascii=False)
    content = text.encode()
    return content if hashlib.sha256(content).hexdigest() == file.sha256 else None


def file_headers(job: Job, file: OutputFile) -> dict[str, str]:
    """Say everything about a file that can be said without its bytes."""
    plain = file.media_type.partition(";")[0]
    disposition = "inline" if plain in _SHOWN_IN_PLACE else "attachment"
    return {
        "Content-Type": content_type(file.media_type),
        "Content-Disposition": f'{disposition}; filename="{file.name}"',
        "ETag": f'"{file.sha256}"',
        "Repr-Digest": digest_header(file.sha256),
        "Last-Modified": http_date(job.finished or job.updated),
        "Accept-Ranges": "bytes",
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "no-cache",
    }


def render_file(
    request: Request, files: ResultFiles, job: Job, file: OutputFile, *, redirect_above_bytes: int | None = None
) -> Response:
    """
    Answer with the bytes of an output: all of them, a range, "not modified", or where its centre gives them.

    Parameters
    ----------
    redirect_above_bytes : int, optional
        A larger file is not passed on but answered with 307 to its centre; never, where this is left out.

    Raises
    ------
    ConditionFailed, RangeWrong
        What the client says of the file, or the part that it asks for, does not fit.
    ResultGone, DepotDown
        As `ResultFiles.open`; for `HEAD` too.
    """
    headers, modified = file_headers(job, file), job.finished or job.updated
    verdict = judge_conditions(request, etag=file.sha256, modified=modified)
    if verdict is HTTPStatus.PRECONDITION_FAILED:
        raise ConditionFailed
    if verdict is not None:
        return render_empty(verdict, headers)
    # The address at the centre names the job that asked first, which is nobody else's business.
    own = job.owner == job.work_owner
    if own and redirect_above_bytes is not None and file.size_bytes > redirect_above_bytes:
        address = files.address(job, file)
        if address is not None:
            there = {"Location": address, "Cache-Control": "no-store"}
            return render_empty(HTTPStatus.TEMPORARY_REDIRECT, there)
    span = _find_span(request, file, modified)
    if span is not None:
        headers["Content-Range"] = span.content_range(file.size_bytes)
    headers["Content-Length"] = str(file.size_bytes if span is None else span.size_bytes)
    pieces = files.check(job, file) if request.method == "HEAD" else files.open(job, file, span)
    status = HTTPStatus.OK if span is None else HTTPStatus.PARTIAL_CONTENT
    return Response(pieces, status=status, headers=headers)


def _find_span(request: Request, file: OutputFile, modified: datetime) -> Span | None:
    try:
        return find_span(request, size_bytes=file.size_bytes, etag=file.sha256, modified=modified)
    except NoSuchRange:
        raise RangeWrong(file.size_bytes) from None
