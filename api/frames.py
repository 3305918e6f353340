"""Every frame of `WS /ws/session/{id}`, both ways, in one place: the TypeScript types are generated from here.

A frame is one JSON object with a `type`. Durable frames are the events of `core.events` with the envelope below; they
carry `seq`. Everything else is ephemeral, carries no `seq`, and is never stored.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, model_validator

from core.events import MAX_MESSAGE, ChatMessage, CodeRef, Person, Role
from core.storable import check_storable

PresenceStatus = Literal["active", "idle", "away"]


class Frame(BaseModel):
    """What the server says beside the log. Each frame narrows `type` to its own name."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    type: Any


class Part(BaseModel):
    """Something inside a frame."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Position(Part):
    """A place in a session's log. `epoch` names the history: it changes when a server starts from another one."""

    epoch: str
    seq: int = Field(ge=0)


class Selection(Part):
    """From one place in a file to another; lines and columns count from 1."""

    start_line: int = Field(ge=1)
    start_column: int = Field(ge=1)
    end_line: int = Field(ge=1)
    end_column: int = Field(ge=1)


class Viewport(Part):
    """What somebody looks at: a file and its first visible line, or a position in the transcript."""

    surface: Literal["transcript", "file", "diff", "chat"]
    file: str | None = Field(default=None, max_length=1_000)
    top_line: int | None = Field(default=None, ge=1)
    seq: int | None = Field(default=None, ge=0)


class Cursor(Part):
    file: str = Field(max_length=1_000)
    line: int = Field(ge=1)
    column: int = Field(default=1, ge=1)
    selection: Selection | None = None


# ── From the client ───────────────────────────────────────────────────────────────────────────────────────────────────


class ClientFrame(BaseModel):
    """Unknown fields are ignored, so that an older server understands a newer client."""

    model_config = ConfigDict(frozen=True, extra="ignore", strict=True)

    @model_validator(mode="before")
    @classmethod
    def _is_storable(cls, value: Any) -> Any:
        check_storable(value)
        return value


class JoinSession(ClientFrame):
    """The first frame where no ticket stands in the URL. `since` asks for everything after that position."""

    type: Literal["join_session"]
    auth_token: str | None = Field(default=None, max_length=4_096)
    since: Position | None = None


class PostChatMessage(ClientFrame):
    """`client_msg_id` is made by the sender; sent twice, it has one effect. Without it the server makes one."""

    type: Literal["chat_message"]
    client_msg_id: str | None = Field(default=None, min_length=1, max_length=64)
    content: str
    parent_id: str | None = Field(default=None, max_length=64)
    code_ref: CodeRef | None = None
    mentions: list[str] = Field(default=[], max_length=50)
    session_only: bool = False


class CursorUpdate(ClientFrame):
    type: Literal["cursor_update"]
    file: str = Field(max_length=1_000)
    line: int = Field(ge=1)
    column: int = Field(default=1, ge=1)
    selection: Selection | None = None


class UpdatePresence(ClientFrame):
    type: Literal["presence_update"]
    status: PresenceStatus = "active"
    viewport: Viewport | None = None


class Typing(ClientFrame):
    """Sent while somebody types, at most every 2 s; others forget it after 6 s. `is_typing: false` ends it at once."""

    type: Literal["typing"]
    is_typing: bool = True


class ClientPing(ClientFrame):
    """Answered by `pong` at once: how a client tells a dead socket from a quiet one."""

    type: Literal["ping"]


class ClientPong(ClientFrame):
    type: Literal["pong"]


ClientFrames = Annotated[
    JoinSession | PostChatMessage | CursorUpdate | UpdatePresence | Typing | ClientPing | ClientPong,
    Field(discriminator="type"),
]
client_frame_adapter: TypeAdapter[ClientFrames] = TypeAdapter(ClientFrames)

# ── From the server: ephemeral ────────────────────────────────────────────────────────────────────────────────────────


class Participant(Person):
    role: Role


class PersonPresence(Part):
    """One person, however many tabs they have open."""

    user_id: str
    username: str
    color: int
    status: PresenceStatus
    cursor: Cursor | None = None
    viewport: Viewport | None = None


class SessionView(Part):
    """A session as it is listed and shown. Times are RFC 3339."""

    id: str
    title: str
    status: Literal["live", "ended"]
    agent: str | None
    host: Person
    role: Role
    seq: int
    participant_count: int
    message_count: int
    token_count: int | None
    created_at: str
    last_activity_at: str
    ended_at: str | None
    #: Chat is copied to a thread outside, unless a message says `session_only`.
    is_mirrored: bool = False


class Limits(Part):
    frame_bytes: int
    message_characters: int = MAX_MESSAGE
    messages_per_minute: int


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


class Draining(Frame):
    """The server is about to restart: come back after a random part of `within_ms`."""

    type: Literal["draining"] = "draining"
    within_ms: int


ServerFrames = Annotated[
    Connected | Ack | ErrorFrame | UserJoined | UserLeft | PresenceUpdate | TypingNotice | Ping | Pong | Draining,
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


__all__ = ["ChatMessage", "client_frame_adapter", "server_frame_adapter"]
