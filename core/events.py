"""Every event of a session's log: a fact, frozen, named in the past tense or as the thing that appeared.

What is stored is what is sent: a log entry is one JSON object, `{"type", "seq", "at", "actor_id", …body}`, the same on
the socket, over HTTP and in an export. A body's model is its public schema. Fields are only ever added, with a default;
a change of meaning raises `VERSION` and adds an upcast.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

Role = Literal["host", "editor", "viewer"]
Source = Literal["web", "slack", "api", "agent", "system"]

#: Longest texts that an event carries, in characters. Longer ones are cut by whoever records them, and say so.
MAX_MESSAGE = 12_000
MAX_AGENT_TEXT = 32_000
MAX_OUTPUT = 16_000
MAX_DIFF = 32_000


class Value(BaseModel):
    """A part of an event."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Event(Value):
    """A body of the log. `VERSION` is stored beside it."""

    VERSION: ClassVar[int] = 1
    #: Each body narrows this to its own name.
    type: Any


class Person(Value):
    """Somebody as others see them. `color` is an index into the palette of the web view, 0 to 11."""

    user_id: str
    username: str
    color: int = 0


class CodeRef(Value):
    """A place in a file of the session. Lines count from 1."""

    file: str = Field(max_length=1_000)
    line: int = Field(ge=1)
    end_line: int | None = Field(default=None, ge=1)


class ChatMessage(Value):
    """`parent_id` is the first message of the thread that this one answers in; threads are one level deep."""

    id: str
    user_id: str
    username: str
    #: Markdown; empty once the message was deleted.
    content: str
    #: Ids of people.
    mentions: list[str] = []
    #: `@here`: it called everybody who was present.
    mentions_here: bool = False
    parent_id: str | None = None
    code_ref: CodeRef | None = None
    source: Source = "web"
    #: Stays in the browser: never copied to Slack.
    session_only: bool = False
    #: When it was written, RFC 3339.
    timestamp: str


class CodeComment(Value):
    """A remark on lines of one version of a file. `thread_id` is the id of the first comment of its thread.

    `code_snippet` holds the lines it speaks of as they were, `before` and `after` up to three lines around them: with
    these the comment is found again in later versions. A reply carries the place of its thread's first comment.
    """

    id: str
    thread_id: str
    user_id: str
    username: str
    file: str = Field(max_length=1_000)
    line: int = Field(ge=1)
    end_line: int = Field(ge=1)
    #: SHA-256 of the file's content that was looked at; None where the session does not hold it.
    version: str | None = None
    code_snippet: str
    before: str = ""
    after: str = ""
    #: Markdown; empty once the comment was deleted.
    content: str
    mentions: list[str] = []
    source: Source = "web"
    #: RFC 3339.
    timestamp: str


# ── The session and its people ────────────────────────────────────────────────────────────────────────────────────────


class SessionStarted(Event):
    type: Literal["session_started"] = "session_started"
    title: str
    host: Person
    agent: str | None = None


class SessionUpdate(Event):
    """Only the fields that changed are set. `host` is who has taken the session over."""

    type: Literal["session_update"] = "session_update"
    title: str | None = None
    host: Person | None = None


class SessionEnded(Event):
    type: Literal["session_ended"] = "session_ended"
    reason: str = ""


class ParticipantAdded(Event):
    """Somebody became a participant: by starting the session, by an invite, or as a member of the session's team."""

    type: Literal["participant_added"] = "participant_added"
    user: Person
    role: Role
    via: Literal["start", "invite", "team"]


class ParticipantRemoved(Event):
    type: Literal["participant_removed"] = "participant_removed"
    user_id: str


class RoleChanged(Event):
    type: Literal["role_changed"] = "role_changed"
    user_id: str
    role: Role


class InviteCreated(Event):
    """Names the invite, never its secret."""

    type: Literal["invite_created"] = "invite_created"
    invite_id: str
    role: Role
    expires_at: str
    max_uses: int


