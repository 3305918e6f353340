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
_NOT_TEXT = frozenset({"type", "occurred_at", "status", "change", "kind", "agent"})
#: Unfit to be stored or shown: NUL, lone surrogates.
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
#: Colours, cursor movements and titles of terminals (ECMA-48): they do nothing in a browser, and a colour in the middle
#: of a secret (as `grep --color` writes it) would hide it.
_TERMINAL = re.compile(
    r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[PX^_][^\x1b]*(?:\x1b\\)?|[ -/]*[0-~])"
)
#: RFC 3339, which is also what a record's time has to be in order to be believed.
_TIME = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)")


def finish(event: AgentEvent, redact: Callable[[str], str]) -> AgentEvent:
    """`event` with every text redacted, storable and within its limit; `is_truncated` says so where it was cut."""
    changes: dict[str, Any] = {}
    for name in type(event).model_fields:
        value = getattr(event, name)
        if name == "occurred_at" and value is not None and not _TIME.fullmatch(value):
            changes[name] = None
        if isinstance(value, str) and name not in _NOT_TEXT:
            text, is_cut = shortened(redact(plain(value)), _LIMITS.get(name, MAX_LINE))
            changes[name] = text
            if is_cut and name in ("output", "diff") and "is_truncated" in type(event).model_fields:
                changes["is_truncated"] = True
    return event.model_copy(update=changes)


def plain(text: str) -> str:
    """`text` without what only a terminal understands and what no database stores."""
    text = _UNSTORABLE.sub("\ufffd", text)
    return _TERMINAL.sub("", text).replace("\r\n", "\n") if "\x1b" in text or "\r" in text else text


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
