"""What a person types becomes what Slack's own client sends: `rich_text` blocks, and the same thing as mrkdwn text.

Pure. Covers what people write in a thread: paragraphs, fences, quotes, bullets, inline code, bold, italic, strike,
links, `@name`, `#channel` and the broadcast words.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

Element = dict[str, Any]

_BROADCASTS = ("here", "channel", "everyone")
_INLINE = re.compile(
    r"(?P<code>`[^`\n]+`)"
    r"|(?P<link>https?://[^\s<>|`]+[^\s<>|`.,;:!?)\]'\"])"
    r"|(?<![\w@])@(?P<at>[a-z0-9][a-z0-9._-]*[a-z0-9]|[a-z0-9])"
    r"|(?<![\w#&])#(?P<hash>[a-z0-9][a-z0-9_-]*)"
    r"|(?<![\w*])\*(?P<bold>[^\s*](?:[^*\n]*[^\s*])?)\*(?![\w*])"
    r"|(?<![\w_])_(?P<italic>[^\s_](?:[^_\n]*[^\s_])?)_(?![\w_])"
    r"|(?<![\w~])~(?P<strike>[^\s~](?:[^~\n]*[^\s~])?)~(?![\w~])",
    re.IGNORECASE,
)
_FENCE = re.compile(r"```\n?(.*?)\n?```", re.DOTALL)

_AT_NAME = re.compile(r"(?<![\w@<])@([a-z0-9][a-z0-9._-]*)", re.IGNORECASE)
_HASH_NAME = re.compile(r"(?<![\w#<])#([a-z0-9][a-z0-9_-]*)", re.IGNORECASE)


def escape(text: str) -> str:
    """Slack escapes exactly these three."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def escape_command(typed: str, users: Mapping[str, str], channels: Mapping[str, str]) -> str:
    """A slash command's text as with `should_escape`: names become `<@id|name>` and `<#id|name>`."""

    def name_of_user(match: re.Match[str]) -> str:
        name = match[1].lower()
        return f"<@{users[name]}|{name}>" if name in users else match[0]

    def name_of_channel(match: re.Match[str]) -> str:
        name = match[1].lower()
        return f"<#{channels[name]}|{name}>" if name in channels else match[0]

    return _HASH_NAME.sub(name_of_channel, _AT_NAME.sub(name_of_user, escape(typed)))


def compose(
    typed: str, users: Mapping[str, str], channels: Mapping[str, str], block_id: str
) -> tuple[str, list[Element]]:
    """The `text` and the `blocks` of a typed message; `users` and `channels` map names to ids."""
    parts: list[Element] = []
    position = 0
    for fence in _FENCE.finditer(typed):
        parts += _flow(typed[position : fence.start()].strip("\n"), users, channels)
        parts.append({"type": "rich_text_preformatted", "elements": [{"type": "text", "text": fence[1]}], "border": 0})
        position = fence.end()
    parts += _flow(typed[position:].strip("\n"), users, channels)
    return "\n".join(_as_mrkdwn(part) for part in parts), [
        {"type": "rich_text", "block_id": block_id, "elements": parts}
    ]


def _flow(text: str, users: Mapping[str, str], channels: Mapping[str, str]) -> list[Element]:
    """Lines outside fences, grouped into quotes, lists and paragraphs."""
    groups: list[tuple[str, list[str]]] = []
    for line in text.split("\n") if text else []:
        kind, content = _line_kind(line)
        if groups and groups[-1][0] == kind:
            groups[-1][1].append(content)
        else:
            groups.append((kind, [content]))
    parts: list[Element] = []
    for kind, lines in groups:
        if kind == "list":
            items = [{"type": "rich_text_section", "elements": _inline(line, users, channels)} for line in lines]
            parts.append({"type": "rich_text_list", "style": "bullet", "indent": 0, "border": 0, "elements": items})
        else:
            elements = _inline("\n".join(lines), users, channels)
            parts.append({"type": "rich_text_quote" if kind == "quote" else "rich_text_section", "elements": elements})
    return parts


def _line_kind(line: str) -> tuple[str, str]:
    if line.startswith(("> ", ">")) and not line.startswith(">>"):
        return "quote", line[1:].removeprefix(" ")
    if line.startswith(("- ", "* ", "• ")):
        return "list", line[2:]
    return "text", line


def _inline(
    text: str, users: Mapping[str, str], channels: Mapping[str, str], style: str | None = None
) -> list[Element]:
    elements: list[Element] = []
    position = 0
    for match in _INLINE.finditer(text):
        found = _element(match, users, channels, style)
        if found is None:
            continue
        if match.start() > position:
            elements.append(_styled({"type": "text", "text": text[position : match.start()]}, style))
        elements += found
        position = match.end()
    if position < len(text):
        elements.append(_styled({"type": "text", "text": text[position:]}, style))
    return elements


def _element(
    match: re.Match[str], users: Mapping[str, str], channels: Mapping[str, str], style: str | None
) -> list[Element] | None:
    """The elements that a match stands for; None when it is plain text after all (an unknown name)."""
    kind, value = str(match.lastgroup), str(match[str(match.lastgroup)])
    if kind == "code":
        return [{"type": "text", "text": value.strip("`"), "style": {"code": True}}]
    if kind == "link":
        return [_styled({"type": "link", "url": value}, style)]
    if kind == "at" and value.lower() in users:
        return [_styled({"type": "user", "user_id": users[value.lower()]}, style)]
    if kind == "at" and value.lower() in _BROADCASTS:
        return [{"type": "broadcast", "range": value.lower()}]
    if kind == "hash" and value.lower() in channels:
        return [_styled({"type": "channel", "channel_id": channels[value.lower()]}, style)]
    if kind in ("bold", "italic", "strike") and style is None:
        return _inline(value, users, channels, kind)
    return None


def _styled(element: Element, style: str | None) -> Element:
    return {**element, "style": {style: True}} if style else element


def _as_mrkdwn(part: Element) -> str:
    kind = part["type"]
    if kind == "rich_text_preformatted":
        return "```" + escape(part["elements"][0]["text"]) + "```"
    if kind == "rich_text_list":
        return "\n".join("• " + "".join(_token(element) for element in item["elements"]) for item in part["elements"])
    text = "".join(_token(element) for element in part["elements"])
    return "\n".join("&gt; " + line for line in text.split("\n")) if kind == "rich_text_quote" else text


def _token(element: Element) -> str:
    kind = element["type"]
    if kind == "user":
        token = f"<@{element['user_id']}>"
    elif kind == "channel":
        token = f"<#{element['channel_id']}>"
    elif kind == "link":
        token = f"<{escape(element['url'])}>"
    elif kind == "broadcast":
        token = f"<!{element['range']}>"
    else:
        token = escape(element["text"])
    marks = {"bold": "*", "italic": "_", "strike": "~", "code": "`"}
    styles: dict[str, bool] = element.get("style") or {}
    for style in styles:
        token = f"{marks[style]}{token}{marks[style]}"
    return token
