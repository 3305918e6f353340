"""What single rows of Claude Code's transcript say: usage, outcome, text, time. Nothing here remembers anything."""

from __future__ import annotations

import re
from typing import Any, Literal

from core.events import TokenTotals, ToolKind

Record = dict[str, Any]
Outcome = Literal["completed", "failed", "denied", "cancelled"]

KINDS: dict[str, ToolKind] = {
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
    "ExitPlanMode": "think",
}
#: Texts that the program writes in the user's name.
NOT_A_PROMPT = ("<command-", "<local-command", "<bash-", "Caveat:", "<system-reminder", "<task-notification")
INTERRUPTED = "[Request interrupted by user"
#: What a refused call answered before records had a field for it.
_REFUSED = "The user doesn't want to proceed with this tool use."


class Usage:
    """Running totals. Every row of a message repeats the message's usage: it counts once, the largest wins."""

    def __init__(self) -> None:
        self._messages: dict[str, dict[str, int]] = {}
        self._total: int | None = None

    def add(self, message_id: str, usage: Record) -> TokenTotals | None:
        """The totals, if this row changes them."""
        mine = {
            "input": int(usage.get("input_tokens") or 0),
            "output": int(usage.get("output_tokens") or 0),
            "cache_read": int(usage.get("cache_read_input_tokens") or 0),
            "cache_write": int(usage.get("cache_creation_input_tokens") or 0),
        }
        known = self._messages.get(message_id, {})
        self._messages[message_id] = {name: max(count, known.get(name, 0)) for name, count in mine.items()}
        sums = {name: sum(one[name] for one in self._messages.values()) for name in mine}
        total = sum(sums.values())
        if total == self._total:
            return None
        self._total = total
        return TokenTotals(total=total, **sums)


def context_of(usage: Record) -> int:
    """Tokens in the model's context after a message."""
    names = ("input_tokens", "output_tokens", "cache_read_input_tokens", "cache_creation_input_tokens")
    return sum(int(usage.get(name) or 0) for name in names)


def outcome(record: Record, is_error: bool, output: str) -> tuple[int | None, Outcome, str | None]:
    """Exit code, status and reason of a finished call. A refusal says who refused, in the words that were given."""
    decision = record.get("permissionDecision")
    is_refused = isinstance(decision, dict) and decision.get("decision") in ("reject", "deny")
    if is_refused or record.get("toolDenialKind") or (is_error and output.startswith(_REFUSED)):
        return None, "denied", output.strip() or str(record.get("toolDenialKind") or "denied")
    exit_code = re.match(r"\AExit code (\d{1,9})", output) if is_error else None
    if exit_code:
        return int(exit_code[1]), "failed" if int(exit_code[1]) else "completed", None
    result = record.get("toolUseResult")
    if isinstance(result, dict) and result.get("interrupted"):
        return None, "cancelled", None
    return None, "failed" if is_error else "completed", None


def text_of(content: Any) -> str:
    """The text of a result; parts that are no text are named."""
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        return "\n".join(str(part.get("text", f"[{part.get('type')}]")) for part in content)
    return ""


def whole_content(file: Record) -> str | None:
    """The content of a file that was read, if it was read from its first line to its last."""
    is_whole = file.get("startLine") == 1 and file.get("numLines", 0) >= file.get("totalLines", 1)
    return str(file["content"]) if is_whole and "content" in file else None


def time_of(record: Record) -> str | None:
    found = record.get("timestamp")
    return found if isinstance(found, str) else None
