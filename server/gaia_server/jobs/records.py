"""What the store holds of a job and of the work behind it, as values."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal

from gaia_processes.text import Language
from gaia_server.jobs.states import State
from gaia_workers.contract import Brought, Failure, Result, Uploaded, Words

type Response = Literal["raw", "document"]
type Transmission = Literal["value", "reference"]
type Event = Literal["success", "inProgress", "failed"]
"""What somebody can be called about."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RequestedOutput:
    """
    One output that a request asks for.

    Attributes
    ----------
    format : str
        Format id of `gaia_processes.formats`.
    transmission : str or None
        `value` or `reference` where the request said so.
    """

    id: str
    format: str
    transmission: Transmission | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Subscriber:
    """
    Whom a request wants to have called, by event; the addresses were judged when the request came.

    Attributes
    ----------
    success, in_progress, failed : str or None
        Address that gets the results, the status, or the problem.
    language : str
        In which it is told: that of the request.
    """

    success: str | None = None
    in_progress: str | None = None
    failed: str | None = None
    language: Language = "en"

    def address(self, event: Event) -> str | None:
        """Give the address for an event, if one is named."""
        return {"success": self.success, "inProgress": self.in_progress, "failed": self.failed}[event]


@dataclass(frozen=True, kw_only=True, slots=True)
class Demand:
    """
    A validated execute request.

    Attributes
    ----------
    inputs : dict
        Canonical JSON values: defaults filled in, dataset versions pinned; can be posted again.
    outputs : tuple of RequestedOutput
        Those asked for; all declared ones where the request named none. Empty for `outputs: {}`.
    response : str or None
        As the request said; None where it said nothing.
    subscriber : Subscriber or None
        Whom to call; no part of what the work is.
    uploads : tuple of Uploaded
        The user's own files among the inputs.
    """

    inputs: dict[str, Any]
    outputs: tuple[RequestedOutput, ...]
    response: Response | None = None
    subscriber: Subscriber | None = None
    uploads: tuple[Uploaded, ...] = ()


