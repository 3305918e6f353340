"""Messages and what hangs on them, how far each person has read, and what search looks in."""

# SQLModel declares `__tablename__` as something only a checker of its own could accept.
# pyright: reportAssignmentType=false

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, Column, ForeignKey, Index, String, Text
from sqlmodel import Field, SQLModel

from core.tables.columns import COUNTED, identifier, moment, session_reference, user_reference


class Message(SQLModel, table=True):
    """Chat as it stands now, made from the log."""

    __tablename__ = "messages"
    __table_args__ = (Index("messages_in_order", "session_id", "seq", unique=True),)
    id: str = identifier(primary_key=True)
    session_id: str = session_reference()
    seq: int = Field(sa_column=Column(BigInteger, nullable=False))
    user_id: str = user_reference()
    content: str = Field(sa_column=Column(Text, nullable=False))
    parent_id: str | None = Field(default=None, sa_column=Column(String(40), index=True))
    source: str = Field(sa_column=Column(String(10), nullable=False))
    session_only: bool = False
    #: Ids of people, and of nobody else; a JSON list.
    mentions: str = Field(default="[]", sa_column=Column(Text, nullable=False))
    mentions_here: bool = False
    #: The last entry that changed it.
    updated_seq: int = Field(sa_column=Column(BigInteger, nullable=False))
    created_at: datetime = moment()
    edited_at: datetime | None = moment(nullable=True)
    deleted_at: datetime | None = moment(nullable=True)


class Upload(SQLModel, table=True):
    """A content that came for the chat, and what it is. One that no message took is thrown away after a day."""

    __tablename__ = "uploads"
    session_id: str = session_reference(primary_key=True)
    sha256: str = Field(sa_column=Column(String(64), primary_key=True))
    media_type: str = Field(sa_column=Column(String(40), nullable=False))
    size: int
    width: int | None = None
    height: int | None = None
    #: The last time that somebody sent it.
    sent_at: datetime = moment(index=True)


class Attachment(SQLModel, table=True):
    """A message, not taken back, that came with this content."""

    __tablename__ = "attachments"
    session_id: str = session_reference(primary_key=True)
    sha256: str = Field(sa_column=Column(String(64), primary_key=True))
    message_id: str = Field(sa_column=Column(String(40), ForeignKey("messages.id"), primary_key=True, index=True))


class Reaction(SQLModel, table=True):
    __tablename__ = "reactions"
    message_id: str = Field(sa_column=Column(String(40), ForeignKey("messages.id"), primary_key=True))
    emoji: str = Field(sa_column=Column(String(40), primary_key=True))
    user_id: str = user_reference(primary_key=True)
    session_id: str = session_reference(index=True)
    seq: int = Field(sa_column=Column(BigInteger, nullable=False))


class Mention(SQLModel, table=True):
    """Somebody was called by the message or comment that stands at `seq`."""

    __tablename__ = "mentions"
    session_id: str = session_reference(primary_key=True)
    user_id: str = user_reference(primary_key=True)
    seq: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    #: The message's or comment's id.
    ref_id: str = Field(sa_column=Column(String(40), nullable=False, index=True))


class ReadMark(SQLModel, table=True):
    """Somebody has read the session up to `seq`, on all their devices together. Theirs alone: no part of the log."""

    __tablename__ = "read_marks"
    session_id: str = session_reference(primary_key=True)
    user_id: str = user_reference(primary_key=True)
    seq: int = Field(sa_column=Column(BigInteger, nullable=False))
    updated_at: datetime = moment()


class SearchEntry(SQLModel, table=True):
    """What an entry of the log says, as it stands now: see `core.indexing`. A later entry has a greater `id`."""

    __tablename__ = "search_entries"
    __table_args__ = (Index("search_entries_in_order", "session_id", "seq", unique=True),)
    id: int = Field(default=None, sa_column=Column(COUNTED, primary_key=True, autoincrement=True))
    session_id: str = session_reference()
    seq: int = Field(sa_column=Column(BigInteger, nullable=False))
    kind: str = Field(sa_column=Column(String(20), nullable=False))
    #: The message's, comment's, turn's or call's id, or the file's path.
    ref_id: str | None = Field(default=None, sa_column=Column(String(1_000)))
    #: Who wrote it, where a person did.
    user_id: str | None = Field(default=None, sa_column=Column(String(40)))
    at: datetime = moment()
    text: str = Field(sa_column=Column(Text, nullable=False))
    #: Its words, a space on each side of each: what the engine's own full-text index is made of.
    plain: str = Field(sa_column=Column(Text, nullable=False))


class SearchPlace(SQLModel, table=True):
    """Up to which entry what was said in a session has been taken up for the search."""

    __tablename__ = "search_places"
    session_id: str = session_reference(primary_key=True)
    seq: int = Field(sa_column=Column(BigInteger, nullable=False))
