"""
Lists of jobs: which are chosen, where a page begins, and the query that an index answers, whatever is filtered by.

A filter by several processes or states is the union of one range of an index for each combination, every range cut off at
the size of the page: so a page costs the same wherever it stands, and does not grow with the number of jobs.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from itertools import product
from typing import Any

from sqlalchemy import ColumnElement, Integer, Select, String, bindparam, select, tuple_, union_all

from gaia_server.jobs.rows import JOBS
from gaia_server.jobs.states import State
from gaia_server.jobs.tables import Moment, jobs

TIMED = (State.RUNNING, State.SUCCESSFUL, State.FAILED, State.DISMISSED)
"""The states that a filter by duration considers, where none is asked for (OGC API - Processes, `duration-response`)."""


_OWNER, _LIMIT = bindparam("owner", type_=String), bindparam("limit", type_=Integer)
_AFTER_CREATED, _AFTER_ID = bindparam("after_created", type_=Moment), bindparam("after_id", type_=String)
_LATEST, _EARLIEST = bindparam("latest", type_=Moment), bindparam("earliest", type_=Moment)


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


EVERYTHING = Choice()


def page(choice: Choice, after: Mark | None) -> Select[Any] | None:
    """
    Make the query for the jobs of a page, newest first; it is carried out with `values`.

    Parameters
    ----------
    after : Mark or None
        The last job of the page before.

    Returns
    -------
    Select or None
        None where nothing can fit.
    """
    if choice == EVERYTHING:
        return _whole_list(marked=after is not None)
    chosen = ids(choice, after)
    return None if chosen is None else _rows(chosen)


@cache
def _whole_list(*, marked: bool) -> Select[Any]:
    """Make the query that is asked for most, once: making it costs more than carrying it out."""
    return _rows(_part(None, None, EVERYTHING, marked=marked))


def values(owner: str, choice: Choice, *, after: Mark | None, limit: int, now: datetime) -> dict[str, Any]:
    """
    Give the values of a query for a page.

    Parameters
    ----------
    owner : str
        Whose jobs.
    now : datetime
        Up to which the durations of running jobs count.
    """
    given: dict[str, Any] = {"owner": owner, "limit": limit}
    if after is not None:
        given |= {"after_created": after.created, "after_id": after.id}
    if choice.least_s is not None:
        given["latest"] = now - timedelta(seconds=choice.least_s)
    if choice.most_s is not None:
        given["earliest"] = now - timedelta(seconds=choice.most_s)
    return given


def ids(choice: Choice, after: Mark | None) -> Select[Any] | None:
    """Make the query for the ids of a page, and nothing that an index does not hold; None where nothing can fit."""
    states = choice.considered()
    if choice.timed and not states:
        return None
    marked = after is not None and (choice.before is None or after.created < choice.before)
    parts = [
        _part(process, state, choice, marked=marked)
        for process, state in product(choice.processes or (None,), states or (None,))
    ]
    if len(parts) == 1:
        return parts[0]
    whole = union_all(*(select(part.subquery()) for part in parts)).subquery()
    return select(whole).order_by(whole.c.created.desc(), whole.c.id.desc()).limit(_LIMIT)


def _rows(chosen: Select[Any]) -> Select[Any]:
    """Select whole jobs by the ids of a page."""
    return JOBS.where(jobs.c.id.in_(select(chosen.subquery().c.id))).order_by(jobs.c.created.desc(), jobs.c.id.desc())


def _part(process: str | None, state: State | None, choice: Choice, *, marked: bool) -> Select[Any]:
    """Select from one range of one index: every condition but those on durations is on its leading columns."""
    query = select(jobs.c.id, jobs.c.created).where(jobs.c.owner == _OWNER, jobs.c.synchronous.is_(False))
    if process is not None:
        query = query.where(jobs.c.process_id == process)
    if state is not None:
        query = query.where(jobs.c.state == state.value)
    query = query.where(*_between(choice, marked=marked), *_lasting(choice, state))
    return query.order_by(jobs.c.created.desc(), jobs.c.id.desc()).limit(_LIMIT)


def _between(choice: Choice, *, marked: bool) -> list[ColumnElement[bool]]:
    """Say where the range of the index begins and ends; one condition at each end, so that the index serves both."""
    found: list[ColumnElement[bool]] = []
    if choice.since is not None:
        found.append(jobs.c.created >= choice.since)
    if marked:
        found.append(tuple_(jobs.c.created, jobs.c.id) < tuple_(_AFTER_CREATED, _AFTER_ID))
    elif choice.before is not None:
        found.append(jobs.c.created < choice.before)
    return found


def _lasting(choice: Choice, state: State | None) -> Sequence[ColumnElement[bool]]:
    """Choose by duration: until now for a running job, until its end for any other; without a start there is none."""
    if not choice.timed:
        return ()
    if state is State.RUNNING:
        return [
            jobs.c.started.is_not(None),
            *([] if choice.least_s is None else [jobs.c.started <= _LATEST]),
            *([] if choice.most_s is None else [jobs.c.started >= _EARLIEST]),
        ]
    return [
        jobs.c.duration_s.is_not(None),
        *([] if choice.least_s is None else [jobs.c.duration_s >= choice.least_s]),
        *([] if choice.most_s is None else [jobs.c.duration_s <= choice.most_s]),
    ]
