"""
What an uploaded file is, by its content; what it calls itself counts for nothing.

Only the first bytes are looked at, and the directory of an archive: whatever parses a file does so in a task, under its limits.
"""

from pathlib import Path

from gaia_processes.kinds import KINDS, LOOK_BYTES, Kind, UnknownKind, is_archive, kind_of_members, kind_of_start
from gaia_processes.text import Text
from gaia_server.errors import UploadRefused
from gaia_server.uploads.archives import members_of

__all__ = ["KINDS", "Kind", "recognise"]


def recognise(path: Path) -> Kind:
    """
    Tell what a file is.

    Raises
    ------
    UploadRefused
        If it is empty, nothing that can be used here, or an archive that is not safe to open.
    """
    with path.open("rb") as stream:
        beginning = stream.read(LOOK_BYTES)
    if not beginning:
        raise UploadRefused(Text(en="The file is empty.", fr="Le fichier est vide."), code="invalid-upload")
    try:
        return kind_of_members(members_of(path)) if is_archive(beginning) else kind_of_start(beginning)
    except UnknownKind as unknown:
        raise UploadRefused(unknown.text) from None
