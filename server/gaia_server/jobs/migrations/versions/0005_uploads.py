"""Files of users."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table, and let works name the files that they need; the files lie beside the store."""
    op.add_column("works", sa.Column("uploads", sa.JSON(none_as_null=True)))
    op.create_table(
        "uploads",
        sa.Column("id", sa.String(36), primary_key=True),
        sa.Column("owner", sa.String(200), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("media_type", sa.String(100), nullable=False),
        sa.Column("size_bytes", sa.BigInteger, nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("created", sa.String(27), nullable=False),
        sa.Column("expires", sa.String(27), nullable=False),
    )
    op.create_index("uploads_by_expiry", "uploads", ["expires"])


def downgrade() -> None:
    """Remove it; the files are swept away as nobody's."""
    op.drop_table("uploads")
    op.drop_column("works", "uploads")
