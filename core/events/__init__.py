"""Every event of a session's log: a fact, frozen, named in the past tense or as the thing that appeared.

What is stored is what is sent: a log entry is one JSON object, `{"type", "seq", "at", "actor_id", …body}`, the same on
the socket, over HTTP and in an export. A body's model is its public schema. Fields are only ever added, with a default;
a change of meaning raises `VERSION` and adds an upcast.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, TypeAdapter

from core.events.agent import (
    AgentEvent,
    AgentFailed,
    AgentMessage,
    AgentThought,
    FileChanged,
    PromptSubmitted,
    TokenTotals,
    ToolCallFinished,
    ToolCallStarted,
    ToolKind,
    TranscriptEnded,
    TurnFinished,
    TurnStarted,
    UsageUpdated,
)
from core.events.chat import ChatMessagePosted, MessageDeleted, MessageEdited, ReactionAdded, ReactionRemoved
from core.events.files import CodeCommented, CommentDeleted, CommentEdited, CommentReopened, CommentResolved, FileShared
from core.events.parts import (
    MAX_AGENT_TEXT,
    MAX_DIFF,
    MAX_MESSAGE,
    MAX_OUTPUT,
    ChatMessage,
    CodeComment,
    CodeRef,
    Event,
    MessageFile,
    Person,
    Role,
    Source,
    Value,
)
from core.events.session import (
    InviteAccepted,
    InviteCreated,
    InviteDeclined,
    InviteLapsed,
    InviteWithdrawn,
    KnockAnswered,
    Knocked,
    MirrorPaused,
    MirrorResumed,
    ParticipantAdded,
    ParticipantRemoved,
    PersonErased,
    RoleChanged,
    SessionEnded,
    SessionStarted,
    SessionUpdate,
    ThreadLinked,
)

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
    | InviteDeclined
    | InviteLapsed
    | Knocked
    | KnockAnswered
    | PersonErased
    | ThreadLinked
    | MirrorPaused
    | MirrorResumed
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

__all__ = [
    "MAX_AGENT_TEXT",
    "MAX_DIFF",
    "MAX_MESSAGE",
    "MAX_OUTPUT",
    "AgentEvent",
    "AgentFailed",
    "AgentMessage",
    "AgentThought",
    "AnyAgentEvent",
    "AnyEvent",
    "ChatMessage",
    "ChatMessagePosted",
    "CodeComment",
    "CodeCommented",
    "CodeRef",
    "CommentDeleted",
    "CommentEdited",
    "CommentReopened",
    "CommentResolved",
    "Event",
    "FileChanged",
    "FileShared",
    "InviteAccepted",
    "InviteCreated",
    "InviteDeclined",
    "InviteLapsed",
    "InviteWithdrawn",
    "KnockAnswered",
    "Knocked",
    "MessageDeleted",
    "MessageEdited",
    "MessageFile",
    "MirrorPaused",
    "MirrorResumed",
    "ParticipantAdded",
    "ParticipantRemoved",
    "Person",
    "PersonErased",
    "PromptSubmitted",
    "ReactionAdded",
    "ReactionRemoved",
    "Role",
    "RoleChanged",
    "SessionEnded",
    "SessionStarted",
    "SessionUpdate",
    "Source",
    "ThreadLinked",
    "TokenTotals",
    "ToolCallFinished",
    "ToolCallStarted",
    "ToolKind",
    "TranscriptEnded",
    "TurnFinished",
    "TurnStarted",
    "UsageUpdated",
    "Value",
    "agent_event_adapter",
    "event_adapter",
]
