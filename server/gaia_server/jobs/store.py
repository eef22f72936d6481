"""
The job store: the only truth about jobs.

Every change is a compare-and-set in one transaction: it names the states from which it may come and the attempt it speaks for,
and does nothing where the row says otherwise.
"""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Literal, Self

from pydantic import TypeAdapter
from sqlalchemy import Connection, Engine, Row, bindparam, delete, func, insert, select, update

from gaia_server.errors import AlreadyDismissed
from gaia_server.jobs import engine as database
from gaia_server.jobs import listing
from gaia_server.jobs.callbacks import PROGRESS_GAP_S, Callbacks, drop_calls, put_call
from gaia_server.jobs.listing import EVERYTHING, Choice, Mark
from gaia_server.jobs.records import Demand, Event, Job, LogLine
from gaia_server.jobs.states import UNFINISHED, State, sources
from gaia_server.jobs.tables import jobs, log, outbox
from gaia_workers.contract import Failure, Kind, Report, Result, Words, utc_now

_DEMAND = TypeAdapter(Demand)
_WORDS = TypeAdapter(Words)
_FAILURE = TypeAdapter(Failure)
_RESULT = TypeAdapter(Result)
_VALUES: dict[str, TypeAdapter[Any]] = {
    "demand": _DEMAND,
    "message": _WORDS,
    "reason": _WORDS,
    "failure": _FAILURE,
    "result": _RESULT,
}

_NAMES = tuple(column.name for column in jobs.columns)
# Statements of the way of every job, made once: making one anew costs more than carrying it out.
_FIND = select(jobs).where(jobs.c.id == bindparam("job_id"), jobs.c.owner == bindparam("owner"))
_LIVING = (
    jobs.c.id == bindparam("this_job"),
    jobs.c.attempt == bindparam("this_attempt"),
    jobs.c.state.in_(sorted(state.value for state in UNFINISHED)),
)
_FIND_LIVING = select(jobs).where(*_LIVING).with_for_update()
_CHANGE_LIVING = update(jobs).where(*_LIVING)
_FIRST_EQUAL = select(func.min(jobs.c.accepted)).where(jobs.c.content_key == bindparam("content_key"))
_IDS_AT_ONCE = 500  # a database takes only so many parameters

DISMISSED = Words(en="The job was dismissed.", fr="La tâche a été abandonnée.")
REMOVED = Words(
    en="The job had ended; its results were removed on request.",
    fr="La tâche était terminée ; ses résultats ont été supprimés sur demande.",
)
DONE = Words(en="The job is done.", fr="La tâche est terminée.")


@dataclass(frozen=True, kw_only=True, slots=True)
class Outgoing:
    """A message that waits in the outbox for its centre."""

    number: int
    kind: Literal["order", "dismissal"]
    job_id: str
    attempt: int
    centre: str
    created: datetime


