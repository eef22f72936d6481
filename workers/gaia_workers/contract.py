"""
What server and workers say to each other: orders, reports, results, and the signatures that make them believable.

Light on purpose: the server imports this module and `downloads`, and no other of this room. Messages are JSON texts in a signed `Envelope`;
they are validated where they arrive, and travel as frozen dataclasses from there on.
"""

import hashlib
import hmac
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any, ClassVar, Literal, Protocol

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError

from gaia_processes.text import Language

CONTRACT = 3
"""Version of this contract. A worker reads its own and the one before."""

READABLE = frozenset({CONTRACT, CONTRACT - 1})
"""Version 2 knew nothing that is brought from other centres; nothing else differs, so that its messages are read as they are."""

MESSAGE_LIMIT_BYTES = 256 * 1024
INLINE_LIMIT_BYTES = 32 * 1024
MAX_AGE_S = 90 * 86400
"""What a worker says is older than any job."""


def understood(contract: int) -> bool:
    """Tell whether one who speaks this version and we understand each other: each reads the version before its own."""
    return abs(contract - CONTRACT) <= 1


class BadMessage(ValueError):
    """A message is forged, altered, of a version that is not understood, or not what it should be."""


class NotUnderstood(BadMessage):
    """
    A message is genuine and still not what it should be: it says what is not known here, or lacks something.

    Attributes
    ----------
    job_id, attempt : str and int, or None
        What it is about, as far as that can be read.
    """

    def __init__(self, problem: str, body: str) -> None:
        super().__init__(problem)
        try:
            members = json.loads(body)
        except ValueError:
            members = None
        about = members if isinstance(members, dict) else {}
        job_id, attempt = about.get("job_id"), about.get("attempt")
        self.job_id = job_id if isinstance(job_id, str) else None
        self.attempt = attempt if isinstance(attempt, int) else None


@dataclass(frozen=True, kw_only=True, slots=True)
class Words:
    """A sentence for people, in both languages."""

    en: str
    fr: str

    def into(self, language: Language) -> str:
        """Give it in one of them."""
        return self.fr if language == "fr" else self.en


@dataclass(frozen=True, kw_only=True, slots=True)
class Uploaded:
    """
    A user's own file that a request names: the centre fetches it from the server.

    Attributes
    ----------
    reference : str
        As the inputs name it, `upload:<uuid>`.
    sha256 : str
        Hex; what has another digest is not that file.
    """

    reference: str
    sha256: str
    size_bytes: int
    media_type: str

    @property
    def id(self) -> str:
        """The UUID in the reference."""
        return self.reference.partition(":")[2]


@dataclass(frozen=True, kw_only=True, slots=True)
class Brought:
    """
    A dataset of another centre, or what is needed of it, that was made ready there for this work.

    Attributes
    ----------
    reference : str
        As the inputs name it.
    part : str
        Id of the work that made it ready; the server gives it by this.
    centre : str
        Where it was made ready.
    sha256 : str
        Hex; what has another digest is not that file.
    """

    reference: str
    part: str
    centre: str
    sha256: str
    size_bytes: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Order:
    """
    One attempt at one part of one job.

    Attributes
    ----------
    inputs : dict
        The inputs as the request was understood: defaults filled in, dataset versions pinned.
    formats : dict
        Format id (`gaia_processes.formats`) by output id.
    accepted : datetime
        When the job was accepted; the only time that enters a result.
    queue_deadline : datetime
        After this moment the work is no longer wanted.
    uploads : tuple of Uploaded
        The user's own files among the inputs.
    brought : tuple of Brought
        Datasets of other centres, or portions of them, that stand for those among the inputs.
    """

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")  # it may ask for what is not known here

    job_id: str
    part: int
    attempt: int
    process_id: str
    process_version: str
    inputs: dict[str, Any]
    formats: dict[str, str]
    accepted: datetime
    queue_deadline: datetime
    time_limit_s: float
    memory_limit_bytes: int
    centre: str
    queue: str
    uploads: tuple[Uploaded, ...] = ()
    brought: tuple[Brought, ...] = ()

    def __post_init__(self) -> None:
        for name in ("accepted", "queue_deadline"):
            if getattr(self, name).utcoffset() is None:
                raise ValueError(f"{name}: a time zone is needed")

    @property
    def folder(self) -> str:
        """Name of the attempt's place in a results store."""
        return f"{self.job_id}/{self.attempt}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Dismissal:
    """
    Nobody wants the job any more: stop it and remove what it wrote.

    Attributes
    ----------
    aside : bool
        Put aside what it wrote and do not remove it: the server knows nothing of it.
    """

    job_id: str
    attempt: int
    aside: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class OutputFile:
    """
    One output as it was published.

    Attributes
    ----------
    location : str
        Key inside the results store, `<job>/<attempt>/<name>`: never a path of a machine.
    store : str
        `centre`: the centre serves it; `server`: it was pushed to the server's store.
    value : object
        The value itself where it is small JSON or text, so that no second fetch is needed.
    """

    output: str
    name: str
    media_type: str
    size_bytes: int
    sha256: str
    location: str
    store: Literal["centre", "server"]
    value: Any = None


