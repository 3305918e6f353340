"""`rich_text` blocks, as Slack's clients send what somebody types, to Markdown.

In them code, lists and mentions are unambiguous and nothing is escaped
(https://docs.slack.dev/reference/block-kit/blocks/rich-text-block).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.mrkdwn.links import link
from bot.mrkdwn.literal import code_span, fence, literal

Element = Mapping[str, Any]

_MARKS = (("italic", "_"), ("bold", "**"), ("strike", "~~"))


@dataclass(frozen=True, slots=True)
class _Item:
    """A list that further ones may be part of: how deep Slack says it is, its marker, and where its words begin."""

    indent: int
    is_ordered: bool
    content: int


class RichText:
    """Reads blocks. `mention` is told the id of whoever is mentioned, and answers with what is written for them."""

    def __init__(self, mention: Callable[[str], str]) -> None:
        self._mention = mention
        #: The lists that are open, the outermost first.
        self._open: list[_Item] = []

    def read(self, block: Element) -> str:
        shown, before = "", ""
        self._open.clear()
        for part in block.get("elements") or []:
            kind = str(part.get("type"))
            if kind != "rich_text_list":
                self._open.clear()
            needs_gap = self._needs_gap(before, kind, part)
            text = self._part(kind, part)
            if text:
                shown += ("\n\n" if needs_gap else "\n") * bool(shown) + text
                before = kind
        return shown

    def _needs_gap(self, before: str, kind: str, part: Element) -> bool:
        """Whether the part would be taken for more of the one before it: words right below an item or a quote go on
        with it, and only a list that counts from one may begin right below words."""
        if kind == "rich_text_list":
            goes_on = any(one.is_ordered and one.indent == _indent(part) for one in self._open)
            return _is_ordered(part) and _offset(part) > 0 and not goes_on
        return kind == "rich_text_section" and before in ("rich_text_list", "rich_text_quote")

    def _part(self, kind: str, part: Element) -> str:
        elements: Sequence[Element] = part.get("elements") or []
        if kind == "rich_text_preformatted":
            return fence("".join(str(one.get("text") or one.get("url", "")) for one in elements), _language(part))
        if kind == "rich_text_list":
            text = self._list(part, elements)
            return _quoted(text) if part.get("border") else text
        text = self._section(elements)
        return _quoted(text) if kind == "rich_text_quote" else text

    def _list(self, part: Element, items: Sequence[Element]) -> str:
        while self._open and self._open[-1].indent >= _indent(part):
            self._open.pop()
        start = self._open[-1].content if self._open else 0
        lines: list[str] = []
        marker = ""
        for number, item in enumerate(items, 1 + _offset(part)):
            marker = f"{number}." if _is_ordered(part) else "-"
            words = self._section(item.get("elements") or []).split("\n")
            lines.append(" " * start + f"{marker} {words[0]}")
            lines += [" " * (start + len(marker) + 1) + more for more in words[1:]]
        self._open.append(_Item(_indent(part), _is_ordered(part), start + len(marker) + 1))
        return "\n".join(lines)

    # -- inside of one line

    def _section(self, elements: Sequence[Element]) -> str:
        """Stretches of one style are marked once: `**a****b**` would be no mark."""
        result = ""
        run, style = "", frozenset[str]()
        for text, its_style in self._pieces(_merged(elements)):
            if its_style != style:
                result, run, style = result + _marked(run, style), "", its_style
            run += text
        return (result + _marked(run, style)).rstrip("\n")

    def _pieces(self, elements: Sequence[Element]) -> Iterator[tuple[str, frozenset[str]]]:
        starts_line = True
        for at, element in enumerate(elements):
            style: Mapping[str, Any] = element.get("style") or {}
            is_code = bool(style.get("code")) and element.get("type") == "text"
            behind = _first(elements, at + 1)
            is_alone = not style and not (_last(elements, at - 1) + behind).strip()
            text = self._inline(element, starts_line, is_code=is_code, is_alone=is_alone)
            if text[-1:] in ("!", "]") and behind in ("[", "(", ":") and element.get("type") == "text" and not is_code:
                # With what comes behind it would be a picture, or a link.
                text = f"{text[:-1]}\\{text[-1]}"
            if text:
                yield text, frozenset() if is_code else frozenset(name for name, _ in _MARKS if style.get(name))
                starts_line = text.endswith("\n")

    def _inline(self, element: Element, starts_line: bool, *, is_code: bool, is_alone: bool) -> str:
        kind, text = str(element.get("type")), str(element.get("text") or "")
        if kind == "text":
            if is_code:
                return "\n".join(code_span(line) if line else "" for line in text.split("\n"))
            return literal(text, starts_line=starts_line)
        if kind == "link":
            return link(str(element.get("url", "")), text, is_alone=is_alone)
        return self._special(kind, element)

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
            case "color":
                return str(element.get("value", ""))
            case _:
                return literal(str(element.get("text", "")), starts_line=False)


def _merged(elements: Sequence[Element]) -> list[Element]:
    """Code next to code is one stretch of code: two spans side by side would be read as one with backticks in it. An
    address in code is code."""
    merged: list[Element] = []
    for element in elements:
        style: Mapping[str, Any] = element.get("style") or {}
        if style.get("code") and (
            element.get("type") == "text" or (element.get("type") == "link" and not element.get("text"))
        ):
            text = str(element.get("text") or element.get("url", ""))
            before = merged[-1] if merged else {}
            if before.get("type") == "text" and (before.get("style") or {}).get("code"):
                text = str(merged.pop()["text"]) + text
            element = {"type": "text", "text": text, "style": {"code": True}}
        merged.append(element)
    return merged


def _is_code(element: Element) -> bool:
    return bool((element.get("style") or {}).get("code"))


def _first(elements: Sequence[Element], at: int) -> str:
    """What stands right behind, or `[` where a link may begin so."""
    if at >= len(elements):
        return ""
    element = elements[at]
    if element.get("type") == "link":
        return "["
    return str(element.get("text") or "x")[:1] if element.get("type") == "text" else "x"


def _last(elements: Sequence[Element], at: int) -> str:
    """What stands right before."""
    if at < 0:
        return ""
    element = elements[at]
    return str(element.get("text") or "x")[-1:] if element.get("type") == "text" else "x"


def _indent(part: Element) -> int:
    return int(part.get("indent") or 0)


def _offset(part: Element) -> int:
    return int(part.get("offset") or 0)


def _is_ordered(part: Element) -> bool:
    return part.get("style") == "ordered"


def _language(part: Element) -> str:
    return "".join(str(part.get("language") or "").replace("`", "").split())


def _quoted(text: str) -> str:
    return "\n".join("> " + line for line in text.split("\n"))


def _marked(text: str, style: frozenset[str]) -> str:
    """Marks hug the words, line by line: `**bold **` would be no mark."""
    return "\n".join(_hugged(line, style) for line in text.split("\n")) if style else text


def _hugged(line: str, style: frozenset[str]) -> str:
    core = line.strip()
    if not core:
        return line
    start, end = len(line) - len(line.lstrip()), len(line.rstrip())
    for name, mark in _MARKS:
        if name in style:
            core = f"{mark}{core}{mark}"
    return line[:start] + core + line[end:]


def _emoji(element: Element) -> str:
    unicode = str(element.get("unicode") or "")
    try:
        return "".join(chr(int(point, 16)) for point in unicode.split("-")) if unicode else f":{element.get('name')}:"
    except (ValueError, OverflowError):
        return f":{element.get('name')}:"