class InviteAccepted(Event):
    type: Literal["invite_accepted"] = "invite_accepted"
    invite_id: str
    user_id: str


class InviteWithdrawn(Event):
    type: Literal["invite_revoked"] = "invite_revoked"
    invite_id: str


class ThreadLinked(Event):
    """A thread outside mirrors this session from here on."""

    type: Literal["thread_linked"] = "thread_linked"
    provider: Literal["slack"] = "slack"
    channel: str
    channel_name: str = ""
    url: str = ""


class MirrorPaused(Event):
    """The thread is gone or refuses posts; nothing is copied until somebody links a new one."""

    type: Literal["mirror_paused"] = "mirror_paused"
    provider: Literal["slack"] = "slack"
    reason: str


# ── Chat ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


class ChatMessagePosted(Event):
    type: Literal["chat_message"] = "chat_message"
    message: ChatMessage


class MessageEdited(Event):
    """The text as it is from here on; the entries before it are the message's history."""

    type: Literal["message_edited"] = "message_edited"
    message_id: str
    content: str
    mentions: list[str] = []
    mentions_here: bool = False


class MessageDeleted(Event):
    """Its text is gone from here and from every entry before; the numbers stay."""

    type: Literal["message_deleted"] = "message_deleted"
    message_id: str


class ReactionAdded(Event):
    type: Literal["reaction_added"] = "reaction_added"
    message_id: str
    user_id: str
    emoji: str


class ReactionRemoved(Event):
    type: Literal["reaction_removed"] = "reaction_removed"
    message_id: str
    user_id: str
    emoji: str


# ── Files and what is said about their lines ──────────────────────────────────────────────────────────────────────────


class FileShared(Event):
    """A file of the shared folder as it is from here on. `version` is the SHA-256 of its content; None where there is
    no content to show: the file was deleted, or is too large, see `reason`."""

    type: Literal["file_shared"] = "file_shared"
    path: str
    change: Literal["added", "modified", "deleted", "renamed"]
    old_path: str | None = None
    version: str | None = None
    #: Bytes.
    size: int = 0
    lines: int | None = None
    is_binary: bool = False
    reason: str = ""


class CodeCommented(Event):
    type: Literal["code_comment"] = "code_comment"
    comment: CodeComment


class CommentEdited(Event):
    type: Literal["comment_edited"] = "comment_edited"
    comment_id: str
    content: str
    mentions: list[str] = []


class CommentDeleted(Event):
    """As for a message: the text is gone wherever it was stored, the number and the thread stay."""

    type: Literal["comment_deleted"] = "comment_deleted"
    comment_id: str


class CommentResolved(Event):
    type: Literal["comment_resolved"] = "comment_resolved"
    thread_id: str


class CommentReopened(Event):
    type: Literal["comment_reopened"] = "comment_reopened"
    thread_id: str


# ── The agent ─────────────────────────────────────────────────────────────────────────────────────────────────────────


class AgentEvent(Event):
    """Something that the agent, or its operator at the terminal, did. `occurred_at` is the time that the agent's own
    record gives; the entry's `at` is when it reached the log."""

    occurred_at: str | None = None


class PromptSubmitted(AgentEvent):
    type: Literal["prompt_submitted"] = "prompt_submitted"
    turn_id: str
    text: str


class TurnStarted(AgentEvent):
    """One run of the agent, from prompt to finish. `agent` is `claude-code`, `codex`, …"""

    type: Literal["turn_started"] = "turn_started"
    turn_id: str
    agent: str
    model: str | None = None


class AgentMessage(AgentEvent):
    """A finished block of the agent's answer, in Markdown."""

    type: Literal["agent_message"] = "agent_message"
    turn_id: str
    text: str


class AgentThought(AgentEvent):
    """A finished block, or summary, of the agent's reasoning."""

    type: Literal["agent_thought"] = "agent_thought"
    turn_id: str
    text: str


ToolKind = Literal["read", "edit", "delete", "move", "search", "execute", "think", "fetch", "other"]


