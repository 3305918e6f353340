"""Sessions, their logs and the people in them; what an agent has done, counted."""

# SQLModel declares `__tablename__` as something only a checker of its own could accept.
# pyright: reportAssignmentType=false

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, Column, ForeignKey, String, Text, UniqueConstraint
from sqlmodel import Field, SQLModel

from core.tables.columns import identifier, moment, session_reference, user_reference


class Session(SQLModel, table=True):
    __tablename__ = "sessions"
    __table_args__ = (CheckConstraint("status in ('live', 'ended')", name="status_known"),)
    id: str = identifier(primary_key=True)
    title: str = Field(sa_column=Column(String(200), nullable=False))
    status: str = Field(default="live", sa_column=Column(String(10), nullable=False))
    agent: str | None = Field(default=None, sa_column=Column(String(40)))
    host_id: str = user_reference()
    #: Members of this team may come in by themselves, with `team_role`. None: only by invite.
    team_id: str | None = Field(default=None, sa_column=Column(String(40), ForeignKey("teams.id"), index=True))
    team_role: str | None = Field(default=None, sa_column=Column(String(10)))
    #: The number of the last log entry: the counter that gives every entry its `seq`.
    head: int = Field(default=0, sa_column=Column(BigInteger, nullable=False))
    participant_count: int = 0
    message_count: int = 0
    token_count: int | None = Field(default=None, sa_column=Column(BigInteger))
    created_at: datetime = moment()
    last_activity_at: datetime = moment()
    ended_at: datetime | None = moment(nullable=True)


class Participation(SQLModel, table=True):
    """A user's role in a session. A row with `removed_at` is somebody who was removed: kept, so that the team's door
    does not let them in again."""

    __tablename__ = "participants"
    __table_args__ = (CheckConstraint("role in ('host', 'editor', 'viewer')", name="role_known"),)
    session_id: str = session_reference(primary_key=True)
    user_id: str = user_reference(primary_key=True, index=True)
    role: str = Field(sa_column=Column(String(10), nullable=False))
    #: The entry that gave them their seat: what stands before it is not news to them.
    joined_seq: int = Field(default=0, sa_column=Column(BigInteger, nullable=False))
    joined_at: datetime = moment()
    removed_at: datetime | None = moment(nullable=True)


class LogEntry(SQLModel, table=True):
    """One event. `frame` is the JSON that every reader gets, byte for byte."""

    __tablename__ = "events"
    __table_args__ = (UniqueConstraint("session_id", "actor_id", "key", name="one_effect_per_key"),)
    session_id: str = session_reference(primary_key=True)
    seq: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    type: str = Field(sa_column=Column(String(40), nullable=False))
    version: int = 1
    actor_id: str | None = Field(default=None, sa_column=Column(String(40)))
    #: The idempotency key that the actor chose: the same key by the same actor is the same wish.
    key: str | None = Field(default=None, sa_column=Column(String(80)))
    at: datetime = moment()
    frame: str = Field(sa_column=Column(Text, nullable=False))


class AgentStats(SQLModel, table=True):
    """What the agent has done in a session so far, counted from the log: the ground of its health score."""

    __tablename__ = "agent_stats"
    session_id: str = session_reference(primary_key=True)
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
    first_at: datetime = moment()
    last_at: datetime = moment()


class AgentMark(SQLModel, table=True):
    """What the counting of an agent's events has to find again: a file that it touched, or a call that it made."""

    __tablename__ = "agent_marks"
    session_id: str = session_reference(primary_key=True)
    #: SHA-256 of the file's path or the call's id.
    name: str = Field(sa_column=Column(String(64), primary_key=True))
    #: Of the call, its tool and input; None for a file.
    fingerprint: str | None = Field(default=None, sa_column=Column(String(64)))
