"""What is said of files that could not be carried: in the session, privately in Slack, and in the thread."""

from __future__ import annotations

from collections.abc import Sequence

from bot.files.facts import LeftOut, Why
from bot.mrkdwn import escape
from core.chat import MAX_FILE_BYTES, MAX_FILES

#: What whoever shared the file can do about it.
_ADVICE = {
    Why.TOO_LARGE: f"up to {MAX_FILE_BYTES // 1024**2} MB fit",
    Why.TOO_MANY: f"{MAX_FILES} fit; share the others in another message",
    Why.ELSEWHERE: "it is kept outside of Slack's files; upload it, or paste what matters",
    Why.NO_ACCESS: "whoever administers Slack here has to grant Cosession `files:read`",
    Why.UNREACHABLE: "share it again later",
    Why.FULL: "delete messages with large files in the session first",
    Why.COMMENT: "share it as a message of its own",
}


def sized(left: LeftOut) -> str:
    """A name, with its size where that is known: `report.pdf (12 MB)`."""
    return f"{left.name} ({_size(left.size)})" if left.size else left.name


def line(left: LeftOut) -> str:
    """The file's line in the session, as Markdown."""
    name = left.name.replace("`", "'")
    size = f" ({_size(left.size)})" if left.size else ""
    return f"`{name}`{size}: not carried over" + (f", {left.why}" if left.why is not None else "")


def whisper(left: Sequence[LeftOut]) -> str:
    """Told privately to whoever shared the files, as mrkdwn."""
    lines = [f"• {escape(sized(one))}: {_reason(one)}" for one in left]
    what = "This file stays" if len(left) == 1 else "These files stay"
    return "\n".join([f"{what} in Slack; the session shows the name only:", *lines])


STAYS = (
    "A file that you deleted in Slack is still in the session, because its message is. Delete the message here, and the"
    " file leaves the session with it."
)


def in_the_session(count: int, url: str) -> str:
    """The line in the thread for files that Slack does not take; `url` is where they are."""
    return f"_({count} {'file' if count == 1 else 'files'}, <{url}|in the session>)_"


def _reason(left: LeftOut) -> str:
    if left.why is None:
        return "it could not be carried over."
    advice = _ADVICE.get(left.why)
    return f"{left.why}; {advice}." if advice else f"{left.why}."


def _size(size: int) -> str:
    if size >= 1024**2:
        return f"{size / 1024**2:.0f} MB"
    return f"{max(1, size // 1024)} KB" if size >= 1024 else f"{size} bytes"
