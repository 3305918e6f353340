"""What every text of an event goes through before it leaves: secrets out, then cut to size. In this order, because half
a secret is not recognised as one."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import PurePosixPath
from typing import Any

from core.events import MAX_AGENT_TEXT, MAX_DIFF, MAX_OUTPUT, AgentEvent

#: Longest texts by field, in characters; the rest is cut to a line.
_LIMITS = {
    "text": MAX_AGENT_TEXT,
    "message": MAX_AGENT_TEXT,
    "output": MAX_OUTPUT,
    "input": MAX_OUTPUT,
    "diff": MAX_DIFF,
}
MAX_LINE = 400
#: What identifies or classifies, and is made by us or checked against a list.
_NOT_TEXT = frozenset({"type", "turn_id", "call_id", "occurred_at", "status", "change", "kind", "agent"})
#: Unfit to be stored or shown: NUL, lone surrogates.
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def finish(event: AgentEvent, redact: Callable[[str], str]) -> AgentEvent:
    """`event` with every text redacted, storable and within its limit; `is_truncated` says so where it was cut."""
    changes: dict[str, Any] = {}
    for name in type(event).model_fields:
        value = getattr(event, name)
        if isinstance(value, str) and name not in _NOT_TEXT:
            text, is_cut = shortened(redact(_UNSTORABLE.sub("\ufffd", value)), _LIMITS.get(name, MAX_LINE))
            changes[name] = text
            if is_cut and name in ("output", "diff") and "is_truncated" in type(event).model_fields:
                changes["is_truncated"] = True
    return event.model_copy(update=changes)


def shortened(text: str, limit: int) -> tuple[str, bool]:
    """`text` within `limit` characters: its head and its tail, with a line between that says how much is missing."""
    if len(text) <= limit:
        return text, False
    if limit <= MAX_LINE:
        return text[: limit - 1] + "…", True
    note = f"\n… {len(text) - limit:,} characters left out …\n"
    head = (limit - len(note)) * 2 // 3
    tail = limit - len(note) - head
    return text[:head] + note + text[-tail:], True


def relative(path: str, directory: str) -> str:
    """A path as people of the project know it: relative to the session's directory; elsewhere with the home directory,
    which names a person, shortened to `~`."""
    path = path.removeprefix("file://")
    if not path.startswith("/"):
        return str(PurePosixPath(path)) if path else path
    try:
        return str(PurePosixPath(path).relative_to(directory.removeprefix("file://") or "/nowhere"))
    except ValueError:
        return re.sub(r"^(?:/home/[^/]+|/Users/[^/]+|/root)(?=/|$)", "~", path)


def one_line(text: str) -> str:
    """The first line that says something."""
    return next((line.strip() for line in text.splitlines() if line.strip()), "")
