"""Calls that wait to be made to subscribers."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table; whom to call stands in the demand of the job."""
    op.create_table(
        "callbacks",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("job_id", sa.String(36), nullable=False),
        sa.Column("event", sa.String(10), nullable=False),
        sa.Column("host", sa.String(260), nullable=False),
        sa.Column("tries", sa.Integer, nullable=False),
        sa.Column("due", sa.String(27), nullable=False),
    )
    op.create_index("callbacks_by_job", "callbacks", ["job_id", "event"])
    op.create_index("callbacks_by_due", "callbacks", ["due", "id"])


def downgrade() -> None:
    """Remove it; calls that wait are not made any more."""
    op.drop_table("callbacks")
