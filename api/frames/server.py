"""Every frame that the server sends beside the log, and the envelope that the log's entries stand in."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from api.frames.parts import (
    Limits,
    Participant,
    PersonPresence,
    SessionContext,
    SessionView,
    ThreadState,
)
from core.events import Person, Role


class Frame(BaseModel):
    """What the server says beside the log. Each frame narrows `type` to its own name."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    type: Any


class Connected(Frame):
    """Always the first frame. With `since`, what was missed follows it; without, only what is new.

    `is_resumed` is false when `since` names another epoch, or a seq that this log has not reached: the client then
    forgets what it holds and reads from seq 1.
    """

    type: Literal["connected"] = "connected"
    you: Person
    role: Role
    session: SessionView
    participants: list[Participant]
    presence: list[PersonPresence]
    epoch: str
    seq: int
    is_resumed: bool
    heartbeat_ms: int
    limits: Limits
    #: Names this connection in `POST …/commands`.
    connection_id: str
    #: When your sign-in ends: send `refresh_token` before.
    expires_at: str
    #: You have read up to here.
    read_up_to: int
    context: SessionContext


class Ack(Frame):
    """Your command is stored, as entry `seq`."""

    type: Literal["ack"] = "ack"
    client_msg_id: str
    seq: int


class ErrorFrame(Frame):
    """Your frame had no effect. `re` is its `client_msg_id`, where it had one."""

    type: Literal["error"] = "error"
    error_code: str
    message: str
    retryable: bool = False
    retry_after_ms: int | None = None
    re: str | None = None


class UserJoined(Frame):
    """Somebody opened the session; further tabs of theirs say nothing."""

    type: Literal["user_joined"] = "user_joined"
    user: Participant


class UserLeft(Frame):
    """Somebody's last tab has been gone for the grace period."""

    type: Literal["user_left"] = "user_left"
    user_id: str


class PresenceUpdate(Frame):
    """Who changed since the last one; at most one per 100 ms."""

    type: Literal["presence_update"] = "presence_update"
    users: list[PersonPresence]


class TypingNotice(Frame):
    type: Literal["typing"] = "typing"
    user_id: str
    username: str
    is_typing: bool


class Ping(Frame):
    """Every 20 s. `seq` is the log's head: whoever holds less has lost something and asks for it."""

    type: Literal["ping"] = "ping"
    now: str
    seq: int


class Pong(Frame):
    type: Literal["pong"] = "pong"
    now: str
    seq: int


class ReadMarker(Frame):
    """To every tab of yours, when one of them has read on. The counts are as of entry `seq`."""

    type: Literal["read_marker"] = "read_marker"
    read_up_to: int
    seq: int
    unread_count: int
    mention_count: int


class Followed(Frame):
    """`user_id` follows `target_id` now, or nobody any more."""

    type: Literal["followed"] = "followed"
    user_id: str
    target_id: str | None


class Summoned(Frame):
    """A host asks you to come along: follow them, or do not."""

    type: Literal["summoned"] = "summoned"
    by: Person


class ContextUpdate(Frame):
    """How the agent is doing, when it changed; at most one per second. Carries no `seq`, unlike the entry of the same
    name, which tells of the session's title and host."""

    type: Literal["session_update"] = "session_update"
    context: SessionContext


class ThreadUpdate(Frame):
    """How the session's thread outside stands, when it changed; at most one per 5 s while it is behind."""

    type: Literal["thread_update"] = "thread_update"
    thread: ThreadState


class TokenExpiring(Frame):
    """Your sign-in ends soon: send `refresh_token`. 25 s after it has ended the socket is closed."""

    type: Literal["token_expiring"] = "token_expiring"
    expires_at: str


class TokenRefreshed(Frame):
    type: Literal["token_refreshed"] = "token_refreshed"
    expires_at: str


class Digest(Frame):
    """A checksum of the entries `from_seq` to `to_seq` as the log holds them: CRC-32 over their JSON texts, one after
    the other. Whoever holds something else asks for everything anew. See docs/protocol.md."""

    type: Literal["digest"] = "digest"
    from_seq: int
    to_seq: int
    crc32: int


class Gap(Frame):
    """The entries from `from_seq` to `to_seq` are not sent here: read them over HTTP. Those after `to_seq` follow."""

    type: Literal["gap"] = "gap"
    from_seq: int
    to_seq: int


class Draining(Frame):
    """The server is about to restart: come back after a random part of `within_ms`."""

    type: Literal["draining"] = "draining"
    within_ms: int


ServerFrames = Annotated[
    Connected
    | Ack
    | ErrorFrame
    | UserJoined
    | UserLeft
    | PresenceUpdate
    | TypingNotice
    | ReadMarker
    | Followed
    | Summoned
    | ContextUpdate
    | ThreadUpdate
    | TokenExpiring
    | TokenRefreshed
    | Digest
    | Gap
    | Ping
    | Pong
    | Draining,
    Field(discriminator="type"),
]
server_frame_adapter: TypeAdapter[ServerFrames] = TypeAdapter(ServerFrames)


class Entry(BaseModel):
    """The envelope of every durable frame; the body's fields stand beside these. See `core.events`."""

    model_config = ConfigDict(extra="allow")
    type: str
    seq: int
    at: str
    actor_id: str | None


def error_frame(error_code: str, message: str, **fields: Any) -> bytes:
    """An `error` frame, ready to send."""
    return ErrorFrame(error_code=error_code, message=message, **fields).model_dump_json().encode()
