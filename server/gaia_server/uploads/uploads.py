"""
Files of users: taken in a stream, hashed, recognised, kept for a while, and their owner's alone.

A file is written beside its place and gets its name when all of it is on the disk; its row comes last. Whoever writes holds a lock on
it, so that what a crash leaves behind is known by having neither a row nor a writer, and is swept away.
"""

import fcntl
import hashlib
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, BinaryIO, Protocol
from uuid import UUID, uuid4

from sqlalchemy import Engine, Row, delete, func, insert, select, update

from gaia_config.settings import Settings
from gaia_server.disk import as_no_space, off_the_loop, sync_folder
from gaia_server.errors import NoSpace, UploadTooLarge
from gaia_server.jobs import engine as database
from gaia_server.jobs.tables import uploads
from gaia_server.uploads.kinds import Kind, recognise
from gaia_workers.contract import utc_now

FOLDER = "uploads"
PARTIAL = ".part"
FORGOTTEN_S = 86400.0
"""A whole file that has been without a row for so long will get none any more."""
BEGUN_S = 5.0
"""A partial file that is younger may have a writer that has not locked it yet."""
PIECE_BYTES = 256 * 1024
LONGEST_NAME = 200


class Reads(Protocol):
    """Where bytes come from."""

    def read(self, size: int = -1, /) -> bytes:
        """Give some."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Upload:
    """
    A file of a user.

    Attributes
    ----------
    name : str
        As its owner calls it; never a path here.
    kind : str
        Id of a `kinds.Kind`, recognised by content.
    sha256 : str
        Hex; what the file is for the identity of work.
    """

    id: str
    owner: str
    name: str
    kind: str
    media_type: str
    size_bytes: int
    sha256: str
    created: datetime
    expires: datetime

    @property
    def reference(self) -> str:
        """How a request names it."""
        return f"upload:{self.id}"


class Uploads:
    """
    The uploads of all users.

    Parameters
    ----------
    folder : Path
        Where the files lie.
    limit_bytes, quota_bytes : int
        Largest file, and what all files together may take.
    lifetime_s : float
        How long a file is kept.
    """

    def __init__(self, engine: Engine, folder: Path, *, limit_bytes: int, quota_bytes: int, lifetime_s: float) -> None:
        self._engine = engine
        self._folder = folder
        self._limit_bytes = limit_bytes
        self._quota_bytes = quota_bytes
        self._lifetime_s = lifetime_s

    @property
    def limit_bytes(self) -> int:
        """Largest file that is taken."""
        return self._limit_bytes

    def take(self, body: Reads, *, owner: str, name: str, size_bytes: int | None = None) -> Upload:
        """
        Take a file.

        Parameters
        ----------
        size_bytes : int or None
            Its size, where it is said beforehand: what is too large is refused before it is read.

        Raises
        ------
        UploadTooLarge
            If it is larger than the limit.
        UploadRefused
            If it is nothing that can be used.
        NoSpace
            If there is no room.
        """
        if size_bytes is not None and size_bytes > self._limit_bytes:
            raise UploadTooLarge(self._limit_bytes)
        with self.open_part(owner=owner, size_bytes=size_bytes or 0) as part:
            while piece := body.read(PIECE_BYTES):
                part.write(piece)
            return part.finish(name=name)

    def keep_content(self, content: bytes, *, owner: str, name: str, kind: Kind | None = None) -> Upload:
        """
        Keep some bytes for their owner, or find a file of the same bytes that stays for a good while yet.

        Raises
        ------
        UploadTooLarge, UploadRefused, NoSpace
            As `take`.
        """
        now = utc_now()
        query = select(uploads).where(
            uploads.c.owner == owner,
            uploads.c.sha256 == hashlib.sha256(content).hexdigest(),
            uploads.c.expires > now + timedelta(seconds=self._lifetime_s / 2),
        )
        with database.reading(self._engine) as connection:
            row = connection.execute(query.order_by(uploads.c.expires.desc()).limit(1)).first()
        if row is not None and (kind is None or row.kind == kind.id):
            return _upload(row)
        with self.open_part(owner=owner, size_bytes=len(content)) as part:
            part.write(content)
            return part.finish(name=name, kind=kind)

    @contextmanager
    def open_part(self, *, owner: str, size_bytes: int = 0) -> Iterator["Part"]:
        """
        Open a file to write to, of which nothing is left unless it is finished.

        Raises
        ------
        NoSpace
            If the uploads that there are take all the room, or the disk is full.
        """
        if self._taken_bytes() + size_bytes > self._quota_bytes:
            raise NoSpace
        self._folder.mkdir(parents=True, exist_ok=True)
        id = str(uuid4())
        draft = self._folder / f"{id}{PARTIAL}"
        try:
            with as_no_space(), draft.open("wb") as stream:
                fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
                yield Part(self, stream, id=id, owner=owner, draft=draft)
        finally:
            draft.unlink(missing_ok=True)

    def find(self, id: str, *, owner: str | None) -> Upload | None:
        """Find a file that its owner still has; without an owner, for the server's own work, whoever's it is."""
        query = select(uploads).where(uploads.c.id == id, uploads.c.expires > utc_now())
        if owner is not None:
            query = query.where(uploads.c.owner == owner)
        with database.reading(self._engine) as connection:
            row = connection.execute(query).first()
        return None if row is None else _upload(row)

    def of(self, owner: str) -> Callable[[str], Upload | None]:
        """Give what finds the files of one owner by their ids."""
        return lambda id: self.find(id, owner=owner)

    def path(self, id: str) -> Path:
        """Name the place of a file."""
        return self._folder / str(UUID(id))

    def remove(self, id: str, *, owner: str) -> bool:
        """Let a file expire now; False where its owner has none of that id. Work that is under way keeps it."""
        now = utc_now()
        with database.writing(self._engine) as connection:
            found = connection.execute(
                update(uploads)
                .where(uploads.c.id == id, uploads.c.owner == owner, uploads.c.expires > now)
                .values(expires=now)
            )
        return found.rowcount == 1

    def sweep(self, *, used: Callable[[], frozenset[str]]) -> int:
        """
        Remove what has expired and what a crash left behind; two sweepers at once do no harm.

        Parameters
        ----------
        used : callable
            Names the uploads that unfinished jobs need; asked only where something has expired.

        Returns
        -------
        int
            How many files are gone.
        """
        with database.reading(self._engine) as connection:
            expired = set(connection.scalars(select(uploads.c.id).where(uploads.c.expires <= utc_now())))
            known = set(connection.scalars(select(uploads.c.id)))
        gone = expired - used() if expired else set()
        for id in gone:
            self.path(id).unlink(missing_ok=True)
        with database.writing(self._engine) as connection:
            connection.execute(delete(uploads).where(uploads.c.id.in_(gone)))
        forgotten = [path for path in self._files() if path.name not in known and _is_forgotten(path)]
        for path in forgotten:
            path.unlink(missing_ok=True)
        return len(gone) + len(forgotten)

    def _files(self) -> tuple[Path, ...]:
        return tuple(self._folder.iterdir()) if self._folder.is_dir() else ()

    def _taken_bytes(self) -> int:
        with database.reading(self._engine) as connection:
            return int(connection.execute(select(func.coalesce(func.sum(uploads.c.size_bytes), 0))).scalar_one())

    def keep(self, upload: Upload, draft: Path) -> None:
        """Give a finished file its place and its row."""
        draft.rename(self.path(upload.id))
        sync_folder(self._folder)
        try:
            self._note(upload)
        except BaseException:
            self.path(upload.id).unlink(missing_ok=True)
            raise

    def expiry(self, now: datetime) -> datetime:
        """Tell until when a file is kept that comes now."""
        return now + timedelta(seconds=self._lifetime_s)

    def _note(self, upload: Upload) -> None:
        row = {column.name: getattr(upload, column.name) for column in uploads.columns}
        with database.writing(self._engine) as connection:
            connection.execute(insert(uploads), row)


class Part:
    """A file that is on its way in."""

    def __init__(self, uploads: Uploads, stream: BinaryIO, *, id: str, owner: str, draft: Path) -> None:
        self._uploads = uploads
        self._stream = stream
        self._id = id
        self._owner = owner
        self._draft = draft
        self._digest = hashlib.sha256()
        self._size_bytes = 0

    def write(self, piece: bytes) -> int:
        """
        Take some of it.

        Raises
        ------
        UploadTooLarge
            If it has become larger than the limit.
        """
        self._size_bytes += len(piece)
        if self._size_bytes > self._uploads.limit_bytes:
            raise UploadTooLarge(self._uploads.limit_bytes)
        self._digest.update(piece)
        return self._stream.write(piece)

    def seek(self, offset: int, whence: int = 0) -> int:
        """Stay where it is: a reader of forms goes back to the beginning of what it wrote, and nobody reads there."""
        del offset, whence
        return 0

    def finish(self, *, name: str, kind: Kind | None = None) -> Upload:
        """
        Keep it; what it is, is recognised by its content unless it is known.

        Raises
        ------
        UploadRefused
            If it is nothing that can be used.
        """
        off_the_loop(lambda: _sync(self._stream))
        kind, now = kind or off_the_loop(lambda: recognise(self._draft)), utc_now()
        upload = Upload(
            id=self._id, owner=self._owner, name=plain_name(name), kind=kind.id, media_type=kind.media_type,
            size_bytes=self._size_bytes, sha256=self._digest.hexdigest(), created=now, expires=self._uploads.expiry(now),
        )  # fmt: skip
        self._uploads.keep(upload, self._draft)
        return upload


def open_uploads(settings: Settings, engine: Engine) -> Uploads:
    """Open the uploads as the settings say."""
    return Uploads(
        engine,
        settings.home / FOLDER,
        limit_bytes=settings.upload_limit,
        quota_bytes=settings.upload_quota,
        lifetime_s=settings.upload_lifetime_s,
    )


def plain_name(name: str) -> str:
    """Make a name for people of what a client calls a file: no folders, nothing that cannot be seen."""
    leaf = name.replace("\\", "/").rpartition("/")[2]
    shown = "".join(each for each in leaf if each.isprintable()).strip(" .")
    return shown[:LONGEST_NAME] or "upload"


def _sync(stream: BinaryIO) -> None:
    stream.flush()
    os.fsync(stream.fileno())


def _is_forgotten(path: Path) -> bool:
    """Tell whether nobody writes a file that has no row."""
    if path.suffix != PARTIAL:
        return _age_s(path) > FORGOTTEN_S
    if _age_s(path) < BEGUN_S:
        return False
    try:
        with path.open("rb") as stream:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, FileNotFoundError):
        return False
    return True


def _age_s(path: Path) -> float:
    """Tell how long ago a file was written to; one that went away just now is as new as can be."""
    try:
        return time.time() - path.stat().st_mtime
    except FileNotFoundError:
        return 0.0


def _upload(row: Row[Any]) -> Upload:
    return Upload(**row._mapping)  # noqa: SLF001 - SQLAlchemy's documented way to a row's names