@dataclass(frozen=True, kw_only=True, slots=True)
class SideFile(OutputFile):
    """
    A file beside an output, as its preview: delivered and removed with it, and no output itself.

    Attributes
    ----------
    ending : str
        What stands after the output's id in its address: `preview.json`.
    """

    ending: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Receipt:
    """What the work cost."""

    bytes_read: int = 0
    bytes_moved: int = 0
    cpu_s: float = 0.0
    wall_s: float = 0.0
    peak_memory_bytes: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Result:
    """
    What an attempt made: its files and those beside them, what it cost, the extent really returned, and warnings for the user.

    Attributes
    ----------
    software : dict of str
        What computed, with its versions, by name.
    """

    outputs: tuple[OutputFile, ...]
    receipt: Receipt
    extent: dict[str, Any] = field(default_factory=dict)
    warnings: tuple[Words, ...] = ()
    sides: tuple[SideFile, ...] = ()
    software: dict[str, str] = field(default_factory=dict)

    @property
    def files(self) -> tuple[OutputFile, ...]:
        """Every file there is, the outputs first."""
        return (*self.outputs, *self.sides)


class Kind(StrEnum):
    """What a report says."""

    WAITING = "waiting"
    """It was taken, and waits at the site's scheduler: `words` say why."""
    STARTED = "started"
    PROGRESS = "progress"
    LOG = "log"
    FINISHED = "finished"
    FAILED = "failed"
    REMOVED = "removed"
    """What an attempt made is not there any more, as a dismissal asked."""
    HELD = "held"
    """What an attempt made has been there for a while; the server says if nobody wants it. A server that does not know these two words refuses the reports, and loses nothing."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Failure:
    """
    Why an attempt failed.

    Attributes
    ----------
    code : str
        Cause, as the server's table of problems knows it.
    retry : bool
        Whether another attempt may help (infrastructure), or not (the inputs, the data, a limit).
    """

    code: str
    words: Words
    retry: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """
    What a worker says of one attempt.

    Attributes
    ----------
    progress : int or None
        0 to 99, from work done.
    words : Words or None
        What is being done, or a line of the job's log.
    level : str
        Of a log line: `info`, `warning` or `error`.
    age_s : float
        How long ago it happened when this was sent: clocks of centres are not compared.
    """

    job_id: str
    part: int
    attempt: int
    centre: str
    kind: Kind
    age_s: Annotated[float, Field(ge=0, le=MAX_AGE_S, allow_inf_nan=False)] = 0.0
    progress: int | None = None
    words: Words | None = None
    level: Literal["info", "warning", "error"] = "info"
    result: Result | None = None
    failure: Failure | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Presence:
    """One worker's sign of life: which queues it serves, what it runs, what it could not."""

    worker: str
    centre: str
    queues: tuple[str, ...]
    running: tuple[str, ...]
    slots: int
    contract: int = CONTRACT
    trouble: str | None = None


