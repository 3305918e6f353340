"""What stands within one line of Markdown, as mrkdwn.

Code, links, addresses and mentions are set aside first, so that a mark may stand around them and none is seen in them.
Every `<` of the text is escaped: the only tokens in the result are links, and mentions of those whom the caller names.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from bot.mrkdwn.literal import ESCAPED, JOINER, hold_inline

_BROADCAST = re.compile(r"@(?=(?:channel|here|everyone|group)\b)", re.IGNORECASE)
_TARGET = r"https?://[^\s()<>]+(?:\([^\s()<>]*\)[^\s()<>]*)*|mailto:[^\s()<>]+"
_LABEL = r"(?:\\.|[^\[\]\\\n]|\[(?:\\.|[^\[\]\\\n])*\])*"
_TITLE = r"""(?:\s+(?:"[^"\n]*"|'[^'\n]*'))?"""
_SPECIAL = (
    r"(?P<escaped>\\[!-/:-@\[-`{-~])"
    r"|(?P<ticks>`+)(?!`)(?P<code>.+?)(?<!`)(?P=ticks)(?!`)"
    r"|(?P<tick>`+)"
    rf"|!?\[(?P<label>{_LABEL})\]\(\s*(?:<(?P<framed>(?:https?://|mailto:)[^<>\s]+)>|(?P<bare>{_TARGET})){_TITLE}\s*\)"
    r"|<(?P<auto>https?://[^\s<>|]+)>"
    r"|(?P<url>https?://[^\s<>`]*[^\s<>`?!.,:;*_~'\"])"
)
_STRONG = re.compile(r"\*\*(?=\S)(.+?)(?<=\S)\*\*|(?<!\w)__(?=\S)(.+?)(?<=\S)__(?!\w)")
_BOTH = re.compile(r"\*\*\*(?=[^\s*])([^*]+?)(?<=[^\s*])\*\*\*")
_EMPHASIS = re.compile(r"(?<![\w*])\*(?=[^\s*])([^*\n]+?)(?<=[^\s*])\*(?![\w*])")
_STRIKE = re.compile(r"~~(?=\S)(.+?)(?<=\S)~~")
#: Stands for a `*` that means bold while the single ones are still being read as italics, and for what is set aside.
#: From a private-use plane.
_BOLD, _ASIDE = "\U000f0001", "\U000f0002"
_PRIVATE = re.compile(f"[{_BOLD}{_ASIDE}]")
#: Looks like a backtick and is none: nothing escapes one in mrkdwn, and a second would make code of what is between.
_LOOKALIKE = "\u02cb"


def entities(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def escape(text: str) -> str:
    """`text` as Slack shows it literally: the three characters escaped, the words that ping broken."""
    return _BROADCAST.sub("@" + JOINER, entities(text))


class Inline:
    """Converts lines. `people` are those who may be called: name → id in Slack."""

    def __init__(self, people: Mapping[str, str]) -> None:
        self._ids = {name.casefold(): slack_id for name, slack_id in people.items() if name}
        names = "|".join(map(re.escape, sorted(self._ids, key=len, reverse=True)))
        mention = rf"|(?<![\w@])@(?P<name>{names})(?!\w)" if names else r"|(?P<name>(?!))"
        self._special = re.compile(_SPECIAL + mention, re.IGNORECASE)

    @staticmethod
    def readable(markdown: str) -> str:
        """A text whose lines can be converted."""
        return _PRIVATE.sub("", markdown.replace("\r\n", "\n"))

    def convert(self, line: str, *, is_bold: bool = False) -> str:
        """`is_bold` tells that the caller puts marks around the whole: there are none inside then."""
        aside: list[str] = []
        has_several = line.count("`") > 1

        def set_aside(found: re.Match[str]) -> str:
            behind = line[found.end() : found.end() + 1] or "*" * is_bold
            aside.append(self._converted(found, has_several=has_several, behind=behind))
            return _ASIDE

        styled = _styled(self._special.sub(set_aside, line), bold="" if is_bold else "*")
        back = iter(aside)
        return re.sub(_ASIDE, lambda _: next(back), styled)

    def _converted(self, found: re.Match[str], *, has_several: bool, behind: str) -> str:
        if found["code"] is not None:
            return _code(found["code"])
        if found["tick"] is not None:
            return (_LOOKALIKE if has_several else "`") * len(found["tick"])
        if found["escaped"] is not None:
            return _escaped(found["escaped"][1], has_several=has_several)
        if found["name"] is not None:
            slack_id = self._ids.get(found["name"].casefold())
            return f"<@{slack_id}>" if slack_id else escape(found[0])
        if found["url"] is not None and (not behind or behind not in "*_~"):
            # Left to Slack to link; only of a mark right behind it would be made a part of it.
            return escape(found["url"])
        target = found["framed"] or found["bare"] or found["auto"] or found["url"]
        label = _label(found["label"]) if found["label"] else ""
        return f"<{entities(target).replace('|', '%7C')}|{label or entities(target)}>"


def _escaped(character: str, *, has_several: bool) -> str:
    if character == "`":
        return _LOOKALIKE if has_several else "`"
    # What comes behind is not looked at: it may be one of the words that ping.
    return "@" + JOINER if character == "@" else entities(character)


def _code(code: str) -> str:
    """As CommonMark has it: a space at both ends is there for the sake of backticks."""
    if code.strip() and code[0] == code[-1] == " ":
        code = code[1:-1]
    return f"```{entities(hold_inline(code))}```" if "`" in code else f"`{entities(code)}`"


def _label(label: str) -> str:
    """A link's words: no mark ends one in mrkdwn, and code cannot stand in it."""
    words = _styled(re.sub(rf"{ESCAPED.pattern}|`", lambda found: found[1] or "", label))
    return words.replace("|", "¦")


def _styled(text: str, bold: str = "*") -> str:
    styled = escape(text)
    styled = _BOTH.sub(rf"{_BOLD}_\1_{_BOLD}", styled)
    styled = _STRONG.sub(lambda found: f"{_BOLD}{found[1] or found[2]}{_BOLD}", styled)
    styled = _EMPHASIS.sub(r"_\1_", styled)
    styled = _STRIKE.sub(r"~\1~", styled)
    return styled.replace(_BOLD, bold)
