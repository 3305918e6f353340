"""E-mail that is to be sent, and who wants none."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

import core.tables

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

MOMENT = core.tables.UtcDateTime


def upgrade() -> None:
    op.create_table(
        "outgoing_mails",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("recipient", sa.String(length=320), nullable=False),
        sa.Column("user_id", sa.String(length=40), nullable=True),
        sa.Column("content", sa.JSON(), nullable=False),
        sa.Column("created_at", MOMENT(), nullable=False),
        sa.Column("not_before", MOMENT(), nullable=False),
        sa.Column("expires_at", MOMENT(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("intended_at", MOMENT(), nullable=True),
        sa.Column("settled_at", MOMENT(), nullable=True),
        sa.Column("problem", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_outgoing_mails_due", "outgoing_mails", ["settled_at", "not_before"])
    for column in ("recipient", "user_id", "settled_at"):
        op.create_index(f"ix_outgoing_mails_{column}", "outgoing_mails", [column])
    op.create_table(
        "mail_stops",
        sa.Column("address_hash", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("reason", sa.String(length=20), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("stopped_at", MOMENT(), nullable=False),
        sa.PrimaryKeyConstraint("address_hash", "kind"),
    )


def downgrade() -> None:
    op.drop_table("mail_stops")
    op.drop_table("outgoing_mails")
