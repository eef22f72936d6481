"""
The lanes of the centres: which works wait in each, in which order, and which are let out to the broker.

A queue of the broker is first in, first out; so works wait here, and only as many are let out as can begin at once. Each gets a
*turn* when it comes: the owner's last one and one more, but none that is over already. By turns, owners go round robin: whoever
has a thousand works waiting has one in each of the next thousand rounds.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import BindParameter, Connection, Engine, Row, Select, bindparam, func, or_, select, update

from gaia_server.jobs import engine as database
from gaia_server.jobs.paces import Pace, find_paces
from gaia_server.jobs.records import Job, Work
from gaia_server.jobs.rows import PLAIN_WORKS, WORKS, read_plain_work, read_work
from gaia_server.jobs.statements import Statement
from gaia_server.jobs.states import State
from gaia_server.jobs.tables import Moment, is_unfinished, works
from gaia_server.jobs.works import put_out

SHOWN = 2_000
"""So many of those that wait in a lane are known one by one; where the others stand is counted."""
_LOCK = 7203452

_EVER = bindparam("ever", datetime(1970, 1, 1, tzinfo=UTC), type_=Moment)
_HERE = (works.c.centre == bindparam("lane_centre"), works.c.queue == bindparam("lane_queue"))
_WAITING = (works.c.state == State.ACCEPTED.value, *_HERE, works.c.released.is_(None), works.c.lacking == 0)
"""What lacks something that its parts are making ready stands in no lane yet."""
_ORDER = (works.c.turn, works.c.created, works.c.id)
_OUT = (is_unfinished(works.c.state), works.c.released >= _EVER)
_NOT_RESTING = or_(works.c.attempt == 1, works.c.sent.is_not(None))
"""What died and will be tried again in a moment holds no slot while it rests."""

_TAKEN = select(func.count()).select_from(works).where(*_OUT, *_HERE, _NOT_RESTING)
_HEAD = select(works.c.turn).where(*_WAITING).order_by(*_ORDER).limit(1)
_GLANCE = Statement(select(_TAKEN.scalar_subquery(), _HEAD.scalar_subquery()))
_LAST_TURN = select(func.max(works.c.turn)).where(*_WAITING, works.c.owner == bindparam("of_owner"))
_OUT_OF = select(func.count()).select_from(works).where(*_OUT, works.c.owner == bindparam("of_owner"))
_RELEASE = Statement(
    update(works)
    .where(
        works.c.id == bindparam("this_work"),
        works.c.state == State.ACCEPTED.value,
        works.c.released.is_(None),
        works.c.lacking == 0,
    )
    .values(released=bindparam("now", type_=Moment))
)
_NEXT = Statement(
    PLAIN_WORKS.where(*_WAITING).order_by(*_ORDER).limit(bindparam("most")).with_for_update(skip_locked=True)
)
_COUNT = (
    select(works.c.centre, works.c.queue, works.c.state, func.count())
    .where(is_unfinished(works.c.state))
    .group_by(works.c.centre, works.c.queue, works.c.state)
)
_ENTRY = (works.c.id, works.c.process_id, works.c.cost_s, works.c.started)
_NEXT_ENTRIES = select(*_ENTRY).where(*_WAITING).order_by(*_ORDER).limit(bindparam("most"))
_OUT_ENTRIES = select(*_ENTRY).where(*_OUT, *_HERE).order_by(works.c.released, works.c.id)
_TURN: BindParameter[int] = bindparam("turn_of_it")
_CREATED: BindParameter[datetime] = bindparam("created_of_it", type_=Moment)
_ID: BindParameter[str] = bindparam("id_of_it")
_SOONER = (works.c.turn < _TURN) | (
    (works.c.turn == _TURN) & ((works.c.created < _CREATED) | ((works.c.created == _CREATED) & (works.c.id < _ID)))
)
_COUNT_BEFORE = Statement(select(func.count()).select_from(works).where(*_WAITING, works.c.turn <= _TURN, _SOONER))
_HOW_MANY = select(func.count()).select_from(works).where(*_WAITING)


@dataclass(frozen=True, kw_only=True, slots=True)
class Room:
    """
    How much a lane takes.

    Attributes
    ----------
    places : int
        So many works may be out at once.
    each : int or None
        So many of one owner, in all lanes together; None is any number.
    """

    places: int
    each: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Length:
    """How many works wait in a lane, at the broker or here, and how many run."""

    waiting: int = 0
    running: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """One work of a lane, as far as it says when the next ones begin; `started` where it has."""

    id: str
    process_id: str
    cost_s: float
    started: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Snapshot:
    """
    A lane at one moment.

    Attributes
    ----------
    out : tuple of Entry
        What runs, and what the broker has, in the order in which it was let out.
    waiting : tuple of Entry
        The next ones.
    length : int
        How many wait altogether.
    paces : dict of Pace
        How long works of each process took here.
    """

    out: tuple[Entry, ...]
    waiting: tuple[Entry, ...]
    length: int
    paces: dict[str, Pace]


class Lanes:
    """The lanes as the store knows them."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def lengths(self) -> dict[tuple[str, str], Length]:
        """Count what waits and runs, by centre and queue; lanes in which nothing is are left out."""
        with database.looking(self._engine) as connection:
            rows = connection.execute(_COUNT).all()
        found: dict[tuple[str, str], Length] = {}
        for centre, queue, state, number in rows:
            name = "running" if state == State.RUNNING.value else "waiting"
            found[centre, queue] = replace(found.get((centre, queue), Length()), **{name: number})
        return found

    def paces(self) -> dict[tuple[str, str, str], Pace]:
        """Tell how long works took, by centre, queue and process."""
        with database.looking(self._engine) as connection:
            return find_paces(connection)

    def look(self, centre: str, queue: str) -> Snapshot:
        """See a lane."""
        here = _here(centre, queue)
        with database.reading(self._engine) as connection:
            out = connection.execute(_OUT_ENTRIES, here).all()
            waiting = connection.execute(_NEXT_ENTRIES, {**here, "most": SHOWN}).all()
            length = len(waiting) if len(waiting) < SHOWN else connection.execute(_HOW_MANY, here).scalar_one()
            paces = find_paces(connection)
        return Snapshot(
            out=tuple(_entry(row) for row in out),
            waiting=tuple(_entry(row) for row in waiting),
            length=length,
            paces={process: pace for (at, lane, process), pace in paces.items() if (at, lane) == (centre, queue)},
        )

    def count_before(self, centre: str, queue: str, *, turn: int, created: datetime, id: str) -> int:
        """Count the works of a lane that wait and come before a place in it."""
        place = {"turn_of_it": turn, "created_of_it": created, "id_of_it": id}
        with database.looking(self._engine) as connection:
            ((number,),) = _COUNT_BEFORE.all(connection, _here(centre, queue) | place)
            return int(number)

    def out_of(self, owner: str) -> int:
        """Count the works of an owner that are out, in all lanes together."""
        with database.looking(self._engine) as connection:
            return int(connection.execute(_OUT_OF, {"of_owner": owner}).scalar_one())

    def release(self, centre: str, queue: str, room: Room, *, now: datetime) -> tuple[Work, ...]:
        """
        Let the next works of a lane out, as many as there is room for: their orders are in the outbox then.

        Whoever else does the same at this moment lets out others.
        """
        here = _here(centre, queue)
        with database.looking(self._engine) as connection:
            taken, head = _glance(connection, here)
        if head is None or taken >= room.places:
            return ()
        with database.writing(self._engine) as connection:
            return let_out(connection, centre, queue, room, now=now)


