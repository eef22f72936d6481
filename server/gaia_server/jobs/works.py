"""What several do to a work in the store: hold it, stop it or let its results go, tell its centre, and forget it."""

from dataclasses import asdict
from datetime import datetime

from sqlalchemy import Connection, bindparam, delete, insert, select, update

from gaia_server.jobs.records import Keeping, Work
from gaia_server.jobs.rows import WORKS, read_work
from gaia_server.jobs.statements import Statement
from gaia_server.jobs.states import State
from gaia_server.jobs.tables import jobs, log, outbox, works
from gaia_workers.contract import Words

_PUT_OUT = Statement(insert(outbox))
_TAKE_ORDER_OUT = Statement(
    delete(outbox).where(
        outbox.c.job_id == bindparam("this_work"),
        outbox.c.attempt == bindparam("this_attempt"),
        outbox.c.kind == "order",
    )
)

DISMISSED = Words(en="The job was dismissed.", fr="La tâche a été abandonnée.")


def lock(connection: Connection, work_id: str) -> Work:
    """Get a work that nobody else changes before this transaction ends."""
    return read_work(connection.execute(WORKS.where(works.c.id == work_id).with_for_update()).one())


def abandon(connection: Connection, work: Work, now: datetime) -> None:
    """Stop a work, or have what it made removed; whoever asks for the same later has it computed anew."""
    change: dict[str, object]
    if not work.state.final:
        change = {"state": State.DISMISSED.value, "message": asdict(DISMISSED), "finished": now}
    elif work.keeping is Keeping.KEPT:
        change = {"keeping": Keeping.EXPIRED.value}
    else:
        return
    connection.execute(update(works).where(works.c.id == work.id).values(updated=now, joinable=False, **change))
    connection.execute(delete(outbox).where(outbox.c.job_id == work.id, outbox.c.kind == "order"))
    put_out(connection, "dismissal", work.id, work.attempt, work.centre, now)
    let_parts_go(connection, work.id, now)


def let_parts_go(connection: Connection, whole_id: str, now: datetime) -> None:
    """Stop the parts of a work that has ended, and have removed what they made ready: nobody else wants it."""
    rows = connection.execute(WORKS.where(works.c.whole == whole_id).with_for_update()).all()
    for row in rows:
        abandon(connection, read_work(row), now)


def confirm(connection: Connection, work_id: str, attempt: int, centre: str) -> None:
    """Note that a centre has removed what an attempt made, where that was asked; with the last job the work is forgotten."""
    asked = (works.c.id == work_id, works.c.attempt == attempt, works.c.centre == centre)
    gone = update(works).where(*asked, works.c.keeping == Keeping.EXPIRED.value)
    if connection.execute(gone.values(keeping=Keeping.GONE.value)).rowcount == 1 and not is_asked_for(
        connection, work_id
    ):
        erase(connection, work_id)


def judge_held(connection: Connection, work_id: str, attempt: int, centre: str, now: datetime) -> None:
    """Have a centre remove what it holds and nobody wants, and put aside that of which nothing is known here."""
    query = select(works.c.attempt, works.c.centre, works.c.state, works.c.keeping).where(works.c.id == work_id)
    row = connection.execute(query).first()
    if row is not None:
        living = not State(row.state).final
        if (row.attempt, row.centre) == (attempt, centre) and (living or row.keeping == Keeping.KEPT.value):
            return
    kind = "aside" if row is None else "dismissal"
    told = select(outbox.c.id).where(outbox.c.job_id == work_id, outbox.c.attempt == attempt, outbox.c.kind == kind)
    if connection.execute(told).first() is None:
        put_out(connection, kind, work_id, attempt, centre, now)


def is_asked_for(connection: Connection, work_id: str) -> bool:
    """Tell whether any job, or the whole that it is a part of, still refers to a work."""
    whole = works.alias("whole")
    by_job = select(jobs.c.id).where(jobs.c.work_id == work_id)
    by_whole = select(whole.c.id).join(works, works.c.whole == whole.c.id).where(works.c.id == work_id)
    return connection.execute(by_job.union_all(by_whole).limit(1)).first() is not None


def erase(connection: Connection, work_id: str) -> None:
    """Forget a work of which nothing is left, with its parts; what its centres are still to be told goes out all the same."""
    parts = select(works.c.id, works.c.keeping).where(works.c.whole == work_id)
    # A part whose centre has not said yet that all is removed goes when it does.
    ids = [work_id, *(row.id for row in connection.execute(parts) if row.keeping != Keeping.EXPIRED.value)]
    connection.execute(delete(log).where(log.c.job_id.in_(ids)))
    connection.execute(delete(works).where(works.c.id.in_(ids)))


def put_out(connection: Connection, kind: str, work_id: str, attempt: int, centre: str, now: datetime) -> None:
    """Put a message for a centre into the outbox."""
    row = {"kind": kind, "job_id": work_id, "attempt": attempt, "centre": centre, "created": now}
    _PUT_OUT.change(connection, row)


def take_order_out(connection: Connection, work_id: str, attempt: int) -> None:
    """Take the order of an attempt out of the outbox, where it still is."""
    _TAKE_ORDER_OUT.change(connection, {"this_work": work_id, "this_attempt": attempt})
