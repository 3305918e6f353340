"""What single records of Codex's rollout say: commands, patches, outcomes. Nothing here remembers anything."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Literal

import orjson

Record = dict[str, Any]
Outcome = Literal["completed", "failed", "denied", "cancelled"]

STATUS: dict[str, Outcome] = {"completed": "completed", "failed": "failed", "declined": "denied"}
_EXITED = re.compile(r"^(?:Process exited with code|Exit code:?) (-?\d{1,9})\s*$", re.MULTILINE)
_RUNNING = re.compile(r"^Process running with session ID", re.MULTILINE)
_REFUSED = re.compile(r"(?:rejected|declined|denied) by (?:the )?user|aborted by user", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Answer:
    """What the model was told about a call. `is_running`: the command goes on, its end comes later."""

    status: Outcome
    output: str
    exit_code: int | None = None
    reason: str | None = None
    is_running: bool = False


def answer_of(output: Any) -> Answer:
    """Reads what Codex's versions have written: `Process exited with code N`, or JSON with metadata."""
    text, exit_code = _text_and_code(output)
    if len(text) < 1_000 and _REFUSED.search(text):
        return Answer("denied", "", reason=text.strip())
    if _RUNNING.search(text):
        return Answer("completed", text, is_running=True)
    head, mark, rest = (
        text.rpartition("\nOutput:\n") if text.startswith(("Chunk ID", "Wall time", "Exit code")) else ("", "", text)
    )
    found = _EXITED.search(head) if mark else None
    code = int(found[1]) if found else exit_code
    return Answer("failed" if code else "completed", rest, exit_code=code)


def _text_and_code(output: Any) -> tuple[str, int | None]:
    if isinstance(output, str) and output.startswith("{"):
        output = arguments_of(output)
    if isinstance(output, list):
        return "\n".join(str(part.get("text", "")) for part in output), None
    if not isinstance(output, dict):
        return str(output or ""), None
    metadata = output.get("metadata")
    code = metadata.get("exit_code") if isinstance(metadata, dict) else None
    content = output.get("output", output.get("content", ""))
    text = content if isinstance(content, str) else orjson.dumps(content).decode()
    return text, code if isinstance(code, int) else None


def arguments_of(given: Any) -> Any:
    """A call's arguments, which are JSON in a string, or a text that is none."""
    if not isinstance(given, str):
        return given
    try:
        return orjson.loads(given)
    except orjson.JSONDecodeError:
        return given


def command_of(command: Any) -> str:
    """What was run, without the shell around it."""
    if isinstance(command, list) and len(command) == 3 and command[1] in ("-lc", "-c"):
        return str(command[2])
    return " ".join(str(word) for word in command) if isinstance(command, list) else str(command or "")


def patch_title(patch: str) -> str:
    """One line for a call that edits: the files that its patch names."""
    paths = re.findall(r"^\*\*\* (?:Add|Update|Delete) File: (.+)$", patch, re.MULTILINE)
    return f"Edit {', '.join(paths)}" if paths else "Edit files"


def texts_of(content: Any) -> str:
    return "\n".join(str(part.get("text", "")) for part in content if part.get("type") in ("text", "Text"))


def milliseconds(duration: Any) -> int | None:
    """A duration of seconds and nanoseconds."""
    if not isinstance(duration, dict):
        return None
    return int(duration.get("secs", 0) * 1_000 + duration.get("nanos", 0) / 1e6)


def time_of(record: Record) -> str | None:
    found = record.get("timestamp")
    return found if isinstance(found, str) else None
