"""The text of a message or a comment as it is stored."""

from __future__ import annotations

from core.errors import BodyEmpty, BodyTooLong
from core.events import MAX_MESSAGE


def normal_content(text: str, *, may_be_empty: bool = False) -> str:
    """`text` as it is stored: NUL, which Postgres cannot hold, and outer blank lines are taken off.

    Raises: BodyEmpty, BodyTooLong.
    """
    content = text.replace("\x00", "").strip("\n").rstrip()
    if not content.strip():
        if may_be_empty:
            return ""
        raise BodyEmpty
    if len(content) > MAX_MESSAGE:
        raise BodyTooLong(f"That message is {len(content):,} characters long; {MAX_MESSAGE:,} fit. Split it.")
    try:
        content.encode()
    except UnicodeEncodeError:
        return content.encode("utf-8", "replace").decode()
    return content
