"""Codex's rollout (`$CODEX_HOME/sessions/…/rollout-….jsonl`, as version 0.169 writes it, and the events before items).

Finished items (`event_msg` / `item_completed`) tell the truth; the model's own records (`response_item`) repeat them
and are used for one thing only: calls begin there, and a call that the sandbox stopped has no item at all. Totals of
tokens are running ones: the last counts; `input` includes what came from the cache, as Codex counts it.
"""

from __future__ import annotations

from typing import Any, Literal

from core.events import (
    AgentEvent,
    AgentFailed,
    AgentMessage,
    AgentThought,
    PromptSubmitted,
    TokenTotals,
    TurnFinished,
    TurnStarted,
    UsageUpdated,
)
from integrations.agents import codex_rows as rows
from integrations.agents.codex_calls import Calls
from integrations.agents.codex_rows import Record, time_of

#: Records of the model's own that begin and end calls.
_CALLS = frozenset(
    f"response_item/{kind}" for call in ("function_call", "custom_tool_call") for kind in (call, f"{call}_output")
)
#: Before there were items, these events said the same, one each.
_EARLIER: dict[str, str] = {
    "user_message": "UserMessage",
    "agent_message": "AgentMessage",
    "agent_reasoning": "Reasoning",
    "exec_command_end": "CommandExecution",
    "patch_apply_end": "FileChange",
}


class Codex:
    """Reads the records of one thread."""

    agent = "codex"

    def __init__(self) -> None:
        self._model: str | None = None
        self._turn = ""
        #: A turn that is on its way: its model is told a few records later.
        self._coming: Record | None = None
        self._has_failed = False
        self._has_items = False
        self._turns = 0
        self._total: int | None = None
        self._calls = Calls()

    @property
    def directory(self) -> str:
        return self._calls.directory

    @staticmethod
    def recognises(record: Record) -> bool:
        return isinstance(record.get("payload"), dict) and isinstance(record.get("type"), str)

    def identity(self, record: Record) -> str:
        ordinal = record.get("ordinal")
        return f"ordinal-{ordinal}" if isinstance(ordinal, int) else ""

    def read(self, record: Record) -> list[AgentEvent] | str:
        kind, payload = str(record["type"]), record["payload"]
        what = str(payload.get("type", ""))
        name = f"{kind}/{what}" if what else kind
        if name == "session_meta":
            self._calls.directory = self._calls.directory or str(payload.get("cwd", ""))
            return name
        if name == "turn_context":
            self._model = payload.get("model") or self._model
            return self._begun() or name
        if name == "event_msg/task_started":
            self._coming = record
            return name
        begun = self._begun() if kind == "event_msg" or name in _CALLS else []
        shown = self._shown(name, what, record)
        if what == "item_completed":
            name += f"/{payload['item'].get('type', '')}"
        return [*begun, *shown] or name

    def _shown(self, name: str, what: str, record: Record) -> list[AgentEvent]:
        payload = record["payload"]
        match name:
            case "event_msg/task_complete":
                return self._turn_ended(record, "failed" if self._has_failed else "completed")
            case "event_msg/turn_aborted":
                return [*self._calls.cancelled(record), *self._turn_ended(record, "interrupted")]
            case "event_msg/error" | "event_msg/stream_error":
                self._has_failed = what == "error"
                message = str(payload["message"])
                return [AgentFailed(turn_id=self._turn or None, message=message, occurred_at=time_of(record))]
            case "event_msg/token_count":
                return self._tokens(record)
            case "event_msg/item_completed":
                self._has_items = True
                return self._item(payload["item"], time_of(record))
            case "response_item/function_call" | "response_item/custom_tool_call":
                return [self._calls.started(record)]
            case "response_item/function_call_output" | "response_item/custom_tool_call_output":
                return self._calls.output(record)
            case _ if name == f"event_msg/{what}" and what in _EARLIER and not self._has_items:
                return self._item(_item_of(_EARLIER[what], payload), time_of(record))
            case _:
                return []

    def end(self) -> list[AgentEvent]:
        return self._turn_ended({"payload": {}}, "interrupted") if self._turn else []

    # ── Turns ─────────────────────────────────────────────────────────────────────────────────────────────────────────

    def _begun(self) -> list[AgentEvent]:
        """The start of a turn that has been announced."""
        coming, self._coming = self._coming, None
        if coming is None:
            return []
        self._turns += 1
        self._turn = self._calls.turn = str(coming["payload"].get("turn_id") or f"turn-{self._turns}")
        self._has_failed = False
        return [TurnStarted(turn_id=self._turn, agent=self.agent, model=self._model, occurred_at=time_of(coming))]

    def _turn_ended(self, record: Record, status: Literal["completed", "failed", "interrupted"]) -> list[AgentEvent]:
        turn, self._turn = self._turn, ""
        duration = record["payload"].get("duration_ms")
        return [TurnFinished(turn_id=turn, status=status, duration_ms=duration, occurred_at=time_of(record))]

    def _tokens(self, record: Record) -> list[AgentEvent]:
        info = record["payload"].get("info")
        if not info or info["total_token_usage"]["total_tokens"] == self._total:
            return []
        totals = info["total_token_usage"]
        self._total = totals["total_tokens"]
        tokens = TokenTotals(
            total=totals["total_tokens"],
            input=totals["input_tokens"],
            output=totals["output_tokens"],
            cache_read=totals.get("cached_input_tokens", 0),
            cache_write=totals.get("cache_write_input_tokens", 0),
        )
        return [
            UsageUpdated(
                model=self._model,
                tokens=tokens,
                context_used=(info.get("last_token_usage") or {}).get("total_tokens"),
                context_limit=info.get("model_context_window"),
                occurred_at=time_of(record),
            )
        ]

    # ── Items ─────────────────────────────────────────────────────────────────────────────────────────────────────────

    def _item(self, item: Record, at: str | None) -> list[AgentEvent]:
        match item.get("type"):
            case "UserMessage":
                text = rows.texts_of(item["content"])
                if not text.strip() or text.lstrip().startswith(("<environment_context>", "<user_instructions>")):
                    return []
                return [PromptSubmitted(turn_id=self._turn, text=text, occurred_at=at)]
            case "AgentMessage" if rows.texts_of(item["content"]).strip():
                return [AgentMessage(turn_id=self._turn, text=rows.texts_of(item["content"]), occurred_at=at)]
            case "Reasoning":
                text = "\n\n".join([*item.get("summary_text", []), *item.get("raw_content", [])])
                return [AgentThought(turn_id=self._turn, text=text, occurred_at=at)] if text.strip() else []
            case "CommandExecution":
                return self._calls.command(item, at)
            case "FileChange":
                return self._calls.edit(item, at)
            case _:
                return []


def _item_of(kind: str, payload: Record) -> Record:
    """An event from before there were items, as an item."""
    text = payload.get("message", payload.get("text", ""))
    is_good = payload.get("success", True) and not payload.get("exit_code")
    item: dict[str, Any] = {
        "status": "completed" if is_good else "failed",
        "aggregated_output": payload.get("stdout", ""),
    }
    return {
        **item,
        **{name: value for name, value in payload.items() if name != "type"},
        "type": kind,
        "id": payload.get("call_id", ""),
        "content": [{"type": "text", "text": text}],
        "summary_text": [text],
    }
