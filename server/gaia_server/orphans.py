"""
The server's own results store against the job store: files that nobody wants are removed, files of which the job store knows
nothing are put aside, and results that should be there and are not are told.

Files of which nothing is known are not removed at once: after a backup of the job store was put back, they may be all that is left
of some results.
"""

import os
import re
import shutil
import time
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import structlog

from gaia_config.centres import Centre
from gaia_server.jobs.retention import Retention
from gaia_workers.contract import utc_now

QUARANTINE = ".quarantine"
QUARANTINE_S = 30 * 86400
YOUNG_S = 3600.0
"""What was written just now is left alone: the job store may hear of it only later."""

_WORK = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII)
_ATTEMPT = re.compile(r"[1-9][0-9]{0,5}", re.ASCII)

_log = structlog.get_logger()


@dataclass(frozen=True, kw_only=True, slots=True)
class Folder:
    """What one attempt delivered."""

    work_id: str
    attempt: int
    path: Path

    @property
    def key(self) -> tuple[str, int]:
        """How the job store names it."""
        return self.work_id, self.attempt


class OwnStore:
    """
    The server's own results store, as the sweeper sees it.

    Parameters
    ----------
    root : Path
        Its folder. Where there is nothing in it, nothing is taken for lost.
    """

    def __init__(self, root: Path, retention: Retention, centres: Mapping[str, Centre]) -> None:
        self._root = root
        self._retention = retention
        self._pushing = tuple(centre.id for centre in centres.values() if centre.delivery == "push")

    def sweep(self) -> None:
        """Compare once."""
        there = tuple(_folders(self._root))
        self._clear(tuple(folder for folder in there if _age_s(folder.path) > YOUNG_S))
        if there:  # nothing at all: the disk is away, and then nothing is lost
            self._miss({folder.key for folder in there})
        for path in (self._root / QUARANTINE).glob("*"):
            if _age_s(path) > QUARANTINE_S:
                shutil.rmtree(path, ignore_errors=True)

    def _clear(self, folders: tuple[Folder, ...]) -> None:
        wanted = self._retention.wanted([folder.key for folder in folders])
        for folder in folders:
            if folder.key not in wanted:
                self._set_aside(folder)
            elif not wanted[folder.key]:
                _log.info("files removed that nobody wants", job=folder.work_id, attempt=folder.attempt)
                shutil.rmtree(folder.path, ignore_errors=True)

    def _set_aside(self, folder: Folder) -> None:
        place = self._root / QUARANTINE / f"{folder.work_id}-{folder.attempt}"
        _log.warning("files put aside of which the job store knows nothing", job=folder.work_id, attempt=folder.attempt)
        shutil.rmtree(place, ignore_errors=True)
        place.parent.mkdir(exist_ok=True)
        folder.path.rename(place)
        os.utime(place)

    def _miss(self, there: Collection[tuple[str, int]]) -> None:
        for centre in self._pushing:
            for work_id, attempt in self._retention.kept_at(centre, before=utc_now()):
                here = (work_id, attempt) in there or (self._root / work_id / str(attempt)).is_dir()
                if not here and self._retention.lose(work_id, attempt, store="server"):
                    _log.error("results are lost", job=work_id, attempt=attempt, centre=centre)


def _folders(root: Path) -> Iterator[Folder]:
    for work in root.glob("*"):
        if _WORK.fullmatch(work.name):
            for path in work.glob("*"):
                if _ATTEMPT.fullmatch(path.name) and path.is_dir():
                    yield Folder(work_id=work.name, attempt=int(path.name), path=path)


def _age_s(path: Path) -> float:
    """Tell how long ago something last changed in a folder; nothing where it is gone."""
    try:
        return time.time() - path.stat().st_mtime
    except FileNotFoundError:
        return 0.0
