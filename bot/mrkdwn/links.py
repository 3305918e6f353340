"""An address in Markdown: bare where nobody can mistake where it begins and ends, else in brackets."""

from __future__ import annotations

import re

from bot.mrkdwn.literal import literal

_PLAIN = re.compile(r"https?://[A-Za-z0-9./%#?=&+~:@-]*[A-Za-z0-9/]")
_WEB = re.compile(r"https?://[^\s<>|]+")
_UNSAFE = re.compile(r"[\s<>]")


def link(url: str, label: str, *, is_alone: bool) -> str:
    """`is_alone` tells whether only white space stands around it."""
    if url.startswith("mailto:") and label in ("", url.removeprefix("mailto:")):
        return url.removeprefix("mailto:")
    url = _UNSAFE.sub(lambda found: f"%{ord(found[0]):02X}" if ord(found[0]) < 128 else "", url)
    if label in ("", url, url.split("://")[-1]):
        if is_alone and _PLAIN.fullmatch(url):
            return url
        if _WEB.fullmatch(url):
            return f"<{url}>"
    # Neither a line break nor a bracket may end the label before its end.
    shown = literal(" ".join((label or url).split()), starts_line=False)
    shown = re.sub(r"\\.|[\[\]]", lambda found: found[0] if len(found[0]) > 1 else f"\\{found[0]}", shown)
    return f"[{shown}](<{url}>)" if re.search(r"[()\\]", url) else f"[{shown}]({url})"
