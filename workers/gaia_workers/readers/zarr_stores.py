"""
Where the members of a Zarr store lie: a folder, or a zip file that is read without being unpacked.

Members are named as Zarr names its keys: `zarr.json`, `tas/zarr.json`, `tas/c/0/0`. Nothing is known here of what they
hold.
"""

import hashlib
import os
import stat
import struct
import threading
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import deflate

from gaia_processes.archives import UnsafeArchive, members_of
from gaia_processes.errors import UnreadableData
from gaia_processes.kinds import ZARR, UnknownKind, explain_kind, kind_of_members
from gaia_workers.readers import refusals

MARKS = ("zarr.json", ".zgroup", ".zmetadata", ".zarray")
"""Members that make a folder a Zarr store."""

MEMBER_LIMIT_BYTES = 2**31
"""Larger members are read in parts alone."""

_LOCAL_HEADER_BYTES = 30
_LOCAL_MAGIC = b"PK\x03\x04"
_EXTRA_BYTES = 64
"""What stands between the name and the content of a member of a zip file; more than that is rare, and read anew."""


class Store(Protocol):
    """
    The members of one Zarr store.

    Attributes
    ----------
    is_checked : bool
        Whether a member that is read whole is compared with a check sum: then it should be.
    """

    is_checked: bool

    def folders(self) -> tuple[str, ...]:
        """Name the folders at the root: the arrays and groups."""
        ...

    def read(self, key: str) -> bytes | None:
        """Read a member whole; None where there is none."""
        ...

    def read_part(self, key: str, begin: int, size: int) -> bytes | None:
        """Read some bytes of a member, from its end where `begin` is negative; None where there is none."""
        ...

    def length(self, key: str) -> int | None:
        """Give the bytes of a member; None where there is none."""
        ...

    def size_bytes(self, folder: str) -> int:
        """Add up the bytes of all that lies in a folder at the root."""
        ...


def is_store(folder: Path) -> bool:
    """Tell whether a folder is a Zarr store."""
    return any((folder / mark).is_file() for mark in MARKS)


@contextmanager
def open_store(path: Path) -> Iterator[Store]:
    """
    Open the members of a store.

    Raises
    ------
    UnreadableData
        The folder is no Zarr store, or the archive none, or not safe to open.
    """
    if path.is_dir():
        if not is_store(path):
            raise UnreadableData(refusals.NO_STORE)
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            yield FolderStore(path, descriptor)
        finally:
            os.close(descriptor)
        return
    members = _members(path)
    descriptor = os.open(path, os.O_RDONLY)
    try:
        yield ZipStore(descriptor, members)
    finally:
        os.close(descriptor)


class FolderStore:
    """A store in a folder; symbolic links are not followed."""

    is_checked = False

    def __init__(self, path: Path, descriptor: int) -> None:
        self._path = path
        self._descriptor = descriptor

    def folders(self) -> tuple[str, ...]:
        """Name the folders at the root, in the order of the alphabet: a folder has no order of its own."""
        with os.scandir(self._path) as entries:
            return tuple(sorted(entry.name for entry in entries if entry.is_dir(follow_symlinks=False)))

    def read(self, key: str) -> bytes | None:
        """Read a member whole; None where there is none."""
        with self._opened(key) as file:
            if file is None:
                return None
            size = os.fstat(file).st_size
            if size > MEMBER_LIMIT_BYTES:
                raise UnreadableData(refusals.DAMAGED_ZARR)
            return os.pread(file, size, 0)

    def read_part(self, key: str, begin: int, size: int) -> bytes | None:
        """Read some bytes of a member, from its end where `begin` is negative; None where there is none."""
        with self._opened(key) as file:
            if file is None:
                return None
            start = begin if begin >= 0 else os.fstat(file).st_size + begin
            return os.pread(file, size, start) if start >= 0 else b""

    def length(self, key: str) -> int | None:
        """Give the bytes of a member; None where there is none."""
        with self._opened(key) as file:
            return None if file is None else os.fstat(file).st_size

    def size_bytes(self, folder: str) -> int:
        """Add up the bytes of all that lies in a folder at the root."""
        return sum(path.stat().st_size for path in _files(self._path / folder))

    @contextmanager
    def _opened(self, key: str) -> Iterator[int | None]:
        try:
            file = os.open(key, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=self._descriptor)
        except (FileNotFoundError, NotADirectoryError):
            yield None
            return
        try:
            if not stat.S_ISREG(os.fstat(file).st_mode):
                raise UnreadableData(refusals.DAMAGED_ZARR)
            yield file
        finally:
            os.close(file)


@dataclass(frozen=True, slots=True)
class _Member:
    """Where a member of a zip file lies: its local header, bytes of its name there, bytes as they lie and as they are."""

    begin: int
    name_bytes: int
    packed: int
    size: int
    check: int
    stored: bool


