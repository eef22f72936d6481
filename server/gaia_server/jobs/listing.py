"""
Lists of jobs: which are chosen, where a page begins, and the query that an index answers, whatever is filtered by.

A filter by several processes or states is the union of one range of an index for each combination, every range cut off at
the size of the page: so a page costs the same wherever it stands, and does not grow with the number of jobs.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import product
from typing import Any

from sqlalchemy import ColumnElement, Select, literal, select, tuple_, union_all

from gaia_server.jobs.states import State
from gaia_server.jobs.tables import Moment, jobs

TIMED = (State.RUNNING, State.SUCCESSFUL, State.FAILED, State.DISMISSED)
"""The states that a filter by duration considers, where none is asked for (OGC API - Processes, `duration-response`)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Choice:
    """
    Which jobs are wanted; what is left out does not choose.

    Attributes
    ----------
    processes, states : tuple
        Any of these.
    since, before : datetime or None
        Accepted from then on, and before then.
    least_s, most_s : float or None
        How long they have been running, or ran, s.
    """

    processes: tuple[str, ...] = ()
    states: tuple[State, ...] = ()
    since: datetime | None = None
    before: datetime | None = None
    least_s: float | None = None
    most_s: float | None = None

    @property
    def timed(self) -> bool:
        """Whether durations choose."""
        return self.least_s is not None or self.most_s is not None

    def considered(self) -> tuple[State, ...]:
        """Give the states that can be listed; none means all."""
        if self.timed:
            return tuple(state for state in TIMED if state in (self.states or TIMED))
        return () if set(self.states) == set(State) else self.states


@dataclass(frozen=True, kw_only=True, slots=True)
class Mark:
    """A place in the list: right after this job, which need not be there any more."""

    created: datetime
    id: str


def page(owner: str, choice: Choice, *, after: Mark | None, limit: int, now: datetime) -> Select[Any] | None:
    """
    Make the query for the ids of a page, newest first.

    Parameters
    ----------
    owner : str
        Whose jobs.
    after : Mark or None
        The last job of the page before.
    now : datetime
        Up to which the durations of running jobs count.

    Returns
    -------
    Select or None
        None where nothing can fit.
    """
    states = choice.considered()
    if choice.timed and not states:
        return None
    parts = [
        _part(owner, process, state, choice, after=after, limit=limit, now=now)
        for process, state in product(choice.processes or (None,), states or (None,))
    ]
    if len(parts) == 1:
        return parts[0]
    whole = union_all(*(select(part.subquery()) for part in parts)).subquery()
    return select(whole).order_by(whole.c.created.desc(), whole.c.id.desc()).limit(limit)


def _part(
    owner: str,
    process: str | None,
    state: State | None,
    choice: Choice,
    *,
    after: Mark | None,
    limit: int,
    now: datetime,
) -> Select[Any]:
    """Select from one range of one index: every condition but those on durations is on its leading columns."""
    query = select(jobs.c.id, jobs.c.created).where(jobs.c.owner == owner, jobs.c.synchronous.is_(False))
    if process is not None:
        query = query.where(jobs.c.process_id == process)
    if state is not None:
        query = query.where(jobs.c.state == state.value)
    query = query.where(*_between(choice, after), *_lasting(choice, state, now))
    return query.order_by(jobs.c.created.desc(), jobs.c.id.desc()).limit(limit)


def _between(choice: Choice, after: Mark | None) -> list[ColumnElement[bool]]:
    """Say where the range of the index begins and ends; one condition at each end, so that the index serves both."""
    found: list[ColumnElement[bool]] = []
    if choice.since is not None:
        found.append(jobs.c.created >= choice.since)
    if after is not None and (choice.before is None or after.created < choice.before):
        here = tuple_(literal(after.created, Moment), literal(after.id))
        found.append(tuple_(jobs.c.created, jobs.c.id) < here)
    elif choice.before is not None:
        found.append(jobs.c.created < choice.before)
    return found


def _lasting(choice: Choice, state: State | None, now: datetime) -> Sequence[ColumnElement[bool]]:
    """Choose by duration: until now for a running job, until its end for any other; without a start there is none."""
    if not choice.timed:
        return ()
    if state is State.RUNNING:
        latest = None if choice.least_s is None else now - timedelta(seconds=choice.least_s)
        earliest = None if choice.most_s is None else now - timedelta(seconds=choice.most_s)
        return [
            jobs.c.started.is_not(None),
            *([] if latest is None else [jobs.c.started <= latest]),
            *([] if earliest is None else [jobs.c.started >= earliest]),
        ]
    return [
        jobs.c.duration_s.is_not(None),
        *([] if choice.least_s is None else [jobs.c.duration_s >= choice.least_s]),
        *([] if choice.most_s is None else [jobs.c.duration_s <= choice.most_s]),
    ]
