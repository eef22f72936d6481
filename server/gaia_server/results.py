"""The bytes of a job's outputs, wherever they lie: in the server's own store, or at the centre that made them."""

import base64
import hashlib
import json
import re
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path
from typing import Self

import requests
import structlog
from flask import Request, Response
from werkzeug.http import http_date, parse_range_header

from gaia_config.centres import Centre
from gaia_server.errors import DepotDown, RangeWrong, ResultGone
from gaia_server.jobs.records import Job
from gaia_server.rendering import render_empty
from gaia_workers.contract import OutputFile, sign_link

STORE = "store-results"
PIECE_BYTES = 64 * 1024
CONNECT_S = 3.0
READ_S = 30.0
LOCATION = re.compile(r"(?P<job>[0-9a-f-]{36})/(?P<attempt>[0-9]{1,6})/(?P<name>[A-Za-z0-9._-]{1,200})", re.ASCII)

_SHOWN_IN_PLACE = frozenset({"text/plain", "application/json", "application/geo+json", "image/png"})

_log = structlog.get_logger()


@dataclass(frozen=True, kw_only=True, slots=True)
class Span:
    """A stretch of bytes: from `start` up to, not including, `stop`."""

    start: int
    stop: int

    @property
    def size_bytes(self) -> int:
        """How many bytes it is."""
        return self.stop - self.start


class Pieces:
    """The bytes of an open file, piece by piece; closed when it is exhausted or given up, begun or not."""

    def __init__(self, pieces: Iterator[bytes], close: Callable[[], None]) -> None:
        self._pieces = pieces
        self.close = close

    def __iter__(self) -> Iterator[bytes]:
        with self:
            yield from self._pieces

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class ResultFiles:
    """
    Opens the files of results.

    Parameters
    ----------
    store : Path
        Folder of the server's own results store, to which some centres push.
    link_lifetime_s : float
        How long a signed address of a centre's depot holds.
    """

    def __init__(self, *, store: Path, centres: Mapping[str, Centre], link_lifetime_s: float) -> None:
        self._store = store
        self._centres = centres
        self._link_lifetime_s = link_lifetime_s
        self._session = requests.Session()

    def close(self) -> None:
        """Give the connections to the centres back."""
        self._session.close()

    def open(self, job: Job, file: OutputFile, span: Span | None = None) -> Pieces:
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
        if _belongs(job, file):
            return self._open_here(file, span) if file.store == "server" else self._open_there(job, file, span)
        _log.error("a result lies outside its job's place", job=job.id, centre=job.centre)
        raise ResultGone

    def address(self, job: Job, file: OutputFile) -> str | None:
        """Sign the address at which the file's centre gives it; None where it has none."""
        centre = self._centres.get(job.centre)
        if file.store != "centre" or centre is None or centre.public_url is None:
            return None
        expires = int(time.time() + self._link_lifetime_s)
        signature = sign_link(centre.key, method="GET", location=file.location, expires=expires)
        return f"{centre.public_url.rstrip('/')}/results/{file.location}?expires={expires}&signature={signature}"

    def _open_here(self, file: OutputFile, span: Span) -> Pieces:
        path = (self._store / file.location).resolve()
        if not path.is_relative_to(self._store.resolve()) or not path.is_file():
            raise ResultGone
        return _read(path, span)

    def _open_there(self, job: Job, file: OutputFile, span: Span) -> Pieces:
        address = self.address(job, file)
        if address is None:
            raise DepotDown
        if span.size_bytes == 0:
            return Pieces(iter(()), _nothing)
        headers = {"Range": f"bytes={span.start}-{span.stop - 1}", "Accept-Encoding": "identity"}
        try:
            answer = self._session.get(
                address, headers=headers, stream=True, timeout=(CONNECT_S, READ_S), allow_redirects=False
            )
        except requests.RequestException as error:
            _log.warning("a depot does not answer", centre=job.centre, reason=type(error).__name__)
            raise DepotDown from None
        return _relay(answer, span, job.centre)


def _nothing() -> None:
    """Close what needs no closing."""


def _belongs(job: Job, file: OutputFile) -> bool:
    """Tell whether a file lies in its own job's place: the centre says where it lies, and may not point elsewhere."""
    match = LOCATION.fullmatch(file.location)
    return match is not None and match["job"] == job.id


def _read(path: Path, span: Span) -> Pieces:
    stream = path.open("rb")  # opened now: a file that is removed while it is read is still read to its end
    stream.seek(span.start)

    def pieces() -> Iterator[bytes]:
        left = span.size_bytes
        while left > 0 and (piece := stream.read(min(PIECE_BYTES, left))):
            left -= len(piece)
            yield piece

    return Pieces(pieces(), stream.close)


