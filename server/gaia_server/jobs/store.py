"""
The job store: the only truth about jobs.

Every change is a compare-and-set in one transaction: it names the states from which it may come and the attempt it speaks for,
and does nothing where the row says otherwise.
"""

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, Literal, Self

from sqlalchemy import Connection, Engine, Row, bindparam, delete, exists, func, select, update

from gaia_server.errors import AlreadyDismissed, StoreDown
from gaia_server.jobs import engine as database
from gaia_server.jobs import listing
from gaia_server.jobs.accepting import Newcomer, Raced, accept_newcomer
from gaia_server.jobs.callbacks import Callbacks, drop_calls
from gaia_server.jobs.lanes import Lanes, Room, let_out
from gaia_server.jobs.listing import EVERYTHING, Choice, Mark
from gaia_server.jobs.moves import (
    CHANGE_LIVING,
    ended_at,
    fail,
    living,
    names_of,
    retry,
    this_attempt,
)
from gaia_server.jobs.parts import tell_whole
from gaia_server.jobs.records import Job, LogLine, Work
from gaia_server.jobs.reports import Held, Rules, apply_report, find_brief
from gaia_server.jobs.retention import Retention
from gaia_server.jobs.rows import (
    JOBS,
    PLAIN_JOBS,
    WORKS,
    read_job,
    read_plain_job,
    read_work,
)
from gaia_server.jobs.stamps import Stamp, find_stamp
from gaia_server.jobs.states import UNFINISHED, State
from gaia_server.jobs.tables import is_unfinished, jobs, log, outbox, works
from gaia_server.jobs.together import Together
from gaia_server.jobs.works import DISMISSED, abandon, lock, put_out, take_order_out
from gaia_workers.contract import Failure, Report, Words, utc_now

