"""
A centre's results store on disk.

`<root>/<job>/<attempt>/` holds the files of a published attempt and its `manifest.json`. Writing happens in a draft on the same file
system; a draft becomes a result by one rename, after everything in it has reached the disk.
"""

import hashlib
import json
import os
import re
import shutil
import time
import uuid
from collections.abc import Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter
from pydantic_core import to_json

from gaia_workers.contract import Order, Result

MANIFEST = "manifest.json"
DRAFTS = ".drafts"
TRASH = ".trash"
QUARANTINE = ".quarantine"
QUARANTINE_S = 30 * 86400
_PUBLISHED = re.compile(r"(?P<job>[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})/(?P<attempt>[1-9][0-9]{0,5})", re.ASCII)
SCRATCH = "scratch"
BLOCK_BYTES = 512
"""In which `st_blocks` counts, whatever the file system's own blocks are (stat(3type))."""
SYNCED_AT_ONCE = 8
_RESULT = TypeAdapter(Result)


@dataclass(slots=True)
class Draft:
    """A folder in which one attempt writes; it is removed with all that is in it unless it was published."""

    order: Order
    folder: Path
    published: bool = field(default=False)

    def path(self, name: str) -> Path:
        """Name a file in the draft."""
        return inside(self.folder, name)


class Results:
    """The results store below one folder."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._scratch: Path | None = None

    @property
    def root(self) -> Path:
        """The folder that holds everything."""
        return self._root

    def prepare(self) -> None:
        """
        Make the folders and prove that they can be written.

        Raises
        ------
        OSError
            If not.
        """
        for folder in (self._root, self._root / DRAFTS, self._root / TRASH):
            folder.mkdir(parents=True, exist_ok=True)
        proof = self._root / DRAFTS / f"proof-{uuid.uuid4().hex}"
        proof.write_bytes(b"")
        proof.unlink()

    def folder(self, job_id: str, attempt: int) -> Path:
        """Name the place of a published attempt."""
        return inside(inside(self._root, job_id), str(attempt))

    def find(self, order: Order) -> Result | None:
        """Find what this very attempt published before, if it did."""
        manifest = self.folder(order.job_id, order.attempt) / MANIFEST
        if not manifest.is_file():
            return None
        return _RESULT.validate_python(json.loads(manifest.read_text())["result"])

    @contextmanager
    def draft(self, order: Order) -> Iterator[Draft]:
        """Open a draft for an attempt."""
        folder = self._root / DRAFTS / f"{order.job_id}-{order.attempt}-{uuid.uuid4().hex[:8]}"
        folder.mkdir(parents=True)
        draft = Draft(order=order, folder=folder)
        try:
            yield draft
        finally:
            if not draft.published:
                shutil.rmtree(folder, ignore_errors=True)

    @contextmanager
    def scratch(self, order: Order) -> Iterator[Path]:
        """
        Open a folder for an attempt's temporary files, on the disk of the results; it goes with all that is in it, and where
        nothing is in it when a result is published, before that.
        """
        folder = self._root / DRAFTS / f"{order.job_id}-{order.attempt}-{SCRATCH}-{uuid.uuid4().hex[:8]}"
        folder.mkdir(parents=True)
        self._scratch = folder
        try:
            yield folder
        finally:
            self._scratch = None
            _remove_folder(folder)

    def publish(self, draft: Draft, result: Result) -> None:
        """Write the manifest and make the draft the attempt's result, in one step that a crash cannot halve."""
        if self._scratch is not None:
            _remove_if_empty(
                self._scratch
            )  # before the syncs: after them a journal has it wait until it is through with them
        manifest = draft.path(MANIFEST)
        manifest.write_bytes(to_json(manifest_of(draft.order, result), indent=2) + b"\n")
        _sync_all((draft.folder, *draft.folder.iterdir()))
        place = self.folder(draft.order.job_id, draft.order.attempt)
        place.parent.mkdir(parents=True, exist_ok=True)
        draft.folder.rename(place)
        draft.published = True
        sync(place.parent)

    def remove(self, job_id: str, attempt: int) -> None:
        """Remove what an attempt published or drafted; nothing is there afterwards, and nobody sees half of it."""
        place = self.folder(job_id, attempt)
        for folder in (place, *(self._root / DRAFTS).glob(f"{job_id}-{attempt}-*")):
            self._discard(folder)
        if place.parent.is_dir() and not any(place.parent.iterdir()):
            place.parent.rmdir()

    def published(self, *, older_s: float) -> Iterator[tuple[str, int]]:
        """List what attempts published some time ago, as job and attempt."""
        for place in self._root.glob("*/*"):
            match = _PUBLISHED.fullmatch(f"{place.parent.name}/{place.name}")
            if match and _age_s(place) > older_s:
                yield match["job"], int(match["attempt"])

    def set_aside(self, job_id: str, attempt: int) -> None:
        """Put away what an attempt published, where nobody is led to it; it is removed after a month."""
        place, aside = self.folder(job_id, attempt), self._root / QUARANTINE / f"{job_id}-{attempt}"
        aside.parent.mkdir(exist_ok=True)
        if not place.is_dir():
            return
        self._discard(aside)
        place.rename(aside)
        os.utime(aside)
        if not any(place.parent.iterdir()):
            place.parent.rmdir()

    def clear_aside(self) -> None:
        """Remove what was put aside a month ago."""
        for folder in (self._root / QUARANTINE).glob("*"):
            if _age_s(folder) > QUARANTINE_S:
                self._discard(folder)

    def drafts(self) -> tuple[Path, ...]:
        """List the drafts that there are, also those of other agents."""
        return tuple((self._root / DRAFTS).iterdir())

    def drafted_bytes(self, job_id: str, attempt: int) -> int:
        """Measure what an attempt has written so far, its temporary files too, as it lies on the disk."""
        folders = (self._root / DRAFTS).glob(f"{job_id}-{attempt}-*")  # the root holds every job that was published
        files = (file for folder in folders for file in folder.rglob("*"))
        return sum(map(_bytes_on_disk, files))

    def sweep(self, living: frozenset[str] = frozenset()) -> None:
        """Remove drafts that nobody writes any more: those of jobs that are not named."""
        for folder in self.drafts():
            if folder.name[:36] not in living:
                self._discard(folder)
        for folder in (self._root / TRASH).iterdir():
            shutil.rmtree(folder, ignore_errors=True)

    def drop(self, names: Collection[str]) -> None:
        """Remove drafts by their names."""
        for name in names:
            self._discard(inside(self._root / DRAFTS, name))

    def _discard(self, folder: Path) -> None:
        trash = self._root / TRASH / uuid.uuid4().hex
        try:
            folder.rename(trash)
        except FileNotFoundError:
            return
        shutil.rmtree(trash, ignore_errors=True)


