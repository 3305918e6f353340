"""Text that means only itself, in Markdown; and code, which must come out as it went in.

Markdown is CommonMark with GitHub's tables and strikes (https://spec.commonmark.org, https://github.github.com/gfm).
A character is escaped only where it would be taken for a mark, because the text is also read as it is: in mails, in a
terminal, by agents. In mrkdwn nothing escapes a backtick, so three in a row inside of code are kept apart by an
invisible character, which is taken out again on the way back.
"""

from __future__ import annotations

import re

#: U+2060 WORD JOINER: takes no room and breaks the word.
JOINER = "\u2060"
#: ASCII punctuation: what a backslash may stand before.
PUNCTUATION = r"!-/:-@\[-`{-~"

_BACKSLASH = re.compile(rf"\\(?=[{PUNCTUATION}\n]|\Z)")
#: A backslash that stands for the character behind it.
ESCAPED = re.compile(rf"\\([{PUNCTUATION}])")
_STAR = re.compile(r"(?<!\s)\*|\*(?!\s)")
_UNDERSCORE = re.compile(r"(?!(?<=[^\W_])_(?=[^\W_]))(?:(?<!\s)_|_(?!\s))")
_TILDE = re.compile(r"(?<!\s)~|~(?!\s)")
_BRACKET = re.compile(r"\](?=[(\[:])")
_TAG = re.compile(r"<(?=[A-Za-z/!?])")
_ENTITY = re.compile(r"&(?=(?:#\w+|\w+);)")
_OPENING = re.compile(r"^( {0,3})(?=#{1,6}(?:\s|$)|>|[-=_|:][-=_|: ]*$)", re.MULTILINE)
_RUN = re.compile(r"`{3,}")


def literal(text: str, *, starts_line: bool) -> str:
    """`text` as Markdown that shows it. `starts_line` tells whether nothing stands before it on its line."""
    text = _BACKSLASH.sub(r"\\\\", text).replace("`", "\\`")
    for mark in (_STAR, _UNDERSCORE, _TILDE):
        if len(mark.findall(text)) > 1:
            text = mark.sub(r"\\\g<0>", text)
    text = _ENTITY.sub(r"\\&", _TAG.sub(r"\\<", _BRACKET.sub(r"\\]", text)))
    first, newline, rest = text.partition("\n")
    first = _OPENING.sub(r"\1\\", first) if starts_line else first
    return first + newline + _OPENING.sub(r"\1\\", rest)


def code_span(code: str) -> str:
    """One line of code, in a line of text."""
    ticks = _ticks(code, 1)
    if "`" in code or (code.strip() and code[0] == code[-1] == " "):
        code = f" {code} "
    return f"{ticks}{code}{ticks}"


def fence(code: str, language: str = "") -> str:
    """Lines of code."""
    ticks = _ticks(code, 3)
    return f"{ticks}{language}\n{code}\n{ticks}"


def _ticks(code: str, least: int) -> str:
    longest = max((len(run) for run in re.findall(r"`+", code)), default=0)
    return "`" * max(least, longest + 1)


def hold_apart(code: str) -> str:
    """Code that ends no fence of Slack's."""
    return _RUN.sub(lambda run: JOINER.join(run[0]), code)


def hold_inline(code: str) -> str:
    """The same for a fence that begins and ends within a line: a backtick at its edge would be more of it."""
    apart = hold_apart(code)
    return JOINER * apart.startswith("`") + apart + JOINER * apart.endswith("`")


def put_together(code: str) -> str:
    """Undoes both."""
    return re.sub(f"(?<=`){JOINER}(?=`|\\Z)|\\A{JOINER}(?=`)", "", code)
