"""What somebody wrote in Slack, as Markdown: from the `rich_text` block where there is one, else from the text.

In a `rich_text` block code, lists and mentions are unambiguous and nothing is escaped; the text is the fallback, with
`&amp;`, `&lt;` and `&gt;` to be undone once (https://docs.slack.dev/messaging/formatting-message-text).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.mrkdwn.forwarded import forwarded
from bot.mrkdwn.rich import RichText
from bot.mrkdwn.typed import TOKEN, Typed, unescape

#: The display name for a Slack user id.
NameOf = Callable[[str], str]
Element = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Incoming:
    """Markdown, and the Slack ids of those whom it mentions; `named` are those too whom what it forwards names."""

    text: str
    mentions: tuple[str, ...] = ()
    named: tuple[str, ...] = ()


def from_slack(message: Mapping[str, Any], name_of: NameOf, files: Sequence[str] | None = None) -> Incoming:
    """The text of a message event, and what it forwards. `files` are the lines that are said of its files; without them
    each is named."""
    rich = [block for block in message.get("blocks") or [] if block.get("type") == "rich_text"]
    reader = _Reader(name_of)
    parts = [reader.rich(block) for block in rich] if rich else [reader.typed.read(str(message.get("text") or ""))]
    text = "\n".join(part for part in parts if part)
    if message.get("subtype") == "me_message" and text:
        text = f"*{text}*"
    others = _Reader(name_of)
    text = "\n\n".join(part for part in [text, *forwarded(message, others.mention)] if part)
    said = [_file(one) for one in message.get("files") or []] if files is None else files
    mentions = tuple(dict.fromkeys(reader.mentions))
    named = tuple(dict.fromkeys([*mentions, *others.mentions]))
    return Incoming("\n".join(part for part in [text, *said] if part), mentions, named)


def plain(text: str, name_of: NameOf) -> str:
    """One line of mrkdwn, such as a command's text, with its tokens as words and its entities undone."""
    reader = _Reader(name_of)
    result = ""
    position = 0
    for match in TOKEN.finditer(text):
        result += unescape(text[position : match.start()]) + reader.typed.token(match, with_links=False)
        position = match.end()
    return result + unescape(text[position:])


def _file(file: Element) -> str:
    return f"_(shared a file in Slack: {file.get('title') or file.get('name') or 'untitled'})_"


class _Reader:
    """Collects the mentions on its way."""

    def __init__(self, name_of: NameOf) -> None:
        self._name_of = name_of
        self.mentions: list[str] = []
        self.rich = RichText(self.mention).read
        self.typed = Typed(self.mention)

    def mention(self, user_id: str, label: str = "") -> str:
        self.mentions.append(user_id)
        return "@" + (self._name_of(user_id) or label or user_id)
