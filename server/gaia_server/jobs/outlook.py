"""
Where a job that waits stands in its lane, and when it should begin.

`foresee` is pure: it lets what is out end and what waits begin, slot by slot, with the times that were measured.
"""

import heapq
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from gaia_server.jobs.lanes import SHOWN, Entry, Lanes, Snapshot
from gaia_server.jobs.paces import seconds_of
from gaia_server.jobs.records import Job
from gaia_server.jobs.states import State
from gaia_workers.contract import Load, utc_now

LOOK_S = 1.0
OVERDUE = 0.1
"""What has run longer than it should is taken to go on for this share of the time that it has run."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Outlook:
    """
    What a job that waits may expect.

    Attributes
    ----------
    position : int
        In its lane, from 1.
    start : datetime or None
        When it should begin; None where nobody can tell: its centre gives no sign of life, a site scheduler decides, or its
        owner has as much at work as one may.
    limit : int or None
        So many of its owner's jobs may run at once, where that is what it waits for.
    """

    position: int
    start: datetime | None
    limit: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Foresight:
    """
    A lane's near future.

    Attributes
    ----------
    positions : dict of int
        From 1, by work.
    sent : int
        How many of these the broker has.
    starts_s : tuple of float
        When the one at each position begins, s from the moment of the look.
    gap_s : float
        How long after one the next begins, on average, where nothing more is known, s.
    """

    seen: datetime
    positions: dict[str, int]
    sent: int
    starts_s: tuple[float, ...]
    gap_s: float

    def start(self, position: int) -> datetime:
        """Tell when the one at a position should begin; never before now."""
        known = len(self.starts_s)
        if position <= known:
            after_s = self.starts_s[position - 1]
        else:
            after_s = (self.starts_s[-1] if known else 0.0) + (position - known) * self.gap_s
        return self.seen + timedelta(seconds=after_s)


def foresee(lane: Snapshot, *, slots: int, now: datetime) -> Foresight:
    """
    Let a lane run on as it should.

    Parameters
    ----------
    slots : int
        How many works run at once there.
    """
    free_s = sorted(_left_s(entry, lane, now) for entry in lane.out if entry.started is not None)
    ends_s = free_s[max(len(free_s) - slots, 0) :]
    heapq.heapify(ends_s)
    coming = [*(entry for entry in lane.out if entry.started is None), *lane.waiting]
    starts_s: list[float] = []
    for entry in coming:
        start_s = heapq.heappop(ends_s) if len(ends_s) >= slots else 0.0
        starts_s.append(start_s)
        heapq.heappush(ends_s, start_s + _whole_s(entry, lane))
    mean_s = sum(_whole_s(entry, lane) for entry in coming) / len(coming) if coming else 0.0
    return Foresight(
        seen=now,
        positions={entry.id: number for number, entry in enumerate(coming, start=1)},
        sent=len(coming) - len(lane.waiting),
        starts_s=tuple(starts_s),
        gap_s=mean_s / slots,
    )


def _whole_s(entry: Entry, lane: Snapshot) -> float:
    return seconds_of(lane.paces.get(entry.process_id), entry.cost_s)


def _left_s(entry: Entry, lane: Snapshot, now: datetime) -> float:
    """Tell how long what runs will go on, s."""
    ran_s = max((now - entry.started).total_seconds(), 0.0) if entry.started else 0.0
    return max(_whole_s(entry, lane) - ran_s, OVERDUE * ran_s)


class Outlooks:
    """
    What one web process tells of the lanes; each is looked at once a second, however many ask, and when it has doubled since.

    Parameters
    ----------
    loads : callable
        How the centres are.
    delegated : collection of tuple of str
        Lanes, as centre and queue, whose works a site scheduler begins when it likes.
    each : int or None
        So many jobs of one owner may run at once; None is any number.
    """

    def __init__(
        self,
        lanes: Lanes,
        loads: Callable[[], Mapping[str, Load]],
        *,
        delegated: Collection[tuple[str, str]] = (),
        each: int | None = None,
    ) -> None:
        self._lanes = lanes
        self._loads = loads
        self._delegated = frozenset(delegated)
        self._each = each
        self._seen: dict[tuple[str, str], tuple[float, Foresight]] = {}

    def find(self, job: Job) -> Outlook | None:
        """Tell what a job may expect; None where it does not wait, or what it waits for is made ready at other centres."""
        if job.state is not State.ACCEPTED or job.lacking:
            return None
        load = self._loads().get(job.centre, Load(alive=False, reachable=False))
        slots = max(load.slots_in.get(job.queue, load.slots), 1)
        ahead = self._foresee(job, slots)
        position = self._position(job, ahead)
        if len(ahead.starts_s) < min(position // 2, SHOWN):  # most of those before it came after the look
            ahead = self._foresee(job, slots, anew=True)
            position = self._position(job, ahead)
        if self._is_held_back(job):
            return Outlook(position=position, start=None, limit=self._each)
        known = load.alive and (job.centre, job.queue) not in self._delegated
        start = max(ahead.start(position), utc_now()) if known else None
        return Outlook(position=position, start=start)

    def _is_held_back(self, job: Job) -> bool:
        """Tell whether a job waits, room or not, because its owner has as many at work as one may."""
        return self._each is not None and job.released is None and self._lanes.out_of(job.work_owner) >= self._each

    def _position(self, job: Job, ahead: Foresight) -> int:
        """Find its place, also where it came after the look, or is too far behind to be seen by it."""
        if (known := ahead.positions.get(job.work_id)) is not None:
            return known
        if job.released is not None:
            return ahead.sent + 1
        before = self._lanes.count_before(job.centre, job.queue, turn=job.turn, created=job.created, id=job.work_id)
        return ahead.sent + before + 1

    def _foresee(self, job: Job, slots: int, *, anew: bool = False) -> Foresight:
        key = (job.centre, job.queue)
        seen = self._seen.get(key)
        if anew or seen is None or time.monotonic() - seen[0] > LOOK_S:
            ahead = foresee(self._lanes.look(*key), slots=slots, now=utc_now())
            seen = self._seen[key] = (time.monotonic(), ahead)
        return seen[1]
