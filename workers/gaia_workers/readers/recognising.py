"""What a file, or the folder of a Zarr store, at a centre is, by its content; archives are judged before anything in them is opened."""

from pathlib import Path

from gaia_processes.archives import UnsafeArchive, members_of
from gaia_processes.errors import DatasetUnsuitable
from gaia_processes.kinds import (
    LOOK_BYTES,
    TAKEN,
    ZARR,
    Kind,
    Role,
    UnknownKind,
    explain_kind,
    is_archive,
    kind_of_members,
    kind_of_start,
)
from gaia_workers.readers.refusals import NO_STORE
from gaia_workers.readers.zarr_stores import is_store


def recognise(path: Path) -> Kind:
    """
    Tell what a file is.

    Raises
    ------
    DatasetUnsuitable
        If it is nothing that can be used here, or an archive that is not safe to open.
    """
    if path.is_dir():
        if is_store(path):
            return ZARR
        raise DatasetUnsuitable(NO_STORE)
    with path.open("rb") as stream:
        beginning = stream.read(LOOK_BYTES)
    try:
        return kind_of_members(members_of(path)) if is_archive(beginning) else kind_of_start(beginning)
    except (UnknownKind, UnsafeArchive) as unusable:
        raise DatasetUnsuitable(unusable.text) from None


def recognise_for(path: Path, role: Role) -> Kind:
    """
    Tell what a file is that is named where zones, points, occurrences or a community table are wanted.

    Raises
    ------
    DatasetUnsuitable
        If it is of a kind that is not taken there.
    """
    kind = recognise(path)
    if kind not in TAKEN[role]:
        raise DatasetUnsuitable(explain_kind(kind, role))
    return kind
