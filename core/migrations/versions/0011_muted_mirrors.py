"""A thread that nothing is copied into for a while."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("mirrors", sa.Column("muted_by", sa.String(length=40), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("mirrors") as table:
        table.drop_column("muted_by")
