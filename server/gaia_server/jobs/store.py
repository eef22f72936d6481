"""
The job store: the only truth about jobs.

Every change is a compare-and-set in one transaction: it names the states from which it may come and the attempt it speaks for,
and does nothing where the row says otherwise.
"""

import math
from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Literal, Self

from sqlalchemy import Connection, Engine, Row, bindparam, case, delete, exists, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from gaia_server.errors import AlreadyDismissed, StoreDown
from gaia_server.jobs import engine as database
from gaia_server.jobs import listing
from gaia_server.jobs.callbacks import PROGRESS_GAP_S, Callbacks, drop_calls, put_call
from gaia_server.jobs.lanes import Lanes, Room, enter, wait_elsewhere
from gaia_server.jobs.listing import EVERYTHING, Choice, Mark
from gaia_server.jobs.paces import note_pace
from gaia_server.jobs.parts import fail_whole, give_to_whole, tell_whole
from gaia_server.jobs.records import Event, Job, Keeping, LogLine, Work
from gaia_server.jobs.retention import Retention
from gaia_server.jobs.rows import (
    JOBS,
    PLAIN_JOBS,
    PLAIN_WORKS,
    RESULT,
    WORKS,
    read_job,
    read_plain_job,
    read_plain_work,
    read_work,
    with_work,
    write_job,
    write_work,
)
from gaia_server.jobs.stamps import Stamp, find_stamp
from gaia_server.jobs.statements import Statement
from gaia_server.jobs.states import UNFINISHED, State, sources
from gaia_server.jobs.tables import Moment, is_unfinished, jobs, log, outbox, works
from gaia_server.jobs.together import Together
from gaia_server.jobs.works import DISMISSED, abandon, confirm, judge_held, let_parts_go, lock, put_out
from gaia_workers.contract import Failure, Kind, Report, Words, utc_now

# Statements of the way of every job, made once: making one anew costs more than carrying it out.
_FIND = database.Glance(PLAIN_JOBS.where(jobs.c.id == bindparam("job_id"), jobs.c.owner == bindparam("owner")))
_LIVING = (
    works.c.id == bindparam("this_work"),
    works.c.attempt == bindparam("this_attempt"),
    is_unfinished(works.c.state),
)
_FIND_LIVING = Statement(PLAIN_WORKS.where(*_LIVING).with_for_update())
_CHANGE_LIVING = Statement(update(works).where(*_LIVING))
_TAKE_ORDER_OUT = Statement(
    delete(outbox).where(
        outbox.c.job_id == bindparam("this_work"),
        outbox.c.attempt == bindparam("this_attempt"),
        outbox.c.kind == "order",
    )
)
_HAS_EQUAL = Statement(select(works.c.id).where(works.c.content_key == bindparam("content_key")).limit(1))
_FIND_EQUAL = (
    WORKS.where(works.c.content_key == bindparam("content_key"))
    .order_by(works.c.joinable.desc())
    .limit(1)
    .with_for_update()
)
_ADD_WORK, _ADD_JOB = Statement(insert(works)), Statement(insert(jobs))
_GLANCE_LIVING = database.Glance(
    select(works.c.attempt, works.c.centre).where(works.c.id == bindparam("this_work"), is_unfinished(works.c.state))
)
_KEEP = update(works).where(works.c.id == bindparam("this_work")).values(expires=bindparam("until", type_=Moment))
_WAITING = (jobs.c.work_id == bindparam("this_work"), is_unfinished(jobs.c.state))
_FIND_WAITING = Statement(select(jobs.c.id, jobs.c.started, jobs.c.created, jobs.c.subscribed).where(*_WAITING))
_BEGUN = bindparam("begun", type_=Moment)
_START_WAITING = (
    update(jobs)
    .where(jobs.c.work_id == bindparam("this_work"), jobs.c.state == State.ACCEPTED.value)
    .values(
        state=State.RUNNING.value,
        started=func.coalesce(jobs.c.started, case((jobs.c.created > _BEGUN, jobs.c.created), else_=_BEGUN)),
        updated=bindparam("now", type_=Moment),
    )
)
_END_WAITING = Statement(update(jobs).where(jobs.c.id == bindparam("this_job")))
_QUEUED = select(func.count()).select_from(works).where(works.c.state == State.ACCEPTED.value)
_IDS_AT_ONCE = 500  # a database takes only so many parameters
_TRIES = 5
KEPT_FOR = timedelta(days=7)

REMOVED = Words(
    en="The job had ended; its results were removed on request.",
    fr="La tâche était terminée ; ses résultats ont été supprimés sur demande.",
)
DONE = Words(en="The job is done.", fr="La tâche est terminée.")
REUSED = Words(
    en="The job is done: the same had been computed before.",
    fr="La tâche est terminée : la même chose avait déjà été calculée.",
)


