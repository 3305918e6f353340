"""Every frame that a client sends."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from api.frames.parts import Position, PresenceStatus, Selection, Viewport
from core.events import CodeRef


class ClientFrame(BaseModel):
    """Unknown fields are ignored, so that an older server understands a newer client."""

    model_config = ConfigDict(frozen=True, extra="ignore", strict=True)


class JoinSession(ClientFrame):
    """The first frame where no ticket stands in the URL. `since` asks for everything after that position.

    On an open socket it asks for `connected` again. `reason` says that what the client held was found to differ.
    """

    type: Literal["join_session"]
    auth_token: str | None = Field(default=None, max_length=4_096)
    since: Position | None = None
    reason: Literal["diverged"] | None = None


class AttachedFile(BaseModel):
    """A file that was sent to `attachments` before, under the name that the message gives it."""

    model_config = ConfigDict(extra="forbid")

    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    name: str = Field(min_length=1, max_length=255)


class PostChatMessage(ClientFrame):
    """`client_msg_id` is made by the sender; sent twice, it has one effect. Without it the server makes one."""

    type: Literal["chat_message"]
    client_msg_id: str | None = Field(default=None, min_length=1, max_length=64)
    content: str
    parent_id: str | None = Field(default=None, max_length=64)
    code_ref: CodeRef | None = None
    mentions: list[str] = Field(default_factory=list, max_length=50)
    session_only: bool = False
    #: With files, `content` may be empty.
    files: list[AttachedFile] = Field(default_factory=list[AttachedFile], max_length=10)


MessageKey = Annotated[str, Field(min_length=1, max_length=64)]
#: One emoji, or a name between colons as Slack knows them.
Emoji = Annotated[str, Field(min_length=1, max_length=40)]


class EditMessage(ClientFrame):
    type: Literal["edit_message"]
    client_msg_id: MessageKey | None = None
    message_id: str = Field(max_length=64)
    content: str
    mentions: list[str] = Field(default_factory=list, max_length=50)


class DeleteMessage(ClientFrame):
    """One's own; a host's for anybody's."""

    type: Literal["delete_message"]
    client_msg_id: MessageKey | None = None
    message_id: str = Field(max_length=64)


class AddReaction(ClientFrame):
    type: Literal["add_reaction"]
    client_msg_id: MessageKey | None = None
    message_id: str = Field(max_length=64)
    emoji: Emoji


class RemoveReaction(ClientFrame):
    type: Literal["remove_reaction"]
    client_msg_id: MessageKey | None = None
    message_id: str = Field(max_length=64)
    emoji: Emoji


class AddComment(ClientFrame):
    """On lines of a file, or with `thread_id` in a thread that stands already; the place is then the thread's."""

    type: Literal["add_comment"]
    client_msg_id: MessageKey | None = None
    file: str | None = Field(default=None, max_length=1_000)
    line: int | None = Field(default=None, ge=1)
    end_line: int | None = Field(default=None, ge=1)
    #: SHA-256 of the content that was looked at; without it, the file's newest.
    version: str | None = Field(default=None, max_length=64)
    #: What these lines say; taken from the stored content where there is one.
    code_snippet: str = ""
    thread_id: str | None = Field(default=None, max_length=64)
    content: str
    mentions: list[str] = Field(default_factory=list, max_length=50)


class EditComment(ClientFrame):
    type: Literal["edit_comment"]
    client_msg_id: MessageKey | None = None
    comment_id: str = Field(max_length=64)
    content: str
    mentions: list[str] = Field(default_factory=list, max_length=50)


class DeleteComment(ClientFrame):
    type: Literal["delete_comment"]
    client_msg_id: MessageKey | None = None
    comment_id: str = Field(max_length=64)


class ResolveComment(ClientFrame):
    """The whole thread, whichever of its comments is named."""

    type: Literal["resolve_comment"]
    client_msg_id: MessageKey | None = None
    comment_id: str = Field(max_length=64)


class ReopenComment(ClientFrame):
    type: Literal["reopen_comment"]
    client_msg_id: MessageKey | None = None
    comment_id: str = Field(max_length=64)


class ReadUpTo(ClientFrame):
    """Everything up to entry `seq` was read, on every device of this person. Going back has no effect."""

    type: Literal["read_up_to"]
    seq: int = Field(ge=0)


class Follow(ClientFrame):
    """This tab goes where `user_id` goes, until `unfollow`. The client does the going; the others are told."""

    type: Literal["follow"]
    user_id: str = Field(max_length=64)


class Unfollow(ClientFrame):
    type: Literal["unfollow"]


class Summon(ClientFrame):
    """A host asks everybody to follow them. Each is asked; nobody is moved."""

    type: Literal["summon"]


class RefreshToken(ClientFrame):
    """A new ticket or API token of the same person for a socket that stays open."""

    type: Literal["refresh_token"]
    auth_token: str = Field(max_length=4_096)


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
    JoinSession
    | PostChatMessage
    | EditMessage
    | DeleteMessage
    | AddReaction
    | RemoveReaction
    | AddComment
    | EditComment
    | DeleteComment
    | ResolveComment
    | ReopenComment
    | ReadUpTo
    | CursorUpdate
    | UpdatePresence
    | Typing
    | Follow
    | Unfollow
    | Summon
    | RefreshToken
    | ClientPing
    | ClientPong,
    Field(discriminator="type"),
]
client_frame_adapter: TypeAdapter[ClientFrames] = TypeAdapter(ClientFrames)