def _relay(answer: requests.Response, span: Span, centre: str) -> Pieces:
    if answer.status_code in (HTTPStatus.NOT_FOUND, HTTPStatus.GONE):
        answer.close()
        raise ResultGone
    if answer.status_code != HTTPStatus.PARTIAL_CONTENT or answer.headers.get("Content-Length") != str(span.size_bytes):
        answer.close()
        _log.error("a depot answers something else", centre=centre, status=answer.status_code)
        raise DepotDown
    return Pieces(answer.iter_content(PIECE_BYTES), answer.close)


def _inline(file: OutputFile) -> bytes | None:
    """Give the bytes of a small value that came with the report, if they are the very bytes of the file."""
    if file.value is None:
        return None
    text = file.value if isinstance(file.value, str) else json.dumps(file.value, ensure_ascii=False)
    content = text.encode()
    return content if hashlib.sha256(content).hexdigest() == file.sha256 else None


def digest_header(sha256: str) -> str:
    """Write a digest as `Repr-Digest` (RFC 9530) does."""
    return f"sha-256=:{base64.b64encode(bytes.fromhex(sha256)).decode()}:"


def file_headers(job: Job, file: OutputFile) -> dict[str, str]:
    """Say everything about a file that can be said without its bytes."""
    plain = file.media_type.partition(";")[0]
    disposition = "inline" if plain in _SHOWN_IN_PLACE else "attachment"
    return {
        "Content-Type": content_type(file),
        "Content-Disposition": f'{disposition}; filename="{file.name}"',
        "ETag": f'"{file.sha256}"',
        "Repr-Digest": digest_header(file.sha256),
        "Last-Modified": http_date(job.finished or job.updated),
        "Accept-Ranges": "bytes",
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "no-cache",
    }


def content_type(file: OutputFile) -> str:
    """Give the media type; text of ours is UTF-8."""
    is_text = file.media_type.startswith("text/") and "charset" not in file.media_type
    return f"{file.media_type}; charset=utf-8" if is_text else file.media_type


def find_span(request: Request, file: OutputFile, modified: datetime) -> Span | None:
    """
    Read which part is asked for; None is all of it.

    Several ranges at once are answered with all of it, and so is a range whose condition (`If-Range`) does not hold.

    Raises
    ------
    RangeWrong
        If the file has no such part.
    """
    asked = parse_range_header(request.headers.get("Range"))
    if asked is None or asked.units != "bytes" or len(asked.ranges) != 1 or not _still_holds(request, file, modified):
        return None
    found = asked.range_for_length(file.size_bytes)
    if found is None:
        raise RangeWrong(file.size_bytes)
    return Span(start=found[0], stop=found[1])


def _still_holds(request: Request, file: OutputFile, modified: datetime) -> bool:
    condition = request.if_range
    if "If-Range" not in request.headers:
        return True
    if condition.date is not None:
        return condition.date == modified.astimezone(UTC).replace(microsecond=0)
    return condition.etag == file.sha256 and not request.headers["If-Range"].startswith("W/")


def render_file(
    request: Request, files: ResultFiles, job: Job, file: OutputFile, *, redirect_above_bytes: int | None = None
) -> Response:
    """
    Answer with the bytes of an output: all of them, a range, "not modified", or where its centre gives them.

    Parameters
    ----------
    redirect_above_bytes : int, optional
        A larger file is not passed on but answered with 307 to its centre; never, where this is left out.
    """
    headers = file_headers(job, file)
    if request.if_none_match.contains(file.sha256):
        return render_empty(HTTPStatus.NOT_MODIFIED, headers)
    if redirect_above_bytes is not None and file.size_bytes > redirect_above_bytes:
        address = files.address(job, file)
        if address is not None:
            there = {"Location": address, "Cache-Control": "no-store"}
            return render_empty(HTTPStatus.TEMPORARY_REDIRECT, there)
    span = find_span(request, file, job.finished or job.updated)
    if span is not None:
        headers["Content-Range"] = f"bytes {span.start}-{span.stop - 1}/{file.size_bytes}"
    size_bytes = file.size_bytes if span is None else span.size_bytes
    headers["Content-Length"] = str(size_bytes)
    pieces = () if request.method == "HEAD" else files.open(job, file, span)
    status = HTTPStatus.OK if span is None else HTTPStatus.PARTIAL_CONTENT
    return Response(pieces, status=status, headers=headers)