class Keeping(StrEnum):
    """What there is of the bytes that a work made."""

    NOTHING = "nothing"
    """None were made, or not yet."""
    KEPT = "kept"
    EXPIRED = "expired"
    """Nobody gets them any more; their centre was told to remove them."""
    GONE = "gone"
    """Their centre said that they are removed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Once:
    """
    What makes a repeated request the same one: `Idempotency-Key`.

    Attributes
    ----------
    digest : str
        sha256 of what was asked, hex: the same key with another digest is a mistake of the client.
    """

    key: str
    digest: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Work:
    """
    One computation, for one job or for several equal ones.

    Attributes
    ----------
    id : str
        The id of the job that asked for it first; orders, leases, logs and folders carry it.
    owner : str
        Who asked for it first.
    formats : dict
        Format id by output.
    uploads : tuple of Uploaded
        Files of its owner among the inputs.
    joinable : bool
        Whether equal jobs may share it: at most one of all equal works.
    accepted : datetime
        When equal work was accepted first; the only time that enters a result.
    deadline : datetime
        When it fails if it has not ended.
    attempt : int
        The fence: reports of any other attempt change nothing.
    lost : int
        How many attempts died.
    reason : Words or None
        Why at this centre, why waiting.
    expires : datetime or None
        Until when its results are kept.
    size_bytes : int
        Of all files that it made.
    released : datetime or None
        When it was let out of its lane, for there was room for it; its order follows. None while it waits.
    turn : int
        In which round of its lane its owner comes with it.
    cost_s : float
        How long it should take, by its estimate, s.
    whole : str or None
        Of a part: the work that it is a part of. Nobody has asked for it but that work, with which it ends.
    brings : str or None
        Of a part: the dataset that it makes ready for its whole, as the inputs of that name it.
    brought : tuple of Brought
        What parts of this work have made ready until now.
    lacking : int
        How many parts are still to do so; until then it is not let out.
    """

    id: str
    owner: str
    process_id: str
    process_version: str
    inputs: dict[str, Any]
    formats: dict[str, str]
    content_key: str
    accepted: datetime
    state: State
    created: datetime
    updated: datetime
    deadline: datetime
    centre: str
    queue: str
    uploads: tuple[Uploaded, ...] = ()
    joinable: bool = True
    attempt: int = 1
    lost: int = 0
    progress: int = 0
    started: datetime | None = None
    finished: datetime | None = None
    sent: datetime | None = None
    seen: datetime | None = None
    message: Words | None = None
    reason: Words | None = None
    failure: Failure | None = None
    result: Result | None = None
    keeping: Keeping = Keeping.NOTHING
    expires: datetime | None = None
    size_bytes: int = 0
    released: datetime | None = None
    turn: int = 0
    cost_s: float = 0.0
    whole: str | None = None
    brings: str | None = None
    brought: tuple[Brought, ...] = ()
    lacking: int = 0

    @property
    def work_id(self) -> str:
        """Its id, as a job names its work."""
        return self.id


@dataclass(frozen=True, kw_only=True, slots=True)
class Job:
    """
    One execution that a user asked for, as it stands: its own row, and what the work behind it says.

    Attributes
    ----------
    content_key : str
        Identity of the work: equal work on equal data has an equal key.
    accepted, deadline, centre, queue, attempt, lost, reason, sent, seen, released, turn, cost_s, brought, lacking : various
        Those of the work.
    synchronous : bool
        Answered in the same request, or still to be; such jobs are left out of lists. One that takes longer than anybody
        waits becomes asynchronous.
    duration_s : float or None
        From the first start to the end, s, once it has ended.
    results_removed : bool
        Whether the user removed the results of an ended job.
    work_id : str
        The work that it shares, or its own; empty until it is accepted.
    work_owner, work_state, keeping, expires : various
        Of the work, which may go on for others when this job has ended.
    once : Once or None
        What makes a repeated request the same one.
    """

    id: str
    owner: str
    process_id: str
    process_version: str
    demand: Demand
    content_key: str
    accepted: datetime
    synchronous: bool
    state: State
    created: datetime
    updated: datetime
    deadline: datetime
    centre: str
    queue: str
    attempt: int = 1
    lost: int = 0
    started: datetime | None = None
    finished: datetime | None = None
    duration_s: float | None = None
    progress: int = 0
    message: Words | None = None
    reason: Words | None = None
    failure: Failure | None = None
    result: Result | None = None
    results_removed: bool = False
    sent: datetime | None = None
    seen: datetime | None = None
    work_id: str = ""
    work_owner: str = ""
    work_state: State = State.ACCEPTED
    keeping: Keeping = Keeping.NOTHING
    expires: datetime | None = None
    released: datetime | None = None
    turn: int = 0
    cost_s: float = 0.0
    brought: tuple[Brought, ...] = ()
    lacking: int = 0
    once: Once | None = None

    @property
    def has_parts(self) -> bool:
        """Whether parts of its work were or are done at other centres."""
        return self.lacking > 0 or bool(self.brought)

    @property
    def shares(self) -> bool:
        """Whether the work was begun for another job."""
        return self.work_id not in ("", self.id)

    @property
    def abandoned(self) -> bool:
        """Whether nobody wants the work, or what it made, any more."""
        return self.work_state is State.DISMISSED or self.keeping is Keeping.EXPIRED

    def has_results(self, now: datetime) -> bool:
        """Tell whether there is something to be fetched."""
        kept = self.keeping is Keeping.KEPT and (self.expires is None or now < self.expires)
        return self.state is State.SUCCESSFUL and not self.results_removed and kept

    @property
    def work(self) -> Work:
        """The work as this job asks for it, where no equal one is shared."""
        return Work(
            id=self.work_id or self.id,
            owner=self.owner,
            process_id=self.process_id,
            process_version=self.process_version,
            inputs=self.demand.inputs,
            formats={output.id: output.format for output in self.demand.outputs},
            uploads=self.demand.uploads,
            content_key=self.content_key,
            accepted=self.accepted,
            state=self.state,
            created=self.created,
            updated=self.updated,
            deadline=self.deadline,
            centre=self.centre,
            queue=self.queue,
            attempt=self.attempt,
            lost=self.lost,
            progress=self.progress,
            started=self.started,
            finished=self.finished,
            sent=self.sent,
            seen=self.seen,
            message=self.message,
            reason=self.reason,
            failure=self.failure,
            result=self.result,
            keeping=self.keeping,
            expires=self.expires,
            released=self.released,
            turn=self.turn,
            cost_s=self.cost_s,
            brought=self.brought,
            lacking=self.lacking,
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class LogLine:
    """One line of a job's log."""

    time: datetime
    level: Literal["info", "warning", "error"]
    words: Words
    number: int = field(default=0)
