"""The centres of the federation, as `centres.yml` names them: who they are, how orders reach them, how results leave."""

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails

from gaia_config.documents import Document, Place
from gaia_config.errors import ConfigurationError
from gaia_config.settings import Settings, Size

type Executor = Literal["process", "slurm"]
type Delivery = Literal["serve", "push"]

KEY_LENGTH = 32


@dataclass(frozen=True, kw_only=True, slots=True)
class Queue:
    """
    One queue of a centre.

    Attributes
    ----------
    name : str
        As `interactive`.
    concurrency : int
        Tasks that run at the same time.
    executor : str
        `process` on the worker's machine, or `slurm`.
    options : tuple of str
        What `sbatch` is told beside, as `--partition=long`.
    """

    name: str
    concurrency: int
    executor: Executor
    options: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Centre:
    """
    A place with data, workers and a results store.

    Attributes
    ----------
    id, title : str
        What machines and people call it.
    broker_url : str
        Redis that carries its orders; not shown, it holds a password.
    prefix : str
        What each of its keys there begins with.
    key : bytes
        Signs its orders; not shown.
    queues : tuple of Queue
        At least one; the first takes what no rule sends elsewhere.
    delivery : str
        `serve`: results are fetched at `public_url`; `push`: the worker sends them to the server.
    public_url : str or None
        Where the centre's depot answers.
    catalogue : Path
        Its STAC catalogue (`catalog.json`).
    data, results : Path or None
        Its folders; None in a file that only a server reads.
    quota_bytes : int or None
        How much it keeps of results; without, as much as there comes until it expires.
    """

    id: str
    title: str
    broker_url: str = field(repr=False)
    prefix: str
    key: bytes = field(repr=False)
    queues: tuple[Queue, ...]
    delivery: Delivery
    public_url: str | None
    catalogue: Path
    data: Path | None
    results: Path | None
    quota_bytes: int | None = None


class _Shape(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Queue(_Shape):
    name: Annotated[str, Field(pattern=r"^[a-z0-9-]{1,40}$")]
    concurrency: Annotated[int, Field(ge=1, le=1000)] = 1
    executor: Executor = "process"
    options: tuple[Annotated[str, Field(pattern=r"^--[a-z][a-z-]*(=[^\s]+)?$")], ...] = ()


class _Centre(_Shape):
    id: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$")]
    title: Annotated[str, Field(min_length=1)]
    broker_url: str
    prefix: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,79}$")] | None = None
    key: str
    queues: Annotated[tuple[_Queue, ...], Field(min_length=1)] = (_Queue(name="interactive"), _Queue(name="batch"))
    delivery: Delivery
    public_url: Annotated[str, Field(pattern=r"^https?://[^/\s]+(/\S*)?$")] | None = None
    catalogue: Annotated[str, Field(min_length=1)]
    data: str | None = None
    results: str | None = None
    quota: Annotated[Size, Field(gt=0)] | None = None


class _File(_Shape):
    centres: Annotated[tuple[_Centre, ...], Field(min_length=1)]


REMEDIES = {
    "id": "write 1 to 40 small letters, digits or hyphens",
    "name": "write 1 to 40 small letters, digits or hyphens",
    "prefix": "write letters, digits, dots, colons or hyphens",
    "queues": "list at least one queue, as {name: interactive, concurrency: 1}",
    "executor": "write process or slurm",
    "options": "write options of sbatch, each as --partition=long",
    "concurrency": "write how many tasks run at once: a whole number from 1",
    "delivery": "write serve or push",
    "public_url": "write a web address as https://depot.example.org",
    "broker_url": "write a Redis address, or env:NAME or file:PATH where one stands",
    "key": f"write env:NAME, file:PATH, or at least {KEY_LENGTH} characters",
    "quota": "write a size as 500 GB",
    "centres": "list at least one centre",
}


def read_centres(path: Path, *, only: str | None = None) -> dict[str, Centre]:
    """
    Read the centres file.

    Parameters
    ----------
    path : Path
        A YAML file; relative paths in it start at its folder.
    only : str, optional
        Id of the one centre that is wanted: a worker has no use for the keys of the others and may not be able to read
        them.

    Returns
    -------
    dict of Centre
        By id, in the order of the file.

    Raises
    ------
    ConfigurationError
        The file cannot be read, or something in it is wrong: names line, key, value and remedy.
    """
    document = Document.read(Path(path))
    entries = _validated(document).centres
    _refuse_collisions(document, entries)
    if only is not None and only not in {entry.id for entry in entries}:
        known = ", ".join(entry.id for entry in entries)
        raise ConfigurationError(f"there is no centre {only!r}; known: {known}", file=document.file)
    return {
        entry.id: _centre(document, index, entry)
        for index, entry in enumerate(entries)
        if only is None or entry.id == only
    }