def let_out(connection: Connection, centre: str, queue: str, room: Room, *, now: datetime) -> tuple[Work, ...]:
    """Let the next works of a lane out within a transaction; as `Lanes.release`."""
    _lock(connection, centre, queue)
    here = _here(centre, queue)
    taken, head = _glance(connection, here)
    if head is None or taken >= room.places:
        return ()
    chosen = _choose(connection, here, most=room.places - taken, each=room.each)
    return tuple(replace(work, released=now) for work in chosen if _let_out(connection, work, now))


def enter(connection: Connection, work: Work | Job, room: Room | None) -> dict[str, Any]:
    """
    Give a new work its place: out at once where there is room and nobody comes before it, else a turn.

    Parameters
    ----------
    work : Work or Job
        Or the job that asks for it.
    room : Room or None
        None is any number.

    Returns
    -------
    dict
        `released` or `turn`, to be put into the work.
    """
    if room is None and not work.lacking:
        return {"released": work.created}
    _lock(connection, work.centre, work.queue)
    here = _here(work.centre, work.queue)
    taken, head = _glance(connection, here)
    if room is not None and not work.lacking and taken < room.places and _is_next(connection, work, here, head, room):
        return {"released": work.created}
    return {"turn": _turn(connection, work, here, head)}


def wait_elsewhere(connection: Connection, work: Work, centre: str, queue: str) -> int:
    """Give the turn of a work that goes to wait in another lane."""
    here = _here(centre, queue)
    return _turn(connection, work, here, connection.execute(_HEAD, here).scalar())


