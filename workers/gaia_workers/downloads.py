"""
How a file of a result is given over HTTP: under which conditions, which part of it, and its bytes piece by piece.

The server and the depots of the centres answer alike, so both use this; it is light, as the contract is. werkzeug reads the
headers. What they mean together is judged here: werkzeug's own `make_conditional` knows no `If-Unmodified-Since`, lets a date
count beside an entity tag, and refuses the last 500 bytes of a shorter file.

References
----------
RFC 9110, HTTP Semantics: sections 13.2.2 (precedence of preconditions) and 14.2 (Range).
"""

import base64
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path
from typing import Self

from werkzeug.http import parse_if_range_header, parse_range_header
from werkzeug.wrappers import Request

PIECE_BYTES = 64 * 1024
READING = frozenset({"GET", "HEAD"})
"""The methods for which conditions and ranges count: any other answers with what it did, not with a file."""


class NoSuchRange(Exception):
    """The file has no byte of the range that was asked for."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Span:
    """A stretch of bytes: from `start` up to, not including, `stop`."""

    start: int
    stop: int

    @property
    def size_bytes(self) -> int:
        """How many bytes it is."""
        return self.stop - self.start

    def content_range(self, whole_bytes: int) -> str:
        """Write it as the header `Content-Range`."""
        return f"bytes {self.start}-{self.stop - 1}/{whole_bytes}"


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


def read_pieces(path: Path, span: Span) -> Pieces:
    """Open a file now, so that one which is removed while it is read is still read to its end."""
    stream = path.open("rb")
    stream.seek(span.start)

    def pieces() -> Iterator[bytes]:
        left = span.size_bytes
        while left > 0 and (piece := stream.read(min(PIECE_BYTES, left))):
            left -= len(piece)
            yield piece

    return Pieces(pieces(), stream.close)


def digest_header(sha256: str) -> str:
    """Write a digest as `Repr-Digest` (RFC 9530) does."""
    return f"sha-256=:{base64.b64encode(bytes.fromhex(sha256)).decode()}:"


def content_type(media_type: str) -> str:
    """Give the header for a media type; text of ours is UTF-8."""
    is_text = media_type.startswith("text/") and "charset" not in media_type
    return f"{media_type}; charset=utf-8" if is_text else media_type


def judge_conditions(request: Request, *, etag: str, modified: datetime) -> HTTPStatus | None:
    """
    Say whether a file is not sent because of what the client knows of it: 412, 304, or None where it is sent.

    Parameters
    ----------
    etag : str
        The file's entity tag, without quotes; a strong one.
    modified : datetime
        Aware; the file's `Last-Modified`.
    """
    if request.method not in READING:
        return None
    if not _may_go_on(request, etag, _whole_second(modified)):
        return HTTPStatus.PRECONDITION_FAILED
    return HTTPStatus.NOT_MODIFIED if _has_it(request, etag, _whole_second(modified)) else None


def find_span(request: Request, *, size_bytes: int, etag: str, modified: datetime) -> Span | None:
    """
    Read which part of a file is asked for; None is all of it.

    Several ranges at once are answered with all of it, and so is a range whose condition (`If-Range`) does not hold.

    Raises
    ------
    NoSuchRange
        If the file has no such part.
    """
    asked = parse_range_header(request.headers.get("Range")) if request.method in READING else None
    if asked is None or asked.units != "bytes" or len(asked.ranges) != 1:
        return None
    if not _still_holds(request.headers.get("If-Range"), etag, _whole_second(modified)):
        return None
    first, stop = asked.ranges[0]
    if first < 0:  # the last bytes: all of them, where the file has no more
        return Span(start=max(size_bytes + first, 0), stop=size_bytes) if size_bytes else None
    if first >= size_bytes:
        raise NoSuchRange
    return Span(start=first, stop=size_bytes if stop is None else min(stop, size_bytes))


def _may_go_on(request: Request, etag: str, modified: datetime) -> bool:
    if "If-Match" in request.headers:
        return request.if_match.star_tag or request.if_match.is_strong(etag)
    since = request.if_unmodified_since
    return since is None or modified <= since


def _has_it(request: Request, etag: str, modified: datetime) -> bool:
    if "If-None-Match" in request.headers:
        return request.if_none_match.contains_weak(etag)
    since = request.if_modified_since
    return since is not None and modified <= since


def _still_holds(if_range: str | None, etag: str, modified: datetime) -> bool:
    if if_range is None:
        return True
    condition = parse_if_range_header(if_range)
    if condition.date is not None:
        return condition.date == modified
    return condition.etag == etag and not if_range.startswith("W/")


def _whole_second(moment: datetime) -> datetime:
    """Leave the fraction of a second out, as headers do."""
    return moment.astimezone(UTC).replace(microsecond=0)
