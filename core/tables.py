"""Every table, for SQLite and Postgres alike.

The log (`events`) is the truth of a session; `messages` and the counters in `sessions` are projections of it that
change in the same transaction. Texts that people wrote live in exactly three places: the log entry, its projection, and
what search looks in.
"""

# SQLModel declares `__tablename__` as something only a checker of its own could accept.
# pyright: reportAssignmentType=false

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    UniqueConstraint,
)
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator
from sqlmodel import Field, SQLModel

from core.clock import as_utc


class UtcDateTime(TypeDecorator[datetime]):
    """A moment in UTC. SQLite forgets the zone of what it stores; this gives it back."""

    impl = DateTime(timezone=True)
    cache_ok = True

    # Both signatures are SQLAlchemy's; we need no dialect.
    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:  # noqa: ARG002
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without a zone cannot be stored")
        return as_utc(value)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        return None if value is None else as_utc(value)


#: A number that the database gives. SQLite counts in columns of this one type only.
COUNTED = BigInteger().with_variant(Integer(), "sqlite")


def _id(prefix_length: int = 40, **kwargs: Any) -> Any:
    return Field(sa_column=Column(String(prefix_length), **kwargs))


def _user(*, primary_key: bool = False, nullable: bool = False, index: bool = False) -> Any:
    return Field(
        default=None,
        sa_column=Column(String(40), ForeignKey("users.id"), primary_key=primary_key, nullable=nullable, index=index),
    )


def _session(*, primary_key: bool = False, nullable: bool = False, index: bool = False) -> Any:
    return Field(
        default=None,
        sa_column=Column(
            String(40), ForeignKey("sessions.id"), primary_key=primary_key, nullable=nullable, index=index
        ),
    )


def _at(*, nullable: bool = False, index: bool = False) -> Any:
    return Field(default=None, sa_column=Column(UtcDateTime(), nullable=nullable, index=index))


class Meta(SQLModel, table=True):
    """Facts about this database itself. `epoch` names the history that its logs tell."""

    __tablename__ = "meta"
    key: str = _id(primary_key=True)
    value: str = Field(sa_column=Column(Text, nullable=False))


def table_of(name: str) -> Table:
    """A table by its name, for statements that are built once and run often."""
    return SQLModel.metadata.tables[name]


# ── People ────────────────────────────────────────────────────────────────────────────────────────────────────────────


class User(SQLModel, table=True):
    __tablename__ = "users"
    id: str = _id(primary_key=True)
    #: Lower case; empty for somebody known only through another system.
    email: str | None = Field(default=None, sa_column=Column(String(320), unique=True))
    name: str = Field(sa_column=Column(String(120), nullable=False))
    color: int = 0
    is_active: bool = True
    #: May look at every live session and connection of this server, see `api/routes/admin.py`.
    is_admin: bool = False
    #: Raised to end every token and login that was given out before.
    token_version: int = 0
    created_at: datetime = _at()


class Identity(SQLModel, table=True):
    """Somebody's account in another system, proven to be theirs."""

    __tablename__ = "identities"
    provider: str = Field(sa_column=Column(String(20), primary_key=True))
    realm: str = Field(sa_column=Column(String(40), primary_key=True))
    external_id: str = Field(sa_column=Column(String(80), primary_key=True))
    user_id: str = _user(index=True)
    created_at: datetime = _at()


class Team(SQLModel, table=True):
    """People who may see each other's sessions that are not private. `realm` is the Slack workspace it came from."""

    __tablename__ = "teams"
    id: str = _id(primary_key=True)
    name: str = Field(sa_column=Column(String(120), nullable=False))
    realm: str | None = Field(default=None, sa_column=Column(String(40), unique=True))
    created_at: datetime = _at()


class TeamMember(SQLModel, table=True):
    __tablename__ = "team_members"
    team_id: str = Field(sa_column=Column(String(40), ForeignKey("teams.id"), primary_key=True))
    user_id: str = _user(primary_key=True)


class Login(SQLModel, table=True):
    """One browser that is signed in; the cookie's secret is stored as its hash."""

    __tablename__ = "logins"
    secret_hash: str = Field(sa_column=Column(String(64), primary_key=True))
    user_id: str = _user(index=True)
    token_version: int
    created_at: datetime = _at()
    expires_at: datetime = _at()


class SignInLink(SQLModel, table=True):
    __tablename__ = "sign_in_links"
    secret_hash: str = Field(sa_column=Column(String(64), primary_key=True))
    user_id: str = _user()
    expires_at: datetime = _at()
    used_at: datetime | None = _at(nullable=True)


