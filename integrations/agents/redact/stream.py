"""Redacts text that comes in pieces: no piece leaves before it is certain that no secret begins in it and ends later.

Whole lines leave, because no rule crosses a line; a private key or a known value of several lines is waited for. The
result, joined, is what redacting the joined text gives. The price is that a line shows when it ends.
"""

from __future__ import annotations

from integrations.agents.redact.redactor import Redactor
from integrations.agents.redact.rules import KEY_BEGIN, KEY_END, LONGEST_KEY

#: Characters. A line that grows longer than LONG_LINE leaves in parts, cut at white space, all but its last WINDOW.
LONG_LINE = 32_768
WINDOW = 8_192
#: Characters. A run without any white space is given up at this length: what it is cannot be told.
LONGEST_RUN = 1 << 20


class StreamRedactor:
    """One stream of text, such as one message of an agent."""

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor
        self._held = ""
        self._is_skipping = False

    def feed(self, chunk: str) -> str:
        """What is safe to show now, perhaps nothing."""
        if self._is_skipping:
            chunk = self._after_run(chunk)
        self._held += chunk
        cut = self._line_cut() or self._long_cut()
        cut = min(cut, self._open_key())
        findings = self._redactor.find(self._held) if cut else []
        for finding in reversed(findings):
            # A finding that reaches the end may grow; one that crosses the cut has to be seen whole.
            if finding.begin < cut and (finding.end > cut or finding.end >= len(self._held.rstrip("\n"))):
                cut = finding.begin
        if not cut:
            return self._give_up_run() if len(self._held) > LONGEST_RUN else ""
        shown = self._redactor.replace(self._held[:cut], [finding for finding in findings if finding.end <= cut])
        self._held = self._held[cut:]
        return shown

    def flush(self) -> str:
        """The rest: the stream has ended."""
        rest, self._held = self._held, ""
        return self._redactor.redact(rest)

    def _line_cut(self) -> int:
        """Behind the last line break, as many lines back as a known value may still need."""
        cut = len(self._held)
        for _ in range(self._redactor.known_breaks + 1):
            cut = self._held.rfind("\n", 0, cut)
            if cut < 0:
                return 0
        return cut + 1

    def _open_key(self) -> int:
        """Where a private key begins whose end has not come, and may still come; else the end of what is held."""
        begins = max((begin.start() for begin in KEY_BEGIN.finditer(self._held)), default=-1)
        if begins < 0 or KEY_END.search(self._held, begins) or len(self._held) - begins > LONGEST_KEY:
            return len(self._held)
        return self._held.rfind("\n", 0, begins) + 1

    def _long_cut(self) -> int:
        if len(self._held) <= LONG_LINE:
            return 0
        end = len(self._held) - WINDOW
        return max(self._held.rfind(" ", 0, end), self._held.rfind("\t", 0, end)) + 1

    def _give_up_run(self) -> str:
        self._held = ""
        self._is_skipping = True
        self._redactor.counts["unreadable"] += 1
        return "[REDACTED:unreadable]"

    def _after_run(self, chunk: str) -> str:
        """The part of `chunk` that follows the end of a run that was given up."""
        for place, sign in enumerate(chunk):
            if sign.isspace():
                self._is_skipping = False
                return chunk[place:]
        return ""
