"""What the agent is doing, summed up for one message in the thread. Pure.

The message begins with a turn and is edited until the turn is over. Turns that follow each other in a backlog share one
message, so that an imported transcript of fifty turns is not fifty posts.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from core.events import (
    AgentFailed,
    AgentMessage,
    AgentThought,
    Event,
    FileChanged,
    PromptSubmitted,
    ToolCallFinished,
    ToolCallStarted,
    TurnFinished,
    TurnStarted,
    UsageUpdated,
)

Status = Literal["running", "completed", "failed", "interrupted"]


def begins_turn(event: Event) -> bool:
    """Whether a message about the agent may begin with this event."""
    return isinstance(event, PromptSubmitted | TurnStarted)


@dataclass(slots=True)
class Progress:
    """`first_seq` is the entry that the message began with: its id in the thread."""

    first_seq: int
    status: Status = "running"
    turn_id: str = ""
    turns: int = 0
    prompt: str = ""
    agent: str = ""
    step: str = ""
    calls: int = 0
    failed: int = 0
    files: dict[str, tuple[int, int]] = field(default_factory=dict[str, tuple[int, int]])
    tokens: int | None = None
    answer: str = ""
    problem: str = ""

    @property
    def lines_added(self) -> int:
        return sum(added for added, _ in self.files.values())

    @property
    def lines_removed(self) -> int:
        return sum(removed for _, removed in self.files.values())

    def apply(self, event: Event) -> bool:
        """Takes one entry in. False when it is none of the agent's."""
        match event:
            case PromptSubmitted():
                self._turn(event.turn_id)
                self.prompt = event.text
            case TurnStarted():
                self._turn(event.turn_id)
                self.agent = event.agent
            case AgentThought():
                self.step = "Thinking"
            case AgentMessage():
                self.answer = event.text
                self.step = ""
            case ToolCallStarted():
                self.calls += 1
                self.step = event.title
            case ToolCallFinished():
                self.failed += event.status == "failed"
            case FileChanged():
                added, removed = self.files.get(event.path, (0, 0))
                self.files[event.path] = (added + event.added, removed + event.removed)
            case UsageUpdated():
                self.tokens = event.tokens.total
            case AgentFailed():
                self.problem = event.message
            case TurnFinished():
                self.status = event.status
                self.step = ""
            case _:
                return False
        return True

    def _turn(self, turn_id: str) -> None:
        if turn_id != self.turn_id:
            self.turn_id = turn_id
            self.turns += 1
            self.prompt = self.answer = self.step = self.problem = ""
        self.status = "running"
