"""Shared files, version by version, and the comments on their lines."""

# SQLModel declares `__tablename__` as something only a checker of its own could accept.
# pyright: reportAssignmentType=false

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, Column, ForeignKey, Index, LargeBinary, String, Text
from sqlmodel import Field, SQLModel

from core.tables.columns import identifier, moment, session_reference, user_reference


class Blob(SQLModel, table=True):
    """The content of some version of some file, by its SHA-256. Kept per session, so that the session's rights hold."""

    __tablename__ = "blobs"
    #: For the sum of a session: without it, every content would be walked over.
    __table_args__ = (Index("blobs_by_size", "session_id", "size"),)
    session_id: str = session_reference(primary_key=True)
    sha256: str = Field(sa_column=Column(String(64), primary_key=True))
    size: int
    #: None for what is not text.
    lines: int | None = None
    content: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    created_at: datetime = moment()


class SharedFile(SQLModel, table=True):
    """A shared file as it stands now, made from the log."""

    __tablename__ = "files"
    session_id: str = session_reference(primary_key=True)
    path: str = Field(sa_column=Column(String(1_000), primary_key=True))
    version: str | None = Field(default=None, sa_column=Column(String(64)))
    #: Its content when it was first shared; None for a file that is new.
    base_version: str | None = Field(default=None, sa_column=Column(String(64)))
    change: str = Field(sa_column=Column(String(10), nullable=False))
    old_path: str | None = Field(default=None, sa_column=Column(String(1_000)))
    size: int = 0
    lines: int | None = None
    is_binary: bool = False
    reason: str = Field(default="", sa_column=Column(Text, nullable=False))
    version_count: int = 1
    seq: int = Field(sa_column=Column(BigInteger, nullable=False))
    changed_at: datetime = moment()


class FileVersion(SQLModel, table=True):
    """One state of a shared file; `seq` is the entry that says so."""

    __tablename__ = "file_versions"
    __table_args__ = (Index("file_versions_by_path", "session_id", "path", "seq"),)
    session_id: str = session_reference(primary_key=True)
    seq: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    path: str = Field(sa_column=Column(String(1_000), nullable=False))
    version: str | None = Field(default=None, sa_column=Column(String(64)))
    change: str = Field(sa_column=Column(String(10), nullable=False))
    old_path: str | None = Field(default=None, sa_column=Column(String(1_000)))
    size: int = 0
    lines: int | None = None
    is_binary: bool = False
    at: datetime = moment()


class CommentThread(SQLModel, table=True):
    __tablename__ = "comment_threads"
    __table_args__ = (Index("comment_threads_by_file", "session_id", "file"),)
    #: The id of its first comment.
    id: str = identifier(primary_key=True)
    session_id: str = session_reference()
    file: str = Field(sa_column=Column(String(1_000), nullable=False))
    line: int
    end_line: int
    version: str | None = Field(default=None, sa_column=Column(String(64)))
    snippet: str = Field(sa_column=Column(Text, nullable=False))
    before: str = Field(default="", sa_column=Column(Text, nullable=False))
    after: str = Field(default="", sa_column=Column(Text, nullable=False))
    #: The entry that began it.
    seq: int = Field(sa_column=Column(BigInteger, nullable=False))
    #: The last entry that resolved or reopened it, or began it.
    updated_seq: int = Field(sa_column=Column(BigInteger, nullable=False))
    resolved_at: datetime | None = moment(nullable=True)
    resolved_by: str | None = Field(default=None, sa_column=Column(String(40)))


class Comment(SQLModel, table=True):
    """A comment as it stands now, made from the log."""

    __tablename__ = "comments"
    __table_args__ = (Index("comments_in_order", "session_id", "seq", unique=True),)
    id: str = identifier(primary_key=True)
    thread_id: str = Field(sa_column=Column(String(40), ForeignKey("comment_threads.id"), nullable=False, index=True))
    session_id: str = session_reference()
    seq: int = Field(sa_column=Column(BigInteger, nullable=False))
    user_id: str = user_reference()
    username: str = Field(sa_column=Column(String(120), nullable=False))
    content: str = Field(sa_column=Column(Text, nullable=False))
    mentions: str = Field(default="[]", sa_column=Column(Text, nullable=False))
    source: str = Field(sa_column=Column(String(10), nullable=False))
    updated_seq: int = Field(sa_column=Column(BigInteger, nullable=False))
    created_at: datetime = moment()
    edited_at: datetime | None = moment(nullable=True)
    deleted_at: datetime | None = moment(nullable=True)