type Message = Literal["order", "dismissal", "aside"]
"""An order; that an attempt is to be stopped and removed; that what it made is to be put aside."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Outgoing:
    """A message that waits in the outbox for its centre."""

    number: int
    kind: Message
    job_id: str
    attempt: int
    centre: str
    created: datetime


type _Rows = Sequence[Row[*tuple[Any, ...]]]


class _Raced(Exception):
    """Somebody else wrote the same in the same moment."""


class Store:
    """
    Jobs, the works behind them, their logs and the outbox, in SQLite or PostgreSQL.

    Parameters
    ----------
    kept_for : timedelta
        How long results are kept.
    """

    def __init__(self, engine: Engine, *, kept_for: timedelta = KEPT_FOR) -> None:
        self._engine = engine
        self._kept_for = kept_for
        self._together = Together(self._accept_all)

    @classmethod
    def open(cls, url: str, *, kept_for: timedelta = KEPT_FOR) -> Self:
        """Open the store at a database URL and bring its tables up to date."""
        engine = database.open_engine(url)
        database.migrate(engine)
        return cls(engine, kept_for=kept_for)

    def close(self) -> None:
        """Give the connections back."""
        self._engine.dispose()

    @property
    def callbacks(self) -> Callbacks:
        """The calls to subscribers that wait to be made."""
        return Callbacks(self._engine)

    @property
    def retention(self) -> Retention:
        """How long everything is kept."""
        return Retention(self._engine)

    @property
    def engine(self) -> Engine:
        """The database, for what is kept beside the jobs."""
        return self._engine

    @property
    def lanes(self) -> Lanes:
        """What waits where, and in which order."""
        return Lanes(self._engine)

    def get(self, job_id: str) -> Job | None:
        """Find a job, whoever owns it; for the server's own work alone."""
        with database.reading(self._engine) as connection:
            row = connection.execute(JOBS.where(jobs.c.id == job_id)).first()
        return None if row is None else read_job(row)

    def work(self, work_id: str) -> Work | None:
        """Find a work, whoever asked for it; for the server's own work alone."""
        with database.reading(self._engine) as connection:
            row = connection.execute(WORKS.where(works.c.id == work_id)).first()
        return None if row is None else read_work(row)

    def parts(self, work_id: str) -> tuple[Work, ...]:
        """Give the parts of a work, by what they make ready."""
        with database.reading(self._engine) as connection:
            rows = connection.execute(WORKS.where(works.c.whole == work_id).order_by(works.c.brings)).all()
        return tuple(read_work(row) for row in rows)

    def ready(self) -> None:
        """Raise `StoreDown` if the store cannot be read."""
        with database.reading(self._engine) as connection:
            connection.execute(select(func.count()).select_from(outbox))

    # --- reading ---------------------------------------------------------------------------------------------------

    def find(self, job_id: str, *, owner: str) -> Job | None:
        """Find a job of an owner."""
        row = _FIND.first(self._engine, job_id=job_id, owner=owner)
        return None if row is None else read_plain_job(row)

    def stamp(self, job_id: str, *, owner: str) -> Stamp | None:
        """
        Give the stamp of an owner's job, by which it can be told whether what is known of it still holds.

        None where there is no such job.
        """
        return find_stamp(self._engine, job_id, owner=owner)

    def find_all(self, job_ids: Sequence[str], *, owner: str) -> tuple[Job, ...]:
        """Find several jobs of an owner at once, in any order; those that there are not are left out."""
        found: list[Job] = []
        with database.reading(self._engine) as connection:
            for start in range(0, len(job_ids), _IDS_AT_ONCE):
                some = job_ids[start : start + _IDS_AT_ONCE]
                query = JOBS.where(jobs.c.id.in_(some), jobs.c.owner == owner)
                found += [read_job(row) for row in connection.execute(query)]
        return tuple(found)

    def jobs(
        self, *, owner: str, limit: int, choice: Choice = EVERYTHING, after: Mark | None = None
    ) -> tuple[Job, ...]:
        """
        List an owner's asynchronous jobs, newest first.

        Parameters
        ----------
        after : Mark or None
            The last job of the page before.
        """
        query = listing.page(choice, after)
        if query is None:
            return ()
        values = listing.values(owner, choice, after=after, limit=limit, now=utc_now())
        with database.looking(self._engine) as connection:
            rows = connection.execute(query, values).all()
        return tuple(read_job(row) for row in rows)

    def log(self, job_id: str, *, owner: str) -> tuple[LogLine, ...] | None:
        """
        Give the log of an owner's job, newest line last; None where there is no such job.

        What was said of the work is told to all who share it; what was said of one job to its owner alone.
        """
        job = self.find(job_id, owner=owner)
        if job is None:
            return None
        parts = select(works.c.id).where(works.c.whole == job.work_id)
        of_work = ((log.c.job_id == job.work_id) | log.c.job_id.in_(parts)) & log.c.own.is_(False)
        with database.reading(self._engine) as connection:
            rows = connection.execute(
                select(log).where(of_work | ((log.c.job_id == job_id) & log.c.own.is_(True))).order_by(log.c.id)
            ).all()
        return tuple(
            LogLine(number=row.id, time=row.time, level=row.level, words=Words(en=row.text_en, fr=row.text_fr))
            for row in rows
        )

    def unfinished(self) -> tuple[Work, ...]:
        """Give every work that has not ended, oldest first; for the reconciler alone."""
        with database.reading(self._engine) as connection:
            rows = connection.execute(
                WORKS.where(works.c.state.in_(_names(UNFINISHED))).order_by(works.c.created)
            ).all()
        return tuple(read_work(row) for row in rows)

    def to_attend(self, *, alive: Collection[str], now: datetime) -> tuple[Work, ...]:
        """
        Give every unfinished work that somebody has to look at, oldest first; for the reconciler alone.

        Left out are those that wait in their lane at a centre that is alive: the dispatcher comes to them.
        """
        wanted = (works.c.released.is_not(None)) | (works.c.centre.not_in(alive)) | (works.c.deadline <= now)
        with database.reading(self._engine) as connection:
            rows = connection.execute(
                WORKS.where(works.c.state.in_(_names(UNFINISHED)), wanted).order_by(works.c.created)
            ).all()
        return tuple(read_work(row) for row in rows)

    def queued(self) -> int:
        """Count the works that wait."""
        with database.looking(self._engine) as connection:
            return int(connection.execute(_QUEUED).scalar_one())

    def queued_of(self, owner: str, *, most: int) -> int:
        """Count an owner's jobs that wait, as far as `most`."""
        waiting = select(jobs.c.id).where(
            jobs.c.owner == owner, jobs.c.synchronous.in_((False, True)), jobs.c.state == State.ACCEPTED.value
        )
        with database.looking(self._engine) as connection:
            query = select(func.count()).select_from(waiting.limit(most).subquery())
            return int(connection.execute(query).scalar_one())

    def count_by_state(self) -> dict[State, int]:
        """Count all jobs, by state; states that no job is in are left out."""
        with database.reading(self._engine) as connection:
            rows = connection.execute(select(jobs.c.state, func.count()).group_by(jobs.c.state)).all()
        return {State(state): count for state, count in rows}

    def oldest_waiting(self) -> datetime | None:
        """Tell when the work was asked for that has waited longest; None where none waits."""
        query = select(func.min(works.c.created)).where(works.c.state == State.ACCEPTED.value)
        with database.reading(self._engine) as connection:
            oldest: datetime | None = connection.execute(query).scalar_one()
        return oldest

    def count_outgoing(self) -> int:
        """Count the messages that no broker has taken yet."""
        with database.reading(self._engine) as connection:
            return int(connection.execute(select(func.count()).select_from(outbox)).scalar_one())

    def expects(self, work_id: str, attempt: int, centre: str) -> bool:
        """Tell whether a centre may still deliver results of this attempt."""
        living = _GLANCE_LIVING.first(self._engine, this_work=work_id)
        return living is not None and living == (attempt, centre)

    def askers(self, work_ids: Sequence[str]) -> tuple[str, ...]:
        """Give the ids of the jobs that share some works, or those that these are parts of."""
        found: list[str] = []
        with database.reading(self._engine) as connection:
            for start in range(0, len(work_ids), _IDS_AT_ONCE):
                some = work_ids[start : start + _IDS_AT_ONCE]
                wholes = select(works.c.whole).where(works.c.id.in_(some), works.c.whole.is_not(None))
                query = select(jobs.c.id).where(jobs.c.work_id.in_(some) | jobs.c.work_id.in_(wholes))
                found += connection.execute(query).scalars()
        return tuple(found)

    def find_once(self, key: str, *, owner: str) -> Job | None:
        """Find the job that an owner's request with this `Idempotency-Key` made."""
        with database.looking(self._engine) as connection:
            row = connection.execute(JOBS.where(jobs.c.owner == owner, jobs.c.once_key == key)).first()
        return None if row is None else read_job(row)

    # --- accepting and sending -------------------------------------------------------------------------------------

    def accept(
        self,
        job: Job,
        *,
        fresh: bool = False,
        reuse_s: float = math.inf,
        room: Room | None = None,
        parts: Sequence[tuple[Work, Room | None]] = (),
    ) -> Job:
        """
        Write the job, and its work with its parts and orders where no equal work is to be shared, in one transaction.

        When this returns, the job is never lost.

        Parameters
        ----------
        fresh : bool
            Whether it is to be computed anew, whatever there is; equal jobs share that from then on.
        reuse_s : float
            So long after its end equal work serves, s.
        room : Room or None
            What the lane takes: without a place in it the work waits there, and has no order yet. None is any number.
        parts : sequence of tuple
            Parts of the work, each with the room in its lane; until all have ended the work waits.

        Returns
        -------
        Job
            As it was written: with `accepted` set to when equal work was accepted first. Another one, where this owner
            has a job by the same `Idempotency-Key`.
        """
        newcomer = _Newcomer(job=job, fresh=fresh, reuse_s=reuse_s, room=room, parts=parts)
        for _ in range(_TRIES):
            try:
                if database.is_sqlite(self._engine):
                    return self._together.ask(newcomer)
                return self._accept_all((newcomer,))[0]
            except _Raced:
                continue  # the other one has written by now, and is found
        raise StoreDown

    def _accept_all(self, newcomers: Sequence["_Newcomer"]) -> list[Job]:
        """Accept jobs in one transaction. (PostgreSQL puts commits together by itself, and has more than one writer.)"""
        with database.writing(self._engine) as connection:
            return [_accept(connection, each, kept_for=self._kept_for) for each in newcomers]

    def outgoing(self, *, limit: int = 1000) -> tuple[tuple[Outgoing, Work | None], ...]:
        """Give what waits to be sent, oldest first, each with its work; None where that is forgotten, or never was."""
        with database.reading(self._engine) as connection:
            rows: _Rows = connection.execute(
                select(*works.columns, outbox.c.id.label("number"), outbox.c.kind, outbox.c.job_id,
                       outbox.c.attempt.label("for_attempt"), outbox.c.centre.label("to_centre"),
                       outbox.c.created.label("since"))
                .select_from(outbox)
                .outerjoin(works, works.c.id == outbox.c.job_id)
                .order_by(outbox.c.id)
                .limit(limit)
            ).all()  # fmt: skip
        return tuple((_outgoing(row), None if row.id is None else read_work(row)) for row in rows)

    def sent(self, work_id: str, attempt: int, *, kind: Message = "order") -> None:
        """Take a message out of the outbox, for the broker has it."""
        with database.writing(self._engine) as connection:
            connection.execute(
                delete(outbox).where(outbox.c.job_id == work_id, outbox.c.attempt == attempt, outbox.c.kind == kind)
            )
            if kind == "order":
                connection.execute(update(works).where(*_living(work_id, attempt)).values(sent=utc_now()))

    def orders_sent(self, sent: Sequence[tuple[str, int]]) -> None:
        """Take orders out of the outbox, by work and attempt, for their brokers have them."""
        now = utc_now()
        with database.writing(self._engine) as connection:
            for work_id, attempt in sent:
                _TAKE_ORDER_OUT.change(connection, _this(work_id, attempt))
                _CHANGE_LIVING.change(connection, _this(work_id, attempt) | {"sent": now})

    def turn_asynchronous(self, job: Job) -> None:
        """Have a job listed that began as a synchronous run."""
        with database.writing(self._engine) as connection:
            connection.execute(update(jobs).where(jobs.c.id == job.id).values(synchronous=False))

    # --- what workers say ------------------------------------------------------------------------------------------

    def apply(self, reports: Iterable[Report], *, attempts: int) -> tuple[str, ...]:
        """
        Write what workers reported, in one transaction.

        Parameters
        ----------
        attempts : int
            How many attempts a job has when infrastructure fails.

        Returns
        -------
        tuple of str
            Ids of the jobs that changed.
        """
        changed: dict[str, None] = {}
        reports = tuple(reports)
        rules = _Rules(attempts=attempts, kept_for=self._kept_for, brief=_find_brief(reports))
        known: dict[tuple[str, int], _Held] = {}
        with database.writing(self._engine) as connection:
            for report in reports:
                changed |= dict.fromkeys(_apply(connection, report, rules, known))
        return tuple(changed)

    # --- what the reconciler and the user decide --------------------------------------------------------------------

    def resend(self, work: Work, *, lost: bool, centre: str, queue: str, reason: Words) -> bool:
        """
        Give a work a new attempt and put its order into the outbox; False where the row has moved on.

        Parameters
        ----------
        lost : bool
            Whether the attempt before died at work (counts towards the limit) or its order never reached a worker.
        """
        with database.writing(self._engine) as connection:
            return _retry(connection, work, lost=lost, centre=centre, queue=queue, reason=reason)

    def restore_orders(self) -> tuple[str, ...]:
        """
        Put orders back into the outbox that should wait there and do not; give the ids of their works.

        Whoever lets a work out puts its order there in the same transaction, so there is none to restore unless something was
        at work that is not as it should be; a work without an order would wait for ever.
        """
        ordered = exists().where(
            outbox.c.job_id == works.c.id, outbox.c.attempt == works.c.attempt, outbox.c.kind == "order"
        )
        query = select(works.c.id, works.c.attempt, works.c.centre).where(
            works.c.state.in_(_names(UNFINISHED)), works.c.released.is_not(None), works.c.sent.is_(None), ~ordered
        )
        with database.looking(self._engine) as connection:
            if connection.execute(query.limit(1)).first() is None:
                return ()
        with database.writing(self._engine) as connection:
            rows = connection.execute(query).all()
            for row in rows:
                put_out(connection, "order", row.id, row.attempt, row.centre, utc_now())
        return tuple(row.id for row in rows)

    def explain(self, work: Work, reason: Words) -> None:
        """Say why a work waits."""
        with database.writing(self._engine) as connection:
            connection.execute(update(works).where(*_living(work.id, work.attempt)).values(reason=asdict(reason)))
            tell_whole(connection, work, reason)

    def fail(self, work: Work, failure: Failure) -> bool:
        """End a work, and all jobs that wait for it, as failed, and tell its centre to stop; False where the row has moved on."""
        with database.writing(self._engine) as connection:
            failed = _fail(connection, work.id, work.attempt, failure)
            if failed:
                put_out(connection, "dismissal", work.id, work.attempt, work.centre, utc_now())
            return bool(failed)

    def dismiss(self, job_id: str, *, owner: str) -> Job | None:
        """
        Dismiss a job that goes on, or remove the results of one that ended; the work is stopped with the last job that shares it.

        Returns
        -------
        Job or None
            The job as it is afterwards; None where the owner has no such job.

        Raises
        ------
        AlreadyDismissed
            At the second call.
        """
        now = utc_now()
        with database.writing(self._engine) as connection:
            found = connection.execute(select(jobs.c.work_id).where(jobs.c.id == job_id, jobs.c.owner == owner)).first()
            if found is None:
                return None
            work = lock(connection, found.work_id)
            job = read_job(connection.execute(JOBS.where(jobs.c.id == job_id)).one())
            if job.state is State.DISMISSED or job.results_removed:
                raise AlreadyDismissed
            change: dict[str, Any] = (
                {"results_removed": True, "message": asdict(REMOVED)}
                if job.state.final
                else {
                    "state": State.DISMISSED.value,
                    "message": asdict(DISMISSED),
                    "progress": job.progress,
                    **_ended(job.started, now),
                }
            )
            connection.execute(update(jobs).where(jobs.c.id == job_id).values(updated=now, **change))
            drop_calls(connection, job_id)
            if not _wanted(connection, work.id):
                abandon(connection, work, now)
            return read_job(connection.execute(JOBS.where(jobs.c.id == job_id)).one())


