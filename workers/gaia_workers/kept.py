"""
Arrays that are costly to make, kept on disk under a key that says all they depend on; many processes share them.

A file appears by one rename and is never changed. What was not used for longest goes first when there is too much; without
any of it the same numbers are made again.
"""

import os
import tempfile
import zipfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import structlog
from numpy.typing import NDArray

FOLDER = ".weights"
_ENDING = ".npz"
_DRAFT = ".draft"
_ABANDONED_S = 3600.0

type Arrays = Mapping[str, NDArray[Any]]

_log = structlog.get_logger()


class KeptArrays:
    """
    The arrays in one folder.

    Parameters
    ----------
    folder : Path
        Is made when it is needed.
    limit_bytes : float
        Of all files together; larger arrays are not kept.
    """

    def __init__(self, folder: Path, limit_bytes: float) -> None:
        self._folder = folder
        self._limit_bytes = limit_bytes

    def find(self, key: str, make: Callable[[], Arrays]) -> Arrays:
        """Give what is kept under a key, or make it and keep it; a disk that fails costs the time alone."""
        path = self._folder / f"{key}{_ENDING}"
        kept = _read(path)
        if kept is not None:
            return kept
        made = make()
        if sum(array.nbytes for array in made.values()) <= self._limit_bytes:
            try:
                self._keep(path, made)
            except OSError as error:
                _log.warning("weights could not be kept", reason=error.strerror)
        return made

    def _keep(self, path: Path, arrays: Arrays) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        descriptor, draft = tempfile.mkstemp(suffix=_DRAFT, dir=self._folder)
        try:
            with os.fdopen(descriptor, "wb") as file:
                np.savez(file, allow_pickle=False, **arrays)
                file.flush()
                os.fsync(file.fileno())
            Path(draft).replace(path)
        finally:
            Path(draft).unlink(missing_ok=True)
        self._make_room(path)

    def _make_room(self, newest: Path) -> None:
        """Remove what was not used for longest, and drafts of processes that are gone."""
        stats = {path: stat for path in self._folder.iterdir() if (stat := _stat(path)) is not None}
        now, used_bytes = stats[newest].st_mtime if newest in stats else 0.0, 0
        for path, stat in sorted(stats.items(), key=lambda each: each[1].st_mtime, reverse=True):
            if path.suffix == _DRAFT:
                abandoned = now - stat.st_mtime > _ABANDONED_S
            else:
                used_bytes += stat.st_size
                abandoned = used_bytes > self._limit_bytes and path != newest
            if abandoned:
                path.unlink(missing_ok=True)


def _stat(path: Path) -> os.stat_result | None:
    """Look at a file; another process may have removed it."""
    with suppress(FileNotFoundError):
        return path.stat()
    return None


def _read(path: Path) -> dict[str, NDArray[Any]] | None:
    """Read a file and note that it was used; a damaged one is removed."""
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in stored.files}
        os.utime(path)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        _log.warning("kept weights are damaged and made anew", reason=str(error))
        with suppress(OSError):
            path.unlink()
        return None
    return arrays
