"""
The log of a job as a person reads it: what the store knows of its life anyway, among what workers and reconciler said.

Nothing of that is written down a second time. No clock, no store in here.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Literal

from gaia_server.jobs.records import Job, LogLine
from gaia_server.jobs.states import State
from gaia_workers.contract import Result, Words

MB = 1e6
_WAITS = ("waits ", "waiting ")
"""How reasons to wait begin."""


def tell(job: Job, said: Sequence[LogLine]) -> tuple[LogLine, ...]:
    """
    Tell the life of a job: where it was sent and why, when it began, what was said of it, how it ended and what that took.

    Parameters
    ----------
    job : Job
    said : sequence of LogLine
        What was written down, oldest first.

    Returns
    -------
    tuple of LogLine
        Oldest first; at one moment in the order in which things happen.
    """
    told = sorted([*_beginning(job), *said], key=lambda line: line.time)  # stable: what is told first comes first
    return (*told, *_end(job, not_before=told[-1].time))


def why_there(job: Job, *, limit: int | None = None) -> Words | None:
    """
    Say why a job is where it is, or what it waits for.

    Which centre was chosen begins with the centre's name; anything else is a trouble or a wait. A wait is over when the work
    has begun, any trouble when it has succeeded.

    Parameters
    ----------
    limit : int or None
        So many jobs of its owner may run at once, where that is what it waits for.
    """
    if limit is not None:
        return Words(
            en=f"waits until one of your other jobs has ended: the limit of each user is {limit} at once",
            fr=f"attend la fin d'une autre de vos tâches : la limite par utilisateur est de {limit} à la fois",
        )
    reason = job.reason
    if reason is None or job.started is None or reason.en.startswith(f"{job.centre} "):
        return reason
    if job.state is State.SUCCESSFUL or reason.en.startswith(_WAITS):
        return Words(en=f"computed at {job.centre}", fr=f"calculé à {job.centre}")
    return reason


def _beginning(job: Job) -> Iterator[LogLine]:
    yield _line(job.created, _accepted(job))
    if job.started is not None:
        yield _line(max(job.started, job.created), _begun(job))


def _end(job: Job, *, not_before: datetime) -> Iterator[LogLine]:
    """Tell the end; the reason of a failure is written down a moment after it."""
    if job.finished is None:
        return
    ended = max(job.finished, not_before)
    match job.state:
        case State.SUCCESSFUL:
            yield _line(ended, _done(job))
        case State.FAILED:
            yield _line(ended, _given_up(job))
        case State.DISMISSED:
            yield _line(ended, Words(en="Dismissed on request.", fr="Abandonnée sur demande."))


def _accepted(job: Job) -> Words:
    if job.shares:
        return Words(
            en="Accepted; equal work is there already, and is shared.",
            fr="Acceptée ; un travail égal existe déjà et est partagé.",
        )
    if job.attempt > 1 or job.reason is None:  # where it went first, and why, is known no more
        return Words(en="Accepted.", fr="Acceptée.")
    return Words(en=f"Accepted: {job.reason.en}.", fr=f"Acceptée : {job.reason.fr}.")


def _begun(job: Job) -> Words:
    if job.attempt > 1:
        return Words(en="Computing began.", fr="Le calcul a commencé.")
    return Words(en=f"Computing began at {job.centre}.", fr=f"Le calcul a commencé à {job.centre}.")


def _done(job: Job) -> Words:
    took_s = job.duration_s or 0.0
    if job.result is None:
        return Words(en=f"Done after {took_s:.1f} s.", fr=f"Terminée après {took_s:.1f} s.")
    receipt, written = job.result.receipt, _written(job.result)
    memory = receipt.peak_memory_bytes / 2**20
    return Words(
        en=f"Done after {took_s:.1f} s, at attempt {job.attempt}: read {receipt.bytes_read / MB:.1f} MB, used {receipt.cpu_s:.1f} s "
        f"of processors and at most {memory:.0f} MiB of memory, wrote {written}.",
        fr=f"Terminée après {took_s:.1f} s, à la tentative {job.attempt} : {receipt.bytes_read / MB:.1f} Mo lus, {receipt.cpu_s:.1f} s "
        f"de processeur et au plus {memory:.0f} Mio de mémoire utilisés, écrit : {written}.",
    )


def _written(result: Result) -> str:
    """Name what was made: the same in both languages but for the unit, which both understand."""
    return ", ".join(f"{file.name} ({file.size_bytes / MB:.3g} MB)" for file in result.outputs) or "-"


def _given_up(job: Job) -> Words:
    took_s = job.duration_s
    if took_s is None:
        return Words(en="It never began.", fr="Elle n'a jamais commencé.")
    return Words(
        en=f"Given up {took_s:.1f} s after its start, at attempt {job.attempt}.",
        fr=f"Abandon {took_s:.1f} s après son début, à la tentative {job.attempt}.",
    )


def _line(time: datetime, words: Words, level: Literal["info", "warning", "error"] = "info") -> LogLine:
    return LogLine(time=time, level=level, words=words)
