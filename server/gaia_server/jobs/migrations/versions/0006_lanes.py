"""Works wait in lanes until there is room for them; how long they take is measured."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_SUMS = ("weight", "estimated", "took", "estimated_squared", "product")


def upgrade() -> None:
    """Add what lanes need; what was accepted before has been let out."""
    op.add_column("works", sa.Column("released", sa.String(27)))
    op.add_column("works", sa.Column("turn", sa.Integer, nullable=False, server_default="0"))
    op.add_column("works", sa.Column("cost_s", sa.Float, nullable=False, server_default="0"))
    op.execute("UPDATE works SET released = created")
    op.drop_index("works_by_state", "works")
    op.create_index("works_by_lane", "works", ["state", "centre", "queue", "released", "turn", "created", "id"])
    op.create_index("works_by_owner", "works", ["owner", "state", "centre", "queue", "released", "turn"])
    op.create_table(
        "paces",
        *(sa.Column(name, sa.String(200), primary_key=True) for name in ("centre", "queue", "process_id")),
        *(sa.Column(name, sa.Float, nullable=False) for name in _SUMS),
    )


def downgrade() -> None:
    """Take it out again; what waits for room is sent by the reconciler, which finds no order of it."""
    op.drop_table("paces")
    for name in ("works_by_owner", "works_by_lane"):
        op.drop_index(name, "works")
    op.create_index("works_by_state", "works", ["state"])
    op.execute("UPDATE works SET sent = created WHERE released IS NULL")
    for name in ("cost_s", "turn", "released"):
        op.drop_column("works", name)