class ZipStore:
    """A store in a zip file; its members are read where they lie, by any thread."""

    is_checked = True

    def __init__(self, descriptor: int, members: dict[str, _Member]) -> None:
        self._descriptor = descriptor
        self._members = members
        self._lock = threading.Lock()
        self._last: tuple[str, bytes] | None = None

    def folders(self) -> tuple[str, ...]:
        """Name the folders at the root, in the order of the archive."""
        return tuple(dict.fromkeys(key.partition("/")[0] for key in self._members if "/" in key))

    def read(self, key: str) -> bytes | None:
        """Read a member whole, and compare its check sum; None where there is none."""
        member = self._members.get(key)
        if member is None:
            return None
        if member.size > MEMBER_LIMIT_BYTES:
            raise UnreadableData(refusals.DAMAGED_ZARR)
        data = self._packed(member)
        if not member.stored:
            data = _inflate(data, member.size)
        if len(data) != member.size or zlib.crc32(data) != member.check:
            raise UnreadableData(refusals.DAMAGED_ZARR)
        return data

    def read_part(self, key: str, begin: int, size: int) -> bytes | None:
        """Read some bytes of a member, from its end where `begin` is negative; None where there is none."""
        member = self._members.get(key)
        if member is None:
            return None
        start = begin if begin >= 0 else member.size + begin
        if start < 0:
            return b""
        if member.stored:
            return os.pread(self._descriptor, min(size, max(member.size - start, 0)), self._content(member) + start)
        # What is deflated as a whole is inflated as a whole: kept, since parts of it are asked for one after the other.
        with self._lock:
            if self._last is None or self._last[0] != key:
                self._last = (key, self.read(key) or b"")
            return self._last[1][start : start + size]

    def length(self, key: str) -> int | None:
        """Give the bytes of a member; None where there is none."""
        member = self._members.get(key)
        return None if member is None else member.size

    def size_bytes(self, folder: str) -> int:
        """Add up the bytes, as they lie in the file, of all that lies in a folder at the root."""
        return sum(member.packed for key, member in self._members.items() if key.startswith(f"{folder}/"))

    def _packed(self, member: _Member) -> bytes:
        """Read the bytes of a member as they lie in the file, mostly at one go with the header before them."""
        ahead = _LOCAL_HEADER_BYTES + member.name_bytes + _EXTRA_BYTES
        raw = os.pread(self._descriptor, ahead + member.packed, member.begin)
        at = _header_bytes(raw)
        if len(raw) >= at + member.packed:
            return raw[at : at + member.packed]
        return os.pread(self._descriptor, member.packed, member.begin + at)

    def _content(self, member: _Member) -> int:
        return member.begin + _header_bytes(os.pread(self._descriptor, _LOCAL_HEADER_BYTES, member.begin))


def _header_bytes(raw: bytes) -> int:
    """Give the length of a member's local header: its name and extra field need not be as long as in the directory."""
    if not raw.startswith(_LOCAL_MAGIC) or len(raw) < _LOCAL_HEADER_BYTES:
        raise UnreadableData(refusals.DAMAGED_ZARR)
    name, extra = struct.unpack_from("<HH", raw, 26)
    return int(_LOCAL_HEADER_BYTES + name + extra)


def _inflate(data: bytes, size: int) -> bytes:
    try:
        return bytes(deflate.deflate_decompress(data, size))
    except deflate.DeflateError as error:
        raise UnreadableData(refusals.DAMAGED_ZARR) from error


def _members(path: Path) -> dict[str, _Member]:
    """Read the directory of an archive that is safe to open, and holds a Zarr store."""
    try:
        names = members_of(path)
        kind = kind_of_members(names)
    except (UnsafeArchive, UnknownKind) as unusable:
        raise UnreadableData(unusable.text) from None
    if kind is not ZARR:
        raise UnreadableData(explain_kind(kind, "grid"))
    root = _root(names)
    members = dict[str, _Member]()
    with zipfile.ZipFile(path) as archive:
        for entry in archive.infolist():
            if not entry.filename.startswith(root) or entry.is_dir():
                continue
            if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                raise refusals.refuse_zip_method(entry.filename[:80])
            members[entry.filename.removeprefix(root)] = _Member(
                begin=entry.header_offset,
                name_bytes=len(entry.orig_filename.encode()),
                packed=entry.compress_size,
                size=entry.file_size,
                check=entry.CRC,
                stored=entry.compress_type == zipfile.ZIP_STORED,
            )
    return members


def _root(names: tuple[str, ...]) -> str:
    """Find the folder of the archive that is the store: often it was packed with the folder that holds it."""
    marked = [name for name in names if name.rpartition("/")[2] in MARKS and not name.startswith("__MACOSX/")]
    folder = min(
        (name.rpartition("/")[0] for name in marked), key=lambda each: (len(each.split("/")) if each else 0, each)
    )
    return f"{folder}/" if folder else ""


# --- a store as a whole ----------------------------------------------------------------------------------------------


def _files(folder: Path) -> Iterator[Path]:
    """List the files of a folder in the order of their paths; anything but files and folders is refused."""
    for entry in sorted(folder.iterdir()):
        mode = entry.lstat().st_mode
        if stat.S_ISDIR(mode):
            yield from _files(entry)
        elif stat.S_ISREG(mode):
            yield entry
        else:
            raise refusals.refuse_special_member(entry.name[:80])


def size_of(path: Path) -> int:
    """Give the bytes of a file, or of all files of a folder."""
    return sum(each.stat().st_size for each in _files(path)) if path.is_dir() else path.stat().st_size


def digest_of(path: Path) -> str:
    """
    Give the sha256 of a file, or of a folder: of a list of its files.

    Parameters
    ----------
    path : Path
        A file, or the folder of a Zarr store.

    Returns
    -------
    str
        64 hexadecimal digits. For a folder that of the lines `<sha256>  ./<path>` in the order of the bytes of the paths,
        as `find . -type f | LC_ALL=C sort | xargs sha256sum | sha256sum` gives it there.

    Raises
    ------
    UnreadableData
        A folder holds anything but files and folders: links lead out of it.
    """
    if not path.is_dir():
        return _digest(path)
    names = sorted(f"./{each.relative_to(path).as_posix()}".encode() for each in _files(path))
    listing = hashlib.sha256()
    for name in names:
        listing.update(f"{_digest(path / os.fsdecode(name))}  ".encode() + name + b"\n")
    return listing.hexdigest()


def _digest(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
