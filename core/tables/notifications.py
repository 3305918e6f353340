"""What people are told of, by which ways, and what they want; the activity of sessions as a feed.

No text that somebody wrote stands here: it is read where it is kept, when it is shown.
"""

# SQLModel declares `__tablename__` as something only a checker of its own could accept.
# pyright: reportAssignmentType=false

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, Column, ForeignKey, Index, String, Text, UniqueConstraint
from sqlmodel import Field, SQLModel

from core.tables.columns import COUNTED, identifier, moment, session_reference, user_reference


class Notification(SQLModel, table=True):
    """One item of somebody's inbox: one thing that happened, or several that were folded into one."""

    __tablename__ = "notifications"
    __table_args__ = (
        Index("notifications_of_person", "user_id", "updated_at"),
        Index("notifications_to_fold", "user_id", "session_id", "kind", "group_key"),
    )
    id: str = identifier(primary_key=True)
    user_id: str = user_reference()
    session_id: str = session_reference(index=True)
    kind: str = Field(sa_column=Column(String(20), nullable=False))
    #: What is folded together: a thread, the chat, an invite, the agent.
    group_key: str = Field(sa_column=Column(String(60), nullable=False))
    #: The entries that it began with and that it was told of last.
    first_seq: int = Field(sa_column=Column(BigInteger, nullable=False))
    last_seq: int = Field(sa_column=Column(BigInteger, nullable=False))
    #: False where this person wants this kind in other places only.
    is_in_inbox: bool = True
    created_at: datetime = moment()
    updated_at: datetime = moment()
    read_at: datetime | None = moment(nullable=True)


class NotificationPart(SQLModel, table=True):
    """One entry of a log that concerns somebody. Its key is why nobody is told of one entry twice."""

    __tablename__ = "notification_parts"
    user_id: str = user_reference(primary_key=True)
    session_id: str = session_reference(primary_key=True)
    seq: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    notification_id: str = Field(
        sa_column=Column(String(40), ForeignKey("notifications.id", ondelete="CASCADE"), nullable=False, index=True)
    )
    #: The message, comment, invite, person or turn that it is about.
    ref_id: str = Field(sa_column=Column(String(80), nullable=False, index=True))
    #: Who did it, where a person did.
    actor_id: str | None = Field(default=None, sa_column=Column(String(40)))
    at: datetime = moment()


class NotificationDelivery(SQLModel, table=True):
    """One item on its way to somebody outside of the web: what is intended, and what became of it."""

    __tablename__ = "notification_deliveries"
    __table_args__ = (
        UniqueConstraint("notification_id", "channel", name="one_delivery_per_channel"),
        Index("notification_deliveries_due", "settled_at", "channel", "not_before"),
    )
    id: str = identifier(primary_key=True)
    notification_id: str = Field(
        sa_column=Column(String(40), ForeignKey("notifications.id", ondelete="CASCADE"), nullable=False)
    )
    user_id: str = user_reference(index=True)
    session_id: str = session_reference()
    channel: str = Field(sa_column=Column(String(20), nullable=False))
    created_at: datetime = moment()
    not_before: datetime = moment()
    attempts: int = 0
    #: Those that go out in one message carry the same; given when that message is begun, and kept.
    batch_id: str | None = Field(default=None, sa_column=Column(String(40), index=True))
    #: A message has begun whose end is not stored: it may have been sent, and is looked for.
    intended_at: datetime | None = moment(nullable=True)
    #: Sent or dropped.
    settled_at: datetime | None = moment(nullable=True)
    #: `sent`, or why it was not.
    outcome: str = Field(default="", sa_column=Column(String(20), nullable=False))
    problem: str = Field(default="", sa_column=Column(Text, nullable=False))


class NotificationPreference(SQLModel, table=True):
    """Whether somebody wants one kind by one channel, where they have said so."""

    __tablename__ = "notification_preferences"
    user_id: str = user_reference(primary_key=True)
    kind: str = Field(sa_column=Column(String(20), primary_key=True))
    channel: str = Field(sa_column=Column(String(20), primary_key=True))
    is_on: bool


