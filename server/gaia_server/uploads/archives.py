"""Whether an uploaded archive is safe to open, by its directory alone: nothing is unpacked here."""

from pathlib import Path

from gaia_processes import archives
from gaia_server.errors import UploadRefused


def members_of(path: Path) -> tuple[str, ...]:
    """
    List the names of an archive's members.

    Raises
    ------
    UploadRefused
        If it is no archive that can be read, or unpacking it could hurt (`gaia_processes.archives.members_of`).
    """
    try:
        return archives.members_of(path)
    except archives.UnsafeArchive as unsafe:
        raise UploadRefused(unsafe.text, code="unsafe-upload") from None
