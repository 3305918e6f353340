"""The files that a transcript has shown so far, so that a file written by a shell command becomes the right change.

A shell says what it writes, never what was there before. Where the transcript has shown that, the change is exact;
where it has only shown that there was something, the lines that went are unknown and count as none.
"""

from __future__ import annotations

import difflib
from typing import Literal

from integrations.agents.diffs import Diff, counted, whole_file

#: Characters of a file that are remembered, and files.
LARGEST = 64 * 1024
MAX_FILES = 500


class Files:
    """Paths as events carry them, with the content where it is known whole."""

    def __init__(self) -> None:
        self._contents: dict[str, str | None] = {}

    def saw(self, path: str, content: str | None = None) -> None:
        """The file is there now, with this content if it was seen whole."""
        if path in self._contents or len(self._contents) < MAX_FILES:
            self._contents[path] = content if content is None or len(content) <= LARGEST else None

    def gone(self, path: str) -> None:
        self._contents.pop(path, None)

    def written(self, path: str, content: str) -> tuple[Literal["added", "modified"], Diff]:
        """The change that writing `content` over this file makes."""
        is_known, before = path in self._contents, self._contents.get(path)
        self.saw(path, content)
        if not is_known:
            return "added", whole_file(content, "+")
        if before is None:
            return "modified", whole_file(content, "+")
        hunks = difflib.unified_diff(before.split("\n"), content.split("\n"), lineterm="", n=3)
        return "modified", counted("\n".join(list(hunks)[2:]))
