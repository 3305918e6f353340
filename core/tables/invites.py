"""The ways into a session: invites, who came by them, who waits at the door; what was written about them elsewhere."""

# SQLModel declares `__tablename__` as something only a checker of its own could accept.
# pyright: reportAssignmentType=false

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, Column, ForeignKey, String, Text
from sqlmodel import Field, SQLModel

from core.tables.columns import identifier, moment, session_reference, user_reference


class Invite(SQLModel, table=True):
    """A way in. It is made out to the holder of an address, to an account, to an account elsewhere, or to nobody:
    then whoever holds the link may use it."""

    __tablename__ = "invites"
    id: str = identifier(primary_key=True)
    session_id: str = session_reference(index=True)
    secret_hash: str = Field(sa_column=Column(String(64), unique=True, nullable=False))
    role: str = Field(sa_column=Column(String(10), nullable=False))
    #: Only the holder of this address may accept, when set. Lower case.
    email: str | None = Field(default=None, sa_column=Column(String(320), index=True))
    #: Only this account may accept, when set.
    user_id: str | None = Field(default=None, sa_column=Column(String(40), index=True))
    #: Only whoever is linked to this account in another system may accept, when set.
    realm: str | None = Field(default=None, sa_column=Column(String(40)))
    external_id: str | None = Field(default=None, sa_column=Column(String(80), index=True))
    #: What whoever made it calls the person that it is for.
    name: str = Field(default="", sa_column=Column(String(120), nullable=False))
    #: Whoever accepts waits until a host admits them.
    needs_approval: bool = False
    max_uses: int
    use_count: int = 0
    created_by: str = user_reference()
    created_at: datetime = moment()
    expires_at: datetime = moment(index=True)
    revoked_at: datetime | None = moment(nullable=True)
    #: The person that it is for does not want it.
    declined_at: datetime | None = moment(nullable=True)
    #: The log has told that it has expired. That it has is judged by `expires_at` alone.
    told_at: datetime | None = moment(nullable=True)


class InviteUse(SQLModel, table=True):
    __tablename__ = "invite_uses"
    invite_id: str = Field(sa_column=Column(String(40), ForeignKey("invites.id"), primary_key=True))
    user_id: str = user_reference(primary_key=True)
    used_at: datetime = moment()


class Knock(SQLModel, table=True):
    """Somebody at the door of a session, with an invite that a host has to confirm. One for each person."""

    __tablename__ = "knocks"
    __table_args__ = (CheckConstraint("state in ('waiting', 'admitted', 'refused')", name="knock_state_known"),)
    session_id: str = session_reference(primary_key=True)
    user_id: str = user_reference(primary_key=True, index=True)
    invite_id: str = Field(sa_column=Column(String(40), ForeignKey("invites.id"), nullable=False, index=True))
    state: str = Field(default="waiting", sa_column=Column(String(10), nullable=False))
    knocked_at: datetime = moment()
    answered_at: datetime | None = moment(nullable=True)
    #: How often the hosts were reminded of it.
    reminders: int = 0


class InviteLetter(SQLModel, table=True):
    """A direct message in another system about an invite, which is posted once and then kept true by edits."""

    __tablename__ = "invite_letters"
    invite_id: str = Field(sa_column=Column(String(40), ForeignKey("invites.id"), primary_key=True))
    #: `offer` goes to the person invited, `answer` to whoever invited them.
    kind: str = Field(sa_column=Column(String(10), primary_key=True))
    realm: str = Field(sa_column=Column(String(40), nullable=False, index=True))
    #: The account there that it goes to.
    recipient: str = Field(sa_column=Column(String(80), nullable=False))
    #: Where it was put, and by which name it is known there; empty until it is.
    channel: str | None = Field(default=None, sa_column=Column(String(40)))
    ts: str | None = Field(default=None, sa_column=Column(String(40)))
    #: The state of the invite that it tells of.
    shown: str = Field(default="", sa_column=Column(String(20), nullable=False))
    #: Something has happened since that it may not tell yet.
    is_due: bool = Field(default=True, index=True)
    #: Posting it has begun and is not confirmed: it is looked for before it is posted again.
    intended_at: datetime | None = moment(nullable=True)
    attempts: int = 0
    not_before: datetime = moment()
    #: Why it was given up, in words for whoever made the invite.
    problem: str | None = Field(default=None, sa_column=Column(Text))
