"""
How long things are kept: results until they expire or their centre's store is full, jobs somewhat longer.

Everything happens in two steps that a crash between them cannot halve: first the row says that the results have expired, in the
same transaction an order to remove them is put out; only when the centre has said that they are removed does the row say so.
Several may do this at once: each step is a compare-and-set.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlalchemy import ColumnElement, Connection, Engine, Row, Select, delete, exists, func, select, update

from gaia_server.jobs import engine as database
from gaia_server.jobs.records import Keeping, Work
from gaia_server.jobs.rows import WORKS, read_work
from gaia_server.jobs.states import UNFINISHED, State
from gaia_server.jobs.tables import callbacks, jobs, log, outbox, works
from gaia_server.jobs.works import abandon, erase, is_asked_for, put_out

AT_ONCE = 200
"""So many rows are changed in one transaction, so that nobody waits long for the store."""
FRESH = timedelta(hours=1)
"""What was made just now is not evicted: somebody is about to fetch it."""

_KEPT = works.c.keeping == Keeping.KEPT.value
_EXPIRED = works.c.keeping == Keeping.EXPIRED.value


@dataclass(frozen=True, kw_only=True, slots=True)
class Forgotten:
    """How many jobs were forgotten, or would be, and the bytes that go with the last jobs that had them."""

    jobs: int = 0
    size_bytes: int = 0

    def __add__(self, other: "Forgotten") -> "Forgotten":
        return Forgotten(jobs=self.jobs + other.jobs, size_bytes=self.size_bytes + other.size_bytes)


class Retention:
    """What a store keeps, for the sweeper and for `gaia jobs prune`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def expire(self, now: datetime) -> tuple[Work, ...]:
        """Let results go whose time is over, the longest over first; give those of one batch."""
        due = WORKS.where(_KEPT, works.c.expires <= now).order_by(works.c.expires, works.c.id)
        with database.writing(self._engine) as connection:
            found = [read_work(row) for row in connection.execute(due.limit(AT_ONCE).with_for_update())]
            for work in found:
                abandon(connection, work, now)
        return tuple(found)

    def evict(self, centre: str, quota_bytes: int, now: datetime) -> tuple[Work, ...]:
        """Let results of a centre go that keeps more than it may: those that would expire first; give those of one batch."""
        there = (_KEPT, works.c.centre == centre)
        may_go = (
            works.c.whole.is_(None),  # what a part made ready is waited for, and goes with its whole
            works.c.size_bytes > 0,
            works.c.finished <= now - FRESH,
        )
        next_ones = WORKS.where(*there, *may_go).order_by(works.c.expires, works.c.id).limit(AT_ONCE).with_for_update()
        with database.writing(self._engine) as connection:
            over_bytes = _sum(connection, *there) - quota_bytes
            gone = []
            for row in connection.execute(next_ones).all() if over_bytes > 0 else ():
                work = read_work(row)
                if over_bytes <= 0:
                    break
                abandon(connection, work, now)
                gone.append(work)
                over_bytes -= work.size_bytes
        return tuple(gone)

    def kept_bytes(self, centre: str) -> int:
        """Tell how much a centre keeps."""
        with database.reading(self._engine) as connection:
            return _sum(connection, _KEPT, works.c.centre == centre)

    def ask_again(self, now: datetime, *, after: timedelta) -> int:
        """Order anew what was ordered to be removed and never confirmed; give how often."""
        ordered = exists().where(outbox.c.job_id == works.c.id, outbox.c.kind == "dismissal")
        silent = WORKS.where(_EXPIRED, works.c.updated <= now - after, ~ordered)
        with database.writing(self._engine) as connection:
            found = [read_work(row) for row in connection.execute(silent.limit(AT_ONCE).with_for_update())]
            for work in found:
                connection.execute(update(works).where(works.c.id == work.id).values(updated=now))
                put_out(connection, "dismissal", work.id, work.attempt, work.centre, now)
        return len(found)

    def forget(self, before: datetime, now: datetime) -> Forgotten:
        """Forget jobs that ended before some time, the oldest first, with all that belongs to them alone; one batch."""
        with database.writing(self._engine) as connection:
            old = connection.execute(_old(before).order_by(jobs.c.finished, jobs.c.id).limit(AT_ONCE)).all()
            touched = sorted({row.work_id for row in old})
            theirs = WORKS.where(works.c.id.in_(touched)).order_by(works.c.id).with_for_update()
            held = [read_work(row) for row in connection.execute(theirs)]
            ids = [row.id for row in old]
            connection.execute(delete(callbacks).where(callbacks.c.job_id.in_(ids)))
            connection.execute(delete(log).where(log.c.job_id.in_(ids), log.c.own.is_(True)))
            found = connection.execute(delete(jobs).where(jobs.c.id.in_(ids)))
            size_bytes = sum(_forget_work(connection, work, now) for work in held)
        return Forgotten(jobs=found.rowcount, size_bytes=size_bytes)

    def would_forget(self, before: datetime) -> Forgotten:
        """Count what `forget` would forget in the end, and change nothing."""
        young = exists().where(jobs.c.work_id == works.c.id, (jobs.c.finished > before) | jobs.c.finished.is_(None))
        asked = exists().where(jobs.c.work_id == works.c.id)
        with database.reading(self._engine) as connection:
            count = int(connection.execute(select(func.count()).select_from(_old(before).subquery())).scalar_one())
            size_bytes = _sum(connection, _KEPT, asked, ~young)
        return Forgotten(jobs=count, size_bytes=size_bytes)

    def lose(self, work_id: str, attempt: int, *, store: Literal["centre", "server"]) -> bool:
        """
        Note that results are not where they should be; whoever asks again has them computed.

        Parameters
        ----------
        store : str
            Where they are not; nothing changes if that is not where they should be.
        """
        with database.writing(self._engine) as connection:
            found = WORKS.where(works.c.id == work_id, works.c.attempt == attempt, _KEPT).with_for_update()
            row = connection.execute(found).first()
            result = read_work(row).result if row else None
            lost = result is not None and any(file.store == store for file in result.files)
            if lost:
                gone = {"keeping": Keeping.GONE.value, "joinable": False}
                connection.execute(update(works).where(works.c.id == work_id).values(gone))
        return lost

    def wanted(self, folders: Sequence[tuple[str, int]]) -> dict[tuple[str, int], bool]:
        """
        Tell which attempts' files are wanted.

        Returns
        -------
        dict of bool
            By work and attempt: true where results are kept or still made, false where they are not wanted any more; what
            the store knows nothing of is left out.
        """
        ids = sorted({work_id for work_id, _ in folders})
        query = select(works.c.id, works.c.attempt, works.c.state, works.c.keeping)
        known: dict[str, Row[*tuple[Any, ...]]] = {}
        with database.reading(self._engine) as connection:
            for start in range(0, len(ids), AT_ONCE):
                for row in connection.execute(query.where(works.c.id.in_(ids[start : start + AT_ONCE]))):
                    known[row.id] = row
        return {
            (work_id, attempt): _is_wanted(known[work_id], attempt) for work_id, attempt in folders if work_id in known
        }

    def kept_at(
        self, centre: str, *, before: datetime, since: str = "", until: str | None = None
    ) -> tuple[tuple[str, int], ...]:
        """
        List the works, with their attempts, whose results a centre should have, by id.

        Parameters
        ----------
        before : datetime
            Those that were finished by then.
        since, until : str
            Ids from here on, and before there; to the end where `until` is None.
        """
        query = select(works.c.id, works.c.attempt).where(
            _KEPT, works.c.centre == centre, works.c.id >= since, works.c.finished <= before, works.c.size_bytes > 0
        )
        if until is not None:
            query = query.where(works.c.id < until)
        with database.reading(self._engine) as connection:
            return tuple((row.id, row.attempt) for row in connection.execute(query.order_by(works.c.id)))


def _old(before: datetime) -> Select[tuple[str, str]]:
    return select(jobs.c.id, jobs.c.work_id).where(jobs.c.finished <= before)


def _sum(connection: Connection, *conditions: ColumnElement[bool]) -> int:
    query = select(func.coalesce(func.sum(works.c.size_bytes), 0)).where(*conditions)
    return int(connection.execute(query).scalar_one())


def _is_wanted(row: Row[*tuple[Any, ...]], attempt: int) -> bool:
    living = State(row.state) in UNFINISHED
    return row.attempt == attempt and (living or row.keeping == Keeping.KEPT.value)


def _forget_work(connection: Connection, work: Work, now: datetime) -> int:
    """Let a work go whose last job was forgotten; give the bytes that go with it."""
    if is_asked_for(connection, work.id) or not work.state.final:
        return 0
    if work.keeping is Keeping.KEPT:
        abandon(connection, work, now)
        return work.size_bytes
    if work.keeping is not Keeping.EXPIRED:
        erase(connection, work.id)
    return 0
