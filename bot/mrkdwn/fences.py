"""Which lines of a Markdown text are code: fences, also those inside of quotes and lists.

A fence ends at one that is at least as long and says nothing else (https://spec.commonmark.org/0.31.2/#fenced-code-blocks),
and with the quote that it stands in. The lines between lose what the opening one is indented by.
"""

from __future__ import annotations

import re
from typing import Literal

_FENCE = re.compile(
    r"^(?P<lead>(?:[ \t]*>)*[ \t]*)(?P<marker>(?:[-*+]|\d{1,9}[.)])[ \t]+)?(?P<mark>`{3,}|~{3,})(?P<info>.*)$"
)

Kind = Literal["text", "opens", "code", "closes"]


class Fences:
    """Reads one line after the other."""

    def __init__(self) -> None:
        self._mark = ""
        self._indent = 0
        #: What is before each line of the quote that the fence stands in.
        self._quote: re.Pattern[str] | None = None

    @property
    def is_open(self) -> bool:
        return bool(self._mark)

    def read(self, line: str) -> tuple[Kind, str]:
        """What a line is, and what of it counts: of code, the code; of a fence in a list, the item's marker."""
        if self._mark and self._quote is not None and not self._quote.match(line):
            self._mark = ""
        if self._mark:
            return self._inside(line)
        found = _FENCE.match(line)
        if found is None or (found["mark"][0] == "`" and "`" in found["info"]):
            return "text", line
        self._mark, lead, marker = found["mark"], found["lead"], found["marker"] or ""
        depth = lead.count(">")
        self._quote = re.compile(rf"^(?:[ \t]*> ?){{{depth}}}") if depth else None
        self._indent = len(self._unquoted(lead)) + len(marker)
        return "opens", (lead + marker).rstrip() if marker else ""

    def _unquoted(self, line: str) -> str:
        return self._quote.sub("", line) if self._quote is not None else line

    def _inside(self, line: str) -> tuple[Kind, str]:
        code = self._unquoted(line)
        bare = code.strip(" \t")
        if bare.startswith(self._mark) and not bare.strip(self._mark[0]):
            self._mark = ""
            return "closes", ""
        spaces = len(code) - len(code.lstrip(" "))
        return "code", code[min(spaces, self._indent) :]
