"""Files that come with chat messages."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from core.tables import UtcDateTime

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "uploads",
        sa.Column("session_id", sa.String(40), sa.ForeignKey("sessions.id"), primary_key=True),
        sa.Column("sha256", sa.String(64), primary_key=True),
        sa.Column("media_type", sa.String(40), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("width", sa.Integer(), nullable=True),
        sa.Column("height", sa.Integer(), nullable=True),
        sa.Column("sent_at", UtcDateTime(), nullable=False, index=True),
    )
    op.create_table(
        "attachments",
        sa.Column("session_id", sa.String(40), sa.ForeignKey("sessions.id"), primary_key=True),
        sa.Column("sha256", sa.String(64), primary_key=True),
        sa.Column("message_id", sa.String(40), sa.ForeignKey("messages.id"), primary_key=True, index=True),
    )


def downgrade() -> None:
    op.drop_table("attachments")
    op.drop_table("uploads")