def _age_s(path: Path) -> float:
    """Tell how long ago something last changed in a folder; nothing where it is gone."""
    try:
        return time.time() - path.stat().st_mtime
    except FileNotFoundError:
        return 0.0


def inside(folder: Path, name: str) -> Path:
    """
    Name something directly inside a folder.

    Raises
    ------
    ValueError
        If the name would lead elsewhere.
    """
    if name in ("", ".", "..") or "/" in name or "\0" in name:
        raise ValueError("not a plain name")
    return folder / name


def digest(path: Path) -> str:
    """Give the sha256 of a file's bytes, hex."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def manifest_of(order: Order, result: Result) -> dict[str, Any]:
    """Say what an attempt made and of what: the members of `manifest.json`."""
    return {
        "job": order.job_id,
        "attempt": order.attempt,
        "process": order.process_id,
        "version": order.process_version,
        "inputs": order.inputs,
        "accepted": order.accepted.isoformat(),
        "centre": order.centre,
        "files": [
            {"name": each.name, "output": each.output, "mediaType": each.media_type,
             "sizeBytes": each.size_bytes, "sha256": each.sha256}
            for each in result.files
        ],
        "result": result,
    }  # fmt: skip


def _remove_folder(folder: Path) -> None:
    """Remove a folder with all that is in it; most often there is nothing, and one call does it."""
    if not _remove_if_empty(folder):
        shutil.rmtree(folder, ignore_errors=True)


def _remove_if_empty(folder: Path) -> bool:
    """Remove a folder that holds nothing; tell whether it is gone."""
    try:
        folder.rmdir()
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return True


def _bytes_on_disk(file: Path) -> int:
    try:
        return file.lstat().st_blocks * BLOCK_BYTES
    except FileNotFoundError:  # it was removed meanwhile
        return 0


def _sync_all(paths: Collection[Path]) -> None:
    """Bring files and folders to the disk at once: a journal that is asked for several writes them in one go."""
    first, *others = paths
    waited_for = [_syncing().submit(sync, path) for path in others]
    sync(first)
    for done in waited_for:
        done.result()


@cache
def _syncing() -> ThreadPoolExecutor:
    """
    Give the threads that wait for the disk, begun with the first result that is published.

    They stay: beginning and ending them takes longer than a small result does.
    """
    return ThreadPoolExecutor(SYNCED_AT_ONCE, thread_name_prefix="sync")


def sync(path: Path) -> None:
    """Bring a file, or the names in a folder, onto the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
