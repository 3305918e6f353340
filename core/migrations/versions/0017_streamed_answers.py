"""An answer of the agent is posts of its own in the thread, and it is known how much of it is there."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from core.tables import UtcDateTime

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "mirror_answers",
        sa.Column("session_id", sa.String(40), sa.ForeignKey("sessions.id"), primary_key=True),
        sa.Column("first_seq", sa.BigInteger(), primary_key=True, autoincrement=False),
        sa.Column("last_seq", sa.BigInteger(), nullable=False),
        sa.Column("length", sa.Integer(), nullable=False),
        sa.Column("is_final", sa.Boolean(), nullable=False),
        sa.Column("outcome", sa.String(12), nullable=False),
        sa.Column("state", sa.String(10), nullable=False, index=True),
        sa.Column("part", sa.Integer(), nullable=False),
        sa.Column("ts", sa.String(40), nullable=True),
        sa.Column("begin", sa.Integer(), nullable=False),
        sa.Column("sent", sa.Integer(), nullable=False),
        sa.Column("sending", sa.Integer(), nullable=False),
        sa.Column("started_at", UtcDateTime(), nullable=True),
    )


def downgrade() -> None:
    op.drop_table("mirror_answers")
