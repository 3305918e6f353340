"""Browsers that take pushes, and what is on its way to them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

import core.tables

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

MOMENT = core.tables.UtcDateTime


def upgrade() -> None:
    op.create_table(
        "push_subscriptions",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("user_id", sa.String(length=40), sa.ForeignKey("users.id"), nullable=False),
        sa.Column(
            "login_hash",
            sa.String(length=64),
            sa.ForeignKey("logins.secret_hash", ondelete="CASCADE"),
            nullable=False,
        ),
        sa.Column("endpoint", sa.Text(), nullable=False),
        sa.Column("p256dh", sa.String(length=100), nullable=False),
        sa.Column("auth", sa.String(length=40), nullable=False),
        sa.Column("label", sa.String(length=60), nullable=False),
        sa.Column("created_at", MOMENT(), nullable=False),
        sa.Column("last_sent_at", MOMENT(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    for column in ("user_id", "login_hash"):
        op.create_index(f"ix_push_subscriptions_{column}", "push_subscriptions", [column])
    op.create_table(
        "push_messages",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("batch_id", sa.String(length=40), nullable=False),
        sa.Column(
            "subscription_id",
            sa.String(length=40),
            sa.ForeignKey("push_subscriptions.id", ondelete="CASCADE"),
            nullable=False,
        ),
        sa.Column("is_test", sa.Boolean(), nullable=False),
        sa.Column("created_at", MOMENT(), nullable=False),
        sa.Column("not_before", MOMENT(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("begun_at", MOMENT(), nullable=True),
        sa.Column("settled_at", MOMENT(), nullable=True),
        sa.Column("outcome", sa.String(length=20), nullable=False),
        sa.Column("problem", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    for column in ("batch_id", "subscription_id"):
        op.create_index(f"ix_push_messages_{column}", "push_messages", [column])
    op.create_index("push_messages_due", "push_messages", ["settled_at", "not_before"])


def downgrade() -> None:
    for table in ("push_messages", "push_subscriptions"):
        op.drop_table(table)
