"""E-mail that is to be sent, and who wants none."""

# SQLModel declares `__tablename__` as something only a checker of its own could accept.
# pyright: reportAssignmentType=false

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Column, Index, String, Text
from sqlmodel import Field, SQLModel

from core.tables.columns import identifier, moment


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
