"""What deleting and erasing do to entries that hold a text or a name: the rule that the log and every copy follow.

Pure. An entry keeps its number, kind and times, and people's ids; what somebody wrote is gone from it, and the name of
somebody who was erased.
"""

from __future__ import annotations

from typing import Any, cast

import orjson

from core.events import CommentDeleted, MessageDeleted, PersonErased

#: What somebody is called whose data was erased.
NOBODY = "Erased person"

#: Entries that take something out of those before them.
Redaction = MessageDeleted | CommentDeleted | PersonErased


def blanked(frame: bytes, deleted: Redaction) -> bytes | None:
    """The entry `frame` without the deleted text or the erased name, or None when it holds none of it."""
    if isinstance(deleted, PersonErased):
        return _nameless(frame, deleted.user_id)
    entry: dict[str, Any] = orjson.loads(frame)
    if isinstance(deleted, MessageDeleted):
        body = _message(entry, deleted.message_id)
    else:
        body = _comment(entry, deleted.comment_id)
    if body is None:
        return None
    body["content"] = ""
    body["mentions"] = []
    body.pop("files", None)
    for name, blank in (("mentions_here", False), ("code_ref", None)):
        if name in body:
            body[name] = blank
    return orjson.dumps(entry)


def _nameless(frame: bytes, user_id: str) -> bytes | None:
    if user_id.encode() not in frame:
        return None
    entry: dict[str, Any] = orjson.loads(frame)
    is_theirs = entry["type"] == "prompt_submitted" and entry["actor_id"] == user_id and entry["text"] != ""
    if is_theirs:
        entry["text"] = ""
    return orjson.dumps(entry) if _take_name(entry, user_id) or is_theirs else None


def _take_name(value: Any, user_id: str) -> bool:
    """Wherever a person is told of as an id with a name, at whatever depth. True where there was one."""
    if isinstance(value, list):
        return sum(_take_name(one, user_id) for one in cast(list[Any], value)) > 0
    if not isinstance(value, dict):
        return False
    fields = cast(dict[str, Any], value)
    is_named = fields.get("user_id") == user_id and fields.get("username", NOBODY) != NOBODY
    if is_named:
        fields["username"] = NOBODY
    return sum(_take_name(one, user_id) for one in fields.values()) > 0 or is_named


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
