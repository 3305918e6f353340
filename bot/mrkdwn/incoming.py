"""What somebody wrote in Slack, as Markdown: from the `rich_text` block where there is one, else from the text.

In a `rich_text` block code, lists and mentions are unambiguous and nothing is escaped; the text is the fallback, with
`&amp;`, `&lt;` and `&gt;` to be undone once (https://docs.slack.dev/messaging/formatting-message-text).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

#: The display name for a Slack user id.
NameOf = Callable[[str], str]
Element = Mapping[str, Any]

_TOKEN = re.compile(r"<([@#!]?)([^<>|]*)(?:\|([^<>]*))?>")
_CODE = re.compile(r"(```.*?```|`[^`\n]+`)", re.DOTALL)
_BOLD = re.compile(r"(?<![\w*])\*(?=[^\s*])([^*\n]+?)(?<=[^\s*])\*(?![\w*])")
_STRIKE = re.compile(r"(?<![\w~])~(?=[^\s~])([^~\n]+?)(?<=[^\s~])~(?![\w~])")


@dataclass(frozen=True, slots=True)
class Incoming:
    """Markdown, and the Slack ids of those whom it mentions."""

    text: str
    mentions: tuple[str, ...] = ()


def from_slack(message: Mapping[str, Any], name_of: NameOf, files: Sequence[str] | None = None) -> Incoming:
    """The text of a message event. `files` are the lines that are said of its files; without them each is named."""
    rich = [block for block in message.get("blocks") or [] if block.get("type") == "rich_text"]
    reader = _Reader(name_of)
    parts = [reader.rich(block) for block in rich] if rich else [reader.mrkdwn(str(message.get("text") or ""))]
    text = "\n".join(part for part in parts if part)
    if message.get("subtype") == "me_message" and text:
        text = f"*{text}*"
    said = [_file(one) for one in message.get("files") or []] if files is None else files
    return Incoming("\n".join(part for part in [text, *said] if part), tuple(dict.fromkeys(reader.mentions)))


def plain(text: str, name_of: NameOf) -> str:
    """One line of mrkdwn, such as a command's text, with its tokens as words and its entities undone."""
    reader = _Reader(name_of)
    result = ""
    position = 0
    for match in _TOKEN.finditer(text):
        result += unescape(text[position : match.start()]) + reader.token(match, with_links=False)
        position = match.end()
    return result + unescape(text[position:])


def unescape(text: str) -> str:
    """Undoes Slack's escaping, once: `&amp;lt;` is the text `&lt;`."""
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def _file(file: Element) -> str:
    return f"_(shared a file in Slack: {file.get('title') or file.get('name') or 'untitled'})_"