@dataclass(frozen=True, kw_only=True, slots=True)
class _Rules:
    """
    What holds for all reports of a batch.

    Attributes
    ----------
    attempts : int
        How often a work is tried.
    kept_for : timedelta
        How long what it made is kept.
    brief : frozenset of tuple
        Attempts, as work and number, that begin and end well within the batch.
    """

    attempts: int
    kept_for: timedelta
    brief: frozenset[tuple[str, int]]


def _find_brief(reports: Iterable[Report]) -> frozenset[tuple[str, int]]:
    """Find the attempts that begin and end well in one batch: nobody could read that they run, so that need not be written."""
    said: dict[tuple[str, int], list[Report]] = {}
    for report in reports:
        said.setdefault((report.job_id, report.attempt), []).append(report)
    return frozenset(key for key, each in said.items() if _is_brief(each))


def _is_brief(said: Sequence[Report]) -> bool:
    *before, last = said
    ends_well = last.kind is Kind.FINISHED and last.result is not None
    return ends_well and all(report.kind in (Kind.STARTED, Kind.LOG) for report in before)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Newcomer:
    """A job that is to be accepted, as `Store.accept` takes it."""

    job: Job
    fresh: bool
    reuse_s: float
    room: Room | None
    parts: Sequence[tuple[Work, Room | None]] = ()


