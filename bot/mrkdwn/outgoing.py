"""Markdown as people and agents write it, to mrkdwn as Slack shows it.

Works line by line, so that a long text can be cut between lines: each part is complete in itself, with its fences
closed and opened again. Every `<` of the text is escaped, so the only tokens in the result are made here: links, and
mentions of those whom the caller names; the words that would ping a channel are broken with an invisible character, in
case a client looks for them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from bot.mrkdwn.fences import Fences
from bot.mrkdwn.inline import Inline, entities, escape
from bot.mrkdwn.literal import hold_apart
from bot.mrkdwn.tables import tables_as_code

#: Longest part of a text, in characters: Slack may split a post of more than 4,000 by itself, in the middle of a fence,
#: and takes no longer edits. The rest is for the author's name, and for a line that says where the text goes on.
MAX_PART = 3_600

_HEADING = re.compile(r"^ {0,3}#{1,6}\s+(.*?)\s*#*$")
_BULLET = re.compile(r"^(\s*)[-*+]\s+(?=\S)")
_QUOTE = re.compile(r"^ {0,3}>\s?")
_MENTION = re.compile(r"<@([A-Z0-9]+)>")
_PLAIN = Inline({})


def to_mrkdwn(markdown: str) -> str:
    """The whole text in one piece."""
    return "\n".join(line.converted for line in _lines(markdown))


def to_parts(markdown: str, limit: int = MAX_PART, people: Mapping[str, str] | None = None) -> list[str]:
    """The text in pieces of at most `limit` characters; a fence that is cut is closed and opened again.

    `people` are those who may be called: name → id in Slack. `@name`, outside of code and addresses, becomes a mention,
    once for each of them.
    """
    inline = Inline(people or {})
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

    for line in _fitting(_lines(markdown, inline), limit - 8):
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
    inline: Inline
    is_code: bool = False
    is_fence: bool = False
    opens: bool = False

    @property
    def converted(self) -> str:
        if self.is_fence:
            return "```"
        return entities(hold_apart(self.raw)) if self.is_code else _text_line(self.raw, self.inline)


def _lines(markdown: str, inline: Inline = _PLAIN) -> Iterator[_Line]:
    """A fence that is never closed is closed at the end, so that nothing behind it is swallowed."""
    fences = Fences()
    for raw in tables_as_code(inline.readable(markdown)).split("\n"):
        was_open = fences.is_open
        kind, line = fences.read(raw)
        if was_open and kind in ("text", "opens"):
            # The quote that it stood in has ended.
            yield _Line("", inline, is_fence=True)
        if kind == "opens":
            if line:
                yield _Line(f"{line} \u2060", inline)
            yield _Line(raw, inline, is_fence=True, opens=True)
        elif kind == "closes":
            yield _Line(raw, inline, is_fence=True)
        else:
            yield _Line(line, inline, is_code=kind == "code")
    if fences.is_open:
        yield _Line("", inline, is_fence=True)


def _fitting(lines: Iterator[_Line], limit: int) -> Iterator[_Line]:
    """Cuts lines that are longer than a part, between words where there are any."""
    for line in lines:
        if len(line.converted) <= limit:
            yield line
            continue
        # An escaped character takes up to five, and that twice in an address; a long word is cut where it must be.
        size = max(1, limit // 12)
        words = re.findall(r"\S+\s*|\s+", line.raw)
        chunks = [word[at : at + size] for word in words for at in range(0, len(word), size)]
        while chunks:
            count = _how_many_fit(line, chunks, limit)
            yield replace(line, raw="".join(chunks[:count]))
            del chunks[:count]


def _how_many_fit(line: _Line, chunks: Sequence[str], limit: int) -> int:
    """At least one. Tries ever more, and then the last steps one by one: to convert a line takes time."""
    count, step = 0, 1
    while step:
        is_beyond = count + step > len(chunks)
        if is_beyond or len(replace(line, raw="".join(chunks[: count + step])).converted) > limit:
            step //= 2
        else:
            count, step = count + step, step * 2
    return max(count, 1)


def _text_line(line: str, inline: Inline) -> str:
    heading = _HEADING.match(line)
    if heading and heading[1]:
        return f"*{inline.convert(heading[1], is_bold=True)}*"
    quote = _QUOTE.match(line)
    if quote:
        return "> " + _text_line(line[quote.end() :], inline)
    bullet = _BULLET.match(line)
    if bullet:
        return f"{bullet[1]}• {inline.convert(line[bullet.end() :])}"
    return inline.convert(line)
