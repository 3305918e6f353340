"""Threads outside, what came in from there, and the leases of those who work on them."""

# SQLModel declares `__tablename__` as something only a checker of its own could accept.
# pyright: reportAssignmentType=false

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, Column, LargeBinary, String, Text, UniqueConstraint
from sqlmodel import Field, SQLModel

from core.tables.columns import moment, session_reference


class Inbox(SQLModel, table=True):
    """A verified request from outside, stored before it is acknowledged and handled afterwards, once."""

    __tablename__ = "inbox"
    #: The sender's own id of the event; a second delivery finds it here.
    id: str = Field(sa_column=Column(String(120), primary_key=True))
    kind: str = Field(sa_column=Column(String(40), nullable=False))
    body: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    received_at: datetime = moment(index=True)
    #: Counts up; the order of handling.
    position: int = Field(sa_column=Column(BigInteger, nullable=False, index=True))
    attempts: int = 0
    not_before: datetime = moment()
    handled_at: datetime | None = moment(nullable=True, index=True)
    #: Why it was given up, in words for an operator.
    error: str | None = Field(default=None, sa_column=Column(Text))


class Lease(SQLModel, table=True):
    """Work that only one process may do at a time, by name. `fence` counts the holders, so that a late one is known."""

    __tablename__ = "leases"
    name: str = Field(sa_column=Column(String(80), primary_key=True))
    owner: str | None = Field(default=None, sa_column=Column(String(40)))
    fence: int = 0
    until: datetime | None = moment(nullable=True)


class Mirror(SQLModel, table=True):
    """A thread that copies a session: its reader's cursor, its lease, and the one post that may be in flight."""

    __tablename__ = "mirrors"
    __table_args__ = (UniqueConstraint("realm", "channel", "root", name="one_mirror_per_thread"),)
    session_id: str = session_reference(primary_key=True)
    realm: str = Field(sa_column=Column(String(40), nullable=False))
    channel: str = Field(sa_column=Column(String(40), nullable=False))
    channel_name: str = Field(default="", sa_column=Column(String(120), nullable=False))
    #: The `ts` of the card that the thread hangs under; empty until it is posted.
    root: str | None = Field(default=None, sa_column=Column(String(40)))
    status: str = Field(default="opening", sa_column=Column(String(10), nullable=False))
    status_reason: str = Field(default="", sa_column=Column(Text, nullable=False))
    #: Every entry up to this seq is in the thread, or does not belong there.
    cursor: int = Field(default=0, sa_column=Column(BigInteger, nullable=False))
    #: The entry whose post was begun and not yet confirmed: after a crash it is looked for before it is posted again.
    intent: int | None = Field(default=None, sa_column=Column(BigInteger))
    #: The message that shows the agent's turn and is still being edited, and the entry that the turn began with.
    progress_ts: str | None = Field(default=None, sa_column=Column(String(40)))
    progress_seq: int | None = Field(default=None, sa_column=Column(BigInteger))
    #: The entry up to which the card tells the truth, and a digest of what it showed then.
    card_seq: int = Field(default=0, sa_column=Column(BigInteger, nullable=False))
    card_hash: str = Field(default="", sa_column=Column(String(64), nullable=False))
    lease_owner: str | None = Field(default=None, sa_column=Column(String(40)))
    lease_fence: int = 0
    lease_until: datetime | None = moment(nullable=True)
    #: When this thread was asked for; the first, or the one after a pause.
    created_at: datetime = moment()
    #: Where the thread is; empty until Slack has told, and for those that were opened before this was kept.
    url: str = Field(default="", sa_column=Column(Text, nullable=False, server_default=""))
    #: Counts the threads that were opened after the first: each card has an id of its own.
    round: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    #: Whoever said that nothing more is copied into the thread; empty while it is copied.
    muted_by: str | None = Field(default=None, sa_column=Column(String(40)))


class MirrorLink(SQLModel, table=True):
    """Which message of the thread is which message of the session, whichever side it began on."""

    __tablename__ = "mirror_links"
    realm: str = Field(sa_column=Column(String(40), primary_key=True))
    channel: str = Field(sa_column=Column(String(40), primary_key=True))
    ts: str = Field(sa_column=Column(String(40), primary_key=True))
    session_id: str = session_reference(index=True)
    message_id: str = Field(sa_column=Column(String(40), nullable=False, index=True))
    origin: str = Field(sa_column=Column(String(10), nullable=False))


class MirrorAnswer(SQLModel, table=True):
    """One answer of the agent, from the entries `first_seq` to `last_seq`, and how much of it stands in the thread.

    It is told in parts, each a post of its own. Offsets count the characters of the answer's text.
    """

    __tablename__ = "mirror_answers"
    session_id: str = session_reference(primary_key=True)
    first_seq: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    last_seq: int = Field(sa_column=Column(BigInteger, nullable=False))
    #: Characters that are known so far, and whether that is all there will be.
    length: int = 0
    is_final: bool = False
    #: How the turn went, where it is over with this answer.
    outcome: str = Field(default="", sa_column=Column(String(12), nullable=False))
    #: What is to be done about the part that is open, if one is: see `core.mirrors.answers`.
    state: str = Field(sa_column=Column(String(10), nullable=False, index=True))
    #: The part that is open or comes next, where it stands, and at which character it begins.
    part: int = 0
    ts: str | None = Field(default=None, sa_column=Column(String(40)))
    begin: int = 0
    #: Up to where it is known to stand there, and up to where it was about to be put there.
    sent: int = 0
    sending: int = 0
    #: When the part was begun.
    started_at: datetime | None = moment(nullable=True)


class MirrorFile(SQLModel, table=True):
    """A file of a message, uploaded to the workspace under `file_id`. `ts` is the post that shows it: None while there
    may be none, empty where it was not found."""

    __tablename__ = "mirror_files"
    realm: str = Field(sa_column=Column(String(40), primary_key=True))
    file_id: str = Field(sa_column=Column(String(40), primary_key=True))
    session_id: str = session_reference(index=True)
    message_id: str = Field(sa_column=Column(String(40), nullable=False, index=True))
    position: int
    ts: str | None = Field(default=None, sa_column=Column(String(40)))
