"""
The stamp of a job: all that can still change of one that has ended with its work, read in a small part of the time of the whole job.

What was made of such a job holds as long as the stamp is the same, and its results have not expired meanwhile.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import Engine, String, bindparam, select, type_coerce

from gaia_server.jobs.engine import Glance
from gaia_server.jobs.records import Job
from gaia_server.jobs.states import State
from gaia_server.jobs.tables import jobs, works, write_moment

type Stamp = tuple[Any, ...]
"""State and last change of the job, whether its results were removed, what is kept of them, and until when."""

_LASTING = frozenset({State.SUCCESSFUL, State.FAILED})
_STAMP = Glance(
    select(
        jobs.c.state,
        type_coerce(jobs.c.updated, String),
        jobs.c.results_removed,
        works.c.keeping,
        type_coerce(works.c.expires, String),
    )
    .join(works, works.c.id == jobs.c.work_id)
    .where(jobs.c.id == bindparam("job_id"), jobs.c.owner == bindparam("owner"))
)


def find_stamp(engine: Engine, job_id: str, *, owner: str) -> Stamp | None:
    """Read the stamp of an owner's job; None where there is no such job."""
    return _STAMP.first(engine, job_id=job_id, owner=owner)


def stamp_of(job: Job) -> Stamp | None:
    """
    Make the stamp of a job that was read; None where more of it can change than a stamp tells.

    That is while it goes on, and after it was dismissed: its work may then go on for others.
    """
    if job.state not in _LASTING:
        return None
    return (
        job.state.value,
        write_moment(job.updated),
        job.results_removed,
        job.keeping.value,
        _written(job.expires),
    )


def _written(moment: datetime | None) -> str | None:
    return None if moment is None else write_moment(moment)