class UsedTicket(SQLModel, table=True):
    """A ticket that opened a socket: the row is what makes it single-use, in every process and over restarts."""

    __tablename__ = "used_tickets"
    jti: str = Field(sa_column=Column(String(64), primary_key=True))
    expires_at: datetime = _at(index=True)


# ── Sessions ──────────────────────────────────────────────────────────────────────────────────────────────────────────


class Session(SQLModel, table=True):
    __tablename__ = "sessions"
    __table_args__ = (CheckConstraint("status in ('live', 'ended')", name="status_known"),)
    id: str = _id(primary_key=True)
    title: str = Field(sa_column=Column(String(200), nullable=False))
    status: str = Field(default="live", sa_column=Column(String(10), nullable=False))
    agent: str | None = Field(default=None, sa_column=Column(String(40)))
    host_id: str = _user()
    #: Members of this team may come in by themselves, with `team_role`. None: only by invite.
    team_id: str | None = Field(default=None, sa_column=Column(String(40), ForeignKey("teams.id"), index=True))
    team_role: str | None = Field(default=None, sa_column=Column(String(10)))
    #: The number of the last log entry: the counter that gives every entry its `seq`.
    head: int = Field(default=0, sa_column=Column(BigInteger, nullable=False))
    participant_count: int = 0
    message_count: int = 0
    token_count: int | None = Field(default=None, sa_column=Column(BigInteger))
    created_at: datetime = _at()
    last_activity_at: datetime = _at()
    ended_at: datetime | None = _at(nullable=True)


class Participation(SQLModel, table=True):
    """A user's role in a session. A row with `removed_at` is somebody who was removed: kept, so that the team's door
    does not let them in again."""

    __tablename__ = "participants"
    __table_args__ = (CheckConstraint("role in ('host', 'editor', 'viewer')", name="role_known"),)
    session_id: str = _session(primary_key=True)
    user_id: str = _user(primary_key=True, index=True)
    role: str = Field(sa_column=Column(String(10), nullable=False))
    #: The entry that gave them their seat: what stands before it is not news to them.
    joined_seq: int = Field(default=0, sa_column=Column(BigInteger, nullable=False))
    joined_at: datetime = _at()
    removed_at: datetime | None = _at(nullable=True)


class LogEntry(SQLModel, table=True):
    """One event. `frame` is the JSON that every reader gets, byte for byte."""

    __tablename__ = "events"
    __table_args__ = (UniqueConstraint("session_id", "actor_id", "key", name="one_effect_per_key"),)
    session_id: str = _session(primary_key=True)
    seq: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    type: str = Field(sa_column=Column(String(40), nullable=False))
    version: int = 1
    actor_id: str | None = Field(default=None, sa_column=Column(String(40)))
    #: The idempotency key that the actor chose: the same key by the same actor is the same wish.
    key: str | None = Field(default=None, sa_column=Column(String(80)))
    at: datetime = _at()
    frame: str = Field(sa_column=Column(Text, nullable=False))


class Message(SQLModel, table=True):
    """Chat as it stands now, made from the log."""

    __tablename__ = "messages"
    __table_args__ = (Index("messages_in_order", "session_id", "seq", unique=True),)
    id: str = _id(primary_key=True)
    session_id: str = _session()
    seq: int = Field(sa_column=Column(BigInteger, nullable=False))
    user_id: str = _user()
    content: str = Field(sa_column=Column(Text, nullable=False))
    parent_id: str | None = Field(default=None, sa_column=Column(String(40), index=True))
    source: str = Field(sa_column=Column(String(10), nullable=False))
    session_only: bool = False
    #: Ids of people, and of nobody else; a JSON list.
    mentions: str = Field(default="[]", sa_column=Column(Text, nullable=False))
    mentions_here: bool = False
    #: The last entry that changed it.
    updated_seq: int = Field(sa_column=Column(BigInteger, nullable=False))
    created_at: datetime = _at()
    edited_at: datetime | None = _at(nullable=True)
    deleted_at: datetime | None = _at(nullable=True)


class Reaction(SQLModel, table=True):
    __tablename__ = "reactions"
    message_id: str = Field(sa_column=Column(String(40), ForeignKey("messages.id"), primary_key=True))
    emoji: str = Field(sa_column=Column(String(40), primary_key=True))
    user_id: str = _user(primary_key=True)
    session_id: str = _session(index=True)
    seq: int = Field(sa_column=Column(BigInteger, nullable=False))


