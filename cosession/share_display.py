"""What somebody who shares sees in the terminal: the link, who is watching, and what waits.

On a terminal the last line is alive; elsewhere a line is printed when something changes. Everything that came from
outside is shown as text, whatever signs are in it.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.status import Status
from rich.text import Text


class Display(AbstractContextManager["Display"]):
    """`is_quiet`: the link and what goes wrong, nothing else."""

    def __init__(self, console: Console, *, is_quiet: bool = False) -> None:
        self._console = console
        self._is_quiet = is_quiet
        self._status: Status | None = None
        self._said: dict[str, str] = {}
        self._is_offline = False
        self._is_caught_up = False
        #: What this machine itself has trouble with.
        self.local_problem = ""

    def __enter__(self) -> Self:
        if self._console.is_terminal and not self._is_quiet:
            self._status = self._console.status("Sharing")
            self._status.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._status is not None:
            self._status.stop()

    def say(self, line: str) -> None:
        """A line that `--quiet` leaves out."""
        if not self._is_quiet:
            self.insist(line)

    def insist(self, line: str) -> None:
        """A line that is always there."""
        self._console.print(Text(_plain(line)), soft_wrap=True)

    def begin(self, is_continued: bool, shared: int) -> None:
        if is_continued:
            self.say(
                f"Continuing where it stopped: {_records(shared)} of this transcript {_are(shared)} shared already."
            )

    def link(self, url: str) -> None:
        self.insist(f"Session: {url}")
        self.say("Sharing until you press Ctrl-C. Secrets are taken out before anything leaves this machine.")

    def show(
        self,
        *,
        waiting: int,
        shared: int,
        refused: str,
        problem: str | None,
        is_idle: bool,
        watching: Sequence[str] | None,
        restarts: int,
        folder: Path | None,
    ) -> None:
        """How things stand. What has not changed since the last time is not said again."""
        self._once("folder", f"Files: those that the agent changes in {folder}." if folder else "", loud=False)
        self._once("restarts", "The transcript is another one than before: reading on with it." * bool(restarts))
        self._once("local", f"Trouble: {self.local_problem}." if self.local_problem else "")
        self._once("refused", f"The server does not take everything: {refused}" if refused else "")
        line = _offline(problem, waiting) if problem else _watching(watching)
        if self._status is not None:
            self._status.update(Text(_plain(f"{line} · {_records(shared)} shared")))
            return
        if problem:
            if not self._is_offline:  # How many wait by now is only told where a line can change.
                self.insist(f"{line}.")
            self._is_offline, self._is_caught_up = True, False
            return
        if self._is_offline:
            self.insist("Online.")
            self._is_offline = False
        if watching is not None:
            self._once("watching", line, _watching([]), loud=False)
        if is_idle and not self._is_caught_up:
            self._is_caught_up = True
            self.say("Everything so far is shared.")

    def end(self, reason: str, waiting: int, shared: int, refused: int, left_out: Mapping[str, int]) -> None:
        if self._status is not None:
            self._status.stop()
        if reason:
            self.insist(reason)
        self.say(f"Shared: {_records(shared)}.")
        if refused:
            self.insist(f"{_records(refused)} the server did not take: the next start offers them again.")
        for why, count in left_out.items():
            self.say(f"Left out: {count} {'file' if count == 1 else 'files'}: {why}.")
        if waiting and not reason:
            wait = "waits" if waiting == 1 else "wait"
            self.insist(f"{_records(waiting)} {wait} on this machine: run the same command again to send them.")

    def _once(self, about: str, line: str, first: str = "", *, loud: bool = True) -> None:
        """Says a line when it differs from the last one about the same thing; `first` is what goes without saying."""
        if self._said.get(about, first) == line:
            return
        self._said[about] = line
        if line:
            (self.insist if loud else self.say)(line)


def _offline(problem: str, waiting: int) -> str:
    return f"Offline, {_records(waiting)} {'waits' if waiting == 1 else 'wait'}: {problem}"


def _records(count: int) -> str:
    return f"{count:,} {'record' if count == 1 else 'records'}"


def _are(count: int) -> str:
    return "is" if count == 1 else "are"


def _watching(names: Sequence[str] | None) -> str:
    if names is None:
        return "Sharing"
    if not names:
        return "Nobody is watching"
    if len(names) == 1:
        return f"{names[0]} is watching"
    if len(names) > 4:
        return f"{', '.join(names[:3])} and {len(names) - 3} others are watching"
    return f"{', '.join(names[:-1])} and {names[-1]} are watching"


def _plain(text: str) -> str:
    return "".join(" " if unicodedata.category(sign) in ("Cc", "Cf", "Zl", "Zp") else sign for sign in text)
