"""Lists of jobs by any filter, each from an index; and how long a job lasted."""

from datetime import datetime

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_LISTED = ("owner", "synchronous")
_LASTING = ("created", "id", "started", "duration_s")
_INDEXES = {
    "jobs_listed": (*_LISTED, "created", "id"),
    "jobs_listed_by_process": (*_LISTED, "process_id", "created", "id"),
    "jobs_listed_by_state": (*_LISTED, "state", *_LASTING),
    "jobs_listed_by_both": (*_LISTED, "process_id", "state", *_LASTING),
}
_WRITTEN = "%Y-%m-%dT%H:%M:%S.%fZ"
_AT_ONCE = 10_000


def upgrade() -> None:
    """Add the column, fill it for the jobs that have ended, and make the indexes."""
    op.add_column("jobs", sa.Column("duration_s", sa.Float))
    _fill()
    op.drop_index("jobs_by_owner", "jobs")
    for name, columns in _INDEXES.items():
        op.create_index(name, "jobs", list(columns))


def downgrade() -> None:
    """Go back to one index."""
    for name in _INDEXES:
        op.drop_index(name, "jobs")
    op.create_index("jobs_by_owner", "jobs", ["owner", "created", "id"])
    op.drop_column("jobs", "duration_s")


def _fill() -> None:
    connection = op.get_bind()
    jobs = sa.table("jobs", *(sa.column(name) for name in ("id", "started", "finished", "duration_s")))
    ended = sa.select(jobs.c.id, jobs.c.started, jobs.c.finished).where(
        jobs.c.started.is_not(None), jobs.c.finished.is_not(None)
    )
    change = sa.update(jobs).where(jobs.c.id == sa.bindparam("job")).values(duration_s=sa.bindparam("lasted_s"))
    rows = connection.execute(ended).all()
    for first in range(0, len(rows), _AT_ONCE):
        lasted = [
            {"job": row.id, "lasted_s": (_read(row.finished) - _read(row.started)).total_seconds()}
            for row in rows[first : first + _AT_ONCE]
        ]
        connection.execute(change, lasted)


def _read(text: str) -> datetime:
    return datetime.strptime(text, _WRITTEN)  # noqa: DTZ007 - both are UTC; only their difference counts