class Store:
    """Jobs, their logs and the outbox, in SQLite or PostgreSQL."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @classmethod
    def open(cls, url: str) -> Self:
        """Open the store at a database URL and bring its tables up to date."""
        engine = database.open_engine(url)
        database.migrate(engine)
        return cls(engine)

    def close(self) -> None:
        """Give the connections back."""
        self._engine.dispose()

    @property
    def callbacks(self) -> Callbacks:
        """The calls to subscribers that wait to be made."""
        return Callbacks(self._engine)

    def get(self, job_id: str) -> Job | None:
        """Find a job, whoever owns it; for the server's own work alone."""
        with database.reading(self._engine) as connection:
            row = connection.execute(select(jobs).where(jobs.c.id == job_id)).first()
        return None if row is None else _job(row)

    def ready(self) -> None:
        """Raise `StoreDown` if the store cannot be read."""
        with database.reading(self._engine) as connection:
            connection.execute(select(func.count()).select_from(outbox))

    # --- reading ---------------------------------------------------------------------------------------------------

    def find(self, job_id: str, *, owner: str) -> Job | None:
        """Find a job of an owner."""
        with database.looking(self._engine) as connection:
            row = connection.execute(_FIND, {"job_id": job_id, "owner": owner}).first()
        return None if row is None else _job(row)

    def find_all(self, job_ids: Sequence[str], *, owner: str) -> tuple[Job, ...]:
        """Find several jobs of an owner at once, in any order; those that there are not are left out."""
        found: list[Job] = []
        with database.reading(self._engine) as connection:
            for start in range(0, len(job_ids), _IDS_AT_ONCE):
                some = job_ids[start : start + _IDS_AT_ONCE]
                query = select(jobs).where(jobs.c.id.in_(some), jobs.c.owner == owner)
                found += [_job(row) for row in connection.execute(query)]
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
        return tuple(_job(row) for row in rows)

    def log(self, job_id: str, *, owner: str) -> tuple[LogLine, ...] | None:
        """Give the log of an owner's job, newest line last; None where there is no such job."""
        if self.find(job_id, owner=owner) is None:
            return None
        with database.reading(self._engine) as connection:
            rows = connection.execute(select(log).where(log.c.job_id == job_id).order_by(log.c.id)).all()
        return tuple(
            LogLine(number=row.id, time=row.time, level=row.level, words=Words(en=row.text_en, fr=row.text_fr))
            for row in rows
        )

    def unfinished(self) -> tuple[Job, ...]:
        """Give every job that has not ended, oldest first; for the reconciler alone."""
        with database.reading(self._engine) as connection:
            rows = connection.execute(
                select(jobs).where(jobs.c.state.in_([state.value for state in UNFINISHED])).order_by(jobs.c.created)
            ).all()
        return tuple(_job(row) for row in rows)

    def queued(self) -> int:
        """Count the jobs that wait."""
        with database.reading(self._engine) as connection:
            return int(
                connection.execute(
                    select(func.count()).select_from(jobs).where(jobs.c.state == State.ACCEPTED.value)
                ).scalar_one()
            )

    def count_by_state(self) -> dict[State, int]:
        """Count all jobs, by state; states that no job is in are left out."""
        with database.reading(self._engine) as connection:
            rows = connection.execute(select(jobs.c.state, func.count()).group_by(jobs.c.state)).all()
        return {State(state): count for state, count in rows}

    def oldest_waiting(self) -> datetime | None:
        """Tell when the job was made that has waited longest; None where none waits."""
        query = select(func.min(jobs.c.created)).where(jobs.c.state == State.ACCEPTED.value)
        with database.reading(self._engine) as connection:
            oldest: datetime | None = connection.execute(query).scalar_one()
        return oldest

    def count_outgoing(self) -> int:
        """Count the messages that no broker has taken yet."""
        with database.reading(self._engine) as connection:
            return int(connection.execute(select(func.count()).select_from(outbox)).scalar_one())

    def expects(self, job_id: str, attempt: int, centre: str) -> bool:
        """Tell whether a centre may still deliver results of this attempt."""
        with database.reading(self._engine) as connection:
            row = connection.execute(select(jobs.c.id).where(*_living(job_id, attempt), jobs.c.centre == centre))
            return row.first() is not None

    # --- accepting and sending -------------------------------------------------------------------------------------

    def accept(self, job: Job) -> Job:
        """
        Write the job and its order in one transaction; when this returns, the job is never lost.

        Returns
        -------
        Job
            With `accepted` set to when equal work was accepted first.
        """
        with database.writing(self._engine) as connection:
            first = connection.execute(_FIRST_EQUAL, {"content_key": job.content_key}).scalar_one()
            job = replace(job, accepted=first or job.accepted)
            connection.execute(insert(jobs), _row(job))
            _put(connection, "order", job.id, job.attempt, job.centre, job.created)
        return job

    def outgoing(self, *, limit: int = 1000) -> tuple[tuple[Outgoing, Job], ...]:
        """Give what waits to be sent, oldest first, each with its job."""
        with database.reading(self._engine) as connection:
            rows = connection.execute(
                select(jobs, outbox.c.id.label("number"), outbox.c.kind, outbox.c.attempt.label("for_attempt"),
                       outbox.c.centre.label("to_centre"), outbox.c.created.label("since"))
                .join(jobs, jobs.c.id == outbox.c.job_id)
                .order_by(outbox.c.id)
                .limit(limit)
            ).all()  # fmt: skip
        return tuple((_outgoing(row), _job(row)) for row in rows)

    def sent(self, job_id: str, attempt: int, *, kind: Literal["order", "dismissal"] = "order") -> None:
        """Take a message out of the outbox, for the broker has it."""
        with database.writing(self._engine) as connection:
            connection.execute(
                delete(outbox).where(outbox.c.job_id == job_id, outbox.c.attempt == attempt, outbox.c.kind == kind)
            )
            if kind == "order":
                connection.execute(update(jobs).where(*_living(job_id, attempt)).values(sent=utc_now()))

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
        with database.writing(self._engine) as connection:
            for report in reports:
                if _apply(connection, report, attempts):
                    changed[report.job_id] = None
        return tuple(changed)

    # --- what the reconciler and the user decide --------------------------------------------------------------------

    def resend(self, job: Job, *, lost: bool, centre: str, queue: str, reason: Words) -> bool:
        """
        Give a job a new attempt and put its order into the outbox; False where the row has moved on.

        Parameters
        ----------
        lost : bool
            Whether the attempt before died at work (counts towards the limit) or its order never reached a worker.
        """
        with database.writing(self._engine) as connection:
            return _retry(connection, job, lost=lost, centre=centre, queue=queue, reason=reason)

    def explain(self, job: Job, reason: Words) -> None:
        """Say why a job waits."""
        with database.writing(self._engine) as connection:
            connection.execute(update(jobs).where(*_living(job.id, job.attempt)).values(reason=asdict(reason)))

    def fail(self, job: Job, failure: Failure) -> bool:
        """End a job as failed, and tell its centre to stop; False where the row has moved on."""
        with database.writing(self._engine) as connection:
            failed = _fail(connection, job.id, job.attempt, failure)
            if failed:
                _put(connection, "dismissal", job.id, job.attempt, job.centre, utc_now())
            return failed

    def dismiss(self, job_id: str, *, owner: str) -> Job | None:
        """
        Dismiss a job that goes on, or remove the results of one that ended.

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
            row = connection.execute(select(jobs).where(jobs.c.id == job_id, jobs.c.owner == owner)).first()
            if row is None:
                return None
            job = _job(row)
            if job.state is State.DISMISSED or job.results_removed:
                raise AlreadyDismissed
            change: dict[str, Any] = (
                {"results_removed": True, "message": asdict(REMOVED)}
                if job.state.final
                else {"state": State.DISMISSED.value, "message": asdict(DISMISSED), **_ended(job.started, now)}
            )
            connection.execute(update(jobs).where(jobs.c.id == job_id).values(updated=now, **change))
            connection.execute(delete(outbox).where(outbox.c.job_id == job_id, outbox.c.kind == "order"))
            drop_calls(connection, job_id)
            _put(connection, "dismissal", job_id, job.attempt, job.centre, now)
            return _job(connection.execute(select(jobs).where(jobs.c.id == job_id)).one())


def _apply(connection: Connection, report: Report, attempts: int) -> bool:
    handler = {
        Kind.STARTED: _started,
        Kind.PROGRESS: _progressed,
        Kind.LOG: _logged,
        Kind.FINISHED: _finished,
        Kind.FAILED: _failed,
    }[report.kind]
    row = connection.execute(_FIND_LIVING, _this(report.job_id, report.attempt)).first()
    if row is None or row.centre != report.centre:
        return _refuse_late(connection, report)
    job = _job(row)
    if job.state is State.ACCEPTED and report.kind is not Kind.STARTED:
        _started(connection, job, report, attempts)  # its own report was lost with the broker
        job = replace(job, state=State.RUNNING, started=_when(job, report))
    return handler(connection, job, report, attempts)


def _refuse_late(connection: Connection, report: Report) -> bool:
    """Have the files removed that an attempt made which no longer counts: nobody will ask for them."""
    if report.kind is Kind.FINISHED and not _is_published(connection, report):
        _put(connection, "dismissal", report.job_id, report.attempt, report.centre, utc_now())
    return False


def _is_published(connection: Connection, report: Report) -> bool:
    """Tell whether this is the report of the published attempt, come twice."""
    query = select(jobs.c.id).where(
        jobs.c.id == report.job_id,
        jobs.c.attempt == report.attempt,
        jobs.c.centre == report.centre,
        jobs.c.state == State.SUCCESSFUL.value,
    )
    return connection.execute(query).first() is not None


def _started(connection: Connection, job: Job, report: Report, _attempts: int) -> bool:
    now = utc_now()
    change: dict[str, Any] = {"seen": now, "updated": now}
    if report.words:
        change["message"] = asdict(report.words)
    if job.state is State.ACCEPTED:
        change |= {"state": State.RUNNING.value, "started": job.started or _when(job, report)}
    changed = _change(connection, job, **change)
    if changed and job.state is State.ACCEPTED:
        put_call(connection, job, "inProgress")
    return changed


def _when(job: Job, report: Report) -> datetime:
    """Tell when it happened by the server's clock; never before what must have been before it."""
    return max(utc_now() - timedelta(seconds=report.age_s), job.started or job.created)


