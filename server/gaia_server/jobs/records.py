"""What the store holds of a job, as values."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from gaia_server.jobs.states import State
from gaia_workers.contract import Failure, Result, Words

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
    """

    success: str | None = None
    in_progress: str | None = None
    failed: str | None = None

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
    """

    inputs: dict[str, Any]
    outputs: tuple[RequestedOutput, ...]
    response: Response | None = None
    subscriber: Subscriber | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Job:
    """
    One execution that a user asked for.

    Attributes
    ----------
    content_key : str
        Identity of the work: equal work on equal data has an equal key.
    accepted : datetime
        When this work was first accepted, by this job or an equal one before it; the time that enters a result, so that
        equal work has equal bytes.
    synchronous : bool
        Answered in the same request, or still to be; such jobs are left out of lists. One that takes longer than anybody
        waits becomes asynchronous.
    attempt : int
        The fence: reports of any other attempt change nothing.
    lost : int
        How many attempts died.
    duration_s : float or None
        From the first start to the end, s, once it has ended.
    reason : Words or None
        Why at this centre, why waiting.
    results_removed : bool
        Whether the user removed the results of an ended job.
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


@dataclass(frozen=True, kw_only=True, slots=True)
class LogLine:
    """One line of a job's log."""

    time: datetime
    level: Literal["info", "warning", "error"]
    words: Words
    number: int = field(default=0)
