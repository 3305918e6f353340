"""The calls of a Codex thread: they begin in the model's own records and end in items, or where no item comes, in what
the model was told."""

from __future__ import annotations

from typing import Literal

import orjson

from core.events import AgentEvent, FileChanged, ToolCallFinished, ToolCallStarted, ToolKind
from integrations.agents import codex_rows as rows
from integrations.agents.codex_rows import Record, time_of
from integrations.agents.diffs import Diff, counted, whole_file, written_by_heredoc
from integrations.agents.files import Files
from integrations.agents.finishing import one_line, relative

Change = Literal["added", "modified", "deleted", "renamed"]

_CHANGES: dict[str, Change] = {"add": "added", "delete": "deleted", "update": "modified"}
_READS = frozenset({"read", "list_files", "search"})


class Calls:
    """Calls and the files that they change. `turn` and `directory` are those of the thread."""

    def __init__(self) -> None:
        self.turn = ""
        self.directory = ""
        self._open: set[str] = set()
        self._ended: set[str] = set()
        self._files = Files()

    def started(self, record: Record) -> ToolCallStarted:
        """The start of a call, as the model made it."""
        payload = record["payload"]
        given = rows.arguments_of(payload.get("arguments", payload.get("input", "")))
        command = rows.command_of(given.get("cmd") or given.get("command")) if isinstance(given, dict) else str(given)
        name = str(payload["name"])
        is_patch = "*** Begin Patch" in command or name == "apply_patch"
        kind: ToolKind = "edit" if is_patch else "execute" if command else "think" if name == "update_plan" else "other"
        self._open.add(payload["call_id"])
        return ToolCallStarted(
            turn_id=self.turn,
            call_id=payload["call_id"],
            tool=name[:80],
            kind=kind,
            title=rows.patch_title(command) if is_patch else one_line(command) or name,
            input=command or orjson.dumps(given, option=orjson.OPT_INDENT_2).decode(),
            occurred_at=time_of(record),
        )

    def output(self, record: Record) -> list[AgentEvent]:
        """The end of a call that no item has ended: the sandbox stopped it, or it is a tool without items."""
        call_id = record["payload"]["call_id"]
        answer = rows.answer_of(record["payload"].get("output"))
        if call_id not in self._open or answer.is_running:
            return []
        self._end(call_id)
        finished = ToolCallFinished(
            turn_id=self.turn,
            call_id=call_id,
            status=answer.status,
            output=answer.output,
            exit_code=answer.exit_code,
            reason=answer.reason,
            occurred_at=time_of(record),
        )
        return [finished]

    def cancelled(self, record: Record) -> list[AgentEvent]:
        """The end of the calls that the end of their turn left without a result."""
        left, self._open = sorted(self._open), set()
        self._ended.update(left)
        at = time_of(record)
        return [ToolCallFinished(turn_id=self.turn, call_id=c, status="cancelled", occurred_at=at) for c in left]

    def _end(self, call_id: str) -> None:
        self._open.discard(call_id)
        self._ended.add(call_id)

    def _begun_if_new(self, item: Record, kind: ToolKind, title: str, given: str, at: str | None) -> list[AgentEvent]:
        """A start for an item whose call was not recorded."""
        is_new = item["id"] not in self._open
        self._end(item["id"])
        if not is_new:
            return []
        started = ToolCallStarted(
            turn_id=self.turn,
            call_id=item["id"],
            tool="shell" if kind != "edit" else "apply_patch",
            kind=kind,
            title=title,
            input=given,
            occurred_at=at,
        )
        return [started]

    def command(self, item: Record, at: str | None) -> list[AgentEvent]:
        """The end of a command, and the file that it wrote, if it shows all of it."""
        if item["id"] in self._ended:
            return []
        command, folder = rows.command_of(item["command"]), str(item.get("cwd") or self.directory)
        parsed = [part for part in item.get("parsed_cmd", []) if isinstance(part, dict)]
        is_reading = bool(parsed) and {part.get("type") for part in parsed} <= _READS
        status = rows.STATUS.get(str(item["status"]), "failed")
        if status == "completed" and item.get("exit_code"):
            status = "failed"
        output = item.get("aggregated_output") or ""
        finished = ToolCallFinished(
            turn_id=self.turn,
            call_id=item["id"],
            status=status,
            output=output,
            exit_code=item.get("exit_code"),
            duration_ms=rows.milliseconds(item.get("duration")),
            reason=output.strip() or "declined" if status == "denied" else None,
            occurred_at=at,
        )
        started = self._begun_if_new(item, "read" if is_reading else "execute", one_line(command), command, at)
        if status != "completed":
            return [*started, finished]
        for part in parsed:
            if part.get("type") == "read" and part.get("path"):
                self._files.saw(self._relative(str(part["path"]), folder))
        return [*started, finished, *self._by_command(item, command, folder, at)]

    def _by_command(self, item: Record, command: str, folder: str, at: str | None) -> list[AgentEvent]:
        written = written_by_heredoc(command)
        if written is None:
            return []
        path = self._relative(written.path, folder)
        change, diff = self._files.written(path, written.content)
        return [self._changed(item, path, change, diff, at)]

    def edit(self, item: Record, at: str | None) -> list[AgentEvent]:
        """The end of a patch, and what it did to each file."""
        if item["id"] in self._ended:
            return []
        status = rows.STATUS.get(str(item["status"]), "failed")
        paths = ", ".join(relative(path, self.directory) for path in item["changes"])
        refusal = item.get("stderr") or item.get("stdout") or "declined"
        finished = ToolCallFinished(
            turn_id=self.turn,
            call_id=item["id"],
            status=status,
            output="" if status == "denied" else item.get("stdout") or item.get("stderr") or "",
            reason=refusal if status == "denied" else None,
            occurred_at=at,
        )
        changes: list[AgentEvent] = []
        if status == "completed":
            changes = [self._file(item, path, change, at) for path, change in item["changes"].items()]
        return [*self._begun_if_new(item, "edit", f"Edit {paths}", "", at), finished, *changes]

    def _file(self, item: Record, given: str, change: Record, at: str | None) -> FileChanged:
        kind, path = str(change["type"]), relative(given, self.directory)
        content = str(change.get("content", ""))
        if kind == "update":
            diff = counted(str(change["unified_diff"]).rstrip("\n"))
        else:
            diff = whole_file(content, "+" if kind == "add" else "-")
        moved = change.get("move_path")
        if kind == "delete" or moved:
            self._files.gone(path)
        if moved:
            renamed = self._changed(item, relative(str(moved), self.directory), "renamed", diff, at)
            return renamed.model_copy(update={"old_path": path})
        if kind != "delete":
            self._files.saw(path, content if kind == "add" else None)
        return self._changed(item, path, _CHANGES[kind], diff, at)

    def _changed(self, item: Record, path: str, change: Change, diff: Diff, at: str | None) -> FileChanged:
        return FileChanged(
            turn_id=self.turn,
            call_id=item["id"],
            path=path,
            change=change,
            added=diff.added,
            removed=diff.removed,
            diff=diff.text,
            occurred_at=at,
        )

    def _relative(self, path: str, folder: str) -> str:
        """A path that a command named, which means it from the folder that it ran in."""
        return relative(path if path.startswith("/") else f"{folder.removeprefix('file://')}/{path}", self.directory)