def _accept(connection: Connection, newcomer: _Newcomer, *, kept_for: timedelta) -> Job:
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
        job = replace(job, work_id=job.id, accepted=accepted, lacking=len(newcomer.parts))
        work = _enter(connection, job.work, newcomer.room)
        _ADD_JOB.change(connection, write_job(job))
        for part, room in newcomer.parts:
            _enter(connection, replace(part, whole=work.id, accepted=work.accepted), room)
        return replace(job, work_owner=job.owner, work_state=job.state, released=work.released, turn=work.turn)
    except IntegrityError as error:
        raise _Raced from error


def _enter(connection: Connection, work: Work, room: Room | None) -> Work:
    """Write a new work, and its order where it is let out at once."""
    work = enter(connection, work, room)
    _ADD_WORK.change(connection, write_work(work))
    if work.released is not None:
        put_out(connection, "order", work.id, work.attempt, work.centre, work.created)
    return work


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


def _wanted(connection: Connection, work_id: str) -> bool:
    """Tell whether any job waits for a work, or has its results."""
    wanted = _names({*UNFINISHED, State.SUCCESSFUL})
    query = select(jobs.c.id).where(
        jobs.c.work_id == work_id, jobs.c.state.in_(wanted), jobs.c.results_removed.is_(False)
    )
    return connection.execute(query.limit(1)).first() is not None


