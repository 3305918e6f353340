"""Invites that are made out to somebody, that a host confirms, and that are written about elsewhere."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

import core.tables

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("invites", schema=None) as batch_op:
        batch_op.add_column(sa.Column("user_id", sa.String(length=40), nullable=True))
        batch_op.add_column(sa.Column("realm", sa.String(length=40), nullable=True))
        batch_op.add_column(sa.Column("external_id", sa.String(length=80), nullable=True))
        batch_op.add_column(sa.Column("name", sa.String(length=120), nullable=False, server_default=""))
        batch_op.add_column(sa.Column("needs_approval", sa.Boolean(), nullable=False, server_default=sa.false()))
        batch_op.add_column(sa.Column("declined_at", core.tables.UtcDateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("told_at", core.tables.UtcDateTime(timezone=True), nullable=True))
        batch_op.create_index(batch_op.f("ix_invites_email"), ["email"], unique=False)
        batch_op.create_index(batch_op.f("ix_invites_user_id"), ["user_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_invites_external_id"), ["external_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_invites_expires_at"), ["expires_at"], unique=False)

    # What expired before this was known is no news.
    op.execute("UPDATE invites SET told_at = expires_at WHERE expires_at < CURRENT_TIMESTAMP")

    op.create_table(
        "knocks",
        sa.Column("session_id", sa.String(length=40), nullable=False),
        sa.Column("user_id", sa.String(length=40), nullable=False),
        sa.Column("invite_id", sa.String(length=40), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("knocked_at", core.tables.UtcDateTime(timezone=True), nullable=False),
        sa.Column("answered_at", core.tables.UtcDateTime(timezone=True), nullable=True),
        sa.CheckConstraint("state in ('waiting', 'admitted', 'refused')", name="knock_state_known"),
        sa.ForeignKeyConstraint(["session_id"], ["sessions.id"]),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"]),
        sa.ForeignKeyConstraint(["invite_id"], ["invites.id"]),
        sa.PrimaryKeyConstraint("session_id", "user_id"),
    )
    with op.batch_alter_table("knocks", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_knocks_user_id"), ["user_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_knocks_invite_id"), ["invite_id"], unique=False)

    op.create_table(
        "invite_letters",
        sa.Column("invite_id", sa.String(length=40), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("realm", sa.String(length=40), nullable=False),
        sa.Column("recipient", sa.String(length=80), nullable=False),
        sa.Column("channel", sa.String(length=40), nullable=True),
        sa.Column("ts", sa.String(length=40), nullable=True),
        sa.Column("shown", sa.String(length=20), nullable=False),
        sa.Column("is_due", sa.Boolean(), nullable=False),
        sa.Column("intended_at", core.tables.UtcDateTime(timezone=True), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("not_before", core.tables.UtcDateTime(timezone=True), nullable=False),
        sa.Column("problem", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["invite_id"], ["invites.id"]),
        sa.PrimaryKeyConstraint("invite_id", "kind"),
    )
    with op.batch_alter_table("invite_letters", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_invite_letters_realm"), ["realm"], unique=False)
        batch_op.create_index(batch_op.f("ix_invite_letters_is_due"), ["is_due"], unique=False)


def downgrade() -> None:
    op.drop_table("invite_letters")
    op.drop_table("knocks")
    with op.batch_alter_table("invites", schema=None) as batch_op:
        for name in ("email", "user_id", "external_id", "expires_at"):
            batch_op.drop_index(batch_op.f(f"ix_invites_{name}"))
        for name in ("user_id", "realm", "external_id", "name", "needs_approval", "declined_at", "told_at"):
            batch_op.drop_column(name)
