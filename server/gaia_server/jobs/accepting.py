"""How a job comes into the store: joined to equal work, or with a new work of its own and the order for it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import Connection, bindparam, insert, select, update
from sqlalchemy.exc import IntegrityError

from gaia_server.jobs.callbacks import put_call
from gaia_server.jobs.lanes import Room, enter
from gaia_server.jobs.records import Job, Keeping, Work
from gaia_server.jobs.rows import (
    JOBS,
    WORKS,
    read_job,
    read_work,
    with_work,
    write_job,
    write_work,
)
from gaia_server.jobs.statements import Statement
from gaia_server.jobs.states import State
from gaia_server.jobs.tables import Moment, jobs, works
from gaia_server.jobs.works import put_out
from gaia_workers.contract import Words

_HAS_EQUAL = Statement(select(works.c.id).where(works.c.content_key == bindparam("content_key")).limit(1))
_FIND_EQUAL = (
    WORKS.where(works.c.content_key == bindparam("content_key"))
    .order_by(works.c.joinable.desc())
    .limit(1)
    .with_for_update()
)
_ADD_WORK, _ADD_JOB = Statement(insert(works)), Statement(insert(jobs))
_KEEP = update(works).where(works.c.id == bindparam("this_work")).values(expires=bindparam("until", type_=Moment))
REUSED = Words(
    en="The job is done: the same had been computed before.",
    fr="La tâche est terminée : la même chose avait déjà été calculée.",
)


class Raced(Exception):
    """Somebody else wrote the same in the same moment."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Newcomer:
    """A job that is to be accepted, as `Store.accept` takes it."""

    job: Job
    fresh: bool
    reuse_s: float
    room: Room | None
    parts: Sequence[tuple[Work, Room | None]] = ()


def accept_newcomer(connection: Connection, newcomer: Newcomer, *, kept_for: timedelta) -> Job:
    """
    Write a job, and a work of its own where it shares none.

    Raises
    ------
    Raced
        Somebody else wrote an equal one in the same moment: looked for again, it is found.
    """
    job = newcomer.job
    if job.once and (earlier := _find_once(connection, job)):
        return earlier
    equal = _find_equal(connection, job.content_key)
    try:
        if equal is not None and not newcomer.fresh and _can_be_shared(equal, job.created, newcomer.reuse_s):
            return _join(connection, job, equal, kept_for)
        if equal is not None and equal.joinable:
            connection.execute(update(works).where(works.c.id == equal.id).values(joinable=False))
        accepted = equal.accepted if equal else job.accepted
        return _begin(connection, newcomer, accepted)
    except IntegrityError as error:
        raise Raced from error


def _begin(connection: Connection, newcomer: Newcomer, accepted: datetime) -> Job:
    """Write a job with a work of its own, and the parts of that."""
    job = replace(newcomer.job, lacking=len(newcomer.parts)) if newcomer.parts else newcomer.job
    place = enter(connection, job, newcomer.room)
    job = replace(job, work_id=job.id, accepted=accepted, work_owner=job.owner, work_state=job.state, **place)
    _add(connection, job.work)
    _ADD_JOB.change(connection, write_job(job))
    for part, room in newcomer.parts:
        _add(connection, replace(part, whole=job.id, accepted=accepted, **enter(connection, part, room)))
    return job


def _add(connection: Connection, work: Work) -> None:
    """Write a new work, and its order where it is let out at once."""
    _ADD_WORK.change(connection, write_work(work))
    if work.released is not None:
        put_out(connection, "order", work.id, work.attempt, work.centre, work.created)


def _find_once(connection: Connection, job: Job) -> Job | None:
    key = job.once.key if job.once else None
    row = connection.execute(JOBS.where(jobs.c.owner == job.owner, jobs.c.once_key == key)).first()
    return None if row is None else read_job(row)


def _find_equal(connection: Connection, content_key: str) -> Work | None:
    """Find the work that equal jobs may share, or else any equal one: all of them say when the first was accepted."""
    if _HAS_EQUAL.first(connection, {"content_key": content_key}) is None:
        return None
    row = connection.execute(_FIND_EQUAL, {"content_key": content_key}).first()
    return None if row is None else read_work(row)


def _can_be_shared(work: Work, now: datetime, reuse_s: float) -> bool:
    """Tell whether a job that comes now is well served: by results that are kept, or by work with half of its time left."""
    if not work.joinable:
        return False
    if work.finished is not None and (now - work.finished).total_seconds() > reuse_s:
        return False
    if work.state.final:
        return work.keeping is Keeping.KEPT and (work.expires is None or now < work.expires)
    return work.deadline - now >= (work.deadline - work.created) / 2


def _join(connection: Connection, job: Job, work: Work, kept_for: timedelta) -> Job:
    """Let a job share a work, from where that stands; results are kept as long as the youngest job needs them."""
    now = job.created
    started = None if work.state is State.ACCEPTED else now
    job = replace(job, work_id=work.id, state=work.state, started=started)
    if work.state.final:
        job = replace(job, progress=100, message=REUSED, finished=now, duration_s=0.0)
        work = replace(work, expires=max(work.expires or now, now + kept_for))
        connection.execute(_KEEP, {"this_work": work.id, "until": work.expires})
    _ADD_JOB.change(connection, write_job(job))
    if work.state.final:
        put_call(connection, job, "success")
    return with_work(job, work)
