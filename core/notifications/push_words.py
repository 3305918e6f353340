"""What a push says: a title, one line, and the path that a click leads to. It may come up on a locked screen."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

from core.notifications.mailing import PRIVATE
from core.notifications.showing import Item

#: Characters of a title and of the line below it: in any script, and escaped, far from the 3,993 bytes that fit.
MAX_TITLE, MAX_BODY = 90, 160

TEST: dict[str, str] = {
    "title": "Cosession can reach you here",
    "body": "This is the test that you asked for.",
    "path": "/settings",
}


def words_of(items: Sequence[Item], more: int) -> dict[str, str]:
    """A title, one line, and the path that a click leads to: what may stand on a locked screen."""
    first = items[0]
    if len(items) + more > 1:
        titles = list(dict.fromkeys(item.session_title for item in items))
        where = titles[0] if len(titles) == 1 else f"{titles[0]} and elsewhere"
        return {
            "title": f"{len(items) + more} things wait for you",
            "body": _one_line(where, MAX_BODY),
            "path": "/inbox",
        }
    said = next(((PRIVATE if line.is_private else line.text) for line in first.lines), "")
    body = f"{first.session_title}: {said}" if said else first.session_title
    return {"title": _one_line(first.heading, MAX_TITLE), "body": _one_line(body, MAX_BODY), "path": first.path}


def _one_line(text: str, most: int) -> str:
    kept = "".join(" " if unicodedata.category(c) in ("Cc", "Zl", "Zp") else c for c in text)
    line = " ".join("".join(c for c in kept if unicodedata.category(c) not in ("Cf", "Cs", "Co")).split())
    return line if len(line) <= most else line[: most - 1] + "…"
