"""How jobs and works stand in their tables: values to rows, and rows back to values."""

from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import Row, Select, select

from gaia_server.jobs.records import Demand, Job, Keeping, Once, Work
from gaia_server.jobs.states import State
from gaia_server.jobs.tables import jobs, works
from gaia_workers.contract import Failure, Result, Uploaded, Words

RESULT = TypeAdapter(Result)
_VALUES: dict[str, TypeAdapter[Any]] = {
    "demand": TypeAdapter(Demand),
    "message": TypeAdapter(Words),
    "reason": TypeAdapter(Words),
    "failure": TypeAdapter(Failure),
    "result": RESULT,
    "uploads": TypeAdapter(tuple[Uploaded, ...]),
}
_WORK = tuple(column.name for column in works.columns)
_JOB = tuple(column.name for column in jobs.columns)
_SHARED = (
    "content_key", "accepted", "deadline", "centre", "queue", "attempt", "lost", "sent", "seen", "reason", "released",
    "turn", "cost_s",
)  # fmt: skip
"""What a job has of its work, whatever became of the job."""
_OF_WORK = (*_SHARED, "owner", "state", "updated", "progress", "message", "failure", "result", "keeping", "expires")

WORKS = select(works)
JOBS: Select[Any] = select(*jobs.columns, *(works.c[name] for name in _OF_WORK)).join(
    works, works.c.id == jobs.c.work_id
)
"""Jobs with what their works say; other columns may stand behind."""


def write_work(work: Work) -> dict[str, Any]:
    """Make the row of a work."""
    return _written({name: getattr(work, name) for name in _WORK}) | {
        "state": work.state.value,
        "keeping": work.keeping.value,
    }


def read_work(row: Row[*tuple[Any, ...]]) -> Work:
    """Read a row of `WORKS`."""
    values = _read(dict(zip(_WORK, row, strict=False)))
    values["state"], values["keeping"] = State(values["state"]), Keeping(values["keeping"])
    return Work(**values | {"uploads": values["uploads"] or ()})


def write_job(job: Job) -> dict[str, Any]:
    """Make the row of a job; what its work says does not stand in it."""
    elsewhere = {
        "once_key": job.once.key if job.once else None,
        "once_digest": job.once.digest if job.once else None,
        "subscribed": job.demand.subscriber is not None,
        "state": job.state.value,
    }
    return _written({name: getattr(job, name) for name in _JOB if name not in elsewhere}) | elsewhere


def read_job(row: Row[*tuple[Any, ...]]) -> Job:
    """Read a row of `JOBS`: while a job goes on it is as its work is; once it has ended nothing touches it."""
    own = dict(zip(_JOB, row, strict=False))
    work = dict(zip(_OF_WORK, row[len(_JOB) :], strict=False))
    state = State(own.pop("state"))
    key, digest, _ = own.pop("once_key"), own.pop("once_digest"), own.pop("subscribed")
    if not state.final:
        own |= {
            "progress": work["progress"],
            "message": work["message"],
            "updated": max(own["updated"], work["updated"]),
        }
    values = _read(
        own
        | {name: work[name] for name in _SHARED}
        | {
            "failure": work["failure"] if state is State.FAILED else None,
            "result": work["result"] if state is State.SUCCESSFUL else None,
        }
    )
    return Job(
        **values,
        state=state,
        work_owner=work["owner"],
        work_state=State(work["state"]),
        keeping=Keeping(work["keeping"]),
        expires=work["expires"],
        once=Once(key=key, digest=digest) if key is not None else None,
    )


def _written(values: dict[str, Any]) -> dict[str, Any]:
    return {
        name: _VALUES[name].dump_python(value, mode="json") if name in _VALUES and value is not None else value
        for name, value in values.items()
    }


def _read(values: dict[str, Any]) -> dict[str, Any]:
    return {
        name: _VALUES[name].validate_python(value) if name in _VALUES and value is not None else value
        for name, value in values.items()
    }
