"""Claude Code's transcript (`~/.claude/projects/…/SESSION.jsonl`, as version 2.1 writes it).

One row per content block, each repeating the whole message's usage: counted once per message, the largest wins. Most
rows are not conversation; only kinds that are listed here are shown.
"""

from __future__ import annotations

import json
import re
from typing import Any

from core.events import (
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
    TurnFinished,
    TurnStarted,
    UsageUpdated,
)
from integrations.agents.diffs import Diff, from_hunks, whole_file
from integrations.agents.finishing import one_line, relative

Record = dict[str, Any]

_KINDS: dict[str, ToolKind] = {
    "Bash": "execute",
    "BashOutput": "execute",
    "KillShell": "execute",
    "Read": "read",
    "NotebookRead": "read",
    "Edit": "edit",
    "MultiEdit": "edit",
    "Write": "edit",
    "NotebookEdit": "edit",
    "Glob": "search",
    "Grep": "search",
    "LS": "search",
    "WebFetch": "fetch",
    "WebSearch": "fetch",
    "TodoWrite": "think",
    "Task": "other",
}
#: Rows that the program writes in the user's name.
_NOT_A_PROMPT = ("<command-", "<local-command", "Caveat:", "<system-reminder", "[Request interrupted")


class ClaudeCode:
    """Reads the records of one session."""

    agent = "claude-code"

    def __init__(self) -> None:
        self._directory = ""
        self._turn = ""
        self._turn_status: str | None = None
        self._usage: dict[str, dict[str, int]] = {}
        self._total = -1

    @staticmethod
    def recognises(record: Record) -> bool:
        return isinstance(record.get("sessionId"), str) and isinstance(record.get("type"), str)

    def identity(self, record: Record) -> str:
        found = record.get("uuid")
        return found if isinstance(found, str) else ""

    def read(self, record: Record) -> list[AgentEvent] | str:
        kind = str(record.get("type", ""))
        self._directory = self._directory or str(record.get("cwd", ""))
        if kind == "assistant":
            return self._assistant(record)
        if kind == "user":
            return self._user(record)
        if kind == "system":
            subtype = str(record.get("subtype", ""))
            if subtype == "turn_duration":
                return self._close_turn(record, duration_ms=int(record["durationMs"])) or f"system/{subtype}"
            return f"system/{subtype}"
        return kind

    def end(self) -> list[AgentEvent]:
        if not self._turn:
            return []
        self._turn_status = self._turn_status or "interrupted"
        return self._close_turn({})

    # ── What the agent says and does ──────────────────────────────────────────────────────────────────────────────────

    def _assistant(self, record: Record) -> list[AgentEvent] | str:
        message = record["message"]
        usage = self._count(message, _time(record))
        if record.get("isSidechain"):
            return (
                usage or "assistant/sidechain"
            )  # A helper of the agent's own: its tokens count, its words do not show.
        if record.get("isApiErrorMessage"):
            text = " ".join(str(block.get("text", "")) for block in message["content"])
            return [AgentFailed(turn_id=self._turn or None, message=text, occurred_at=_time(record))]
        shown = [event for block in message["content"] for event in self._block(block, _time(record))]
        if message.get("stop_reason") in ("end_turn", "stop_sequence", "max_tokens", "refusal"):
            self._turn_status = "completed" if message["stop_reason"] != "refusal" else "failed"
        return [*shown, *usage] or "assistant/empty"

    def _block(self, block: Record, at: str | None) -> list[AgentEvent]:
        match block.get("type"):
            case "text" if str(block["text"]).strip():
                return [AgentMessage(turn_id=self._turn, text=block["text"], occurred_at=at)]
            case "thinking" if str(block["thinking"]).strip():
                return [AgentThought(turn_id=self._turn, text=block["thinking"], occurred_at=at)]
            case "tool_use":
                return [self._started(block, at)]
            case _:
                return []

    def _started(self, block: Record, at: str | None) -> ToolCallStarted:
        name, given = str(block["name"]), block.get("input") or {}
        return ToolCallStarted(
            turn_id=self._turn,
            call_id=block["id"],
            tool=name[:80],
            kind=_KINDS.get(name, "other"),
            title=self._title(name, given),
            input=str(given["command"]) if "command" in given else json.dumps(given, ensure_ascii=False, indent=2),
            occurred_at=at,
        )

    def _title(self, name: str, given: Record) -> str:
        if "command" in given:
            return one_line(str(given["command"]))
        path = given.get("file_path") or given.get("notebook_path") or given.get("path")
        if path:
            return f"{name} {relative(str(path), self._directory)}"
        detail = given.get("pattern") or given.get("url") or given.get("query") or given.get("description") or ""
        return f"{name} {one_line(str(detail))}".strip()

    def _count(self, message: Record, at: str | None) -> list[AgentEvent]:
        """The running totals, where this row changes them."""
        usage = message.get("usage")
        if not isinstance(usage, dict) or message.get("model") == "<synthetic>":
            return []
        mine = {
            "input": int(usage.get("input_tokens") or 0),
            "output": int(usage.get("output_tokens") or 0),
            "cache_read": int(usage.get("cache_read_input_tokens") or 0),
            "cache_write": int(usage.get("cache_creation_input_tokens") or 0),
        }
        known = self._usage.get(message["id"], {})
        self._usage[message["id"]] = {name: max(count, known.get(name, 0)) for name, count in mine.items()}
        sums = {name: sum(one[name] for one in self._usage.values()) for name in mine}
        total = sum(sums.values())
        if total == self._total:
            return []
        self._total = total
        context = mine["input"] + mine["cache_read"] + mine["cache_write"] + mine["output"]
        tokens = TokenTotals(total=total, **sums)
        return [UsageUpdated(model=message.get("model"), tokens=tokens, context_used=context, occurred_at=at)]

    # ── What comes back to it ─────────────────────────────────────────────────────────────────────────────────────────

    def _user(self, record: Record) -> list[AgentEvent] | str:
        if record.get("isSidechain"):
            return "user/sidechain"
        content = record["message"]["content"]
        if isinstance(content, list):
            results = [block for block in content if block.get("type") == "tool_result"]
            if results:
                return [event for block in results for event in self._finished(record, block)]
            content = "\n".join(str(block["text"]) for block in content if block.get("type") == "text")
        if record.get("isMeta") or not content.strip() or content.lstrip().startswith(_NOT_A_PROMPT):
            return "user/meta"
        return self._prompt(record, content)

    def _prompt(self, record: Record, text: str) -> list[AgentEvent]:
        before = self._close_turn(record)
        self._turn = str(record.get("promptId") or record["uuid"])
        at = _time(record)
        return [
            *before,
            PromptSubmitted(turn_id=self._turn, text=text, occurred_at=at),
            TurnStarted(turn_id=self._turn, agent=self.agent, occurred_at=at),
        ]

    def _close_turn(self, record: Record, duration_ms: int | None = None) -> list[AgentEvent]:
        turn, status = self._turn, self._turn_status
        if not turn:
            return []
        self._turn, self._turn_status = "", None
        said: Any = status or "interrupted"
        return [TurnFinished(turn_id=turn, status=said, duration_ms=duration_ms, occurred_at=_time(record))]

    def _finished(self, record: Record, block: Record) -> list[AgentEvent]:
        result = record.get("toolUseResult")
        output = _text_of(block.get("content"))
        exit_code, status, reason = _outcome(record, bool(block.get("is_error")), output)
        finished = ToolCallFinished(
            turn_id=self._turn,
            call_id=block["tool_use_id"],
            status=status,
            output=re.sub(r"\AExit code \d+\n?", "", output) if status == "failed" else output,
            exit_code=exit_code,
            reason=reason,
            occurred_at=_time(record),
        )
        if status != "completed" or not isinstance(result, dict) or "filePath" not in result:
            return [finished]
        return [finished, *self._changed(record, result, block["tool_use_id"])]

    def _changed(self, record: Record, result: Record, call_id: str) -> list[AgentEvent]:
        hunks = result.get("structuredPatch") or []
        is_new = result.get("type") == "create"
        if not hunks and not is_new:
            return []
        diff: Diff = whole_file(str(result.get("content", "")), "+") if is_new else from_hunks(hunks)
        change = FileChanged(
            turn_id=self._turn,
            call_id=call_id,
            path=relative(str(result["filePath"]), self._directory),
            change="added" if is_new else "modified",
            added=diff.added,
            removed=diff.removed,
            diff=diff.text,
            occurred_at=_time(record),
        )
        return [change]


def _outcome(record: Record, is_error: bool, output: str) -> tuple[int | None, Any, str | None]:
    """Exit code, status and reason of a finished call. A refusal says who refused, in the words that were given."""
    decision = record.get("permissionDecision")
    is_refused = isinstance(decision, dict) and decision.get("decision") == "reject"
    if is_refused or record.get("toolDenialKind"):
        return None, "denied", output.strip() or str(record.get("toolDenialKind") or "denied")
    exit_code = re.match(r"\AExit code (\d+)", output)
    if exit_code:
        return int(exit_code[1]), "failed" if int(exit_code[1]) else "completed", None
    result = record.get("toolUseResult")
    if isinstance(result, dict) and result.get("interrupted"):
        return None, "cancelled", None
    return None, "failed" if is_error else "completed", None


def _text_of(content: Any) -> str:
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        return "\n".join(str(part.get("text", f"[{part.get('type')}]")) for part in content)
    return ""


def _time(record: Record) -> str | None:
    found = record.get("timestamp")
    return found if isinstance(found, str) else None