@dataclass(frozen=True, kw_only=True, slots=True)
class _Waiting:
    """A job that waits for a work."""

    id: str
    created: datetime
    started: datetime | None
    subscribed: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class _Held:
    """A work that goes on, and the jobs that wait for it, as they are in this transaction."""

    work: Work
    waiting: tuple[_Waiting, ...]

    wholes: tuple[str, ...] = ()
    """Ids of the jobs that wait for the whole of which it is a part."""

    @property
    def ids(self) -> tuple[str, ...]:
        """Ids of the jobs that change with it."""
        return (*(each.id for each in self.waiting), *self.wholes)


def _apply(
    connection: Connection, report: Report, rules: _Rules, known: dict[tuple[str, int], _Held]
) -> tuple[str, ...]:
    """
    Write a report, and give the ids of the jobs that changed.

    Parameters
    ----------
    known : dict of _Held
        Works that began in the same batch or had a line logged, by work and attempt, as they are now: their end often follows
        at once.
    """
    if report.kind is Kind.REMOVED:
        confirm(connection, report.job_id, report.attempt, report.centre)
        return ()
    if report.kind is Kind.HELD:
        judge_held(connection, report.job_id, report.attempt, report.centre, utc_now())
        return ()
    held = known.pop((report.job_id, report.attempt), None) or _hold(connection, report)
    if held is None or held.work.centre != report.centre:
        _refuse_late(connection, report)
        return ()
    starts = (
        held.work.state is State.ACCEPTED and report.kind is not Kind.WAITING
    )  # its own report may have been lost with the broker
    if starts:
        brief = (report.job_id, report.attempt) in rules.brief and held.work.whole is None
        held = _begin(held, report) if brief else _start(connection, held, report)
    if (report.kind is Kind.STARTED and starts) or report.kind is Kind.LOG:
        known[report.job_id, report.attempt] = held
    if report.kind is Kind.STARTED and starts:
        return held.ids
    handler = {
        Kind.WAITING: _waits,
        Kind.STARTED: _progressed,  # it runs already: the next attempt does
        Kind.PROGRESS: _progressed,
        Kind.LOG: _logged,
        Kind.FINISHED: _finished,
        Kind.FAILED: _failed,
    }[report.kind]
    return held.ids if handler(connection, held, report, rules) else ()


