"""
The federated catalogue: what each centre's STAC catalogue offers, merged, and read again when one changes.

A centre's catalogue is a `catalog.json` with one STAC Collection a dataset and version beside it.
"""

import fcntl
import hashlib
import json
import re
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Any

import pystac
import structlog

from gaia_config.centres import Centre
from gaia_config.datasets import Dataset, Escape, Part, Replica, from_stac, to_stac
from gaia_config.errors import ConfigurationError
from gaia_config.files import write_whole

__all__ = ["Dataset", "Escape", "Federation", "Part", "Replica", "publish", "read_catalogue", "write_empty"]

LOOK_AGAIN_S = 1.0
LOOK_AFTER_MISS_S = 0.05
LARGEST_FILE_BYTES = 64 * 2**20

_log = structlog.get_logger(__name__)

type Mark = tuple[int, int, int]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Entry:
    """One file of a catalogue: what it looked like when it was read, a digest of its bytes, its dataset."""

    mark: Mark | None
    digest: str
    dataset: Dataset


@dataclass(frozen=True, kw_only=True, slots=True)
class _Read:
    """One reading of one catalogue; `problem` says why an older one still stands."""

    mark: Mark | None
    digest: str
    entries: dict[Path, _Entry]
    problem: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class _Merged:
    """All catalogues together at one moment."""

    versions: dict[str, tuple[Dataset, ...]]
    newest: tuple[Dataset, ...]
    etag: str


class Federation:
    """
    The datasets of all centres.

    Reading is safe from threads and greenlets: an answer comes from one whole reading, and a new one takes its place at
    once. A catalogue that breaks while the server runs keeps its last good reading, and the log says so.

    Parameters
    ----------
    centres : mapping of Centre or iterable of Centre
        Whose catalogues to read.

    Raises
    ------
    ConfigurationError
        A catalogue cannot be read; names file, key and remedy.
    """

    def __init__(self, centres: Mapping[str, Centre] | Iterable[Centre]) -> None:
        self._centres = tuple(centres.values() if isinstance(centres, Mapping) else centres)
        self._looked = time.monotonic()  # when the last look began: what came later it may not have seen
        self._reads = {centre.id: _read(centre.catalogue, centre.id) for centre in self._centres}
        self._merged = _merge(self._reads)
        self._looking = threading.Lock()

    def find(self, id: str, version: str | None = None) -> Dataset | None:
        """
        Find a dataset.

        Parameters
        ----------
        id : str
            Its id.
        version : str, optional
            Its version; the newest without.
        """
        found = _pick(self._now(), id, version)
        if found is None:  # another process may have offered it already: before saying no, look at what is there now
            self._look_afresh()
            found = _pick(self._merged, id, version)
        return found

    def datasets(self) -> tuple[Dataset, ...]:
        """List the newest version of each dataset, by id."""
        return self._now().newest

    def versions(self, id: str) -> tuple[Dataset, ...]:
        """List all versions of a dataset, newest first."""
        return self._now().versions.get(id, ())

    @property
    def etag(self) -> str:
        """A word that changes when anything in any catalogue changes."""
        return self._now().etag

    def _now(self) -> _Merged:
        if time.monotonic() - self._looked >= LOOK_AGAIN_S and self._looking.acquire(blocking=False):
            try:
                self._look()
            finally:
                self._looking.release()
        return self._merged

    def _look_afresh(self) -> None:
        """Wait for a look that began after this was called; one is enough for all who wait."""
        asked = time.monotonic()
        with self._looking:
            if self._looked < asked:
                time.sleep(max(0.0, self._looked + LOOK_AFTER_MISS_S - time.monotonic()))
                self._look()

    def _look(self) -> None:
        self._looked = time.monotonic()
        changed = [c for c in self._centres if not _unchanged(c.catalogue, self._reads[c.id])]
        for centre in changed:
            self._reads = self._reads | {centre.id: self._read_again(centre)}
        if changed:
            self._merged = _merge(self._reads)

    def _read_again(self, centre: Centre) -> _Read:
        last = self._reads[centre.id]
        try:
            return _read(centre.catalogue, centre.id, known=last.entries)
        except ConfigurationError as error:
            if str(error) != last.problem:
                _log.warning("catalogue is broken; its last good reading stays", centre=centre.id, problem=str(error))
            return replace(last, problem=str(error))