def _glance(connection: Connection, here: dict[str, Any]) -> tuple[int, int | None]:
    """See how many works of a lane are out, and the turn of the one that comes next."""
    ((taken, head),) = _GLANCE.all(connection, here)
    return taken, head


def _entry(row: Row[*tuple[Any, ...]]) -> Entry:
    return Entry(id=row.id, process_id=row.process_id, cost_s=row.cost_s, started=row.started)


def _here(centre: str, queue: str) -> dict[str, Any]:
    return {"lane_centre": centre, "lane_queue": queue}


def _lock(connection: Connection, centre: str, queue: str) -> None:
    """Let one transaction at a time count and let out; SQLite has one writer anyway."""
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock(_LOCK, func.hashtext(f"{centre}.{queue}"))))


def _is_next(connection: Connection, work: Work | Job, here: dict[str, Any], head: int | None, room: Room) -> bool:
    if room.each is None:
        return head is None
    if work.owner in _busy_owners(connection, room.each):
        return False
    return head is None or not _choose(connection, here, most=1, each=room.each)


def _turn(connection: Connection, work: Work | Job, here: dict[str, Any], head: int | None) -> int:
    if head is None:
        return 0
    last = connection.execute(_LAST_TURN, here | {"of_owner": work.owner}).scalar()
    return int(head) if last is None else int(last) + 1


def _choose(connection: Connection, here: dict[str, Any], *, most: int, each: int | None) -> tuple[Work, ...]:
    """Choose who comes next, in turn; owners who have as much as they may are passed over."""
    if each is None:
        return _next(connection, here, most=most)
    counts = _owners_out(connection)
    chosen: list[Work] = []
    while len(chosen) < most:
        full = [owner for owner, count in counts.items() if count >= each]
        found = _next(connection, here, most=most - len(chosen), full=full, but=[work.id for work in chosen])
        for work in found:
            if counts.get(work.owner, 0) < each:
                counts[work.owner] = counts.get(work.owner, 0) + 1
                chosen.append(work)
        if not found:
            break
    return tuple(chosen)


def _next(
    connection: Connection, here: dict[str, Any], *, most: int, full: Sequence[str] = (), but: Sequence[str] = ()
) -> tuple[Work, ...]:
    if not full and not but:
        return tuple(read_plain_work(row) for row in _NEXT.all(connection, here | {"most": most}))
    query: Select[Any] = WORKS.where(*_WAITING).order_by(*_ORDER).limit(most).with_for_update(skip_locked=True)
    if full:
        query = query.where(works.c.owner.not_in(full))
    if but:
        query = query.where(works.c.id.not_in(but))
    return tuple(read_work(row) for row in connection.execute(query, here))


def _owners_out(connection: Connection) -> dict[str, int]:
    """Count what is out, by owner."""
    query = select(works.c.owner, func.count().label("out")).where(*_OUT).group_by(works.c.owner)
    return {row.owner: row.out for row in connection.execute(query)}


def _busy_owners(connection: Connection, each: int) -> set[str]:
    return {owner for owner, count in _owners_out(connection).items() if count >= each}


def _let_out(connection: Connection, work: Work, now: datetime) -> bool:
    if _RELEASE.change(connection, {"this_work": work.id, "now": now}) != 1:
        return False
    put_out(connection, "order", work.id, work.attempt, work.centre, now)
    return True