# Statements of the way of every job, made once: making one anew costs more than carrying it out.
_FIND = database.Glance(PLAIN_JOBS.where(jobs.c.id == bindparam("job_id"), jobs.c.owner == bindparam("owner")))
_GLANCE_LIVING = database.Glance(
    select(works.c.attempt, works.c.centre).where(works.c.id == bindparam("this_work"), is_unfinished(works.c.state))
)
_QUEUED = select(func.count()).select_from(works).where(works.c.state == State.ACCEPTED.value)
_IDS_AT_ONCE = 500  # a database takes only so many parameters
_TRIES = 5
KEPT_FOR = timedelta(days=7)
REMOVED = Words(
    en="The job had ended; its results were removed on request.",
    fr="La tâche était terminée ; ses résultats ont été supprimés sur demande.",
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


@dataclass(frozen=True, kw_only=True, slots=True)
class Recorded:
    """
    What became of reports.

    Attributes
    ----------
    changed : tuple of str
        Ids of the jobs that changed.
    released : tuple of Work
        What was let out; the orders are in the outbox.
    """

    changed: tuple[str, ...]
    released: tuple[Work, ...]


type _Rows = Sequence[Row[*tuple[Any, ...]]]


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
        database.close(self._engine)

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
                WORKS.where(works.c.state.in_(names_of(UNFINISHED))).order_by(works.c.created)
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
                WORKS.where(works.c.state.in_(names_of(UNFINISHED)), wanted).order_by(works.c.created)
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
        newcomer = Newcomer(job=job, fresh=fresh, reuse_s=reuse_s, room=room, parts=parts)
        for _ in range(_TRIES):
            try:
                if database.is_sqlite(self._engine):
                    return self._together.ask(newcomer)
                return self._accept_all((newcomer,))[0]
            except Raced:
                continue  # the other one has written by now, and is found
        raise StoreDown

    def _accept_all(self, newcomers: Sequence["Newcomer"]) -> list[Job]:
        """Accept jobs in one transaction. (PostgreSQL puts commits together by itself, and has more than one writer.)"""
        with database.writing(self._engine) as connection:
            return [accept_newcomer(connection, each, kept_for=self._kept_for) for each in newcomers]

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
                connection.execute(update(works).where(*living(work_id, attempt)).values(sent=utc_now()))

    def orders_sent(self, sent: Sequence[tuple[str, int]]) -> None:
        """Take orders out of the outbox, by work and attempt, for their brokers have them; those of ended works are not there."""
        left = self._orders_left([work_id for work_id, _ in sent])
        still = [each for each in sent if each in left]
        if not still:
            return
        now = utc_now()
        with database.writing(self._engine) as connection:
            for work_id, attempt in still:
                take_order_out(connection, work_id, attempt)
                CHANGE_LIVING.change(connection, this_attempt(work_id, attempt) | {"sent": now})

    def _orders_left(self, work_ids: Sequence[str]) -> set[tuple[str, int]]:
        """Give which of some works have an order in the outbox, with its attempt."""
        found: set[tuple[str, int]] = set()
        with database.looking(self._engine) as connection:
            for start in range(0, len(work_ids), _IDS_AT_ONCE):
                some = work_ids[start : start + _IDS_AT_ONCE]
                query = select(outbox.c.job_id, outbox.c.attempt).where(
                    outbox.c.job_id.in_(some), outbox.c.kind == "order"
                )
                found |= {(row.job_id, row.attempt) for row in connection.execute(query)}
        return found

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
        with database.writing(self._engine) as connection:
            return self._apply(connection, tuple(reports), attempts)

    def record(self, reports: Sequence[Report], *, attempts: int, centre: str, rooms: Mapping[str, Room]) -> "Recorded":
        """
        Write what the workers of a centre reported, and let out there what has room now.

        In SQLite that is one transaction, and so one wait for the disk. (In PostgreSQL each lane has a lock, of which no
        transaction holds two.)

        Parameters
        ----------
        attempts : int
            As for `apply`.
        rooms : mapping of Room
            By queue.
        """
        now = utc_now()
        if not database.is_sqlite(self._engine):
            changed = self.apply(reports, attempts=attempts)
            released = [self.lanes.release(centre, queue, room, now=now) for queue, room in rooms.items()]
        else:
            with database.writing(self._engine) as connection:
                changed = self._apply(connection, reports, attempts)
                released = [let_out(connection, centre, queue, room, now=now) for queue, room in rooms.items()]
        return Recorded(changed=changed, released=tuple(work for each in released for work in each))

    def _apply(self, connection: Connection, reports: Sequence[Report], attempts: int) -> tuple[str, ...]:
        changed: dict[str, None] = {}
        rules = Rules(attempts=attempts, kept_for=self._kept_for, brief=find_brief(reports))
        known: dict[tuple[str, int], Held] = {}
        for report in reports:
            changed |= dict.fromkeys(apply_report(connection, report, rules, known))
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
            return retry(connection, work, lost=lost, centre=centre, queue=queue, reason=reason)

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
            works.c.state.in_(names_of(UNFINISHED)), works.c.released.is_not(None), works.c.sent.is_(None), ~ordered
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
            connection.execute(update(works).where(*living(work.id, work.attempt)).values(reason=asdict(reason)))
            tell_whole(connection, work, reason)

    def fail(self, work: Work, failure: Failure) -> bool:
        """End a work, and all jobs that wait for it, as failed, and tell its centre to stop; False where the row has moved on."""
        with database.writing(self._engine) as connection:
            failed = fail(connection, work.id, work.attempt, failure)
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
                    **ended_at(job.started, now),
                }
            )
            connection.execute(update(jobs).where(jobs.c.id == job_id).values(updated=now, **change))
            drop_calls(connection, job_id)
            if not _wanted(connection, work.id):
                abandon(connection, work, now)
            return read_job(connection.execute(JOBS.where(jobs.c.id == job_id)).one())


def _wanted(connection: Connection, work_id: str) -> bool:
    """Tell whether any job waits for a work, or has its results."""
    wanted = names_of({*UNFINISHED, State.SUCCESSFUL})
    query = select(jobs.c.id).where(
        jobs.c.work_id == work_id, jobs.c.state.in_(wanted), jobs.c.results_removed.is_(False)
    )
    return connection.execute(query.limit(1)).first() is not None


def _outgoing(row: Row[*tuple[Any, ...]]) -> Outgoing:
    return Outgoing(
        number=row.number,
        kind=row.kind,
        job_id=row.job_id,
        attempt=row.for_attempt,
        centre=row.to_centre,
        created=row.since,
    )
