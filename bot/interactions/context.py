"""A thread of Slack as the first message of a session: who said what, with the way back to it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from bot.desk import Desk
from bot.identity import People
from bot.modals.start import Source
from bot.mrkdwn import from_slack
from bot.web import Refused
from core.events import MAX_MESSAGE

Message = Mapping[str, Any]

#: Messages of a thread that are read, and how long one of them may be in the session.
MOST_MESSAGES = 50
_MAX_ONE = 3_000
#: Kinds of message that are nobody's words.
_SILENT = frozenset({"channel_join", "channel_leave", "channel_topic", "channel_purpose", "tombstone", "bot_add"})
#: What Slack says where the app may not read, or there is nothing to be read any more.
_OUT_OF_REACH = frozenset(
    {"channel_not_found", "not_in_channel", "thread_not_found", "message_not_found", "missing_scope"}
)
_MARKDOWN = re.compile(r"([\\`*_\[\]<>#~|])")


async def context_of(desk: Desk, people: People, source: Source) -> str:
    """Markdown of at most `MAX_MESSAGE` characters. Where the thread cannot be read, the message alone.

    Raises Limited, Ambiguous, and Refused for what concerns the whole installation.
    """
    carried: Message = {"user": source.author, "username": source.name, "text": "", "ts": source.ts}
    try:
        url = await desk.api.permalink(source.channel, source.ts)
    except Refused as refusal:
        if refusal.code not in _OUT_OF_REACH:
            raise
        url = ""
    try:
        messages: Sequence[Message] = await desk.api.thread_of(source.channel, source.root, MOST_MESSAGES)
    except Refused as refusal:
        if refusal.code not in _OUT_OF_REACH:
            raise
        messages = []
    names = await _names(people, messages or [carried])
    said = [
        (names.get(str(one.get("user") or ""), "") or str(one.get("username") or "Somebody"), _words(one, names))
        for one in messages
        if one.get("subtype") not in _SILENT
    ]
    if not said:
        said = [(names.get(source.author, "") or source.name or "Somebody", source.text)]
    return written(said, url)


def written(said: Sequence[tuple[str, str]], url: str) -> str:
    """Who said what, each quoted. Pure."""
    where = f"[a message in Slack]({url})" if url else "a message in Slack"
    parts = [f"Started from {where}:"]
    left = MAX_MESSAGE - len(parts[0]) - 60
    for number, (name, words) in enumerate(said):
        part = f"**{_inert(name)}** wrote:\n{_quoted(_cut(words, _MAX_ONE))}"
        if len(part) + 2 > left:
            parts.append(f"… and {len(said) - number} more in Slack.")
            break
        parts.append(part)
        left -= len(part) + 2
    return "\n\n".join(parts)


async def _names(people: People, messages: Sequence[Message]) -> dict[str, str]:
    mentioned = {user for one in messages for user in from_slack(one, lambda _: "").named}
    wanted = mentioned | {str(one["user"]) for one in messages if one.get("user")}
    return {user: (await people.profile(user)).name for user in sorted(wanted)}


def _words(message: Message, names: Mapping[str, str]) -> str:
    return from_slack(message, lambda user: names.get(user, "")).text or "(no text)"


def _quoted(text: str) -> str:
    return "\n".join(f"> {line}" if line else ">" for line in text.splitlines() or [""])


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _inert(name: str) -> str:
    """A name in Markdown that is nothing but a name."""
    return _MARKDOWN.sub(r"\\\1", " ".join(name.split()))