def own_centre(settings: Settings) -> Centre:
    """
    Find the centre that this process works for; the secrets of the others need not be here.

    Raises
    ------
    ConfigurationError
        The settings name none, or one that is not in the file.
    """
    if settings.centre is None:
        raise ConfigurationError(f"GAIA_CENTRE is not set; set it to the id of a centre in {settings.centres}")
    return read_centres(settings.centres, only=settings.centre)[settings.centre]


def _validated(document: Document) -> _File:
    if not isinstance(document.value, dict):
        raise document.fault((), "a list of centres is needed; begin with `centres:`")
    try:
        return _File.model_validate(document.value)
    except ValidationError as error:
        fault = min(
            error.errors(include_url=False), key=lambda each: each["type"] != "extra_forbidden"
        )  # a typo is both
        raise document.fault(fault["loc"], _problem(fault)) from None


def _problem(fault: ErrorDetails) -> str:
    """Say what is wrong with a value, and what would be right."""
    name = next((str(step) for step in reversed(fault["loc"]) if isinstance(step, str)), "centres")
    if fault["type"] == "extra_forbidden":
        return f"there is no key {name!r} here; known: {', '.join(_Queue.model_fields | _Centre.model_fields)}"
    remedy = REMEDIES.get(name, fault["msg"][0].lower() + fault["msg"][1:])
    if fault["type"] == "missing":
        return f"{name} is missing; {remedy}" if name in REMEDIES else f"{name} is missing"
    given = "the given value" if name in {"key", "broker_url"} else repr(fault["input"])
    return f"{given} cannot be used; {remedy}"


def _refuse_collisions(document: Document, entries: tuple[_Centre, ...]) -> None:
    """Two centres with one id, or with keys in the broker of which one could reach the other's, are a mistake."""
    for index, entry in enumerate(entries):
        for earlier in entries[:index]:
            if entry.id == earlier.id:
                raise document.fault(
                    ("centres", index, "id"), f"{entry.id!r} stands twice; give each centre its own id"
                )
            ours, theirs = _prefix(entry), _prefix(earlier)
            if ours.startswith(theirs) or theirs.startswith(ours):
                problem = f"{ours!r} and {theirs!r} of {earlier.id} overlap; neither may begin with the other"
                raise document.fault(("centres", index, "prefix"), problem)
        if entry.delivery == "serve" and entry.public_url is None:
            problem = "a centre that serves needs a public_url; write one or set delivery: push"
            raise document.fault(("centres", index, "delivery"), problem)


def _prefix(entry: _Centre) -> str:
    return entry.prefix or f"gaia:{entry.id}:"


def _centre(document: Document, index: int, entry: _Centre) -> Centre:
    folder = document.file.absolute().parent

    def inside(value: str | None) -> Path | None:
        return None if value is None else folder / Path(value).expanduser()

    return Centre(
        id=entry.id,
        title=entry.title,
        broker_url=_secret(document, ("centres", index, "broker_url"), entry.broker_url),
        prefix=_prefix(entry),
        key=_key(document, ("centres", index, "key"), entry.key),
        queues=tuple(Queue(**queue.model_dump()) for queue in entry.queues),
        delivery=entry.delivery,
        public_url=entry.public_url.rstrip("/") if entry.public_url else None,
        catalogue=folder / Path(entry.catalogue).expanduser(),
        data=inside(entry.data),
        results=inside(entry.results),
        quota_bytes=entry.quota,
    )


def _key(document: Document, place: Place, value: str) -> bytes:
    key = _secret(document, place, value)
    if len(key) < KEY_LENGTH:
        raise document.fault(place, f"the key has {len(key)} characters; {REMEDIES['key']}")
    return key.encode()


def _secret(document: Document, place: Place, value: str) -> str:
    """Fetch a secret from where the file says it lies."""
    kind, _, name = value.partition(":")
    source = SOURCES.get(kind)
    if source is None:
        return value
    try:
        return source(document.file.absolute().parent, name)
    except KeyError:
        raise document.fault(place, f"the environment variable {name!r} is not set; set it") from None
    except (OSError, UnicodeDecodeError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not text"
        raise document.fault(place, f"the file {name!r} cannot be read ({reason}); write the secret into it") from None


def _from_environment(_folder: Path, name: str) -> str:
    return os.environ[name]


def _from_file(folder: Path, name: str) -> str:
    return (folder / Path(name).expanduser()).read_text(encoding="utf-8").strip()


SOURCES: dict[str, Callable[[Path, str], str]] = {"env": _from_environment, "file": _from_file}