class NotificationSetting(SQLModel, table=True):
    """When somebody wants to be left alone: minutes after midnight where they are; both empty for never."""

    __tablename__ = "notification_settings"
    user_id: str = user_reference(primary_key=True)
    quiet_from: int | None = None
    quiet_to: int | None = None
    changed_at: datetime = moment()


class SessionMute(SQLModel, table=True):
    """Somebody wants to hear nothing of a session."""

    __tablename__ = "session_mutes"
    user_id: str = user_reference(primary_key=True)
    session_id: str = session_reference(primary_key=True)
    muted_at: datetime = moment()


class NotificationPlace(SQLModel, table=True):
    """Up to which entry a session's log was read for what people are told of and for the feed. Entries up to
    `silent_up_to` were there before anybody was told of anything."""

    __tablename__ = "notification_places"
    session_id: str = session_reference(primary_key=True)
    seq: int = Field(sa_column=Column(BigInteger, nullable=False))
    silent_up_to: int = Field(default=0, sa_column=Column(BigInteger, nullable=False))


class FeedEntry(SQLModel, table=True):
    """An entry of a log that the feed shows. A later one has a greater `id`."""

    __tablename__ = "feed_entries"
    __table_args__ = (UniqueConstraint("session_id", "seq", name="one_feed_entry_each"),)
    id: int = Field(default=None, sa_column=Column(COUNTED, primary_key=True, autoincrement=True))
    session_id: str = session_reference()
    seq: int = Field(sa_column=Column(BigInteger, nullable=False))
    kind: str = Field(sa_column=Column(String(20), nullable=False))


class PushSubscription(SQLModel, table=True):
    """One browser that takes pushes, for as long as the login lasts in which somebody switched them on there."""

    __tablename__ = "push_subscriptions"
    #: Made of the address: a browser that asks again has one row.
    id: str = identifier(primary_key=True)
    user_id: str = user_reference(index=True)
    login_hash: str = Field(
        sa_column=Column(String(64), ForeignKey("logins.secret_hash", ondelete="CASCADE"), nullable=False, index=True)
    )
    #: Where its push service takes messages for it, and the two keys with which they are encrypted (RFC 8291 §2).
    endpoint: str = Field(sa_column=Column(Text, nullable=False))
    p256dh: str = Field(sa_column=Column(String(100), nullable=False))
    auth: str = Field(sa_column=Column(String(40), nullable=False))
    #: What it is called for people, such as `Firefox on Linux`.
    label: str = Field(sa_column=Column(String(60), nullable=False))
    created_at: datetime = moment()
    last_sent_at: datetime | None = moment(nullable=True)


class PushMessage(SQLModel, table=True):
    """One message on its way to one browser. What it says is read when it is sent."""

    __tablename__ = "push_messages"
    __table_args__ = (Index("push_messages_due", "settled_at", "not_before"),)
    id: str = identifier(primary_key=True)
    #: The deliveries that it tells of carry the same; of a test, an id of its own.
    batch_id: str = Field(sa_column=Column(String(40), nullable=False, index=True))
    subscription_id: str = Field(
        sa_column=Column(
            String(40), ForeignKey("push_subscriptions.id", ondelete="CASCADE"), nullable=False, index=True
        )
    )
    is_test: bool = False
    created_at: datetime = moment()
    not_before: datetime = moment()
    attempts: int = 0
    #: An attempt has begun whose end is not stored: it may be there.
    begun_at: datetime | None = moment(nullable=True)
    settled_at: datetime | None = moment(nullable=True)
    #: `sent`, or why it was not.
    outcome: str = Field(default="", sa_column=Column(String(20), nullable=False))
    problem: str = Field(default="", sa_column=Column(Text, nullable=False))
