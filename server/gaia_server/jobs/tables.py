"""The tables of the job store. A change here needs a migration beside it in `migrations/versions`."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    Float,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    literal_column,
)
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator

from gaia_server.jobs.states import UNFINISHED


def write_moment(moment: datetime) -> str:
    """
    Write a time as it stands in the tables.

    Raises
    ------
    ValueError
        If it has no zone, which is a mistake of ours.
    """
    if moment.utcoffset() is None:
        raise ValueError("a time zone is needed")
    in_utc = moment if moment.tzinfo is UTC else moment.astimezone(UTC)
    return f"{in_utc.isoformat(timespec='microseconds').removesuffix('+00:00')}Z"


class Moment(TypeDecorator[datetime]):
    """A UTC time as text of fixed width: sorts as it should, and reads the same in SQLite and PostgreSQL."""

    impl = String(27)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> str | None:  # noqa: ARG002 SQLAlchemy's signature
        """Write it."""
        return None if value is None else write_moment(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:  # noqa: ARG002 SQLAlchemy's signature
        """Read it."""
        return None if value is None else datetime.fromisoformat(value)


def is_unfinished(state: Column[str]) -> ColumnElement[bool]:
    """
    Ask for the states of what goes on.

    They stand in the statement itself: values for an `IN` are put into its text anew whenever it is carried out.
    """
    return state.in_([literal_column(f"'{each.value}'") for each in sorted(UNFINISHED)])


metadata = MetaData()

works = Table(
    "works",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("owner", String(200), nullable=False),
    Column("process_id", String(200), nullable=False),
    Column("process_version", String(50), nullable=False),
    Column("inputs", JSON, nullable=False),
    Column("formats", JSON, nullable=False),
    Column("uploads", JSON(none_as_null=True)),
    Column("content_key", String(64), nullable=False),
    Column("joinable", Boolean, nullable=False),
    Column("accepted", Moment, nullable=False),
    Column("state", String(10), nullable=False),
    Column("created", Moment, nullable=False),
    Column("updated", Moment, nullable=False),
    Column("deadline", Moment, nullable=False),
    Column("started", Moment),
    Column("finished", Moment),
    Column("sent", Moment),
    Column("seen", Moment),
    Column("centre", String(200), nullable=False),
    Column("queue", String(200), nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("lost", Integer, nullable=False),
    Column("progress", Integer, nullable=False),
    Column("message", JSON(none_as_null=True)),
    Column("reason", JSON(none_as_null=True)),
    Column("failure", JSON(none_as_null=True)),
    Column("result", JSON(none_as_null=True)),
    Column("keeping", String(10), nullable=False),
    Column("expires", Moment),
    Column("size_bytes", BigInteger, nullable=False),
    Column("released", Moment),
    Column("turn", Integer, nullable=False),
    Column("cost_s", Float, nullable=False),
    Column("whole", String(36)),
    Column("brings", String(500)),
    Column("brought", JSON(none_as_null=True)),
    Column("lacking", Integer, nullable=False),
    Index("works_by_content", "content_key", "joinable"),
    # What waits, in which order, and what is out: answered from these alone (`lanes.py`).
    Index("works_by_lane", "state", "centre", "queue", "released", "lacking", "turn", "created", "id"),
    Index("works_by_owner", "owner", "state", "centre", "queue", "released", "lacking", "turn"),
    Index("works_by_whole", "whole"),
    Index("works_by_centre", "keeping", "centre", "expires", "size_bytes"),
)
Index(
    "works_joinable",
    works.c.content_key,
    unique=True,
    sqlite_where=works.c.joinable.is_(True),
    postgresql_where=works.c.joinable.is_(True),
)

jobs = Table(
    "jobs",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("owner", String(200), nullable=False),
    Column("process_id", String(200), nullable=False),
    Column("process_version", String(50), nullable=False),
    Column("demand", JSON, nullable=False),
    Column("synchronous", Boolean, nullable=False),
    Column("state", String(10), nullable=False),
    Column("created", Moment, nullable=False),
    Column("updated", Moment, nullable=False),
    Column("started", Moment),
    Column("finished", Moment),
    Column("duration_s", Float),
    Column("progress", Integer, nullable=False),
    Column("message", JSON(none_as_null=True)),
    Column("results_removed", Boolean, nullable=False),
    Column("work_id", String(36), nullable=False),
    Column("subscribed", Boolean, nullable=False),
    Column("once_key", String(128)),
    Column("once_digest", String(64)),
    # Lists are answered from these alone (`listing.py`); the last two columns are there for filters by duration.
    Index("jobs_listed", "owner", "synchronous", "created", "id"),
    Index("jobs_listed_by_process", "owner", "synchronous", "process_id", "created", "id"),
    Index("jobs_listed_by_state", "owner", "synchronous", "state", "created", "id", "started", "duration_s"),
    Index(
        "jobs_listed_by_both", "owner", "synchronous", "process_id", "state", "created", "id", "started", "duration_s"
    ),
    Index("jobs_by_work", "work_id", "state"),
    Index("jobs_by_end", "finished"),
)
Index(
    "jobs_once",
    jobs.c.owner,
    jobs.c.once_key,
    unique=True,
    sqlite_where=jobs.c.once_key.is_not(None),
    postgresql_where=jobs.c.once_key.is_not(None),
)

outbox = Table(
    "outbox",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("kind", String(10), nullable=False),
    Column("job_id", String(36), nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("centre", String(200), nullable=False),
    Column("created", Moment, nullable=False),
    Index("outbox_by_job", "job_id", "attempt"),
)

callbacks = Table(
    "callbacks",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("job_id", String(36), nullable=False),
    Column("event", String(10), nullable=False),
    Column("host", String(260), nullable=False),
    Column("tries", Integer, nullable=False),
    Column("due", Moment, nullable=False),
    Index("callbacks_by_job", "job_id", "event"),
    Index("callbacks_by_due", "due", "id"),
)

uploads = Table(
    "uploads",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("owner", String(200), nullable=False),
    Column("name", String(200), nullable=False),
    Column("kind", String(20), nullable=False),
    Column("media_type", String(100), nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("created", Moment, nullable=False),
    Column("expires", Moment, nullable=False),
    Index("uploads_by_expiry", "expires"),
)

paces = Table(
    "paces",
    metadata,
    Column("centre", String(200), primary_key=True),
    Column("queue", String(200), primary_key=True),
    Column("process_id", String(200), primary_key=True),
    *(Column(name, Float, nullable=False) for name in ("weight", "estimated", "took", "estimated_squared", "product")),
)

compatibility = Table("compatibility", metadata, Column("oldest", String(32), nullable=False))
"""One row: the first revision whose version of gaia can work with these tables (decision 41)."""

log = Table(
    "log",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("job_id", String(36), nullable=False),
    Column("time", Moment, nullable=False),
    Column("level", String(10), nullable=False),
    Column("text_en", Text, nullable=False),
    Column("text_fr", Text, nullable=False),
    Column("own", Boolean, nullable=False),
    Index("log_by_job", "job_id", "id"),
)