type Message = Order | Dismissal | Report | Presence

_KINDS: dict[str, TypeAdapter[Any]] = {
    "order": TypeAdapter(Order),
    "dismissal": TypeAdapter(Dismissal),
    "report": TypeAdapter(Report),
    "presence": TypeAdapter(Presence),
}
_NAMES = {Order: "order", Dismissal: "dismissal", Report: "report", Presence: "presence"}


def seal(message: Message, key: bytes, *, contract: int | None = None) -> dict[str, Any]:
    """
    Put a message into a signed envelope.

    Parameters
    ----------
    message : Order, Dismissal, Report or Presence
    key : bytes
        The centre's key.
    contract : int or None
        Version that its reader speaks; ours without. It may be the one before ours: what a version adds to a report may be
        overlooked by the one before it, and an order that says more than its worker knows is refused there.

    Returns
    -------
    dict
        JSON-ready: `contract`, `kind`, `body` (a JSON text) and `signature` (HMAC-SHA256 over the other three, hex).

    Raises
    ------
    BadMessage
        If it is larger than a broker message may be.
    """
    kind = _NAMES[type(message)]
    body = _written(message)
    if len(body) > MESSAGE_LIMIT_BYTES:
        raise BadMessage(f"a message of {len(body)} bytes is over the limit of {MESSAGE_LIMIT_BYTES}")
    text = body.decode()
    spoken = CONTRACT if contract is None else contract
    return {"contract": spoken, "kind": kind, "body": text, "signature": _sign(key, spoken, kind, text)}


def size_bytes_of(message: Message) -> int:
    """Measure a message as it travels, to tell beforehand whether it may."""
    return len(_written(message))


def _written(message: Message) -> bytes:
    """Write a message; an order that brings nothing says nothing of it, so that a worker of the version before can read it."""
    new = {"brought"} if isinstance(message, Order) and not message.brought else None
    text: bytes = _KINDS[_NAMES[type(message)]].dump_json(message, exclude=new)
    return text


def unseal[M: (Order, Dismissal, Report, Presence)](
    envelope: Mapping[str, Any], key: bytes, expect: type[M], *, any_version: bool = False
) -> M:
    """
    Read a message out of its envelope, if it is believable.

    Parameters
    ----------
    any_version : bool
        Whether the version of the contract does not matter: a sign of life says which one its worker speaks.

    Raises
    ------
    BadMessage
        If the signature, the version, the kind or the content is not right. The text holds nothing of the message.
    """
    try:
        contract, kind, body = envelope["contract"], envelope["kind"], envelope["body"]
        signature = envelope["signature"]
    except (KeyError, TypeError) as error:
        raise BadMessage("not an envelope") from error
    if not isinstance(body, str) or not isinstance(signature, str):
        raise BadMessage("not an envelope")
    try:
        fits = hmac.compare_digest(_sign(key, contract, kind, body).encode(), signature.encode())
    except UnicodeEncodeError as error:  # half a character, which JSON can name and no text holds
        raise BadMessage("not an envelope") from error
    if not fits:
        raise BadMessage("the signature does not fit")
    if not (any_version or contract in READABLE):
        raise BadMessage(f"contract {contract} is not understood here, only {', '.join(map(str, sorted(READABLE)))}")
    if kind != _NAMES[expect]:
        raise BadMessage(f"a {_NAMES[expect]} was expected")
    try:
        message: M = _KINDS[kind].validate_json(body)
    except ValidationError as error:
        raise NotUnderstood(f"not a valid {kind}: {error.error_count()} fault(s)", body) from error
    return message


def _sign(key: bytes, contract: object, kind: object, body: str) -> str:
    return hmac.new(key, f"{contract}\n{kind}\n{body}".encode(), hashlib.sha256).hexdigest()


