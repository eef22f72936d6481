"""
The server's own results store: the receiving end of centres that push.

A file arrives at `<job>/<attempt>/<name>.part`, in one go or in pieces that go on where the last one ended, and gets its name
when all of it is there and its digest is right. Only the attempt that the job store waits for may deliver.
"""

import fcntl
import hashlib
import os
import re
import shutil
import time
from base64 import b64decode
from binascii import Error as NotBase64
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol, Self

from werkzeug.datastructures import Headers

from gaia_config.centres import Centre
from gaia_processes.text import Text
from gaia_server.disk import as_no_space, off_the_loop, wait_for_folder
from gaia_server.errors import BadDelivery, BodyTooSlow, Busy, DigestWrong, Forbidden, NoSuchJob, OffsetWrong
from gaia_server.results import LOCATION
from gaia_workers.contract import link_holds
from gaia_workers.downloads import PIECE_BYTES

PARTIAL = ".part"

_RANGE = re.compile(r"bytes (?P<first>[0-9]{1,18})-(?P<last>[0-9]{1,18})/(?P<total>[0-9]{1,18})", re.ASCII)
_NOTHING = "bytes */0"
_DIGEST = re.compile(r"sha-256=:(?P<digest>[A-Za-z0-9+/=]{44}):", re.ASCII)


