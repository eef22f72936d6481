"""What is computed stands apart from the jobs that asked for it, so that equal ones share it; requests that are made once."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_MOMENT = sa.String(27)
_WRITTEN = "%Y-%m-%dT%H:%M:%S.%fZ"
_KEPT_FOR = timedelta(days=7)
_AT_ONCE = 5_000
_MOVED: tuple[tuple[str, sa.types.TypeEngine[Any], str | None], ...] = (
    ("content_key", sa.String(64), ""),
    ("accepted", _MOMENT, ""),
    ("deadline", _MOMENT, ""),
    ("sent", _MOMENT, None),
    ("seen", _MOMENT, None),
    ("centre", sa.String(200), ""),
    ("queue", sa.String(200), ""),
    ("attempt", sa.Integer(), "1"),
    ("lost", sa.Integer(), "0"),
    ("reason", sa.JSON(none_as_null=True), None),
    ("failure", sa.JSON(none_as_null=True), None),
    ("result", sa.JSON(none_as_null=True), None),
)
"""The columns that went from jobs to works, each with what a row has that says nothing."""
_SAME = ("id", "owner", "process_id", "process_version", "state", "created", "updated", "started", "finished",
         "progress", "message")  # fmt: skip
_INDEXES = {
    "works_by_content": ("content_key", "joinable"),
    "works_by_state": ("state",),
    "works_by_centre": ("keeping", "centre", "expires", "size_bytes"),
}


def upgrade() -> None:
    """Make the table, give every job a work of its own, and take out of jobs what stands there."""
    _make_works()
    for column in _added():
        op.add_column("jobs", column)
    op.add_column("log", _own())
    _fill()
    _index()
    for name in ("jobs_by_content", "jobs_by_state"):
        op.drop_index(name, "jobs")
    for name, _, _ in _MOVED:
        op.drop_column("jobs", name)


def downgrade() -> None:
    """Give every job its work back; jobs that shared one have a copy each, and no orders of their own."""
    for name, kind, nothing in _MOVED:
        op.add_column("jobs", sa.Column(name, kind, nullable=nothing is None, server_default=nothing))
        op.execute(f"UPDATE jobs SET {name} = (SELECT {name} FROM works WHERE works.id = jobs.work_id)")  # noqa: S608 - our own names
    op.create_index("jobs_by_content", "jobs", ["content_key", "accepted"])
    op.create_index("jobs_by_state", "jobs", ["state"])
    for name in ("jobs_by_work", "jobs_by_end", "jobs_once"):
        op.drop_index(name, "jobs")
    for column in _added():
        op.drop_column("jobs", column.name)
    op.drop_column("log", "own")
    op.drop_table("works")


def _make_works() -> None:
    op.create_table(
        "works",
        sa.Column("id", sa.String(36), primary_key=True),
        *(sa.Column(name, sa.String(200), nullable=False) for name in ("owner", "process_id")),
        sa.Column("process_version", sa.String(50), nullable=False),
        *(sa.Column(name, sa.JSON, nullable=False) for name in ("inputs", "formats")),
        sa.Column("content_key", sa.String(64), nullable=False),
        sa.Column("joinable", sa.Boolean, nullable=False),
        sa.Column("accepted", _MOMENT, nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        *(sa.Column(name, _MOMENT, nullable=False) for name in ("created", "updated", "deadline")),
        *(sa.Column(name, _MOMENT) for name in ("started", "finished", "sent", "seen")),
        *(sa.Column(name, sa.String(200), nullable=False) for name in ("centre", "queue")),
        *(sa.Column(name, sa.Integer, nullable=False) for name in ("attempt", "lost", "progress")),
        *(sa.Column(name, sa.JSON(none_as_null=True)) for name in ("message", "reason", "failure", "result")),
        sa.Column("keeping", sa.String(10), nullable=False),
        sa.Column("expires", _MOMENT),
        sa.Column("size_bytes", sa.BigInteger, nullable=False),
    )


def _added() -> tuple[sa.Column[Any], ...]:
    return (
        sa.Column("work_id", sa.String(36), nullable=False, server_default=""),
        sa.Column("subscribed", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.Column("once_key", sa.String(128)),
        sa.Column("once_digest", sa.String(64)),
    )


def _own() -> sa.Column[Any]:
    """Make the column of log lines that are about one job, and not about the work that it may share."""
    return sa.Column("own", sa.Boolean, nullable=False, server_default=sa.false())


def _index() -> None:
    for name, columns in _INDEXES.items():
        op.create_index(name, "works", list(columns))
    op.create_index(
        "works_joinable",
        "works",
        ["content_key"],
        unique=True,
        sqlite_where=sa.text("joinable = 1"),
        postgresql_where=sa.text("joinable"),
    )
    op.create_index("jobs_by_work", "jobs", ["work_id", "state"])
    op.create_index("jobs_by_end", "jobs", ["finished"])
    given = sa.text("once_key IS NOT NULL")
    op.create_index("jobs_once", "jobs", ["owner", "once_key"], unique=True, sqlite_where=given, postgresql_where=given)


def _fill() -> None:
    """Write a work for each job; of equal ones that have a result the newest may be shared from now on."""
    connection = op.get_bind()
    jobs = _table("jobs", (*_SAME, *(name for name, _, _ in _MOVED), "demand", "results_removed"))
    works = _table("works", (*_SAME, *(name for name, _, _ in _MOVED), "inputs", "formats", "joinable", "keeping", "expires", "size_bytes"))  # fmt: skip
    taken: set[str] = set()
    expires = (datetime.now(UTC) + _KEPT_FOR).strftime(_WRITTEN)
    for rows in _batches(connection, jobs):
        made = []
        for row in rows:
            kept = row.result is not None and not row.results_removed
            joinable = kept and row.content_key not in taken
            taken |= {row.content_key} if joinable else set()
            made.append(_work(row, joinable=joinable, kept=kept, expires=expires if kept else None))
        connection.execute(sa.insert(works), made)
    jobs_now = sa.table("jobs", sa.column("id"), sa.column("work_id"))
    connection.execute(sa.update(jobs_now).values(work_id=jobs_now.c.id))
    _mark_subscribed(connection, jobs)


def _table(name: str, columns: tuple[str, ...]) -> sa.TableClause:
    as_json = {"message", "reason", "failure", "result", "demand", "inputs", "formats"}
    kinds: dict[str, Any] = {each: sa.JSON(none_as_null=True) for each in as_json}
    kinds |= dict.fromkeys(("joinable", "results_removed"), sa.Boolean)
    return sa.table(name, *(sa.column(each, kinds.get(each)) for each in columns))


def _batches(connection: sa.Connection, jobs: sa.TableClause) -> Iterator[list[sa.Row[Any]]]:
    """Give all jobs, the newest first."""
    query = sa.select(jobs).order_by(jobs.c.created.desc(), jobs.c.id.desc())
    rows = list(connection.execute(query))
    for first in range(0, len(rows), _AT_ONCE):
        yield rows[first : first + _AT_ONCE]


def _work(row: sa.Row[Any], *, joinable: bool, kept: bool, expires: str | None) -> dict[str, Any]:
    files = [*row.result["outputs"], *row.result.get("sides", ())] if row.result else []
    same = {name: getattr(row, name) for name in (*_SAME, *(name for name, _, _ in _MOVED))}
    return same | {
        "inputs": row.demand["inputs"],
        "formats": {output["id"]: output["format"] for output in row.demand["outputs"]},
        "joinable": joinable,
        "keeping": "kept" if kept else "gone" if files else "nothing",
        "expires": expires,
        "size_bytes": sum(file["size_bytes"] for file in files),
    }


def _mark_subscribed(connection: sa.Connection, jobs: sa.TableClause) -> None:
    marked = sa.table("jobs", sa.column("id"), sa.column("subscribed", sa.Boolean))
    unfinished = sa.select(jobs.c.id, jobs.c.demand).where(jobs.c.state.in_(("accepted", "running")))
    ids = [row.id for row in connection.execute(unfinished) if row.demand.get("subscriber")]
    for first in range(0, len(ids), _AT_ONCE // 10):
        some = ids[first : first + _AT_ONCE // 10]
        connection.execute(sa.update(marked).where(marked.c.id.in_(some)).values(subscribed=True))