def sign_link(key: bytes, *, method: str, location: str, expires: int) -> str:
    """
    Sign the address of a file in a centre's results store.

    Parameters
    ----------
    key : bytes
        The centre's key.
    method : str
        `GET` (answers `HEAD` too) or `PUT`.
    location : str
        `<job>/<attempt>/<name>`.
    expires : int
        Seconds since 1970, by the server's clock.

    Returns
    -------
    str
        HMAC-SHA256, hex.
    """
    return hmac.new(key, f"link\n{method}\n{location}\n{expires}".encode(), hashlib.sha256).hexdigest()


def link_holds(key: bytes, signature: str, *, method: str, location: str, expires: int, now: float) -> bool:
    """Tell whether a signed address is genuine and not expired."""
    expected = sign_link(key, method=method, location=location, expires=expires)
    return hmac.compare_digest(expected.encode(), signature.encode()) and now < expires


@dataclass(frozen=True, kw_only=True, slots=True)
class Load:
    """
    How a centre is, as seen in its broker.

    Attributes
    ----------
    alive : bool
        At least one worker gave a sign of life in time.
    waiting : dict
        Orders waiting, by queue.
    running : int
        Orders being carried out.
    slots : int
        How many can run at once.
    reachable : bool
        Whether the broker itself answered.
    behind_s : float
        Age of the oldest report that the recorder has not written down yet.
    silent_s : float
        Age of the youngest sign of life.
    contract : int
        Version of the contract that all its workers speak: the oldest of theirs.
    running_in, slots_in : dict
        The same as `running` and `slots`, by queue; empty where nobody counted.
    """

    alive: bool
    waiting: dict[str, int] = field(default_factory=dict)
    running: int = 0
    slots: int = 0
    reachable: bool = True
    trouble: tuple[str, ...] = ()
    behind_s: float = 0.0
    silent_s: float = 0.0
    contract: int = CONTRACT
    running_in: dict[str, int] = field(default_factory=dict)
    slots_in: dict[str, int] = field(default_factory=dict)

    @property
    def understands(self) -> bool:
        """Whether its workers and we understand each other."""
        return understood(self.contract)


@dataclass(frozen=True, kw_only=True, slots=True)
class Trace:
    """
    What the broker still knows of a job.

    Attributes
    ----------
    sent, claimed : int
        The newest attempt that was sent, and that a worker took; 0 is none.
    leased : bool
        Whether the worker that took it still renews its lease.
    """

    sent: int = 0
    claimed: int = 0
    leased: bool = False


class TransportDown(ConnectionError):
    """A centre's broker does not answer."""


class Transport(Protocol):
    """
    What the server needs of a transport; found by the entry-point group `gaia.transports`.

    Every method that talks to a broker raises `TransportDown` within about 2 s if it does not answer.
    """

    def send(self, *orders: Order) -> None:
        """
        Put orders, all for one centre, on their queues there (at least once).

        A `BadMessage`, for what no message can carry, is raised before any of them is sent.
        """

    def dismiss(self, centre: str, dismissal: Dismissal) -> None:
        """Tell a centre to stop a job."""

    def load(self, centre: str) -> Load:
        """See how a centre is."""

    def trace(self, centre: str, job_ids: tuple[str, ...]) -> dict[str, Trace]:
        """See what a centre's broker knows of jobs."""

    def reports(self, centre: str, *, wait_s: float, limit: int) -> tuple[tuple[str, Report | BadMessage], ...]:
        """Take reports with their receipts numbers; they come again until they are acknowledged."""

    def acknowledge(self, centre: str, numbers: tuple[str, ...]) -> None:
        """Forget reports that are in the store."""

    def announce(self, job_ids: tuple[str, ...]) -> None:
        """Tell every web process that these jobs changed."""

    def changes(self) -> Iterator[tuple[str, ...]]:
        """Hear, for ever, which jobs changed; survives a broker that goes away and comes back."""

    def close(self) -> None:
        """Give connections back."""


def utc_now() -> datetime:
    """Tell the time, in UTC."""
    return datetime.now(UTC)
