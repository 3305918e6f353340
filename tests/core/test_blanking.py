"""Deleting takes a text out of every entry that holds it, and nothing else."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from core.blanking import blanked
from core.events import CommentDeleted, MessageDeleted, event_adapter

MESSAGE = {
    "id": "msg_1",
    "user_id": "usr_1",
    "username": "Ana",
    "content": "the secret",
    "mentions": ["usr_2"],
    "mentions_here": True,
    "parent_id": "msg_0",
    "code_ref": {"file": "a.py", "line": 3, "end_line": None},
    "source": "web",
    "session_only": False,
    "timestamp": "2026-01-01T00:00:00Z",
}
COMMENT = {
    "id": "com_1",
    "thread_id": "com_1",
    "user_id": "usr_1",
    "username": "Ana",
    "file": "a.py",
    "line": 3,
    "end_line": 3,
    "version": None,
    "code_snippet": "x = 1",
    "before": "",
    "after": "",
    "content": "the secret",
    "mentions": ["usr_2"],
    "source": "web",
    "timestamp": "2026-01-01T00:00:00Z",
}


def entry(kind: str, **body: Any) -> bytes:
    return orjson.dumps({"type": kind, "seq": 7, "at": "2026-01-01T00:00:00Z", "actor_id": "usr_1", **body})


HOLDING = [
    (entry("chat_message", message=MESSAGE), MessageDeleted(message_id="msg_1")),
    (
        entry("message_edited", message_id="msg_1", content="the secret 2", mentions=["usr_2"], mentions_here=True),
        MessageDeleted(message_id="msg_1"),
    ),
    (entry("code_comment", comment=COMMENT), CommentDeleted(comment_id="com_1")),
    (
        entry("comment_edited", comment_id="com_1", content="the secret 2", mentions=["usr_2"]),
        CommentDeleted(comment_id="com_1"),
    ),
]


@pytest.mark.parametrize(("frame", "deleted"), HOLDING)
def test_the_text_goes_and_the_entry_stays_what_it_was(frame: bytes, deleted: Any) -> None:
    blank = blanked(frame, deleted)
    assert blank is not None
    assert b"secret" not in blank
    assert b"usr_2" not in blank
    before, after = orjson.loads(frame), orjson.loads(blank)
    assert list(before) == list(after)
    assert {name: after[name] for name in ("type", "seq", "at", "actor_id")} == {
        name: before[name] for name in ("type", "seq", "at", "actor_id")
    }
    event_adapter.validate_python({k: v for k, v in after.items() if k not in ("seq", "at", "actor_id")})
    assert blanked(blank, deleted) == blank


@pytest.mark.parametrize(("frame", "_"), HOLDING)
@pytest.mark.parametrize("other", [MessageDeleted(message_id="msg_2"), CommentDeleted(comment_id="com_2")])
def test_what_others_wrote_is_left_alone(frame: bytes, _: Any, other: Any) -> None:
    assert blanked(frame, other) is None


def test_the_code_that_a_deleted_comment_spoke_of_stays() -> None:
    blank = blanked(entry("code_comment", comment=COMMENT), CommentDeleted(comment_id="com_1"))
    assert blank is not None
    assert b"x = 1" in blank
