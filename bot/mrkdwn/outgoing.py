"""Markdown as people and agents write it, to mrkdwn as Slack shows it.

Works line by line, so that a long text can be cut between lines: each part is complete in itself, with its fences
closed and opened again. Every `<` of the text is escaped, so the only tokens in the result are made here: links, and
mentions of those whom the caller names; the words that would ping a channel are broken with an invisible character, in
case a client looks for them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from bot.mrkdwn.tables import FENCE, tables_as_code

#: Longest part of a text, in characters: Slack may split a post of more than 4,000 by itself, in the middle of a fence,
#: and takes no longer edits. The rest is for the author's name, and for a line that says where the text goes on.
MAX_PART = 3_600

#: U+2060 WORD JOINER: takes no room and breaks the word.
_JOINER = "\u2060"
_BROADCAST = re.compile(r"@(?=(?:channel|here|everyone|group)\b)", re.IGNORECASE)
_HEADING = re.compile(r"^ {0,3}#{1,6}\s+(.*?)\s*#*$")
_BULLET = re.compile(r"^(\s*)[-*+]\s+(?=\S)")
_QUOTE = re.compile(r"^ {0,3}>\s?")
_CODE = re.compile(r"(`+)(?!`)(.+?)(?<!`)\1(?!`)")
_LINK = re.compile(r"!?\[([^\[\]\n]*)\]\(\s*(https?://[^\s()<>]+(?:\([^\s()<>]*\)[^\s()<>]*)*|mailto:[^\s()<>]+)\s*\)")
_URL = re.compile(r"https?://[^\s<>]+")
_STRONG = re.compile(r"(\*\*|__)(?=\S)(.+?)(?<=\S)\1")
_EMPHASIS = re.compile(r"(?<![\w*])\*(?=[^\s*])([^*\n]+?)(?<=[^\s*])\*(?![\w*])")
_STRIKE = re.compile(r"~~(?=\S)(.+?)(?<=\S)~~")
_MENTION = re.compile(r"<@([A-Z0-9]+)>")
#: Stands for a `*` that means bold while the single ones are still being read as italics. From a private-use plane.
_BOLD = "\U000f0001"


#: How a stretch of prose without code and addresses is written.
_Styling = Callable[[str], str]


def escape(text: str) -> str:
    """`text` as Slack shows it literally: the three characters escaped, the words that ping broken."""
    return _BROADCAST.sub("@" + _JOINER, _entities(text))


def to_mrkdwn(markdown: str) -> str:
    """The whole text in one piece."""
    return "\n".join(line.converted for line in _lines(markdown))


def to_parts(markdown: str, limit: int = MAX_PART, people: Mapping[str, str] | None = None) -> list[str]:
    """The text in pieces of at most `limit` characters; a fence that is cut is closed and opened again.

    `people` are those who may be called: name → id in Slack. `@name`, outside of code and addresses, becomes a mention,
    once for each of them.
    """
    called = _calling(people or {})
    parts: list[str] = []
    part: list[str] = []
    size = 0
    in_code = False

    def finish() -> None:
        nonlocal part, size
        text = "\n".join([*part, "```"] if in_code else part)
        if text.strip("`\n "):
            parts.append(text)
        part, size = (["```"], 3) if in_code else ([], 0)

    for line in _fitting(_lines(markdown, called), limit - 8):
        if size + len(line.converted) + 1 > limit - 4 and part:
            finish()
        part.append(line.converted)
        size += len(line.converted) + 1
        in_code = line.is_code if not line.is_fence else line.opens
    finish()
    return _calling_once(parts, people) if people else parts


def _calling_once(parts: Sequence[str], people: Mapping[str, str]) -> list[str]:
    """Each person is called by the first mention; from then on they are a name. Whatever else looks like a mention is
    escaped by now."""
    shortest = {slack_id: min((n for n, i in people.items() if i == slack_id), key=len) for slack_id in people.values()}
    called: set[str] = set()

    def once(mention: re.Match[str]) -> str:
        if mention[1] in called:
            return "@" + escape(shortest[mention[1]])
        called.add(mention[1])
        return mention[0]

    return [_MENTION.sub(once, part) for part in parts]


@dataclass(frozen=True, slots=True)
class _Line:
    raw: str
    is_code: bool = False
    is_fence: bool = False
    opens: bool = False
    called: _Styling | None = None

    @property
    def converted(self) -> str:
        if self.is_fence:
            return "```"
        return _entities(self.raw) if self.is_code else _text_line(self.raw, self.called or _styled)


def _lines(markdown: str, called: _Styling | None = None) -> Iterator[_Line]:
    """A fence that is never closed is closed at the end, so that nothing behind it is swallowed."""
    fence = ""
    for raw in tables_as_code(markdown.replace("\r\n", "\n").replace(_BOLD, "")).split("\n"):
        match = FENCE.match(raw)
        if not fence and match:
            fence = match[1]
            yield _Line(raw, is_fence=True, opens=True)
        elif fence and match and match[1].startswith(fence) and not raw.strip().strip(fence[0]):
            fence = ""
            yield _Line(raw, is_fence=True)
        else:
            yield _Line(raw, is_code=bool(fence), called=called)
    if fence:
        yield _Line("", is_fence=True)


def _fitting(lines: Iterator[_Line], limit: int) -> Iterator[_Line]:
    """Cuts lines that are longer than a part, between words where there are any."""
    for line in lines:
        if len(line.converted) <= limit:
            yield line
            continue
        piece = ""
        for word in re.findall(r"\S+\s*|\s+", line.raw):
            # An escaped character takes up to five; a word without spaces is cut where it must be.
            for chunk in [word[at : at + limit // 6] for at in range(0, len(word), limit // 6)]:
                if piece and len(_Line(piece + chunk, line.is_code, called=line.called).converted) > limit:
                    yield _Line(piece, line.is_code, called=line.called)
                    piece = ""
                piece += chunk
        yield _Line(piece, line.is_code, called=line.called)


def _text_line(line: str, styled: _Styling) -> str:
    heading = _HEADING.match(line)
    if heading and heading[1]:
        return f"*{_inline(heading[1].replace('**', ''), styled)}*"
    quote = _QUOTE.match(line)
    if quote:
        return "> " + _inline(line[quote.end() :], styled)
    bullet = _BULLET.match(line)
    if bullet:
        return f"{bullet[1]}• {_inline(line[bullet.end() :], styled)}"
    return _inline(line, styled)


def _inline(text: str, styled: _Styling) -> str:
    """Code spans as they are; links and everything else around them converted."""
    result = ""
    position = 0
    for code in _CODE.finditer(text):
        result += _prose(text[position : code.start()], styled) + f"`{_entities(code[2])}`"
        position = code.end()
    return result + _prose(text[position:], styled)


def _prose(text: str, styled: _Styling) -> str:
    result = ""
    position = 0
    for link in _LINK.finditer(text):
        label = _styled(link[1]).replace("|", "¦") or _entities(link[2])
        address = _entities(link[2]).replace("|", "%7C")
        result += _with_urls(text[position : link.start()], styled) + f"<{address}|{label}>"
        position = link.end()
    return result + _with_urls(text[position:], styled)


def _with_urls(text: str, styled: _Styling) -> str:
    """Addresses in the open are left to Slack to link: their underscores and stars are no marks."""
    result = ""
    position = 0
    for url in _URL.finditer(text):
        result += styled(text[position : url.start()]) + escape(url[0])
        position = url.end()
    return result + styled(text[position:])


def _calling(people: Mapping[str, str]) -> _Styling | None:
    """As `_styled`, with the names of `people` after an `@` as mentions."""
    by_name = {name.casefold(): slack_id for name, slack_id in people.items() if name}
    if not by_name:
        return None
    longest_first = sorted(by_name, key=len, reverse=True)
    named = re.compile(r"(?<![\w@])@(" + "|".join(map(re.escape, longest_first)) + r")(?!\w)", re.IGNORECASE)

    def styled(text: str) -> str:
        result = ""
        position = 0
        for call in named.finditer(text):
            slack_id = by_name.get(call[1].casefold())
            result += _styled(text[position : call.start()]) + (f"<@{slack_id}>" if slack_id else _styled(call[0]))
            position = call.end()
        return result + _styled(text[position:])

    return styled


def _styled(text: str) -> str:
    styled = escape(text)
    styled = _STRONG.sub(rf"{_BOLD}\2{_BOLD}", styled)
    styled = _EMPHASIS.sub(r"_\1_", styled)
    styled = _STRIKE.sub(r"~\1~", styled)
    return styled.replace(_BOLD, "*")


def _entities(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