def _progressed(connection: Connection, job: Job, report: Report, _attempts: int) -> bool:
    now = utc_now()
    change: dict[str, Any] = {"seen": now, "updated": now}
    if report.progress is not None:
        change["progress"] = max(job.progress, min(max(report.progress, 0), 99))
    if report.words:
        change["message"] = asdict(report.words)
    changed = _change(connection, job, **change)
    if changed:
        put_call(connection, job, "inProgress", delay_s=PROGRESS_GAP_S)
    return changed


def _logged(connection: Connection, job: Job, report: Report, _attempts: int) -> bool:
    if report.words:
        _say(connection, job.id, report.level, report.words)
    return bool(report.words)


def _finished(connection: Connection, job: Job, report: Report, _attempts: int) -> bool:
    now = utc_now()
    if report.result is None:
        return False  # a finished report without a result is none; the lease runs out, and the work is done again
    changed = _change(
        connection, job, state=State.SUCCESSFUL.value, updated=now, seen=now, progress=100,
        result=_RESULT.dump_python(report.result, mode="json"), message=asdict(DONE),
        **_ended(job.started, _when(job, report)),
    )  # fmt: skip
    if changed:
        _call_at_end(connection, job, "success")
    return changed


def _failed(connection: Connection, job: Job, report: Report, attempts: int) -> bool:
    failure = report.failure or Failure(code="internal-error", words=Words(en="It failed.", fr="Échec."))
    if failure.retry and job.lost + 1 < attempts:
        _say(connection, job.id, "warning", failure.words)
        return _retry(connection, job, lost=True, centre=job.centre, queue=job.queue, reason=failure.words)
    return _fail(connection, job.id, job.attempt, failure)


