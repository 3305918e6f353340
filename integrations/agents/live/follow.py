"""Reads a transcript while it is written, into the spool: records, and the files that they touch.

On every start it is read from its beginning, because an agent's records make sense only in their order; what the spool
knows already is not stored again. What the disk did not take is kept and stored first the next time.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict
from datetime import datetime
from pathlib import Path

from core.clock import as_utc
from core.events import FileChanged, PromptSubmitted, ToolCallFinished, ToolCallStarted
from integrations.agents.finishing import one_line, shortened
from integrations.agents.live.discover import directory_in
from integrations.agents.live.secrets import CurrentSecrets
from integrations.agents.live.spool import Spool
from integrations.agents.live.tail import Place, Tail, is_still
from integrations.agents.live.touched import TouchedFiles
from integrations.agents.transcript import Item, TranscriptReader

MAX_TITLE = 80

#: From the folder that the transcript tells, and the time of its first record, to the files in it; None: not shared.
OpenFiles = Callable[[Path, str | None], TouchedFiles | None]


class Follower:
    """One transcript on its way into one spool. Not for several threads at once."""

    def __init__(self, path: Path, spool: Spool, secrets: CurrentSecrets, open_files: OpenFiles) -> None:
        self._tail = Tail(path)
        self._spool = spool
        self._secrets = secrets
        self._open_files = open_files
        self._reader = TranscriptReader(secrets)
        self._files: TouchedFiles | None = None
        #: Read and not understood yet; understood and not stored yet.
        self._lines: deque[bytes] = deque()
        self._unsaved: list[Item] = []
        #: Commands that have begun: call id → when, in seconds since 1970.
        self._running: dict[str, float] = {}
        self._has_begun = False
        self.directory = ""
        #: The first prompt's first line.
        self.title = ""
        #: How often the transcript turned out to be another one than before.
        self.restarts = int(_was_replaced(path, spool))

    @property
    def is_missing(self) -> bool:
        return self._tail.is_missing

    @property
    def agent(self) -> str | None:
        return self._reader.agent

    @property
    def files(self) -> TouchedFiles | None:
        return self._files

    def close(self) -> None:
        self._tail.close()
        if self._files is not None:
            self._files.close()

    def step(self) -> bool:
        """Stores what has come since the last step, a bounded part of it; whether there is more at once.

        Raises TranscriptUnknown, OSError for what cannot be read, sqlite3.Error for what cannot be stored.
        """
        if self._unsaved:
            self._save()
        has_more = bool(self._lines)
        if not self._lines:
            has_more = self._look()
        if self._lines:
            self._secrets.refresh()  # After the look: whatever these lines repeat was in its file before.
        while self._lines:
            self._enter(self._lines[0])
            self._unsaved += self._reader.feed(self._lines.popleft())
        if self._unsaved:
            self._save()
        return has_more

    def _look(self) -> bool:
        piece = self._tail.look()
        if piece.is_fresh:
            self._reader = TranscriptReader(self._secrets)
            self.restarts += self._has_begun
            self._has_begun = True
        self._lines.extend(piece.lines)
        return piece.has_more

    def _enter(self, line: bytes) -> None:
        """Learns the folder before anything of the transcript is redacted: its `.env` holds known secrets."""
        if self.directory or not (found := directory_in(line)):
            return
        folder = Path(found)
        if folder.is_absolute() and folder.is_dir():
            self._secrets.add(folder)
            self._files = self._open_files(folder, _time_of(line))
        self.directory = found

    def _save(self) -> None:
        place = self._tail.place()
        notes = {} if place is None else {"place": json.dumps(asdict(place))}
        self._spool.add_events(self._unsaved, notes)
        changes = [item.event for item in self._unsaved if isinstance(item.event, FileChanged)]
        for item in self._unsaved:
            if not self.title and isinstance(item.event, PromptSubmitted):
                self.title = shortened(one_line(item.event.text), MAX_TITLE)[0]
        if self._files is not None:
            self._files.touch(changes)
            self._files.look_again()
            self._files.ran(list(self._commands(self._unsaved)))
        self._unsaved.clear()

    def _commands(self, items: Iterable[Item]) -> Iterator[tuple[float, float]]:
        """From when to when commands ran that have ended now, in seconds since 1970."""
        for item in items:
            match item.event:
                case ToolCallStarted(kind="execute", call_id=call, occurred_at=str(at)):
                    self._running[call] = _seconds(at)
                case ToolCallFinished(call_id=call, occurred_at=str(at)) if call in self._running:
                    yield self._running[call], _seconds(at)
                case _:
                    pass


def _was_replaced(path: Path, spool: Spool) -> bool:
    known = spool.note("place")
    return known is not None and not is_still(path, Place(**json.loads(known)))


def _seconds(time: str) -> float:
    try:
        return as_utc(datetime.fromisoformat(time)).timestamp()
    except ValueError:
        return 0.0


def _time_of(line: bytes) -> str | None:
    record = json.loads(line)
    found = record.get("timestamp")
    return found if isinstance(found, str) else None