class Mention(SQLModel, table=True):
    """Somebody was called by the message or comment that stands at `seq`."""

    __tablename__ = "mentions"
    session_id: str = _session(primary_key=True)
    user_id: str = _user(primary_key=True)
    seq: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    #: The message's or comment's id.
    ref_id: str = Field(sa_column=Column(String(40), nullable=False, index=True))


class ReadMark(SQLModel, table=True):
    """Somebody has read the session up to `seq`, on all their devices together. Theirs alone: no part of the log."""

    __tablename__ = "read_marks"
    session_id: str = _session(primary_key=True)
    user_id: str = _user(primary_key=True)
    seq: int = Field(sa_column=Column(BigInteger, nullable=False))
    updated_at: datetime = _at()


# ── Files and comments on their lines ─────────────────────────────────────────────────────────────────────────────────


class Blob(SQLModel, table=True):
    """The content of some version of some file, by its SHA-256. Kept per session, so that the session's rights hold."""

    __tablename__ = "blobs"
    #: For the sum of a session: without it, every content would be walked over.
    __table_args__ = (Index("blobs_by_size", "session_id", "size"),)
    session_id: str = _session(primary_key=True)
    sha256: str = Field(sa_column=Column(String(64), primary_key=True))
    size: int
    #: None for what is not text.
    lines: int | None = None
    content: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    created_at: datetime = _at()


class SharedFile(SQLModel, table=True):
    """A shared file as it stands now, made from the log."""

    __tablename__ = "files"
    session_id: str = _session(primary_key=True)
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
    changed_at: datetime = _at()


class FileVersion(SQLModel, table=True):
    """One state of a shared file; `seq` is the entry that says so."""

    __tablename__ = "file_versions"
    __table_args__ = (Index("file_versions_by_path", "session_id", "path", "seq"),)
    session_id: str = _session(primary_key=True)
    seq: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    path: str = Field(sa_column=Column(String(1_000), nullable=False))
    version: str | None = Field(default=None, sa_column=Column(String(64)))
    change: str = Field(sa_column=Column(String(10), nullable=False))
    old_path: str | None = Field(default=None, sa_column=Column(String(1_000)))
    size: int = 0
    lines: int | None = None
    is_binary: bool = False
    at: datetime = _at()


class CommentThread(SQLModel, table=True):
    __tablename__ = "comment_threads"
    __table_args__ = (Index("comment_threads_by_file", "session_id", "file"),)
    #: The id of its first comment.
    id: str = _id(primary_key=True)
    session_id: str = _session()
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
    resolved_at: datetime | None = _at(nullable=True)
    resolved_by: str | None = Field(default=None, sa_column=Column(String(40)))


class Comment(SQLModel, table=True):
    """A comment as it stands now, made from the log."""

    __tablename__ = "comments"
    __table_args__ = (Index("comments_in_order", "session_id", "seq", unique=True),)
    id: str = _id(primary_key=True)
    thread_id: str = Field(sa_column=Column(String(40), ForeignKey("comment_threads.id"), nullable=False, index=True))
    session_id: str = _session()
    seq: int = Field(sa_column=Column(BigInteger, nullable=False))
    user_id: str = _user()
    username: str = Field(sa_column=Column(String(120), nullable=False))
    content: str = Field(sa_column=Column(Text, nullable=False))
    mentions: str = Field(default="[]", sa_column=Column(Text, nullable=False))
    source: str = Field(sa_column=Column(String(10), nullable=False))
    updated_seq: int = Field(sa_column=Column(BigInteger, nullable=False))
    created_at: datetime = _at()
    edited_at: datetime | None = _at(nullable=True)
    deleted_at: datetime | None = _at(nullable=True)


class AgentStats(SQLModel, table=True):
    """What the agent has done in a session so far, counted from the log: the ground of its health score."""

    __tablename__ = "agent_stats"
    session_id: str = _session(primary_key=True)
    tool_calls: int = 0
    tool_failures: int = 0
    #: Calls that repeat the one before, after it failed.
    retries: int = 0
    turns: int = 0
    turns_failed: int = 0
    failures: int = 0
    files_touched: int = 0
    context_used: int | None = None
    context_limit: int | None = None
    #: The turn that is running.
    turn_id: str | None = Field(default=None, sa_column=Column(String(80)))
    #: Tool and input of the last call that failed, as a hash: how a retry is known.
    failed_call: str | None = Field(default=None, sa_column=Column(String(64)))
    first_at: datetime = _at()
    last_at: datetime = _at()


