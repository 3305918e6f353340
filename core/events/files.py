"""Shared files, and what is said about their lines."""

from __future__ import annotations

from typing import Literal

from core.events.parts import CodeComment, Event, Source


class FileShared(Event):
    """A file of the shared folder as it is from here on. `version` is the SHA-256 of its content; None where there is
    no content to show: the file was deleted, or is too large, see `reason`."""

    type: Literal["file_shared"] = "file_shared"
    path: str
    change: Literal["added", "modified", "deleted", "renamed"]
    old_path: str | None = None
    version: str | None = None
    #: Bytes.
    size: int = 0
    lines: int | None = None
    is_binary: bool = False
    reason: str = ""


class CodeCommented(Event):
    type: Literal["code_comment"] = "code_comment"
    comment: CodeComment


class CommentEdited(Event):
    type: Literal["comment_edited"] = "comment_edited"
    comment_id: str
    content: str
    mentions: list[str] = []
    source: Source = "web"


class CommentDeleted(Event):
    """As for a message: the text is gone wherever it was stored, the number and the thread stay."""

    type: Literal["comment_deleted"] = "comment_deleted"
    comment_id: str
    source: Source = "web"


class CommentResolved(Event):
    type: Literal["comment_resolved"] = "comment_resolved"
    thread_id: str


class CommentReopened(Event):
    type: Literal["comment_reopened"] = "comment_reopened"
    thread_id: str