class _Reader:
    """Collects the mentions on its way."""

    def __init__(self, name_of: NameOf) -> None:
        self._name_of = name_of
        self.mentions: list[str] = []

    # -- rich text

    def rich(self, block: Element) -> str:
        return "\n".join(part for part in map(self._part, block.get("elements") or []) if part)

    def _part(self, part: Element) -> str:
        elements: Sequence[Element] = part.get("elements") or []
        match part.get("type"):
            case "rich_text_preformatted":
                code = "".join(str(one.get("text", one.get("url", ""))) for one in elements)
                fence = _fence(code, 3)
                return f"{fence}{part.get('language') or ''}\n{code}\n{fence}"
            case "rich_text_quote":
                return "\n".join("> " + line for line in self._section(elements).split("\n"))
            case "rich_text_list":
                indent = "  " * int(part.get("indent") or 0)
                first = int(part.get("offset") or 0) + 1
                is_ordered = part.get("style") == "ordered"
                lines = [self._section(item.get("elements") or []) for item in elements]
                return "\n".join(
                    f"{indent}{f'{first + at}.' if is_ordered else '-'} {line}" for at, line in enumerate(lines)
                )
            case _:
                return self._section(elements)

    def _section(self, elements: Sequence[Element]) -> str:
        return "".join(self._inline(element) for element in elements).rstrip("\n")

    def _inline(self, element: Element) -> str:
        style: Mapping[str, Any] = element.get("style") or {}
        kind = element.get("type")
        if kind == "text":
            text = str(element.get("text", ""))
            if style.get("code"):
                return _code_span(text)
        elif kind == "link":
            url, label = str(element.get("url", "")), str(element.get("text") or "")
            text = f"[{label}]({url})" if label and label != url else url
        else:
            text = self._special(str(kind), element)
        return _marked(text, style)

    def _special(self, kind: str, element: Element) -> str:
        match kind:
            case "user":
                return self._mention(str(element.get("user_id", "")))
            case "channel":
                return "#" + str(element.get("name") or element.get("channel_id", ""))
            case "usergroup":
                return "@" + str(element.get("usergroup_id", ""))
            case "broadcast":
                return "@" + str(element.get("range", ""))
            case "emoji":
                return _emoji(element)
            case "date":
                return str(element.get("fallback") or element.get("timestamp", ""))
            case _:
                return str(element.get("text", ""))

    # -- text

    def mrkdwn(self, text: str) -> str:
        pieces = _CODE.split(text)
        return "".join(self._code(piece) if at % 2 else self._prose(piece) for at, piece in enumerate(pieces))

    def _code(self, piece: str) -> str:
        """Links that Slack made inside code are taken back to what was typed."""
        code = unescape(_TOKEN.sub(lambda match: match[3] or match[2] if not match[1] else match[0], piece))
        if not code.startswith("```"):
            return _code_span(code[1:-1])
        body = code[3:-3].strip("\n")
        fence = _fence(body, 3)
        return f"{fence}\n{body}\n{fence}"

    def _prose(self, piece: str) -> str:
        marked = _STRIKE.sub(r"~~\1~~", _BOLD.sub(r"**\1**", piece))
        result = ""
        position = 0
        for match in _TOKEN.finditer(marked):
            result += unescape(marked[position : match.start()]) + self.token(match)
            position = match.end()
        return result + unescape(marked[position:])

    def token(self, match: re.Match[str], *, with_links: bool = True) -> str:
        sigil, target, label = match[1], match[2], unescape(match[3] or "")
        if sigil == "@":
            return self._mention(target, label)
        if sigil == "#":
            return "#" + (label or target)
        if sigil == "!":
            word = target.split("^")[0]
            return label if label and word in ("date", "subteam") else "@" + (label or word).lstrip("@")
        url = unescape(target)
        if with_links and label and label not in (url, url.removeprefix("mailto:"), url.split("://")[-1]):
            return f"[{label}]({url})"
        return label if url.startswith("mailto:") and label else url

    def _mention(self, user_id: str, label: str = "") -> str:
        self.mentions.append(user_id)
        return "@" + (self._name_of(user_id) or label or user_id)


def _marked(text: str, style: Mapping[str, Any]) -> str:
    """Marks hug the words: `**bold **` would be no mark."""
    core = text.strip()
    if not core:
        return text
    for name, mark in (("italic", "_"), ("bold", "**"), ("strike", "~~")):
        if style.get(name):
            core = f"{mark}{core}{mark}"
    start = len(text) - len(text.lstrip())
    return text[:start] + core + text[len(text.rstrip()) :]


def _code_span(code: str) -> str:
    if "`" not in code:
        return f"`{code}`"
    ticks = _fence(code, 1)
    return f"{ticks} {code} {ticks}"


def _fence(code: str, least: int) -> str:
    longest = max((len(run) for run in re.findall(r"`+", code)), default=0)
    return "`" * max(least, longest + 1)


def _emoji(element: Element) -> str:
    unicode = str(element.get("unicode") or "")
    try:
        return "".join(chr(int(point, 16)) for point in unicode.split("-")) if unicode else f":{element.get('name')}:"
    except ValueError:
        return f":{element.get('name')}:"