def _pick(merged: _Merged, id: str, version: str | None) -> Dataset | None:
    versions = merged.versions.get(id, ())
    if version is None:
        return versions[0] if versions else None
    return next((dataset for dataset in versions if dataset.version == version), None)


def read_catalogue(path: Path, centre: str) -> tuple[Dataset, ...]:
    """
    Read the catalogue of one centre.

    Parameters
    ----------
    path : Path
        Its `catalog.json`.
    centre : str
        Id of the centre that its replicas lie at.

    Raises
    ------
    ConfigurationError
        It is not there, not a catalogue, or an entry is wrong; names file, key and remedy.
    """
    return tuple(entry.dataset for entry in _read(path, centre).entries.values())


def publish(centre: Centre, dataset: Dataset) -> None:
    """
    Publish a dataset in the catalogue of a centre, in the place of an equal id and version.

    Several may do so at once; a reader sees the catalogue before or after, never between.

    Raises
    ------
    ConfigurationError
        The catalogue that is there cannot be read.
    ValueError
        The dataset has no replica at that centre.
    """
    dated = dataset if dataset.created else replace(dataset, created=_now_text())
    document = json.dumps(to_stac(dated, centre.id), indent=2, allow_nan=False)
    href = f"datasets/{dataset.id}/{dataset.version}.json"
    with _alone(centre.catalogue):
        catalogue = _open(centre)
        write_whole(centre.catalogue.parent / href, document)
        others = [link for link in catalogue["links"] if link["rel"] != "child" or _place(link) != href]
        link = {"rel": "child", "href": f"./{href}", "type": "application/json", "title": dataset.title}
        write_whole(centre.catalogue, json.dumps(catalogue | {"links": [*others, link]}, indent=2))


def write_empty(centre: Centre) -> None:
    """Begin the catalogue of a centre, where there is none yet."""
    if centre.catalogue.exists():
        return
    with _alone(centre.catalogue):
        if not centre.catalogue.exists():
            write_whole(centre.catalogue, json.dumps(_open(centre), indent=2))


def _open(centre: Centre) -> dict[str, Any]:
    """Read a centre's catalogue in order to change it; a new one where there is none."""
    if centre.catalogue.exists():
        return _catalogue(centre.catalogue, _bytes(centre.catalogue))
    new = pystac.Catalog(id=centre.id, title=centre.title, description=f"Datasets of {centre.title}.")
    return new.to_dict(include_self_link=False)