class Invite(SQLModel, table=True):
    __tablename__ = "invites"
    id: str = _id(primary_key=True)
    session_id: str = _session(index=True)
    secret_hash: str = Field(sa_column=Column(String(64), unique=True, nullable=False))
    role: str = Field(sa_column=Column(String(10), nullable=False))
    #: Only the holder of this address may accept, when set. Lower case.
    email: str | None = Field(default=None, sa_column=Column(String(320)))
    max_uses: int
    use_count: int = 0
    created_by: str = _user()
    created_at: datetime = _at()
    expires_at: datetime = _at()
    revoked_at: datetime | None = _at(nullable=True)


class InviteUse(SQLModel, table=True):
    __tablename__ = "invite_uses"
    invite_id: str = Field(sa_column=Column(String(40), ForeignKey("invites.id"), primary_key=True))
    user_id: str = _user(primary_key=True)
    used_at: datetime = _at()


# ── Search ────────────────────────────────────────────────────────────────────────────────────────────────────────────


class SearchEntry(SQLModel, table=True):
    """What an entry of the log says, as it stands now: see `core.indexing`. A later entry has a greater `id`."""

    __tablename__ = "search_entries"
    __table_args__ = (Index("search_entries_in_order", "session_id", "seq", unique=True),)
    id: int = Field(default=None, sa_column=Column(COUNTED, primary_key=True, autoincrement=True))
    session_id: str = _session()
    seq: int = Field(sa_column=Column(BigInteger, nullable=False))
    kind: str = Field(sa_column=Column(String(20), nullable=False))
    #: The message's, comment's, turn's or call's id, or the file's path.
    ref_id: str | None = Field(default=None, sa_column=Column(String(1_000)))
    #: Who wrote it, where a person did.
    user_id: str | None = Field(default=None, sa_column=Column(String(40)))
    at: datetime = _at()
    text: str = Field(sa_column=Column(Text, nullable=False))
    #: Its words, a space on each side of each: what the engine's own full-text index is made of.
    plain: str = Field(sa_column=Column(Text, nullable=False))


# ── Threads outside ───────────────────────────────────────────────────────────────────────────────────────────────────


class Inbox(SQLModel, table=True):
    """A verified request from outside, stored before it is acknowledged and handled afterwards, once."""

    __tablename__ = "inbox"
    #: The sender's own id of the event; a second delivery finds it here.
    id: str = Field(sa_column=Column(String(120), primary_key=True))
    kind: str = Field(sa_column=Column(String(40), nullable=False))
    body: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    received_at: datetime = _at(index=True)
    #: Counts up; the order of handling.
    position: int = Field(sa_column=Column(BigInteger, nullable=False, index=True))
    attempts: int = 0
    not_before: datetime = _at()
    handled_at: datetime | None = _at(nullable=True, index=True)
    #: Why it was given up, in words for an operator.
    error: str | None = Field(default=None, sa_column=Column(Text))


class Lease(SQLModel, table=True):
    """Work that only one process may do at a time, by name. `fence` counts the holders, so that a late one is known."""

    __tablename__ = "leases"
    name: str = Field(sa_column=Column(String(80), primary_key=True))
    owner: str | None = Field(default=None, sa_column=Column(String(40)))
    fence: int = 0
    until: datetime | None = _at(nullable=True)


class Mirror(SQLModel, table=True):
    """A thread that copies a session: its reader's cursor, its lease, and the one post that may be in flight."""

    __tablename__ = "mirrors"
    __table_args__ = (UniqueConstraint("realm", "channel", "root", name="one_mirror_per_thread"),)
    session_id: str = _session(primary_key=True)
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
    lease_until: datetime | None = _at(nullable=True)
    created_at: datetime = _at()


class MirrorLink(SQLModel, table=True):
    """Which message of the thread is which message of the session, whichever side it began on."""

    __tablename__ = "mirror_links"
    realm: str = Field(sa_column=Column(String(40), primary_key=True))
    channel: str = Field(sa_column=Column(String(40), primary_key=True))
    ts: str = Field(sa_column=Column(String(40), primary_key=True))
    session_id: str = _session(index=True)
    message_id: str = Field(sa_column=Column(String(40), nullable=False, index=True))
    origin: str = Field(sa_column=Column(String(10), nullable=False))
