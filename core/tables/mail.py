"""E-mail that is to be sent, and who wants none; ways in by mail; digests."""

# SQLModel declares `__tablename__` as something only a checker of its own could accept.
# pyright: reportAssignmentType=false

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Column, ForeignKey, Index, String, Text
from sqlmodel import Field, SQLModel

from core.tables.columns import identifier, moment, user_reference


class OutgoingMail(SQLModel, table=True):
    """One mail, stored by whatever causes it, in the same transaction. The id stays after the words are gone, so that
    the same cause makes it only once."""

    __tablename__ = "outgoing_mails"
    __table_args__ = (Index("ix_outgoing_mails_due", "settled_at", "not_before"),)
    id: str = identifier(primary_key=True)
    kind: str = Field(sa_column=Column(String(20), nullable=False))
    #: One address, lower case; empty once somebody was erased.
    recipient: str = Field(sa_column=Column(String(320), nullable=False, index=True))
    #: The account that it goes to, where there is one.
    user_id: str | None = Field(default=None, sa_column=Column(String(40), index=True))
    #: What the template is filled with; empty once it is settled.
    content: dict[str, Any] = Field(sa_column=Column("content", JSON(), nullable=False))
    created_at: datetime = moment()
    not_before: datetime = moment()
    #: After this it is of no use to anybody.
    expires_at: datetime = moment()
    attempts: int = 0
    #: An attempt has begun whose end is not stored: it may have been sent.
    intended_at: datetime | None = moment(nullable=True)
    #: Sent or given up.
    settled_at: datetime | None = moment(nullable=True, index=True)
    #: What went wrong last; where it is settled, why it was given up.
    problem: str = Field(default="", sa_column=Column(Text, nullable=False))


class MailStop(SQLModel, table=True):
    """Mail of one kind, or of every kind (`*`), that an address gets no more. The address is kept as its hash."""

    __tablename__ = "mail_stops"
    address_hash: str = Field(sa_column=Column(String(64), primary_key=True))
    kind: str = Field(sa_column=Column(String(20), primary_key=True))
    #: `unsubscribed`, or `refused` by the server that keeps the mailbox.
    reason: str = Field(sa_column=Column(String(20), nullable=False))
    detail: str = Field(default="", sa_column=Column(Text, nullable=False))
    stopped_at: datetime = moment()


class EmailSignIn(SQLModel, table=True):
    """A wish to come in by an address, whether there is an account for it or not; or a way in that goes with an
    invite."""

    __tablename__ = "email_sign_ins"
    id: str = identifier(primary_key=True)
    email: str = Field(sa_column=Column(String(320), nullable=False, index=True))
    #: The hash of what the browser that asked keeps; empty where no browser did.
    browser_hash: str = Field(default="", sa_column=Column(String(64), nullable=False, index=True))
    created_at: datetime = moment()
    expires_at: datetime = moment(index=True)
    used_at: datetime | None = moment(nullable=True)
    #: Wrong codes so far.
    misses: int = 0


class EmailLink(SQLModel, table=True):
    """What one mail carries: a link and a code. A mail that is sent again carries others, and each is as good."""

    __tablename__ = "email_links"
    secret_hash: str = Field(sa_column=Column(String(64), primary_key=True))
    sign_in_id: str = Field(
        sa_column=Column(String(40), ForeignKey("email_sign_ins.id", ondelete="CASCADE"), nullable=False, index=True)
    )
    code_hash: str = Field(sa_column=Column(String(64), nullable=False))


class DigestSetting(SQLModel, table=True):
    """When somebody wants a digest, where they have said so."""

    __tablename__ = "digest_settings"
    user_id: str = user_reference(primary_key=True)
    cadence: str = Field(sa_column=Column(String(10), nullable=False))
    #: Minutes after midnight where they are.
    minute: int
    #: Of a weekly one; 0 is Monday.
    weekday: int
    changed_at: datetime = moment()


class Digest(SQLModel, table=True):
    """What somebody was told, or not, for a period: there is one row for each, so there is one mail."""

    __tablename__ = "digests"
    user_id: str = user_reference(primary_key=True)
    #: `2026-11-23` or `2026-W48`, where they are.
    period: str = Field(sa_column=Column(String(12), primary_key=True))
    covers_from: datetime = moment()
    covers_to: datetime = moment()
    #: Empty where nothing had happened.
    mail_id: str | None = Field(default=None, sa_column=Column(String(40)))
