"""mrkdwn, as a message's `text` has it, to Markdown: for messages without `rich_text` blocks.

`&`, `<` and `>` are escaped in it, and undone once; tokens between angle brackets are links and mentions
(https://docs.slack.dev/messaging/formatting-message-text). Lists are lines with a bullet, indented however far.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from bot.emoji_names import character
from bot.mrkdwn.links import link
from bot.mrkdwn.literal import code_span, fence, literal, put_together

#: A token of Slack's: what kind it is, what it points at, how it is called.
TOKEN = re.compile(r"<(?P<sigil>[@#!]?)(?P<target>[^<>|]*)(?:\|(?P<label>[^<>]*))?>")
_PARTS = re.compile(
    rf"```(?P<block>.*?)```|`(?P<span>[^`\n]+)`|{TOKEN.pattern}|(?P<url>https?://[^\s<>`|]*[\w/])", re.DOTALL
)
#: Marks in mrkdwn, what stands for them meanwhile (from a private-use plane), and in Markdown.
_STYLES = (
    (re.compile(r"(?<![\w*])\*(?=[^\s*])([^*\n]+?)(?<=[^\s*])\*(?![\w*])"), "\U000f0010", "**"),
    (re.compile(r"(?<![\w~])~(?=[^\s~])([^~\n]+?)(?<=[^\s~])~(?![\w~])"), "\U000f0011", "~~"),
    (re.compile(r"(?<!\w)_(?=[^\s_])([^_\n]+?)(?<=[^\s_])_(?!\w)"), "\U000f0012", "_"),
)
#: Stands for code or for a token.
_HELD = "\U000f0013"
_PRIVATE = re.compile("[\U000f0010-\U000f0013]")
_EMOJI = re.compile(r":([a-z0-9_+'-]+(?:::skin-tone-[2-6])?):")
_BULLET = re.compile(r"^([ \t]*)[\u2022\u25e6\u25aa\u25ab\u2023\u2043]\ufe0e?[ \t]*(.*)$")
_NUMBER = re.compile(r"^([ \t]*)(\d{1,9}\.) +(.*)$")
_QUOTE = re.compile(r"^(?:&gt;|>) ?(.*)$")


def unescape(text: str) -> str:
    """Undoes Slack's escaping, once: `&amp;lt;` is the text `&lt;`."""
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


class Typed:
    """Reads texts. `mention` is told the id of whoever is mentioned, and the name that stands with it."""

    def __init__(self, mention: Callable[[str, str], str]) -> None:
        self._mention = mention

    def read(self, text: str) -> str:
        held: list[str] = []

        def hold(part: re.Match[str]) -> str:
            before, after = part.string[: part.start()], part.string[part.end() :]
            if part["block"] is not None and ("\n" in part["block"] or _fills_lines(before, after)):
                held.append(fence(_code(_without_ends(part["block"]))))
                return "\n" * (not _is_line_end(before[::-1])) + _HELD + "\n" * (not _is_line_end(after))
            if part["block"] is not None or part["span"] is not None:
                held.append(code_span(_code(part["block"] or part["span"] or " ")))
            elif part["url"] is not None:
                held.append(unescape(part["url"]))
            else:
                is_alone = not (before[-1:] + after[:1]).strip()
                held.append(self.token(part, is_alone=is_alone))
            return _HELD

        clean = _PRIVATE.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
        lines = "\n".join(_lines(_PARTS.sub(hold, clean).split("\n")))
        back = iter(held)
        return re.sub(_HELD, lambda _: next(back), lines)

    def token(self, token: re.Match[str], *, with_links: bool = True, is_alone: bool = True) -> str:
        sigil, target, label = token["sigil"], token["target"], unescape(token["label"] or "")
        if sigil == "@":
            return self._mention(target, label)
        if sigil == "#":
            return "#" + (label or target)
        if sigil == "!":
            word = target.split("^")[0]
            return label if label and word in ("date", "subteam") else "@" + (label or word).lstrip("@")
        url = unescape(target)
        return link(url, label, is_alone=is_alone) if with_links else _address(url, label)


def _address(url: str, label: str) -> str:
    return label if url.startswith("mailto:") and label else url


def _lines(lines: list[str]) -> Iterator[str]:
    """Items and quotes as Markdown has them; words right below one would go on with it, so they are set off."""
    is_open = False
    lists: list[tuple[int, int]] = []
    for line in lines:
        item, quote = _BULLET.match(line) or _NUMBER.match(line), _QUOTE.match(line)
        if item is not None:
            marker = item[2] if item.re is _NUMBER else "-"
            width = len(item[1].expandtabs(4))
            while lists and lists[-1][0] >= width:
                lists.pop()
            start = lists[-1][1] if lists else 0
            lists.append((width, start + len(marker) + 1))
            is_open = True
            yield " " * start + f"{marker} {_styled(item[item.lastindex or 0], starts_line=True)}"
        elif quote is not None:
            lists.clear()
            is_open = True
            yield "> " + _styled(quote[1], starts_line=True)
        elif line.strip() and lists and line[0] in " \t":
            yield " " * lists[-1][1] + _styled(line.strip(), starts_line=True)
        else:
            if line.strip():
                if is_open:
                    yield ""
                lists.clear()
            is_open = is_open and not line.strip() and bool(lists)
            yield _styled(line, starts_line=True)


def _styled(text: str, *, starts_line: bool) -> str:
    for marked, private, _ in _STYLES:
        text = marked.sub(rf"{private}\1{private}", text)
    text = _EMOJI.sub(lambda name: character(name[1]), unescape(text))
    text = literal(text, starts_line=starts_line)
    for _, private, mark in _STYLES:
        text = text.replace(private, mark)
    return text


def _code(code: str) -> str:
    """Links that Slack made inside of code are taken back to what was typed."""
    typed = TOKEN.sub(lambda token: token["label"] or token["target"] if not token["sigil"] else token[0], code)
    return put_together(unescape(typed))


def _without_ends(block: str) -> str:
    """The line breaks right after the opening fence and right before the closing one are none of the code's."""
    return block.removeprefix("\n").removesuffix("\n")


def _is_line_end(after: str) -> bool:
    return not after or after[0] == "\n"


def _fills_lines(before: str, after: str) -> bool:
    return _is_line_end(before[::-1]) and _is_line_end(after)
