"""A mirror that was given up goes on in a new thread, whose card is another one."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("mirrors", sa.Column("round", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("mirrors", sa.Column("url", sa.Text(), nullable=False, server_default=""))


def downgrade() -> None:
    with op.batch_alter_table("mirrors") as table:
        table.drop_column("url")
        table.drop_column("round")
