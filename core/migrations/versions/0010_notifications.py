"""What people are told of, what they want, and the feed.

Entries that are there already are fed, and nobody is told of them.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

import core.tables

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

MOMENT = core.tables.UtcDateTime


def _user(name: str = "user_id") -> sa.Column[str]:
    return sa.Column(name, sa.String(length=40), sa.ForeignKey("users.id"), nullable=False)


def _session() -> sa.Column[str]:
    return sa.Column("session_id", sa.String(length=40), sa.ForeignKey("sessions.id"), nullable=False)


def _notification() -> sa.Column[str]:
    target = sa.ForeignKey("notifications.id", ondelete="CASCADE")
    return sa.Column("notification_id", sa.String(length=40), target, nullable=False)


def upgrade() -> None:
    op.create_table(
        "notifications",
        sa.Column("id", sa.String(length=40), nullable=False),
        _user(),
        _session(),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("group_key", sa.String(length=60), nullable=False),
        sa.Column("first_seq", sa.BigInteger(), nullable=False),
        sa.Column("last_seq", sa.BigInteger(), nullable=False),
        sa.Column("is_in_inbox", sa.Boolean(), nullable=False),
        sa.Column("created_at", MOMENT(), nullable=False),
        sa.Column("updated_at", MOMENT(), nullable=False),
        sa.Column("read_at", MOMENT(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_notifications_session_id", "notifications", ["session_id"])
    op.create_index("notifications_of_person", "notifications", ["user_id", "updated_at"])
    op.create_index("notifications_to_fold", "notifications", ["user_id", "session_id", "kind", "group_key"])
    op.create_table(
        "notification_parts",
        _user(),
        _session(),
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        _notification(),
        sa.Column("ref_id", sa.String(length=80), nullable=False),
        sa.Column("actor_id", sa.String(length=40), nullable=True),
        sa.Column("at", MOMENT(), nullable=False),
        sa.PrimaryKeyConstraint("user_id", "session_id", "seq"),
    )
    for column in ("notification_id", "ref_id"):
        op.create_index(f"ix_notification_parts_{column}", "notification_parts", [column])
    op.create_table(
        "notification_deliveries",
        sa.Column("id", sa.String(length=40), nullable=False),
        _notification(),
        _user(),
        _session(),
        sa.Column("channel", sa.String(length=20), nullable=False),
        sa.Column("created_at", MOMENT(), nullable=False),
        sa.Column("not_before", MOMENT(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("batch_id", sa.String(length=40), nullable=True),
        sa.Column("intended_at", MOMENT(), nullable=True),
        sa.Column("settled_at", MOMENT(), nullable=True),
        sa.Column("outcome", sa.String(length=20), nullable=False),
        sa.Column("problem", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("notification_id", "channel", name="one_delivery_per_channel"),
    )
    for column in ("user_id", "batch_id"):
        op.create_index(f"ix_notification_deliveries_{column}", "notification_deliveries", [column])
    op.create_index("notification_deliveries_due", "notification_deliveries", ["settled_at", "channel", "not_before"])
    op.create_table(
        "notification_preferences",
        _user(),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("channel", sa.String(length=20), nullable=False),
        sa.Column("is_on", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("user_id", "kind", "channel"),
    )
    op.create_table(
        "notification_settings",
        _user(),
        sa.Column("quiet_from", sa.Integer(), nullable=True),
        sa.Column("quiet_to", sa.Integer(), nullable=True),
        sa.Column("changed_at", MOMENT(), nullable=False),
        sa.PrimaryKeyConstraint("user_id"),
    )
    op.create_table(
        "session_mutes",
        _user(),
        _session(),
        sa.Column("muted_at", MOMENT(), nullable=False),
        sa.PrimaryKeyConstraint("user_id", "session_id"),
    )
    op.create_table(
        "notification_places",
        _session(),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("silent_up_to", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("session_id"),
    )
    op.create_table(
        "feed_entries",
        sa.Column("id", core.tables.COUNTED, autoincrement=True, nullable=False),
        _session(),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("session_id", "seq", name="one_feed_entry_each"),
    )
    op.execute("INSERT INTO notification_places (session_id, seq, silent_up_to) SELECT id, 0, head FROM sessions")


def downgrade() -> None:
    for table in (
        *("feed_entries", "notification_places", "session_mutes", "notification_settings"),
        *("notification_preferences", "notification_deliveries", "notification_parts", "notifications"),
    ):
        op.drop_table(table)
