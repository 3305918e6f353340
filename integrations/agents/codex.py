"""Codex's rollout (`$CODEX_HOME/sessions/…/rollout-….jsonl`, as version 0.169 writes it).

Finished items (`event_msg` / `item_completed`) tell the truth; the model's own records (`response_item`) repeat them
and are used for one thing only: calls begin there, and a call that the sandbox stopped has no item at all. Totals of
tokens are running ones: the last counts.
"""

from __future__ import annotations

import re
from typing import Any

import orjson

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
from integrations.agents.diffs import Diff, counted, whole_file, written_by_heredoc
from integrations.agents.finishing import one_line, relative

Record = dict[str, Any]

_STATUS: dict[str, Any] = {"completed": "completed", "failed": "failed", "declined": "denied"}
_CHANGES: dict[str, Any] = {"add": "added", "delete": "deleted", "update": "modified"}
_READS = frozenset({"read", "list_files"})


class Codex:
    """Reads the records of one thread."""

    agent = "codex"

    def __init__(self) -> None:
        self._directory = ""
        self._model: str | None = None
        self._turn = ""
        #: Calls that began and have not ended: call id → the command, where there is one.
        self._open: dict[str, str] = {}
        self._total = -1

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
        match name:
            case "session_meta":
                self._directory = str(payload.get("cwd", ""))
            case "turn_context":
                self._model = payload.get("model") or self._model
            case "event_msg/task_started":
                self._turn = str(payload["turn_id"])
                return [TurnStarted(turn_id=self._turn, agent=self.agent, model=self._model, occurred_at=_time(record))]
            case "event_msg/task_complete":
                return self._turn_ended(record, "completed")
            case "event_msg/turn_aborted":
                return self._turn_ended(record, "interrupted")
            case "event_msg/error" | "event_msg/stream_error":
                failed = AgentFailed(
                    turn_id=self._turn or None, message=str(payload["message"]), occurred_at=_time(record)
                )
                return [failed]
            case "event_msg/token_count":
                return self._tokens(record) or name
            case "event_msg/item_completed":
                return self._item(record) or f"{name}/{payload['item'].get('type', '')}"
            case "response_item/function_call" | "response_item/custom_tool_call":
                return [self._started(record)]
            case "response_item/function_call_output" | "response_item/custom_tool_call_output":
                return self._output(record) or name
            case _:
                pass
        return name

    def end(self) -> list[AgentEvent]:
        return self._turn_ended({"payload": {}}, "interrupted") if self._turn else []

    def _turn_ended(self, record: Record, status: Any) -> list[AgentEvent]:
        turn, self._turn = self._turn, ""
        duration = record["payload"].get("duration_ms")
        return [TurnFinished(turn_id=turn, status=status, duration_ms=duration, occurred_at=_time(record))]

    def _tokens(self, record: Record) -> list[AgentEvent]:
        info = record["payload"].get("info")
        if not info:
            return []
        totals = info["total_token_usage"]
        if totals["total_tokens"] == self._total:
            return []
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
                context_used=info.get("last_token_usage", {}).get("total_tokens"),
                context_limit=info.get("model_context_window"),
                occurred_at=_time(record),
            )
        ]

    # ── Calls ─────────────────────────────────────────────────────────────────────────────────────────────────────────

    def _started(self, record: Record) -> ToolCallStarted:
        payload = record["payload"]
        given = _arguments(payload.get("arguments", payload.get("input", "")))
        command = str(given.get("cmd") or given.get("command") or "") if isinstance(given, dict) else str(given)
        name = str(payload["name"])
        is_patch = "*** Begin Patch" in command or name == "apply_patch"
        kind: ToolKind = "edit" if is_patch else "execute" if command else "other"
        self._open[payload["call_id"]] = command
        return ToolCallStarted(
            turn_id=self._turn,
            call_id=payload["call_id"],
            tool=name[:80],
            kind=kind,
            title=_patch_title(command) if is_patch else one_line(command) or name,
            input=command or orjson.dumps(given, option=orjson.OPT_INDENT_2).decode(),
            occurred_at=_time(record),
        )

    def _output(self, record: Record) -> list[AgentEvent]:
        """The end of a call that no item has ended: the sandbox stopped it, or it is a tool without items."""
        call_id = record["payload"]["call_id"]
        if call_id not in self._open:
            return []
        del self._open[call_id]
        text = _output_text(record["payload"].get("output"))
        code = re.search(r"^Process exited with code (-?\d+)$", text, re.MULTILINE)
        exit_code = int(code[1]) if code else None
        finished = ToolCallFinished(
            turn_id=self._turn,
            call_id=call_id,
            status="failed" if exit_code else "completed",
            output=text.split("\nOutput:\n", 1)[-1],
            exit_code=exit_code,
            occurred_at=_time(record),
        )
        return [finished]

    # ── Items ─────────────────────────────────────────────────────────────────────────────────────────────────────────

    def _item(self, record: Record) -> list[AgentEvent]:
        item, at = record["payload"]["item"], _time(record)
        match item.get("type"):
            case "UserMessage":
                text = _texts(item["content"])
                if not text.strip() or text.lstrip().startswith("<environment_context>"):
                    return []
                return [PromptSubmitted(turn_id=self._turn, text=text, occurred_at=at)]
            case "AgentMessage" if _texts(item["content"]).strip():
                return [AgentMessage(turn_id=self._turn, text=_texts(item["content"]), occurred_at=at)]
            case "Reasoning":
                text = "\n\n".join([*item.get("summary_text", []), *item.get("raw_content", [])])
                return [AgentThought(turn_id=self._turn, text=text, occurred_at=at)] if text.strip() else []
            case "CommandExecution":
                return self._command(item, at)
            case "FileChange":
                return self._files(item, at)
            case _:
                return []

    def _begin_if_new(self, item: Record, kind: ToolKind, title: str, given: str, at: str | None) -> list[AgentEvent]:
        """A start for an item whose call was not recorded."""
        if self._open.pop(item["id"], None) is not None:
            return []
        started = ToolCallStarted(
            turn_id=self._turn,
            call_id=item["id"],
            tool="shell" if kind != "edit" else "apply_patch",
            kind=kind,
            title=title,
            input=given,
            occurred_at=at,
        )
        return [started]

    def _command(self, item: Record, at: str | None) -> list[AgentEvent]:
        command = _command_text(item["command"])
        parsed = [part.get("type") for part in item.get("parsed_cmd", [])]
        kind: ToolKind = "read" if parsed and set(parsed) <= _READS else "execute"
        duration = item.get("duration") or {}
        status = _STATUS.get(item["status"], "failed")
        if status == "completed" and item.get("exit_code"):
            status = "failed"
        finished = ToolCallFinished(
            turn_id=self._turn,
            call_id=item["id"],
            status=status,
            output=item.get("aggregated_output") or "",
            exit_code=item.get("exit_code"),
            duration_ms=int(duration.get("secs", 0) * 1_000 + duration.get("nanos", 0) / 1e6),
            reason="declined" if status == "denied" else None,
            occurred_at=at,
        )
        written = written_by_heredoc(command) if status == "completed" else None
        changes: list[AgentEvent] = []
        if written is not None:
            diff = whole_file(written.content, "+")
            changes = [self._changed(item, written.path, "added", diff, at)]
        return [*self._begin_if_new(item, kind, one_line(command), command, at), finished, *changes]

    def _files(self, item: Record, at: str | None) -> list[AgentEvent]:
        status = _STATUS.get(item["status"], "failed")
        paths = ", ".join(relative(path, self._directory) for path in item["changes"])
        finished = ToolCallFinished(
            turn_id=self._turn,
            call_id=item["id"],
            status=status,
            output=item.get("stdout") or item.get("stderr") or "",
            reason=(item.get("stderr") or "declined") if status == "denied" else None,
            occurred_at=at,
        )
        changes: list[AgentEvent] = []
        if status == "completed":
            changes = [self._file(item, path, change, at) for path, change in item["changes"].items()]
        return [*self._begin_if_new(item, "edit", f"Edit {paths}", "", at), finished, *changes]

    def _file(self, item: Record, path: str, change: Record, at: str | None) -> FileChanged:
        kind = str(change["type"])
        if kind == "update":
            diff = counted(str(change["unified_diff"]).rstrip("\n"))
        else:
            diff = whole_file(str(change.get("content", "")), "+" if kind == "add" else "-")
        moved = change.get("move_path")
        if moved:
            renamed = self._changed(item, str(moved), "renamed", diff, at)
            return renamed.model_copy(update={"old_path": relative(path, self._directory)})
        return self._changed(item, path, _CHANGES[kind], diff, at)

    def _changed(self, item: Record, path: str, change: Any, diff: Diff, at: str | None) -> FileChanged:
        return FileChanged(
            turn_id=self._turn,
            call_id=item["id"],
            path=relative(path, self._directory),
            change=change,
            added=diff.added,
            removed=diff.removed,
            diff=diff.text,
            occurred_at=at,
        )


def _arguments(given: Any) -> Any:
    if not isinstance(given, str):
        return given
    try:
        return orjson.loads(given)
    except orjson.JSONDecodeError:
        return given


def _command_text(command: Any) -> str:
    """What was run, without the shell around it."""
    if isinstance(command, list) and len(command) == 3 and command[1] in ("-lc", "-c"):
        return str(command[2])
    return " ".join(str(word) for word in command) if isinstance(command, list) else str(command)


def _patch_title(command: str) -> str:
    paths = re.findall(r"^\*\*\* (?:Add|Update|Delete) File: (.+)$", command, re.MULTILINE)
    return f"Edit {', '.join(paths)}" if paths else "Edit files"


def _output_text(output: Any) -> str:
    if isinstance(output, dict):
        output = output.get("content", output.get("output", ""))
    return output if isinstance(output, str) else orjson.dumps(output).decode()


def _texts(content: Any) -> str:
    return "\n".join(str(part.get("text", "")) for part in content if part.get("type") in ("text", "Text"))


def _time(record: Record) -> str | None:
    found = record.get("timestamp")
    return found if isinstance(found, str) else None