def _fail(connection: Connection, job_id: str, attempt: int, failure: Failure) -> bool:
    now = utc_now()
    _say(connection, job_id, "error", failure.words)
    row = connection.execute(select(jobs).where(jobs.c.id == job_id)).first()
    found = connection.execute(
        update(jobs)
        .where(jobs.c.id == job_id, jobs.c.attempt == attempt, jobs.c.state.in_(_names(sources(State.FAILED))))
        .values(
            state=State.FAILED.value,
            updated=now,
            failure=asdict(failure),
            message=asdict(failure.words),
            **_ended(row.started if row else None, now),
        )
    )
    if row is not None and found.rowcount == 1:
        _call_at_end(connection, _job(row), "failed")
    connection.execute(delete(outbox).where(outbox.c.job_id == job_id, outbox.c.kind == "order"))
    return found.rowcount == 1


def _call_at_end(connection: Connection, job: Job, event: Event) -> None:
    """Note the last call; how the job goes on is nobody's concern any more."""
    if job.demand.subscriber:
        drop_calls(connection, job.id, "inProgress")
        put_call(connection, job, event)


def _ended(started: datetime | None, now: datetime) -> dict[str, Any]:
    """Note the end, and how long it lasted; a job that never started lasted no time at all, not zero."""
    return {"finished": now, "duration_s": None if started is None else (now - started).total_seconds()}


def _retry(connection: Connection, job: Job, *, lost: bool, centre: str, queue: str, reason: Words) -> bool:
    attempt = job.attempt + 1
    moved = _change(
        connection, job, attempt=attempt, lost=job.lost + lost, centre=centre, queue=queue, sent=None,
        reason=asdict(reason), updated=utc_now(),
    )  # fmt: skip
    if moved:
        connection.execute(delete(outbox).where(outbox.c.job_id == job.id, outbox.c.kind == "order"))
        _put(connection, "dismissal", job.id, job.attempt, job.centre, utc_now())
        _put(connection, "order", job.id, attempt, centre, utc_now())
        _say(connection, job.id, "warning", reason)
    return moved


def _change(connection: Connection, job: Job, **values: Any) -> bool:
    return connection.execute(_CHANGE_LIVING, _this(job.id, job.attempt) | values).rowcount == 1


def _this(job_id: str, attempt: int) -> dict[str, Any]:
    return {"this_job": job_id, "this_attempt": attempt}


def _living(job_id: str, attempt: int) -> tuple[Any, ...]:
    """Make the fence: this attempt of an unfinished job, and nothing else."""
    return (jobs.c.id == job_id, jobs.c.attempt == attempt, jobs.c.state.in_(_names(UNFINISHED)))


def _names(states: Iterable[State]) -> list[str]:
    return sorted(state.value for state in states)


def _put(connection: Connection, kind: str, job_id: str, attempt: int, centre: str, now: datetime) -> None:
    row = {"kind": kind, "job_id": job_id, "attempt": attempt, "centre": centre, "created": now}
    connection.execute(insert(outbox), row)


def _say(connection: Connection, job_id: str, level: str, words: Words) -> None:
    connection.execute(
        insert(log).values(job_id=job_id, time=utc_now(), level=level, text_en=words.en, text_fr=words.fr)
    )


def _row(job: Job) -> dict[str, Any]:
    row = {column.name: getattr(job, column.name) for column in jobs.columns}
    row["state"] = job.state.value
    for name, adapter in _VALUES.items():
        row[name] = None if row[name] is None else adapter.dump_python(row[name], mode="json")
    return row


def _job(row: Row[Any]) -> Job:
    values: dict[str, Any] = dict(zip(_NAMES, row, strict=False))  # other columns may stand behind a job's
    values["state"] = State(values["state"])
    for name, adapter in _VALUES.items():
        values[name] = None if values[name] is None else adapter.validate_python(values[name])
    return Job(**values)


def _outgoing(row: Row[Any]) -> Outgoing:
    return Outgoing(
        number=row.number,
        kind=row.kind,
        job_id=row.id,
        attempt=row.for_attempt,
        centre=row.to_centre,
        created=row.since,
    )
