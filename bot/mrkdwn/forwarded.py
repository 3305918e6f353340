"""Messages that somebody forwards: Slack puts the other message, as it was then, into an attachment of theirs.

A preview of a link (`is_msg_unfurl` without `is_share`) is none: the link itself stands in the words. What comes from a
private channel or a conversation Slack shows in the thread to those alone who may read it there, so of that only the
address goes on.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from bot.mrkdwn.fences import Fences
from bot.mrkdwn.links import link
from bot.mrkdwn.literal import JOINER, literal
from bot.mrkdwn.rich import RichText
from bot.mrkdwn.typed import Typed

Attachment = Mapping[str, Any]
#: What is written for somebody: their id, and the name that stands with it.
Mention = Callable[..., str]
_CALL = re.compile(r"(`+)(?!`).*?(?<!`)\1(?!`)|https?://\S+|(?<![\w@])@(?=\w)")


def forwarded(message: Mapping[str, Any], mention: Mention) -> Iterator[str]:
    """Each forwarded message, quoted, under who wrote it and where. Whom it names is not called by it."""
    for one in message.get("attachments") or []:
        if one.get("is_share"):
            yield _shown(one, mention)


def _shown(one: Attachment, mention: Mention) -> str:
    author = literal(" ".join(str(one.get("author_name") or "").split()), starts_line=False) or "a message"
    url = str(one.get("from_url") or "")
    where = f" ({link(url, 'in Slack', is_alone=False)})" if url.startswith("https://") else ""
    if one.get("private_channel_prompt") or str(one.get("channel_id") or "").startswith(("D", "G")):
        return f"Forwarded from a private conversation{where}."
    words = _words(one, mention) or "(no text)"
    return f"Forwarded from {author}{where}:\n\n" + "\n".join(f"> {line}".rstrip() for line in _uncalled(words))


def _uncalled(words: str) -> Iterator[str]:
    """Its lines; whoever stands after an `@` outside of code and addresses was called elsewhere, and not here."""
    fences = Fences()
    for line in words.split("\n"):
        is_text = fences.read(line)[0] == "text"
        yield _CALL.sub(lambda found: found[0] if found[0] != "@" else f"@{JOINER}", line) if is_text else line


def _words(one: Attachment, mention: Mention) -> str:
    parts: list[str] = []
    for carried in one.get("message_blocks") or []:
        blocks = (carried.get("message") or {}).get("blocks") or []
        parts += [RichText(mention).read(block) for block in blocks if block.get("type") == "rich_text"]
    return "\n".join(part for part in parts if part) or Typed(mention).read(str(one.get("text") or ""))
