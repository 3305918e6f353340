"""An answer of the agent as Markdown for Slack, in parts that fit into a post each. Pure.

Slack takes `markdown_text` as Markdown in which its own control sequences may have their meaning
(https://docs.slack.dev/reference/methods/chat.startStream). What could call somebody is broken with an invisible
character, which is put in only on the way out: everything else here counts the characters of the text itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

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
_CODE = re.compile(r"(`+)(?!`)[^\n]+?(?<!`)\1(?!`)")
_FENCE = re.compile(r"^ {0,3}(`{3,}|~{3,})([^`\n]*)$")
#: Longest line that opens a fence anew.
_MAX_OPENING = 60


def joined(blocks: Iterable[str]) -> str:
    """The finished blocks of an answer as one text. It only grows when another block follows.

    A fence that is never closed is closed at the end of its block, so that nothing behind it is swallowed.
    """
    whole: list[str] = []
    for block in blocks:
        text = block.replace("\r\n", "\n").strip("\n")
        if text.strip():
            opening = open_fence(text)
            whole.append(f"{text}\n{opening.strip()[:3]}" if opening else text)
    return "\n\n".join(whole)


def open_fence(text: str) -> str:
    """The line that opened the fence in which a text ends, or "" where it ends outside of code."""
    fence, opening = "", ""
    for line in text.split("\n"):
        mark = _FENCE.match(line)
        if mark is None:
            continue
        if not fence:
            fence, opening = mark[1], line
        elif mark[1].startswith(fence) and not mark[2].strip():
            fence = opening = ""
    return opening


def spelled(text: str, begin: int, start: int, end: int) -> str:
    """The characters from `start` to `end` as they are sent into the part that begins at `begin`.

    A part that begins inside of code opens the fence anew, and no part begins with empty lines.
    """
    piece = _guarded(text, start, end)
    if start > begin:
        return piece
    opening = open_fence(text[:begin])
    return f"{opening.strip()[:_MAX_OPENING]}\n{piece}" if opening else piece.lstrip("\n")


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
    at = text.rfind("\n\n", least, most)
    while at >= 0:
        if not open_fence(text[:at]):
            return at + 2
        at = text.rfind("\n\n", least, at)
    for mark in ("\n", " "):
        at = text.rfind(mark, least, most)
        if at >= 0:
            return at + 1
    return most


def _guarded(text: str, start: int, end: int) -> str:
    """A stretch of the text. What has to be broken is looked for in the whole, so that no cut hides it."""
    code = _code(text)
    found = {match.end() for match in _CONTROL.finditer(text)}
    found |= {match.end() for match in _WORD.finditer(text) if not any(a <= match.start() < b for a, b in code)}
    result, position = "", start
    for at in sorted(at for at in found if start <= at < end):
        result += text[position:at] + _JOINER
        position = at
    return result + text[position:end]


def _code(text: str) -> list[tuple[int, int]]:
    """Where there is code: whole lines of fences, and spans in others."""
    found: list[tuple[int, int]] = []
    fence, position = "", 0
    for line in text.split("\n"):
        mark, end = _FENCE.match(line), position + len(line)
        if fence:
            found.append((position, end))
            fence = "" if mark and mark[1].startswith(fence) and not mark[2].strip() else fence
        elif mark:
            fence = mark[1]
        else:
            found += [(position + span.start(), position + span.end()) for span in _CODE.finditer(line)]
        position = end + 1
    return found
