"""An answer of the agent as Markdown for Slack, in parts that fit into a post each. Pure.

Slack takes `markdown_text` as Markdown in which its own control sequences may have their meaning
(https://docs.slack.dev/reference/methods/chat.startStream). What could call somebody is broken with an invisible
character, which is put in only on the way out: everything else here counts the characters of the text itself.

An answer may be long, and whoever runs an agent may have it say anything: nothing here takes longer than the text is
long, whatever it says.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

#: Most characters of one part. Slack takes 12,000 in one append and in one message; the rest is for the invisible ones.
MAX_PART = 9_000
#: Below this a part that cannot take everything is full.
MIN_PIECE = 3_000

#: U+2060 WORD JOINER: takes no room and breaks the word.
_JOINER = "\u2060"
_CROWD = r"(?:channel|here|everyone|group)\b"
#: Behind which character something has to be broken: a control sequence, its `<` written out or as an entity …
_CONTROL = re.compile(
    r"(?:<|&lt;?|&#0{0,6}60;?|&#x0{0,6}3c;?)"
    rf"(?=(?-i:@[A-Z0-9]{{2}}|\#[A-Z0-9]{{2}})|!(?:{_CROWD}|subteam\b|date\b))",
    re.IGNORECASE,
)
#: … and outside of code the words that a client may look for.
_WORD = re.compile(rf"!(?={_CROWD}|subteam\^|date\^)|(?<!\w)@(?={_CROWD})", re.IGNORECASE)
#: More than any of these looks at, on either side.
_NEAR = 40

_FENCE = re.compile(r"^ {0,3}(`{3,}|~{3,})([^`\n]*)$", re.MULTILINE)
#: What of a fence's first line is said again where a part begins in the middle of its code.
_LANGUAGE = re.compile(r"[ \t]*([\w+#.-]{0,40})")
_TICKS = re.compile(r"`+")


@dataclass(frozen=True, slots=True)
class _Fence:
    """Lines of code: from the end of the line that opens them to the end of the one that closes them. `mark` is what
    that one has to begin with."""

    opened_at: int
    begin: int
    end: int
    mark: str
    info: str
    is_open: bool


def joined(blocks: Iterable[str]) -> str:
    """The finished blocks of an answer as one text."""
    text = ""
    for block in blocks:
        text = grown(text, block)
    return text


def grown(text: str, block: str) -> str:
    """An answer with another block behind what it says already.

    A fence that is never closed is closed at the end of its block, so that nothing behind it is swallowed.
    """
    said = block.replace("\r\n", "\n").strip("\n")
    if not said.strip():
        return text
    fence = open_fence(said, len(said))
    if fence is not None:
        said += f"\n{fence.mark}"
    return f"{text}\n\n{said}" if text else said


def open_fence(text: str, end: int) -> _Fence | None:
    """The code in the middle of which a text is at this character, if it is."""
    fences = _fences(text, end)
    return fences[-1] if fences and fences[-1].is_open else None


def spelled(text: str, begin: int, start: int, end: int) -> str:
    """The characters from `start` to `end` as they are sent into the part that begins at `begin`.

    A part that begins inside of code opens the fence anew, and no part begins with empty lines, or is empty.
    """
    piece = _guarded(text, start, end)
    if start > begin:
        return piece
    fence = open_fence(text, begin) if begin > 0 else None
    if fence is None:
        return piece.lstrip("\n") or _JOINER
    language = _LANGUAGE.match(fence.info)
    return f"{fence.mark}{language[1] if language else ''}\n{piece}"


def next_end(text: str, begin: int, sent: int) -> int | None:
    """Up to where the part that begins at `begin` can be told next, when it stands there up to `sent`: at most to the
    end, else to a place where a text can be cut. None when the part is full and more is to be told."""
    left = MAX_PART - (sent - begin)
    if len(text) - sent <= left:
        return len(text)
    return _cut(text, sent, sent + left) if left >= MIN_PIECE else None


def _cut(text: str, start: int, most: int) -> int:
    """Between paragraphs outside of code where possible, else between lines, words, or where it must be."""
    least = start + (most - start) // 2
    fences = _fences(text, most)
    at = text.rfind("\n\n", least, most)
    while at >= 0:
        around = next((one for one in reversed(fences) if one.opened_at < at), None)
        if around is None or at >= around.end:
            return at + 2
        # Nothing in this code will do; go on before it.
        at = text.rfind("\n\n", least, max(least, around.opened_at))
    for mark in ("\n", " "):
        at = text.rfind(mark, least, most)
        if at >= 0:
            return at + 1
    return most


def _guarded(text: str, start: int, end: int) -> str:
    """A stretch of the text. What has to be broken is looked for around it as well, so that no cut hides it."""
    near = max(0, start - _NEAR), min(len(text), end + _NEAR)
    breaks = {match.end() for match in _CONTROL.finditer(text, *near)}
    words = [match.span() for match in _WORD.finditer(text, *near)]
    if words:
        code = sorted(_code(text, start, end))
        begins = [begin for begin, _ in code]
        for at, after in words:
            before = bisect_right(begins, at) - 1
            if before < 0 or at >= code[before][1]:
                breaks.add(after)
    pieces: list[str] = []
    position = start
    for at in sorted(at for at in breaks if start <= at < end):
        pieces += text[position:at], _JOINER
        position = at
    return "".join(pieces) + text[position:end]


def _code(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Where there is code in the lines of a stretch: lines between fences, and spans in others."""
    first = text.rfind("\n", 0, max(0, start - _NEAR)) + 1
    last = text.find("\n", min(len(text), end + _NEAR))
    last = last if last >= 0 else len(text)
    position = first
    for fence in _fences(text, last):
        if fence.end > first:
            yield fence.begin, fence.end
            yield from _spans_of_lines(text, position, fence.opened_at)
            position = fence.end
    yield from _spans_of_lines(text, position, last)


def _spans_of_lines(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    position = start
    while position < end:
        line_end = text.find("\n", position, end)
        line_end = line_end if line_end >= 0 else end
        # What an escaped tick means is nothing to rely on: such a line is taken for words.
        if text.find("\\`", position, line_end) < 0:
            yield from _spans(text, position, line_end)
        position = line_end + 1


def _spans(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Code in a line: from some ticks to the next ones that are as many
    (https://spec.commonmark.org/0.31.2/#code-spans)."""
    runs = [match.span() for match in _TICKS.finditer(text, start, end)]
    closing: list[int | None] = [None] * len(runs)
    next_of: dict[int, int] = {}
    for at in range(len(runs) - 1, -1, -1):
        length = runs[at][1] - runs[at][0]
        closing[at] = next_of.get(length)
        next_of[length] = at
    at = 0
    while at < len(runs):
        closed_at = closing[at]
        if closed_at is not None:
            yield runs[at][0], runs[closed_at][1]
            at = closed_at
        at += 1


def _fences(text: str, end: int) -> list[_Fence]:
    """All code between fences up to a character, in order; the last one may be open there."""
    found: list[_Fence] = []
    opened: re.Match[str] | None = None
    for mark in _FENCE.finditer(text, 0, end):
        if opened is None:
            opened = mark
        elif mark[1].startswith(opened[1]) and not mark[2].strip():
            found.append(_Fence(opened.start(), opened.end(), mark.end(), opened[1], opened[2], is_open=False))
            opened = None
    if opened is not None:
        found.append(_Fence(opened.start(), opened.end(), end, opened[1], opened[2], is_open=True))
    return found
