"""How jobs and works stand in their tables: values to rows, and rows back to values."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from operator import attrgetter
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import JSON, Boolean, Column, ColumnElement, Row, Select, Text, cast, select, type_coerce

from gaia_server.jobs.records import Demand, Job, Keeping, Once, Work
from gaia_server.jobs.states import State
from gaia_server.jobs.tables import Moment, jobs, works
from gaia_workers.contract import Brought, Failure, Result, Uploaded, Words

RESULT = TypeAdapter(Result)
BROUGHT = TypeAdapter(tuple[Brought, ...])
_VALUES: dict[str, TypeAdapter[Any]] = {
    "demand": TypeAdapter(Demand),
    "message": TypeAdapter(Words),
    "reason": TypeAdapter(Words),
    "failure": TypeAdapter(Failure),
    "result": RESULT,
    "uploads": TypeAdapter(tuple[Uploaded, ...]),
    "brought": BROUGHT,
}
_WORK = tuple(column.name for column in works.columns)
_WORK_VALUES = attrgetter(*_WORK)
_JOB = tuple(column.name for column in jobs.columns)
_SHARED = (
    "content_key", "accepted", "deadline", "centre", "queue", "attempt", "lost", "sent", "seen", "reason", "released",
    "turn", "cost_s", "brought", "lacking",
)  # fmt: skip
"""What a job has of its work, whatever became of the job."""
_OF_WORK = (*_SHARED, "owner", "state", "updated", "progress", "message", "failure", "result", "keeping", "expires")

WORKS = select(works)
JOBS: Select[Any] = select(*jobs.columns, *(works.c[name] for name in _OF_WORK)).join(
    works, works.c.id == jobs.c.work_id
)
"""Jobs with what their works say; other columns may stand behind."""

type _Readers = Mapping[str, Callable[[Any], Any]]


def _plain(column: Column[Any]) -> ColumnElement[Any]:
    """Select a column as the database has it, JSON as text wherever."""
    return cast(column, Text) if isinstance(column.type, JSON) else type_coerce(column, Text)


def _of_text(read: Callable[[Any], Any], text: str) -> Any:
    """Read JSON as text; where another program wrote `null` for what is missing, it is missing."""
    value = json.loads(text)
    return None if value is None else read(value)


PLAIN_JOBS: Select[Any] = select(*map(_plain, jobs.columns), *(_plain(works.c[name]) for name in _OF_WORK)).join(
    works, works.c.id == jobs.c.work_id
)
"""The same, each value as the driver gives it: for what is read with every poll."""
PLAIN_WORKS: Select[Any] = select(*map(_plain, works.columns))
"""Works likewise: for what is read with every report."""

_READERS: _Readers = {name: adapter.validate_python for name, adapter in _VALUES.items()}
_PLAIN_READERS: _Readers = (
    {column.name: json.loads for column in works.columns if isinstance(column.type, JSON)}
    | {name: partial(_of_text, read) for name, read in _READERS.items()}
    | {column.name: datetime.fromisoformat for column in (*works.columns, *jobs.columns) if isinstance(column.type, Moment)}
    | {column.name: bool for column in (*works.columns, *jobs.columns) if isinstance(column.type, Boolean)}
)  # fmt: skip


def write_work(work: Work) -> dict[str, Any]:
    """Make the row of a work."""
    values = _written(dict(zip(_WORK, _WORK_VALUES(work), strict=True)))
    values["state"], values["keeping"] = work.state.value, work.keeping.value
    return values


def read_work(row: Row[*tuple[Any, ...]]) -> Work:
    """Read a row of `WORKS`."""
    return _work(row, _READERS)


def read_plain_work(row: tuple[Any, ...]) -> Work:
    """Read a row of `PLAIN_WORKS`."""
    return _work(row, _PLAIN_READERS)


def _work(row: Sequence[Any], readers: _Readers) -> Work:
    values = dict(zip(_WORK, row, strict=False))
    _read(values, readers)
    values["state"], values["keeping"] = State(values["state"]), Keeping(values["keeping"])
    return Work(**values | {name: values[name] or () for name in ("uploads", "brought")})


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
    return _job(row, _READERS)


def read_plain_job(row: tuple[Any, ...]) -> Job:
    """Read a row of `PLAIN_JOBS`."""
    return _job(row, _PLAIN_READERS)


def with_work(job: Job, work: Work) -> Job:
    """Give a job that was made just now with what the work says that it shares: as it will be read."""
    shown: dict[str, Any] = {name: getattr(work, name) for name in _SHARED}
    if not job.state.final:
        shown |= {"progress": work.progress, "message": work.message, "updated": max(job.updated, work.updated)}
    return replace(
        job,
        **shown,
        failure=work.failure if job.state is State.FAILED else None,
        result=work.result if job.state is State.SUCCESSFUL else None,
        work_id=work.id,
        work_owner=work.owner,
        work_state=work.state,
        keeping=work.keeping,
        expires=work.expires,
    )


def _job(row: Sequence[Any], readers: _Readers) -> Job:
    values = dict(zip(_JOB, row, strict=False))
    work = dict(zip(_OF_WORK, row[len(_JOB) :], strict=False))
    state = State(values["state"])
    if not state.final:
        values["progress"], values["message"] = work["progress"], work["message"]
        values["updated"] = max(values["updated"], work["updated"])
    key, digest, _ = values.pop("once_key"), values.pop("once_digest"), values.pop("subscribed")
    for name in (*_SHARED, "expires"):
        values[name] = work[name]
    values["failure"] = work["failure"] if state is State.FAILED else None
    values["result"] = work["result"] if state is State.SUCCESSFUL else None
    _read(values, readers)
    return Job(
        **values
        | {
            "brought": values["brought"] or (),
            "state": state,
            "work_owner": work["owner"],
            "work_state": State(work["state"]),
            "keeping": Keeping(work["keeping"]),
            "once": Once(key=key, digest=digest) if key is not None else None,
        }
    )


def _written(values: dict[str, Any]) -> dict[str, Any]:
    """Put in the place of what is made of several values what JSON can hold of it; what is missing, and most is, stays so."""
    for name, adapter in _VALUES.items():
        if values.get(name) is not None:
            values[name] = adapter.dump_python(values[name], mode="json")
    return values


def _read(values: dict[str, Any], readers: _Readers) -> None:
    """Put in the place of what stands in the tables what it means; what is missing stays so."""
    for name, read in readers.items():
        if values.get(name) is not None:
            values[name] = read(values[name])
