"""Jobs, their log, and the outbox."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the three tables."""
    moment = sa.String(27)
    op.create_table(
        "jobs",
        sa.Column("id", sa.String(36), primary_key=True),
        sa.Column("owner", sa.String(200), nullable=False),
        sa.Column("process_id", sa.String(200), nullable=False),
        sa.Column("process_version", sa.String(50), nullable=False),
        sa.Column("demand", sa.JSON, nullable=False),
        sa.Column("content_key", sa.String(64), nullable=False),
        sa.Column("accepted", moment, nullable=False),
        sa.Column("synchronous", sa.Boolean, nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        *(sa.Column(name, moment, nullable=False) for name in ("created", "updated", "deadline")),
        *(sa.Column(name, moment) for name in ("started", "finished", "sent", "seen")),
        sa.Column("centre", sa.String(200), nullable=False),
        sa.Column("queue", sa.String(200), nullable=False),
        *(sa.Column(name, sa.Integer, nullable=False) for name in ("attempt", "lost", "progress")),
        *(sa.Column(name, sa.JSON) for name in ("message", "reason", "failure", "result")),
        sa.Column("results_removed", sa.Boolean, nullable=False),
    )
    op.create_index("jobs_by_owner", "jobs", ["owner", "created", "id"])
    op.create_index("jobs_by_state", "jobs", ["state"])
    op.create_index("jobs_by_content", "jobs", ["content_key", "accepted"])
    op.create_table(
        "outbox",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("kind", sa.String(10), nullable=False),
        sa.Column("job_id", sa.String(36), nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("centre", sa.String(200), nullable=False),
        sa.Column("created", moment, nullable=False),
    )
    op.create_index("outbox_by_job", "outbox", ["job_id", "attempt"])
    op.create_table(
        "log",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("job_id", sa.String(36), nullable=False),
        sa.Column("time", moment, nullable=False),
        sa.Column("level", sa.String(10), nullable=False),
        sa.Column("text_en", sa.Text, nullable=False),
        sa.Column("text_fr", sa.Text, nullable=False),
    )
    op.create_index("log_by_job", "log", ["job_id", "id"])


def downgrade() -> None:
    """Remove them."""
    for table in ("log", "outbox", "jobs"):
        op.drop_table(table)
