"""
Moves of a work, and of the jobs that wait for it, that are made for several reasons: it ends, it is tried again, somebody is told.

Each is a compare-and-set within a transaction of the caller: it names the attempt that it speaks for, and does nothing where the
row says otherwise.
"""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, delete, insert, select, update

from gaia_server.jobs.callbacks import drop_calls, put_call
from gaia_server.jobs.lanes import wait_elsewhere
from gaia_server.jobs.parts import fail_whole
from gaia_server.jobs.records import Event, Work
from gaia_server.jobs.rows import (
    JOBS,
    read_job,
)
from gaia_server.jobs.statements import Statement
from gaia_server.jobs.states import UNFINISHED, State, sources
from gaia_server.jobs.tables import is_unfinished, jobs, log, outbox, works
from gaia_server.jobs.works import let_parts_go, put_out
from gaia_workers.contract import Failure, Words, utc_now

LIVING = (
    works.c.id == bindparam("this_work"),
    works.c.attempt == bindparam("this_attempt"),
    is_unfinished(works.c.state),
)
CHANGE_LIVING = Statement(update(works).where(*LIVING))
_WAITING = (jobs.c.work_id == bindparam("this_work"), is_unfinished(jobs.c.state))
_FIND_WAITING = Statement(select(jobs.c.id, jobs.c.started, jobs.c.created, jobs.c.subscribed).where(*_WAITING))
_END_WAITING = Statement(update(jobs).where(jobs.c.id == bindparam("this_job")))
_END: dict[State, Event] = {State.SUCCESSFUL: "success", State.FAILED: "failed"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Waiting:
    """A job that waits for a work."""

    id: str
    created: datetime
    started: datetime | None
    subscribed: bool


def find_waiting(connection: Connection, work_id: str) -> tuple[Waiting, ...]:
    """Find the jobs that wait for a work; those that have ended go their own way."""
    rows = _FIND_WAITING.all(connection, {"this_work": work_id})
    return tuple(
        Waiting(
            id=id,
            started=datetime.fromisoformat(started) if started else None,
            created=datetime.fromisoformat(created),
            subscribed=bool(subscribed),
        )
        for id, started, created, subscribed in rows
    )


def change_living(connection: Connection, work: Work, **values: Any) -> bool:
    """Change a work where this attempt of it still goes on; False where the row has moved on."""
    return CHANGE_LIVING.change(connection, this_attempt(work.id, work.attempt) | values) == 1


def this_attempt(work_id: str, attempt: int) -> dict[str, Any]:
    """Give the values of the fence that `LIVING` makes."""
    return {"this_work": work_id, "this_attempt": attempt}


def living(work_id: str, attempt: int) -> tuple[Any, ...]:
    """Make the fence: this attempt of an unfinished work, and nothing else."""
    return (works.c.id == work_id, works.c.attempt == attempt, works.c.state.in_(names_of(UNFINISHED)))


def names_of(states: Iterable[State]) -> list[str]:
    """Name states as the rows have them."""
    return sorted(state.value for state in states)


def say(connection: Connection, work_id: str, level: str, words: Words) -> None:
    """Add a line to the log of a work."""
    connection.execute(
        insert(log).values(job_id=work_id, time=utc_now(), level=level, text_en=words.en, text_fr=words.fr, own=False)
    )


def call_for(connection: Connection, waiting: Iterable[Waiting], event: Event, *, delay_s: float = 0.0) -> None:
    """Note calls to those who subscribed to jobs."""
    for each in waiting:
        if each.subscribed:
            job = read_job(connection.execute(JOBS.where(jobs.c.id == each.id)).one())
            put_call(connection, job, event, delay_s=delay_s)


def end_jobs(
    connection: Connection, waiting: Iterable[Waiting], state: State, words: Words, *, progress: int, ended: datetime
) -> None:
    """Let jobs end with their work."""
    same = {"state": state.value, "updated": utc_now(), "progress": progress, "message": asdict(words)}
    ends = [
        {
            "this_job": each.id,
            **same,
            "started": each.started,
            **ended_at(each.started, max(ended, each.started or each.created)),
        }
        for each in waiting
    ]
    for end in ends:
        _END_WAITING.change(connection, end)
    for each in waiting:
        if each.subscribed:
            drop_calls(connection, each.id, "inProgress")  # how it goes on is nobody's concern any more
    call_for(connection, waiting, _END[state])


def ended_at(started: datetime | None, now: datetime) -> dict[str, Any]:
    """Note the end, and how long it lasted; a job that never started lasted no time at all, not zero."""
    return {"finished": now, "duration_s": None if started is None else (now - started).total_seconds()}


def fail(connection: Connection, work_id: str, attempt: int, failure: Failure) -> bool:
    """End a work, and all jobs that wait for it, as failed; False where the row has moved on."""
    now = utc_now()
    say(connection, work_id, "error", failure.words)
    found = connection.execute(
        update(works)
        .where(works.c.id == work_id, works.c.attempt == attempt, works.c.state.in_(names_of(sources(State.FAILED))))
        .values(
            state=State.FAILED.value,
            joinable=False,
            updated=now,
            finished=now,
            failure=asdict(failure),
            message=asdict(failure.words),
        )
    )
    if found.rowcount == 1:
        progress = connection.execute(select(works.c.progress).where(works.c.id == work_id)).scalar_one()
        waiting = find_waiting(connection, work_id)
        end_jobs(connection, waiting, State.FAILED, failure.words, progress=progress, ended=now)
        let_parts_go(connection, work_id, now)
        fail_whole(connection, work_id, failure, fail)
    connection.execute(delete(outbox).where(outbox.c.job_id == work_id, outbox.c.kind == "order"))
    return found.rowcount == 1


def retry(connection: Connection, work: Work, *, lost: bool, centre: str, queue: str, reason: Words) -> bool:
    """Give a work its next attempt, with an order in the outbox unless it waits in its lane; False where the row has moved on."""
    attempt = work.attempt + 1
    kept = work.released is None and work.sent is None and _waits_in_its_lane(connection, work)
    turn = wait_elsewhere(connection, work, centre, queue) if kept else work.turn
    moved = change_living(
        connection, work, attempt=attempt, lost=work.lost + lost, centre=centre, queue=queue, sent=None,
        reason=asdict(reason), updated=utc_now(), turn=turn,
    )  # fmt: skip
    if moved and kept:  # no order of it is anywhere yet
        say(connection, work.id, "info", reason)
        return True
    if moved:
        connection.execute(delete(outbox).where(outbox.c.job_id == work.id, outbox.c.kind == "order"))
        put_out(connection, "dismissal", work.id, work.attempt, work.centre, utc_now())
        put_out(connection, "order", work.id, attempt, centre, utc_now())
        say(connection, work.id, "warning", reason)
    return moved


def _waits_in_its_lane(connection: Connection, work: Work) -> bool:
    """Look again: a dispatcher may have let it out since the work was read, and then an order of it is on its way."""
    query = select(works.c.id).where(*living(work.id, work.attempt), works.c.released.is_(None)).with_for_update()
    return connection.execute(query).first() is not None