class ToolCallStarted(AgentEvent):
    """`title` is one line for people; `input` is the call's argument as text: a command, a path, or JSON."""

    type: Literal["tool_call_started"] = "tool_call_started"
    turn_id: str
    call_id: str
    tool: str
    kind: ToolKind = "other"
    title: str
    input: str = ""


class ToolCallFinished(AgentEvent):
    """`status` is what happened, whatever the agent calls it: a command that left with an exit code is `failed`."""

    type: Literal["tool_call_finished"] = "tool_call_finished"
    turn_id: str
    call_id: str
    status: Literal["completed", "failed", "denied", "cancelled"]
    output: str = ""
    exit_code: int | None = None
    duration_ms: int | None = None
    #: Why it was refused, and by whom, where the record says so.
    reason: str | None = None
    is_truncated: bool = False


class FileChanged(AgentEvent):
    """One file after one edit. `diff` is a unified diff without file headers; counts are lines."""

    type: Literal["file_changed"] = "file_changed"
    turn_id: str
    call_id: str | None = None
    path: str
    change: Literal["added", "modified", "deleted", "renamed"]
    old_path: str | None = None
    added: int
    removed: int
    diff: str = ""
    is_truncated: bool = False


class TokenTotals(Value):
    """Running totals of the whole agent session, in tokens. `total` is what the agent itself reports as its sum."""

    total: int
    input: int
    output: int
    cache_read: int = 0
    cache_write: int = 0


class UsageUpdated(AgentEvent):
    type: Literal["usage_updated"] = "usage_updated"
    model: str | None = None
    tokens: TokenTotals
    #: Tokens in the model's context after the last answer, and how many fit, where known.
    context_used: int | None = None
    context_limit: int | None = None


class AgentFailed(AgentEvent):
    """The agent itself reported an error: of its model, its network, its limits."""

    type: Literal["agent_failed"] = "agent_failed"
    turn_id: str | None = None
    message: str


class TurnFinished(AgentEvent):
    type: Literal["turn_finished"] = "turn_finished"
    turn_id: str
    status: Literal["completed", "failed", "interrupted"]
    duration_ms: int | None = None


class TranscriptEnded(AgentEvent):
    """A transcript was read to its end. `skipped` names the kinds of records that are not shown and counts them."""

    type: Literal["transcript_ended"] = "transcript_ended"
    agent: str
    records: int
    skipped: dict[str, int] = {}
    corrupt: int = 0
    #: Rule name → how many secrets it took out.
    redacted: dict[str, int] = {}


AnyAgentEvent = Annotated[
    PromptSubmitted
    | TurnStarted
    | AgentMessage
    | AgentThought
    | ToolCallStarted
    | ToolCallFinished
    | FileChanged
    | UsageUpdated
    | AgentFailed
    | TurnFinished
    | TranscriptEnded,
    Field(discriminator="type"),
]

AnyEvent = Annotated[
    SessionStarted
    | SessionUpdate
    | SessionEnded
    | ParticipantAdded
    | ParticipantRemoved
    | RoleChanged
    | InviteCreated
    | InviteAccepted
    | InviteWithdrawn
    | ThreadLinked
    | MirrorPaused
    | ChatMessagePosted
    | MessageEdited
    | MessageDeleted
    | ReactionAdded
    | ReactionRemoved
    | FileShared
    | CodeCommented
    | CommentEdited
    | CommentDeleted
    | CommentResolved
    | CommentReopened
    | PromptSubmitted
    | TurnStarted
    | AgentMessage
    | AgentThought
    | ToolCallStarted
    | ToolCallFinished
    | FileChanged
    | UsageUpdated
    | AgentFailed
    | TurnFinished
    | TranscriptEnded,
    Field(discriminator="type"),
]

agent_event_adapter: TypeAdapter[AnyAgentEvent] = TypeAdapter(AnyAgentEvent)
event_adapter: TypeAdapter[AnyEvent] = TypeAdapter(AnyEvent)