def _hold(connection: Connection, report: Report) -> _Held | None:
    """Read the work of a report and the jobs that wait for it, where that attempt still goes on."""
    row = _FIND_LIVING.first(connection, _this(report.job_id, report.attempt))
    if row is None:
        return None
    work = read_plain_work(row)
    wholes = () if work.whole is None else tuple(each.id for each in _find_waiting(connection, work.whole))
    return _Held(work=work, waiting=_find_waiting(connection, report.job_id), wholes=wholes)


def _refuse_late(connection: Connection, report: Report) -> None:
    """Have the files removed that an attempt made which no longer counts: nobody will ask for them."""
    if report.kind is Kind.FINISHED and not _is_published(connection, report):
        put_out(connection, "dismissal", report.job_id, report.attempt, report.centre, utc_now())


def _is_published(connection: Connection, report: Report) -> bool:
    """Tell whether this is the report of the published attempt, come twice."""
    query = select(works.c.id).where(
        works.c.id == report.job_id,
        works.c.attempt == report.attempt,
        works.c.centre == report.centre,
        works.c.keeping == Keeping.KEPT.value,
    )
    return connection.execute(query).first() is not None


def _start(connection: Connection, held: _Held, report: Report) -> _Held:
    """Let a work run, and all jobs that wait for it."""
    now, begun = utc_now(), _when(held.work, report)
    change = {"seen": now, "updated": now, "state": State.RUNNING.value, "started": held.work.started or begun}
    words = report.words if report.kind is Kind.STARTED else None
    _change(connection, held.work, **change, **({"message": asdict(words)} if words else {}))
    connection.execute(_START_WAITING, {"this_work": held.work.id, "begun": begun, "now": now})
    _call(connection, held.waiting, "inProgress")
    tell_whole(connection, held.work, None)
    return _begin(held, report)


