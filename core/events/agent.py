"""What the agent, or its operator at the terminal, did."""

from __future__ import annotations

from typing import Literal

from core.events.parts import Event, Value


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
