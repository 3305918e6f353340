"""Claude Code's transcript (`~/.claude/projects/…/SESSION.jsonl`, as version 2.1 writes it).

One row per content block, each repeating the whole message's usage. Most rows are not conversation; only kinds that are
listed here are shown. Of a helper of the agent's own (`isSidechain`) what it does shows and its tokens count; what the
two say to each other does not.
"""

from __future__ import annotations

import json
import re
from typing import Literal

from core.events import (
    AgentEvent,
    AgentFailed,
    AgentMessage,
    AgentThought,
    FileChanged,
    PromptSubmitted,
    ToolCallFinished,
    ToolCallStarted,
    TurnFinished,
    TurnStarted,
    UsageUpdated,
)
from integrations.agents import claude_rows as rows
from integrations.agents.claude_rows import Record, time_of
from integrations.agents.diffs import Diff, from_hunks, whole_file, written_by_heredoc
from integrations.agents.files import Files
from integrations.agents.finishing import one_line, relative

TurnStatus = Literal["completed", "failed", "interrupted"]

#: What a message that ends a turn says about it.
_ENDS: dict[str, TurnStatus] = {
    "end_turn": "completed",
    "stop_sequence": "completed",
    "max_tokens": "completed",
    "refusal": "failed",
}


class ClaudeCode:
    """Reads the records of one session."""

    agent = "claude-code"

    def __init__(self) -> None:
        self._directory = ""
        self._turn = ""
        #: How the turn would end if it ended now; None while the agent works.
        self._turn_status: TurnStatus | None = None
        #: Calls that began and have not ended: call id → the command, where there is one.
        self._open: dict[str, str] = {}
        self._usage = rows.Usage()
        self._files = Files()
        self._last_at: str | None = None

    @property
    def directory(self) -> str:
        return self._directory

    @staticmethod
    def recognises(record: Record) -> bool:
        return isinstance(record.get("sessionId"), str) and isinstance(record.get("type"), str)

    def identity(self, record: Record) -> str:
        found = record.get("uuid")
        return found if isinstance(found, str) else ""

    def read(self, record: Record) -> list[AgentEvent] | str:
        kind = str(record.get("type", ""))
        self._directory = self._directory or str(record.get("cwd", ""))
        self._last_at = time_of(record) or self._last_at
        if kind == "assistant":
            return self._assistant(record)
        if kind == "user":
            return self._user(record)
        if kind == "system":
            subtype = str(record.get("subtype", ""))
            if subtype == "turn_duration":
                return self._close_turn(duration_ms=int(record["durationMs"])) or f"system/{subtype}"
            return f"system/{subtype}"
        if kind == "cost-state" and self._turn_status is not None:
            return self._close_turn() or kind  # Where nobody sits at a terminal, this is what ends a turn.
        return kind

    def end(self) -> list[AgentEvent]:
        self._open.clear()  # The reading ends here; what runs may well end later.
        return self._close_turn()

    # ── Turns ─────────────────────────────────────────────────────────────────────────────────────────────────────────

    def _prompt(self, record: Record, text: str) -> list[AgentEvent]:
        before = self._close_turn()
        self._turn = str(record.get("promptId") or record["uuid"])
        at = time_of(record)
        return [
            *before,
            PromptSubmitted(turn_id=self._turn, text=text, occurred_at=at),
            TurnStarted(turn_id=self._turn, agent=self.agent, occurred_at=at),
        ]

    def _begin_turn_if_none(self, record: Record) -> list[AgentEvent]:
        """A turn that no person's prompt began: a hook or a notification did, or the first part is missing."""
        if self._turn:
            return []
        self._turn = str(record["uuid"])
        return [TurnStarted(turn_id=self._turn, agent=self.agent, occurred_at=time_of(record))]

    def _close_turn(self, duration_ms: int | None = None) -> list[AgentEvent]:
        """The end of the turn, if one runs. Calls that an interruption left without a result were cancelled."""
        turn, status, at = self._turn, self._turn_status or "interrupted", self._last_at
        left = list(self._open) if status == "interrupted" else []
        self._turn, self._turn_status = "", None
        self._open.clear()
        if not turn:
            return []
        return [
            *(ToolCallFinished(turn_id=turn, call_id=call, status="cancelled", occurred_at=at) for call in left),
            TurnFinished(turn_id=turn, status=status, duration_ms=duration_ms, occurred_at=at),
        ]

    # ── What the agent says and does ──────────────────────────────────────────────────────────────────────────────────

    def _assistant(self, record: Record) -> list[AgentEvent] | str:
        message = record["message"]
        blocks: list[Record] = message["content"]
        usage = self._count(message, record)
        if record.get("isSidechain"):
            done = [self._started(block, record) for block in blocks if block.get("type") == "tool_use"]
            return [*done, *usage] or "assistant/sidechain"
        begun = self._begin_turn_if_none(record)
        if record.get("isApiErrorMessage"):
            self._turn_status = "failed"
            failed = AgentFailed(turn_id=self._turn, message=rows.text_of(blocks), occurred_at=time_of(record))
            return [*begun, failed]
        shown = [event for block in blocks for event in self._block(block, record)]
        self._turn_status = _ENDS.get(str(message.get("stop_reason")))
        return [*begun, *shown, *usage] or "assistant/" + str(blocks[0].get("type", "") if blocks else "empty")

    def _block(self, block: Record, record: Record) -> list[AgentEvent]:
        match block.get("type"):
            case "text" if str(block["text"]).strip():
                return [AgentMessage(turn_id=self._turn, text=block["text"], occurred_at=time_of(record))]
            case "thinking" if str(block["thinking"]).strip():
                return [AgentThought(turn_id=self._turn, text=block["thinking"], occurred_at=time_of(record))]
            case "tool_use":
                return [self._started(block, record)]
            case _:
                return []

    def _started(self, block: Record, record: Record) -> ToolCallStarted:
        name, given = str(block["name"]), block.get("input") or {}
        self._open[block["id"]] = str(given.get("command", ""))
        return ToolCallStarted(
            turn_id=self._turn,
            call_id=block["id"],
            tool=name[:80],
            kind=rows.KINDS.get(name, "other"),
            title=self._title(name, given),
            input=str(given["command"]) if "command" in given else json.dumps(given, ensure_ascii=False, indent=2),
            occurred_at=time_of(record),
        )

    def _title(self, name: str, given: Record) -> str:
        if "command" in given:
            return one_line(str(given["command"]))
        path = given.get("file_path") or given.get("notebook_path") or given.get("path")
        if path:
            return f"{name} {relative(str(path), self._directory)}"
        detail = given.get("pattern") or given.get("url") or given.get("query") or given.get("description") or ""
        return f"{name} {one_line(str(detail))}".strip()

    def _count(self, message: Record, record: Record) -> list[AgentEvent]:
        """The running totals, where this row changes them."""
        usage = message.get("usage")
        if not isinstance(usage, dict) or message.get("model") == "<synthetic>":
            return []
        tokens = self._usage.add(message["id"], usage)
        if tokens is None:
            return []
        context = None if record.get("isSidechain") else rows.context_of(usage)
        at = time_of(record)
        return [UsageUpdated(model=message.get("model"), tokens=tokens, context_used=context, occurred_at=at)]

    # ── What comes back to it ─────────────────────────────────────────────────────────────────────────────────────────

    def _user(self, record: Record) -> list[AgentEvent] | str:
        content = record["message"]["content"]
        if isinstance(content, list):
            results = [block for block in content if block.get("type") == "tool_result"]
            if results:
                return [event for block in results for event in self._finished(record, block)]
            content = "\n".join(str(block["text"]) for block in content if block.get("type") == "text")
        if record.get("isSidechain"):
            return "user/sidechain"
        if content.startswith(rows.INTERRUPTED):
            self._turn_status = "interrupted"
            return self._close_turn() or "user/interrupted"
        if record.get("isMeta") or record.get("isCompactSummary") or not content.strip():
            return "user/meta"
        return "user/meta" if content.lstrip().startswith(rows.NOT_A_PROMPT) else self._prompt(record, content)

    def _finished(self, record: Record, block: Record) -> list[AgentEvent]:
        call_id, result = block["tool_use_id"], record.get("toolUseResult")
        output = rows.text_of(block.get("content"))
        exit_code, status, reason = rows.outcome(record, bool(block.get("is_error")), output)
        finished = ToolCallFinished(
            turn_id=self._turn,
            call_id=call_id,
            status=status,
            output=re.sub(r"\AExit code \d+\n?", "", output) if status == "failed" else output,
            exit_code=exit_code,
            reason=reason,
            occurred_at=time_of(record),
        )
        command = self._open.pop(call_id, "")
        if status != "completed" or not isinstance(result, dict):
            return [finished]
        return [finished, *self._changed(record, result, command, call_id)]

    def _changed(self, record: Record, result: Record, command: str, call_id: str) -> list[AgentEvent]:
        """The file that a call changed: by a tool for it, or by a command that shows all that it writes."""
        found = self._by_command(command) or self._by_tool(result)
        if found is None:
            return []
        path, change, diff = found
        changed = FileChanged(
            turn_id=self._turn,
            call_id=call_id,
            path=path,
            change=change,
            added=diff.added,
            removed=diff.removed,
            diff=diff.text,
            occurred_at=time_of(record),
        )
        return [changed]

    def _by_command(self, command: str) -> tuple[str, Literal["added", "modified"], Diff] | None:
        written = written_by_heredoc(command)
        if written is None:
            return None
        path = relative(written.path, self._directory)
        return path, *self._files.written(path, written.content)

    def _by_tool(self, result: Record) -> tuple[str, Literal["added", "modified"], Diff] | None:
        if isinstance(result.get("file"), dict):
            path = relative(str(result["file"].get("filePath", "")), self._directory)
            self._files.saw(path, rows.whole_content(result["file"]))
            return None
        hunks, is_new = result.get("structuredPatch"), result.get("type") == "create"
        if "filePath" not in result or not (hunks or is_new):
            return None
        path, content = relative(str(result["filePath"]), self._directory), result.get("content")
        self._files.saw(path, content if isinstance(content, str) else None)
        if is_new:
            return path, "added", whole_file(str(content or ""), "+")
        return path, "modified", from_hunks(result["structuredPatch"])
