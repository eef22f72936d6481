"""Works may have parts, which make ready at other centres what they need."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_LANE, _OWNER = ["state", "centre", "queue", "released"], ["owner", "state", "centre", "queue", "released"]


def upgrade() -> None:
    """Add what parts need; what was accepted before has none."""
    op.add_column("works", sa.Column("whole", sa.String(36)))
    op.add_column("works", sa.Column("brings", sa.String(500)))
    op.add_column("works", sa.Column("brought", sa.JSON(none_as_null=True)))
    op.add_column("works", sa.Column("lacking", sa.Integer, nullable=False, server_default="0"))
    _make_indexes([*_LANE, "lacking", "turn", "created", "id"], [*_OWNER, "lacking", "turn"])
    op.create_index("works_by_whole", "works", ["whole"])


def downgrade() -> None:
    """Take it out again; what waits for a part is sent without it, and refused by its worker in words."""
    op.drop_index("works_by_whole", "works")
    _make_indexes([*_LANE, "turn", "created", "id"], [*_OWNER, "turn"])
    for name in ("lacking", "brought", "brings", "whole"):
        op.drop_column("works", name)


def _make_indexes(lane: list[str], owner: list[str]) -> None:
    for name, columns in (("works_by_lane", lane), ("works_by_owner", owner)):
        op.drop_index(name, "works")
        op.create_index(name, "works", columns)
