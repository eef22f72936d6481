"""Whether an archive is safe to open, by its directory alone: nothing is unpacked here."""

import stat
import struct
import zipfile
from pathlib import Path, PurePosixPath

from gaia_processes.text import Text

MOST_MEMBERS = 10_000
MOST_CHUNKS = 200_000
"""So many members a Zarr store may have: each of its chunks is one."""
DIRECTORY_LIMIT_BYTES = 2**25
"""A longer directory is refused unread: each of its members takes ten times as much in memory."""
LARGEST_BYTES = 20 * 10**9
HIGHEST_RATIO = 100
SMALL_BYTES = 2**20
"""Below this size a high ratio hurts nobody: a small file of blanks is compressed well."""
_ZARR_DOCUMENTS = ("zarr.json", ".zgroup", ".zarray")
_END_BYTES = 22 + 2**16  # the end of the directory, and the longest comment behind it
_END_MAGIC, _END_64_MAGIC, _LOCATOR_MAGIC = b"PK\x05\x06", b"PK\x06\x06", b"PK\x06\x07"
_IS_IN_64 = 2**32 - 1
_NESTED = (".zip", ".gz", ".tgz", ".7z", ".rar", ".bz2", ".xz")


class UnsafeArchive(ValueError):
    """
    An archive that cannot be read, or that could hurt.

    Attributes
    ----------
    text : Text
        Why.
    """

    def __init__(self, en: str, fr: str) -> None:
        self.text = Text(en=f"The archive {en}.", fr=f"L'archive {fr}.")
        super().__init__(self.text.en)


def members_of(path: Path) -> tuple[str, ...]:
    """
    List the names of an archive's members.

    Raises
    ------
    UnsafeArchive
        If it is no archive that can be read, or unpacking it could hurt: names that lead out of it, links, archives inside,
        too many members, or more bytes than it seems.
    """
    directory_bytes = _directory_bytes(path)
    if directory_bytes > DIRECTORY_LIMIT_BYTES:
        raise UnsafeArchive(
            f"has a directory of {directory_bytes} bytes; at most {DIRECTORY_LIMIT_BYTES} are read",
            f"a un répertoire de {directory_bytes} octets ; au plus {DIRECTORY_LIMIT_BYTES} sont lus",
        )
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
    # NotImplementedError is what zipfile raises for an archive of a version of the format that it does not read.
    except (zipfile.BadZipFile, NotImplementedError, OSError, ValueError):
        raise UnsafeArchive("is damaged or cut short", "est endommagée ou tronquée") from None
    most = MOST_CHUNKS if any(member.filename.endswith(_ZARR_DOCUMENTS) for member in members) else MOST_MEMBERS
    if len(members) > most:
        raise UnsafeArchive(
            f"has {len(members)} members, more than {most}", f"compte {len(members)} éléments, plus de {most}"
        )
    for member in members:
        _check(member)
    _check_sizes(members)
    return tuple(member.filename for member in members)


def _directory_bytes(path: Path) -> int:
    """Read from the end of an archive how long its directory is; 0 where it has none, which its reader then says."""
    size_bytes = path.stat().st_size
    with path.open("rb") as stream:
        stream.seek(max(size_bytes - _END_BYTES, 0))
        tail = stream.read(_END_BYTES)
        at = tail.rfind(_END_MAGIC)
        if at < 0 or len(tail) < at + 22:
            return 0
        (length,) = struct.unpack_from("<I", tail, at + 12)
        if length != _IS_IN_64 or at < 20 or tail[at - 20 : at - 16] != _LOCATOR_MAGIC:
            return int(length)
        (begin,) = struct.unpack_from("<Q", tail, at - 12)
        stream.seek(min(begin, size_bytes))
        end = stream.read(56)
    if len(end) < 56 or not end.startswith(_END_64_MAGIC):
        return 0
    return int(struct.unpack_from("<Q", end, 40)[0])


def _check(member: zipfile.ZipInfo) -> None:
    name = member.orig_filename
    path = PurePosixPath(name.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or "\0" in name:
        raise UnsafeArchive(
            f"has a member whose name leads out of it ({name[:80]!r})",
            f"a un élément dont le nom mène hors d'elle ({name[:80]!r})",
        )
    if stat.S_ISLNK(member.external_attr >> 16):
        raise UnsafeArchive(f"has a link among its members ({name[:80]!r})", f"contient un lien ({name[:80]!r})")
    if name.lower().endswith(_NESTED):
        raise UnsafeArchive(f"has an archive inside ({name[:80]!r})", f"contient une archive ({name[:80]!r})")
    if member.flag_bits & 0x1:
        raise UnsafeArchive("is encrypted", "est chiffrée")


def _check_sizes(members: list[zipfile.ZipInfo]) -> None:
    unpacked, packed = sum(each.file_size for each in members), sum(each.compress_size for each in members)
    if unpacked > LARGEST_BYTES or (unpacked > SMALL_BYTES and unpacked > HIGHEST_RATIO * max(packed, 1)):
        raise UnsafeArchive(
            f"would unpack to {unpacked} bytes, {unpacked // max(packed, 1)} times what it has; "
            f"at most {HIGHEST_RATIO} times and {LARGEST_BYTES} bytes are allowed",
            f"donnerait {unpacked} octets, {unpacked // max(packed, 1)} fois ce qu'elle contient ; "
            f"au plus {HIGHEST_RATIO} fois et {LARGEST_BYTES} octets sont permis",
        )
