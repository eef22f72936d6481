"""
Calls to subscribers that wait to be made: written in the transaction that changes the job, so that a crash loses none.

A call may be made more than once, where whoever makes it dies between the call and its note; never does it change a job.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from sqlalchemy import Connection, Engine, delete, insert, select, update

from gaia_server.jobs import engine as database
from gaia_server.jobs.records import Event, Job
from gaia_server.jobs.tables import callbacks, log
from gaia_workers.contract import Words, utc_now

PROGRESS_GAP_S = 5.0
"""A job that says how it goes a hundred times a second calls nobody that often."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Call:
    """
    A call that waits.

    Attributes
    ----------
    host : str
        Who is called.
    tries : int
        How often it was tried.
    """

    number: int
    job_id: str
    event: Event
    host: str
    tries: int


def put_call(connection: Connection, job: Job, event: Event, *, delay_s: float = 0.0) -> None:
    """Note that a job's subscriber is to be called, where it wants to be; about progress once at a time."""
    subscriber = job.demand.subscriber
    address = subscriber.address(event) if subscriber else None
    if address is None:
        return
    if event == "inProgress" and _waits(connection, job.id, event):
        return
    due = utc_now() + timedelta(seconds=delay_s)
    connection.execute(
        insert(callbacks).values(job_id=job.id, event=event, host=urlsplit(address).hostname or "", tries=0, due=due)
    )


def drop_calls(connection: Connection, job_id: str, *events: Event) -> None:
    """Forget calls that nobody needs any more: those about some events, or all."""
    found = delete(callbacks).where(callbacks.c.job_id == job_id)
    connection.execute(found.where(callbacks.c.event.in_(events)) if events else found)


def _waits(connection: Connection, job_id: str, event: Event) -> bool:
    query = select(callbacks.c.id).where(callbacks.c.job_id == job_id, callbacks.c.event == event)
    return connection.execute(query).first() is not None


class Callbacks:
    """The calls of a store, for whoever makes them."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def due(self, now: datetime, *, limit: int, without: Collection[str] = ()) -> Sequence[Call]:
        """Give the calls whose time has come, the longest due first; those to some hosts are left out."""
        query = select(callbacks).where(callbacks.c.due <= now, callbacks.c.host.not_in(without))
        query = query.order_by(callbacks.c.due, callbacks.c.id).limit(limit)
        with database.reading(self._engine) as connection:
            rows = connection.execute(query).all()
        return [Call(number=row.id, job_id=row.job_id, event=row.event, host=row.host, tries=row.tries) for row in rows]

    def claim(self, call: Call, *, until: datetime) -> bool:
        """Take a call, so that nobody else makes it before `until`; False where somebody has, or nobody wants it any more."""
        with database.writing(self._engine) as connection:
            found = connection.execute(
                update(callbacks)
                .where(callbacks.c.id == call.number, callbacks.c.tries == call.tries)
                .values(tries=call.tries + 1, due=until)
            )
        return found.rowcount == 1

    def done(self, call: Call) -> None:
        """Forget a call: it was made."""
        with database.writing(self._engine) as connection:
            connection.execute(delete(callbacks).where(callbacks.c.id == call.number))

    def later(self, call: Call, *, due: datetime) -> None:
        """Have a call that failed tried again."""
        with database.writing(self._engine) as connection:
            connection.execute(update(callbacks).where(callbacks.c.id == call.number).values(due=due))

    def give_up(self, call: Call, words: Words) -> None:
        """Forget a call that failed, and say so in the log of its job."""
        with database.writing(self._engine) as connection:
            connection.execute(delete(callbacks).where(callbacks.c.id == call.number))
            connection.execute(
                insert(log).values(
                    job_id=call.job_id, time=utc_now(), level="warning", text_en=words.en, text_fr=words.fr, own=True
                )
            )
