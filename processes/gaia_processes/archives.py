"""Whether an archive is safe to open, by its directory alone: nothing is unpacked here."""

import stat
import zipfile
from pathlib import Path, PurePosixPath

from gaia_processes.text import Text

MOST_MEMBERS = 10_000
LARGEST_BYTES = 20 * 10**9
HIGHEST_RATIO = 100
SMALL_BYTES = 2**20
"""Below this size a high ratio hurts nobody: a small file of blanks is compressed well."""
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
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
    # NotImplementedError is what zipfile raises for an archive of a version of the format that it does not read.
    except (zipfile.BadZipFile, NotImplementedError, OSError, ValueError):
        raise UnsafeArchive("is damaged or cut short", "est endommagée ou tronquée") from None
    if len(members) > MOST_MEMBERS:
        raise UnsafeArchive(
            f"has {len(members)} members, more than {MOST_MEMBERS}",
            f"compte {len(members)} éléments, plus de {MOST_MEMBERS}",
        )
    for member in members:
        _check(member)
    _check_sizes(members)
    return tuple(member.filename for member in members)


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