def _begin(held: _Held, report: Report) -> _Held:
    """Give a work that runs from now on, with all jobs that wait for it; one that came after the start began when it came."""
    begun = _when(held.work, report)
    return replace(
        held,
        work=replace(held.work, state=State.RUNNING, started=held.work.started or begun),
        waiting=tuple(replace(each, started=each.started or max(begun, each.created)) for each in held.waiting),
    )


def _waits(connection: Connection, held: _Held, report: Report, _rules: _Rules) -> bool:
    """Note why what was taken has not begun; what has begun does not wait any more."""
    if held.work.state is not State.ACCEPTED or report.words is None:
        return False
    now = utc_now()
    tell_whole(connection, held.work, report.words)
    return _change(connection, held.work, seen=now, updated=now, reason=asdict(report.words))


def _when(work: Work, report: Report) -> datetime:
    """Tell when it happened by the server's clock; never before what must have been before it."""
    return max(utc_now() - timedelta(seconds=report.age_s), work.started or work.created)


def _progressed(connection: Connection, held: _Held, report: Report, _rules: _Rules) -> bool:
    now = utc_now()
    change: dict[str, Any] = {"seen": now, "updated": now}
    if report.progress is not None:
        change["progress"] = max(held.work.progress, min(max(report.progress, 0), 99))
    if report.words:
        change["message"] = asdict(report.words)
    changed = _change(connection, held.work, **change)
    if changed and report.kind is Kind.PROGRESS:
        _call(connection, held.waiting, "inProgress", delay_s=PROGRESS_GAP_S)
    return changed


def _logged(connection: Connection, held: _Held, report: Report, _rules: _Rules) -> bool:
    if report.words:
        _say(connection, held.work.id, report.level, report.words)
    return bool(report.words)


def _finished(connection: Connection, held: _Held, report: Report, rules: _Rules) -> bool:
    now, ended = utc_now(), _when(held.work, report)
    if report.result is None:
        return False  # a finished report without a result is none; the lease runs out, and the work is done again
    # What a part made ready is kept for as long as its whole goes on.
    expires = None if held.work.whole else now + rules.kept_for
    changed = _change(
        connection, held.work, state=State.SUCCESSFUL.value, updated=now, seen=now, finished=ended, progress=100,
        started=held.work.started,
        result=RESULT.dump_python(report.result, mode="json"), message=asdict(DONE),
        keeping=Keeping.KEPT.value, expires=expires,
        size_bytes=sum(file.size_bytes for file in report.result.files),
    )  # fmt: skip
    work = held.work
    if changed and work.started is not None and not work.lost:
        note_pace(connection, work, max((ended - work.started).total_seconds(), 0.0))
    if changed:
        _end_jobs(connection, held.waiting, State.SUCCESSFUL, DONE, progress=100, ended=ended)
        give_to_whole(connection, work, report.result)
    if changed and work.brought:
        let_parts_go(connection, work.id, now)
    return changed


def _failed(connection: Connection, held: _Held, report: Report, rules: _Rules) -> bool:
    work = held.work
    failure = report.failure or Failure(code="internal-error", words=Words(en="It failed.", fr="Échec."))
    if failure.retry and work.lost + 1 < rules.attempts:
        reason = Words(
            en=f"{failure.words.en} Attempt {work.attempt + 1} follows.",
            fr=f"{failure.words.fr} La tentative {work.attempt + 1} suit.",
        )
        return _retry(connection, work, lost=True, centre=work.centre, queue=work.queue, reason=reason)
    return _fail(connection, work.id, work.attempt, failure)


