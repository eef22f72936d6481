"""The store says which versions of gaia may go on with it, so that an older server can be started again while others are upgraded."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table and its one row: nothing was taken away since 0004. A later step that does so puts itself there."""
    table = op.create_table("compatibility", sa.Column("oldest", sa.String(32), nullable=False))
    op.bulk_insert(table, [{"oldest": "0004"}])


def downgrade() -> None:
    """Remove it."""
    op.drop_table("compatibility")
