"""What deleting does to the entries that hold a text: the rule that the log and every copy of it follow.

Pure. An entry keeps its number, kind, people and times; what somebody wrote is gone from it.
"""

from __future__ import annotations

from typing import Any

import orjson

from core.events import CommentDeleted, MessageDeleted


def blanked(frame: bytes, deleted: MessageDeleted | CommentDeleted) -> bytes | None:
    """The entry `frame` without the deleted text, or None when it holds none of it."""
    entry: dict[str, Any] = orjson.loads(frame)
    if isinstance(deleted, MessageDeleted):
        body = _message(entry, deleted.message_id)
    else:
        body = _comment(entry, deleted.comment_id)
    if body is None:
        return None
    body["content"] = ""
    body["mentions"] = []
    for name, blank in (("mentions_here", False), ("code_ref", None)):
        if name in body:
            body[name] = blank
    return orjson.dumps(entry)


def _message(entry: dict[str, Any], message_id: str) -> dict[str, Any] | None:
    if entry["type"] == "chat_message" and entry["message"]["id"] == message_id:
        return entry["message"]
    if entry["type"] == "message_edited" and entry["message_id"] == message_id:
        return entry
    return None


def _comment(entry: dict[str, Any], comment_id: str) -> dict[str, Any] | None:
    """The lines of code that a comment quotes are the file's, not its author's: they stay."""
    if entry["type"] == "code_comment" and entry["comment"]["id"] == comment_id:
        return entry["comment"]
    if entry["type"] == "comment_edited" and entry["comment_id"] == comment_id:
        return entry
    return None
