"""Files of a message are uploaded to the thread, and it is known which, so that they are shared once and taken back."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "mirror_files",
        sa.Column("realm", sa.String(40), primary_key=True),
        sa.Column("file_id", sa.String(40), primary_key=True),
        sa.Column("session_id", sa.String(40), sa.ForeignKey("sessions.id"), nullable=False, index=True),
        sa.Column("message_id", sa.String(40), nullable=False, index=True),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("ts", sa.String(40), nullable=True),
    )


def downgrade() -> None:
    op.drop_table("mirror_files")