def _fail(connection: Connection, work_id: str, attempt: int, failure: Failure) -> bool:
    now = utc_now()
    _say(connection, work_id, "error", failure.words)
    found = connection.execute(
        update(works)
        .where(works.c.id == work_id, works.c.attempt == attempt, works.c.state.in_(_names(sources(State.FAILED))))
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
        waiting = _find_waiting(connection, work_id)
        _end_jobs(connection, waiting, State.FAILED, failure.words, progress=progress, ended=now)
        let_parts_go(connection, work_id, now)
        fail_whole(connection, work_id, failure, _fail)
    connection.execute(delete(outbox).where(outbox.c.job_id == work_id, outbox.c.kind == "order"))
    return found.rowcount == 1


_END: dict[State, Event] = {State.SUCCESSFUL: "success", State.FAILED: "failed"}


def _find_waiting(connection: Connection, work_id: str) -> tuple[_Waiting, ...]:
    """Find the jobs that wait for a work; those that have ended go their own way."""
    rows = _FIND_WAITING.all(connection, {"this_work": work_id})
    return tuple(
        _Waiting(
            id=id,
            started=datetime.fromisoformat(started) if started else None,
            created=datetime.fromisoformat(created),
            subscribed=bool(subscribed),
        )
        for id, started, created, subscribed in rows
    )


def _end_jobs(
    connection: Connection, waiting: Iterable[_Waiting], state: State, words: Words, *, progress: int, ended: datetime
) -> None:
    """Let jobs end with their work."""
    same = {"state": state.value, "updated": utc_now(), "progress": progress, "message": asdict(words)}
    ends = [
        {
            "this_job": each.id,
            **same,
            "started": each.started,
            **_ended(each.started, max(ended, each.started or each.created)),
        }
        for each in waiting
    ]
    for end in ends:
        _END_WAITING.change(connection, end)
    for each in waiting:
        if each.subscribed:
            drop_calls(connection, each.id, "inProgress")  # how it goes on is nobody's concern any more
    _call(connection, waiting, _END[state])


def _call(connection: Connection, waiting: Iterable[_Waiting], event: Event, *, delay_s: float = 0.0) -> None:
    """Note calls to those who subscribed to jobs."""
    for each in waiting:
        if each.subscribed:
            job = read_job(connection.execute(JOBS.where(jobs.c.id == each.id)).one())
            put_call(connection, job, event, delay_s=delay_s)


def _ended(started: datetime | None, now: datetime) -> dict[str, Any]:
    """Note the end, and how long it lasted; a job that never started lasted no time at all, not zero."""
    return {"finished": now, "duration_s": None if started is None else (now - started).total_seconds()}


def _retry(connection: Connection, work: Work, *, lost: bool, centre: str, queue: str, reason: Words) -> bool:
    attempt = work.attempt + 1
    kept = work.released is None and work.sent is None and _waits_in_its_lane(connection, work)
    turn = wait_elsewhere(connection, work, centre, queue) if kept else work.turn
    moved = _change(
        connection, work, attempt=attempt, lost=work.lost + lost, centre=centre, queue=queue, sent=None,
        reason=asdict(reason), updated=utc_now(), turn=turn,
    )  # fmt: skip
    if moved and kept:  # no order of it is anywhere yet
        _say(connection, work.id, "info", reason)
        return True
    if moved:
        connection.execute(delete(outbox).where(outbox.c.job_id == work.id, outbox.c.kind == "order"))
        put_out(connection, "dismissal", work.id, work.attempt, work.centre, utc_now())
        put_out(connection, "order", work.id, attempt, centre, utc_now())
        _say(connection, work.id, "warning", reason)
    return moved


def _waits_in_its_lane(connection: Connection, work: Work) -> bool:
    """Look again: a dispatcher may have let it out since the work was read, and then an order of it is on its way."""
    query = select(works.c.id).where(*_living(work.id, work.attempt), works.c.released.is_(None)).with_for_update()
    return connection.execute(query).first() is not None


def _change(connection: Connection, work: Work, **values: Any) -> bool:
    return _CHANGE_LIVING.change(connection, _this(work.id, work.attempt) | values) == 1


def _this(work_id: str, attempt: int) -> dict[str, Any]:
    return {"this_work": work_id, "this_attempt": attempt}


def _living(work_id: str, attempt: int) -> tuple[Any, ...]:
    """Make the fence: this attempt of an unfinished work, and nothing else."""
    return (works.c.id == work_id, works.c.attempt == attempt, works.c.state.in_(_names(UNFINISHED)))


def _names(states: Iterable[State]) -> list[str]:
    return sorted(state.value for state in states)


def _say(connection: Connection, work_id: str, level: str, words: Words) -> None:
    connection.execute(
        insert(log).values(job_id=work_id, time=utc_now(), level=level, text_en=words.en, text_fr=words.fr, own=False)
    )


def _outgoing(row: Row[*tuple[Any, ...]]) -> Outgoing:
    return Outgoing(
        number=row.number,
        kind=row.kind,
        job_id=row.job_id,
        attempt=row.for_attempt,
        centre=row.to_centre,
        created=row.since,
    )
