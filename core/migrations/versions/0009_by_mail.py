"""Signing in by mail, digests, and where people are."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

import core.tables

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

MOMENT = core.tables.UtcDateTime


def upgrade() -> None:
    for name, length in (("time_zone", 64), ("language", 35)):
        op.add_column("users", sa.Column(name, sa.String(length=length), nullable=False, server_default=""))
    op.add_column("users", sa.Column("erased_at", MOMENT(), nullable=True))
    op.create_table(
        "email_sign_ins",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("email", sa.String(length=320), nullable=False),
        sa.Column("browser_hash", sa.String(length=64), nullable=False),
        sa.Column("created_at", MOMENT(), nullable=False),
        sa.Column("expires_at", MOMENT(), nullable=False),
        sa.Column("used_at", MOMENT(), nullable=True),
        sa.Column("misses", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    for column in ("email", "browser_hash", "expires_at"):
        op.create_index(f"ix_email_sign_ins_{column}", "email_sign_ins", [column])
    op.create_table(
        "email_links",
        sa.Column("secret_hash", sa.String(length=64), nullable=False),
        sa.Column("sign_in_id", sa.String(length=40), nullable=False),
        sa.Column("code_hash", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["sign_in_id"], ["email_sign_ins.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("secret_hash"),
    )
    op.create_index("ix_email_links_sign_in_id", "email_links", ["sign_in_id"])
    op.create_table(
        "digest_settings",
        sa.Column("user_id", sa.String(length=40), nullable=False),
        sa.Column("cadence", sa.String(length=10), nullable=False),
        sa.Column("minute", sa.Integer(), nullable=False),
        sa.Column("weekday", sa.Integer(), nullable=False),
        sa.Column("changed_at", MOMENT(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"]),
        sa.PrimaryKeyConstraint("user_id"),
    )
    op.create_table(
        "digests",
        sa.Column("user_id", sa.String(length=40), nullable=False),
        sa.Column("period", sa.String(length=12), nullable=False),
        sa.Column("covers_from", MOMENT(), nullable=False),
        sa.Column("covers_to", MOMENT(), nullable=False),
        sa.Column("mail_id", sa.String(length=40), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"]),
        sa.PrimaryKeyConstraint("user_id", "period"),
    )


def downgrade() -> None:
    for table in ("digests", "digest_settings", "email_links", "email_sign_ins"):
        op.drop_table(table)
    for column in ("erased_at", "language", "time_zone"):
        op.drop_column("users", column)