class Expects(Protocol):
    """Who knows which deliveries are waited for: the job store."""

    def expects(self, job_id: str, attempt: int, centre: str) -> bool:
        """Tell whether a centre may still deliver results of this attempt."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Claim:
    """Who says that he may deliver what, and until when: as it was sent."""

    centre: str
    location: str
    expires: str
    signature: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Piece:
    """
    A piece of a file as its headers announce it.

    Attributes
    ----------
    offset, size_bytes, total_bytes : int
        Where it begins, how long it is, and how long the whole file is.
    sha256 : str
        Of the whole file, hex.
    """

    offset: int
    size_bytes: int
    total_bytes: int
    sha256: str

    @classmethod
    def read(cls, headers: Headers) -> Self:
        """
        Read the headers of a delivery.

        Raises
        ------
        BadDelivery
            If one is missing or is not what it should be.
        """
        sha256 = _read_digest(headers.get("Repr-Digest", ""))
        content_range, length = headers.get("Content-Range"), headers.get("Content-Length", "")
        if content_range is None and length.isdecimal():
            return cls(offset=0, size_bytes=int(length), total_bytes=int(length), sha256=sha256)
        if content_range == _NOTHING:
            return cls(offset=0, size_bytes=0, total_bytes=0, sha256=sha256)
        match = _RANGE.fullmatch(content_range or "")
        if match is None or not int(match["first"]) <= int(match["last"]) < int(match["total"]):
            raise BadDelivery(
                Text(
                    en="Say with Content-Range: bytes first-last/total which piece this is, or send all with Content-Length.",
                    fr="Indiquez par Content-Range: bytes premier-dernier/total de quel morceau il s'agit, "
                    "ou envoyez tout avec Content-Length.",
                )
            )
        first, last, total = (int(match[name]) for name in ("first", "last", "total"))
        return cls(offset=first, size_bytes=last - first + 1, total_bytes=total, sha256=sha256)


def _read_digest(header: str) -> str:
    match = _DIGEST.search(header)
    try:
        digest = b64decode(match["digest"], validate=True) if match else b""
    except NotBase64:
        digest = b""
    if len(digest) != hashlib.sha256().digest_size:
        raise BadDelivery(
            Text(
                en="Send the digest of the whole file: Repr-Digest: sha-256=:base64:.",
                fr="Envoyez l'empreinte du fichier entier : Repr-Digest: sha-256=:base64:.",
            )
        )
    return digest.hex()


class Deliveries:
    """
    Takes what centres deliver.

    Parameters
    ----------
    store : Path
        Folder of the server's results store.
    jobs : Expects
        Knows which attempts are waited for.
    clock : callable
        Seconds since 1970; addresses expire by this clock alone.
    """

    def __init__(
        self, *, store: Path, jobs: Expects, centres: Mapping[str, Centre], clock: Callable[[], float] = time.time
    ) -> None:
        self._store = store
        self._jobs = jobs
        self._centres = centres
        self._clock = clock

    def offset(self, claim: Claim) -> int:
        """
        Tell how many bytes of a file have arrived.

        Raises
        ------
        Forbidden, NoSuchJob
            If the claim does not hold, or nobody waits for this.
        """
        path = self._place(claim)
        return _size(path) or _size(_partial(path)) or 0

    def take(self, claim: Claim, piece: Piece, body: BinaryIO) -> int:
        """
        Take a piece of a file; with the last one the file is complete.

        Returns
        -------
        int
            How many bytes of the file have arrived.

        Raises
        ------
        Forbidden, NoSuchJob
            As `offset`.
        OffsetWrong
            If it does not go on where the last piece ended; names where that is.
        DigestWrong
            If the whole file is not what was announced; it is removed.
        Busy
            If somebody else is delivering this file at the moment.
        NoSpace
            If the disk is full; what has arrived is kept.
        """
        path = self._place(claim)
        if path.exists():
            return self._again(path, piece)
        self._prepare(path.parent)
        with as_no_space(), _open_partial(path) as stream:
            arrived = stream.seek(0, os.SEEK_END)
            if arrived != piece.offset:
                raise OffsetWrong(arrived)
            arrived += _copy(body, stream, piece.size_bytes)
            if arrived == piece.total_bytes:
                self._complete(claim, path, stream, piece)
        return arrived

    def discard(self, job_id: str, attempt: int) -> None:
        """Remove all that an attempt delivered; what another attempt of the job delivers stays."""
        shutil.rmtree(self._store / job_id / str(attempt), ignore_errors=True)
        with suppress(OSError):  # it is not there, or another attempt's files are in it
            (self._store / job_id).rmdir()

    def check(self, claim: Claim, *, method: str, job_id: str, attempt: int) -> None:
        """
        Let a centre pass that holds a signed address for an attempt that is waited for.

        Raises
        ------
        Forbidden, NoSuchJob
            If the claim does not hold, or nobody waits for this attempt of the centre's.
        """
        centre = self._centres.get(claim.centre)
        if centre is None or not self._holds(claim, centre.key, method=method):
            raise Forbidden
        self._check_expected(job_id, attempt, centre.id)

    def _place(self, claim: Claim) -> Path:
        match, centre = LOCATION.fullmatch(claim.location), self._centres.get(claim.centre)
        if match is None or centre is None or not self._holds(claim, centre.key):
            raise Forbidden
        name = match["name"]
        if not name.strip(".") or name.endswith(PARTIAL):
            raise BadDelivery(
                Text(en=f"{name!r} is no name for a file here.", fr=f"{name!r} n'est pas un nom de fichier ici.")
            )
        self._check_expected(match["job"], int(match["attempt"]), centre.id)
        return self._store / match["job"] / str(int(match["attempt"])) / name

    def _holds(self, claim: Claim, key: bytes, *, method: str = "PUT") -> bool:
        if not (claim.expires.isascii() and claim.expires.isdecimal() and len(claim.expires) <= 12):
            return False
        return link_holds(
            key,
            claim.signature,
            method=method,
            location=claim.location,
            expires=int(claim.expires),
            now=self._clock(),
        )

    def _check_expected(self, job_id: str, attempt: int, centre: str) -> None:
        if not self._jobs.expects(job_id, attempt, centre):
            raise NoSuchJob(
                Text(
                    en="Nobody waits for this delivery: the job has ended, or another attempt runs.",
                    fr="Personne n'attend cette livraison : la tâche est terminée, ou une autre tentative est en cours.",
                )
            )

    def _prepare(self, folder: Path) -> None:
        """Make the attempt's folder; what an earlier attempt left is not waited for any more."""
        if folder.is_dir():
            return
        for earlier in folder.parent.glob("*"):
            shutil.rmtree(earlier, ignore_errors=True)
        folder.mkdir(parents=True, exist_ok=True)

    def _again(self, path: Path, piece: Piece) -> int:
        """Take a complete file once more, since our answer was lost; another one does not fit."""
        if _digest(path) != piece.sha256:
            raise OffsetWrong(path.stat().st_size)
        return path.stat().st_size

    def _complete(self, claim: Claim, path: Path, stream: BinaryIO, piece: Piece) -> None:
        self._place(claim)  # the job may have been dismissed while its result was on its way
        try:
            off_the_loop(lambda: _settle(path, stream, piece.sha256))
        except FileNotFoundError:
            raise NoSuchJob from None  # it was discarded just now


def _settle(path: Path, stream: BinaryIO, sha256: str) -> None:
    """Let what has arrived take its place, if it is what was announced, and bring all of it to the disk."""
    partial = _partial(path)
    stream.flush()
    if _digest_of(partial) != sha256:
        partial.unlink()
        raise DigestWrong
    os.fsync(stream.fileno())
    partial.rename(path)
    wait_for_folder(path.parent)


def _partial(path: Path) -> Path:
    return path.with_name(path.name + PARTIAL)


def _size(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return None


@contextmanager
def _open_partial(path: Path) -> Iterator[BinaryIO]:
    """Open for appending, for one sender at a time: a second one comes again later."""
    with _partial(path).open("ab") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Busy from None
        yield stream


def _copy(body: BinaryIO, stream: BinaryIO, size_bytes: int) -> int:
    """Write what arrives, at most what was announced; a sender that goes away leaves what did arrive."""
    left = size_bytes
    try:
        while left > 0 and (piece := body.read(min(PIECE_BYTES, left))):
            stream.write(piece)
            left -= len(piece)
    except TimeoutError:
        raise BodyTooSlow from None
    return size_bytes - left


def _digest(path: Path) -> str:
    return off_the_loop(lambda: _digest_of(path))


def _digest_of(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