@contextmanager
def _alone(catalogue: Path) -> Iterator[None]:
    catalogue.parent.mkdir(parents=True, exist_ok=True)
    with catalogue.with_name(f".{catalogue.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _now_text() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _read(path: Path, centre: str, *, known: Mapping[Path, _Entry] | None = None) -> _Read:
    """Read a catalogue; marks are taken before the bytes, so that a change meanwhile is seen the next time."""
    mark = _mark(path)
    content = _bytes(path)
    links = [link for link in _catalogue(path, content)["links"] if link["rel"] == "child"]
    files = [path.parent / _place(link) for link in links]
    entries = {file: _entry(file, centre, (known or {}).get(file)) for file in files}
    digest = hashlib.sha256(content + "".join(entry.digest for entry in entries.values()).encode())
    return _Read(mark=mark, digest=digest.hexdigest(), entries=entries)


def _entry(file: Path, centre: str, known: _Entry | None) -> _Entry:
    mark = _mark(file)
    if known is not None and mark is not None and known.mark == mark:
        return known
    content = _bytes(file)
    return _Entry(mark=mark, digest=hashlib.sha256(content).hexdigest(), dataset=_dataset(file, content, centre))


def _catalogue(path: Path, content: bytes) -> dict[str, Any]:
    """Check the frame of a catalogue; its links have `rel` and `href`, and children lie beside it."""
    members = _members(path, content)
    if members.get("type") != "Catalog" or not isinstance(members.get("links"), list):
        raise ConfigurationError("this is not a STAC Catalog; `type` and `links` are needed", file=path)
    for index, link in enumerate(members["links"]):
        if not isinstance(link, dict) or not all(isinstance(link.get(name), str) for name in ("rel", "href")):
            raise ConfigurationError("a link needs rel and href", file=path, key=f"links[{index}]")
        place = PurePosixPath(_place(link))
        if link["rel"] == "child" and (place.is_absolute() or ".." in place.parts or "://" in link["href"]):
            problem = f"{link['href']!r} cannot be used; a child lies in the catalogue's own folder"
            raise ConfigurationError(problem, file=path, key=f"links[{index}].href")
    return members


def _place(link: dict[str, Any]) -> str:
    return str(link["href"]).removeprefix("./")


def _dataset(path: Path, content: bytes, centre: str) -> Dataset:
    try:
        return from_stac(_members(path, content), centre)
    except ValueError as error:
        raise ConfigurationError(str(error), file=path) from None


def _members(path: Path, content: bytes) -> dict[str, Any]:
    try:
        members = json.loads(content)
    except json.JSONDecodeError as error:
        raise ConfigurationError(f"this is not JSON ({error.msg})", file=path, line=error.lineno) from None
    except (UnicodeDecodeError, RecursionError):
        raise ConfigurationError("this is not JSON", file=path) from None
    if not isinstance(members, dict):
        raise ConfigurationError("this is not a JSON object", file=path)
    return members


def _bytes(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST_FILE_BYTES + 1)
    except FileNotFoundError:
        problem = "this file is not there; publish a dataset with `gaia catalogue add`, or correct the path"
        raise ConfigurationError(problem, file=path) from None
    except OSError as error:
        raise ConfigurationError(f"this file cannot be read ({error.strerror})", file=path) from None
    if len(content) > LARGEST_FILE_BYTES:
        raise ConfigurationError(f"this file is larger than {LARGEST_FILE_BYTES} bytes", file=path)
    return content


def _mark(path: Path) -> Mark | None:
    try:
        stat = path.stat()
    except OSError:
        return None
    return stat.st_mtime_ns, stat.st_ino, stat.st_size


def _unchanged(path: Path, read: _Read) -> bool:
    files = {path: read.mark} | {file: entry.mark for file, entry in read.entries.items()}
    return read.problem is None and all(_mark(file) == mark for file, mark in files.items())


def _merge(reads: Mapping[str, _Read]) -> _Merged:
    found: dict[tuple[str, str], Dataset] = {}
    for dataset in (entry.dataset for read in reads.values() for entry in read.entries.values()):
        name = (dataset.id, dataset.version)
        found[name] = _joined(found[name], dataset) if name in found else dataset
    versions: dict[str, tuple[Dataset, ...]] = dict.fromkeys(sorted({id for id, _ in found}), ())
    for dataset in sorted(found.values(), key=_age, reverse=True):
        versions[dataset.id] = (*versions[dataset.id], dataset)
    digest = hashlib.sha256("".join(f"{id}={read.digest}\n" for id, read in sorted(reads.items())).encode())
    newest = tuple(datasets[0] for datasets in versions.values())
    return _Merged(versions=versions, newest=newest, etag=digest.hexdigest()[:32])


def _joined(dataset: Dataset, other: Dataset) -> Dataset:
    """Add the replica that another centre has, if it is a copy of the same bytes."""
    ours, theirs = dataset.replicas[0], other.replicas[0]
    if ours.sha256 != theirs.sha256:
        _log.warning(
            "two centres publish different bytes as the same version; the second is left out",
            dataset=dataset.id, version=dataset.version, first=ours.centre, second=theirs.centre,
        )  # fmt: skip
        return dataset
    created = min(filter(None, (dataset.created, other.created)), default=None)
    return replace(dataset, replicas=(*dataset.replicas, theirs), created=created)


def _age(dataset: Dataset) -> tuple[str, tuple[tuple[int, str], ...]]:
    """Order versions by when they were first published; of equal ones `10` comes after `9`."""
    parts = re.findall(r"\d+|\D+", dataset.version)
    return dataset.created or "", tuple((int(part), "") if part.isdigit() else (-1, part) for part in parts)
