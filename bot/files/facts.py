"""What Slack says of a file, and why one may stay behind. Pure.

Shapes: https://docs.slack.dev/reference/objects/file-object. Only what Slack holds itself can be fetched; the rest are
links to elsewhere, or things of another kind that look like files (canvases, lists, posts, mails).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from core.chat import MAX_FILE_BYTES, normal_name

#: Modes whose bytes Slack hands out.
_HELD = frozenset({"hosted", "snippet"})


class Why(StrEnum):
    """Why a file is not in the session, as its line there says it."""

    TOO_LARGE = "too large"
    TOO_MANY = "too many in one message"
    ELSEWHERE = "Slack only links to it"
    DELETED = "deleted in Slack"
    HIDDEN = "the Slack workspace does not keep it any more"
    NO_ACCESS = "Cosession may not read it in Slack"
    UNREACHABLE = "Slack did not hand it out"
    EMPTY = "it is empty"
    FULL = "the session holds as many files as fit"
    COMMENT = "comments on code take no files"


@dataclass(frozen=True, slots=True)
class SlackFile:
    """One file of a message. `size` is in bytes, 0 where Slack does not tell; `why` is set where it is plain from the
    start that it stays behind."""

    id: str
    name: str
    size: int = 0
    mimetype: str = ""
    url: str = ""
    why: Why | None = None
    #: Slack wants to be asked about it first: it belongs to another workspace.
    must_ask: bool = False


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A file that was not carried over."""

    name: str
    size: int
    why: Why | None


def read_file(raw: Mapping[str, Any]) -> SlackFile:
    """One of a message's `files`."""
    name = normal_name(str(raw.get("name") or raw.get("title") or "file"))
    size = _number(raw.get("size"))
    url = str(raw.get("url_private_download") or raw.get("url_private") or "")
    file_id, access = str(raw.get("id") or ""), raw.get("file_access")
    if access == "check_file_info" and file_id:
        return SlackFile(file_id, name, size, must_ask=True)
    return SlackFile(file_id, name, size, str(raw.get("mimetype") or ""), url, _why(raw, size, url))


def read_files(message: Mapping[str, Any]) -> list[SlackFile]:
    """The files of a message, in its order."""
    return [read_file(raw) for raw in message.get("files") or [] if isinstance(raw, Mapping)]


def deleted_in(message: Mapping[str, Any]) -> int:
    """How many files of a message were deleted."""
    return sum(one.why is Why.DELETED for one in read_files(message))


def is_all_deleted(message: Mapping[str, Any]) -> bool:
    """Whether a message consisted of files alone, and all of them were deleted."""
    files = read_files(message)
    says_more = str(message.get("text") or "").strip() or message.get("attachments")
    return bool(files) and not says_more and all(one.why is Why.DELETED for one in files)


def _why(raw: Mapping[str, Any], size: int, url: str) -> Why | None:
    mode, access = str(raw.get("mode") or "hosted"), raw.get("file_access")
    if mode == "tombstone" or access == "file_not_found":
        return Why.DELETED
    if mode == "hidden_by_limit":
        return Why.HIDDEN
    if access == "access_denied":
        return Why.NO_ACCESS
    if raw.get("is_external") or mode not in _HELD or not url:
        return Why.ELSEWHERE
    return Why.TOO_LARGE if size > MAX_FILE_BYTES else None


def _number(value: object) -> int:
    return value if isinstance(value, int) and value > 0 else 0
