"""The data folder: who holds it, and how others reach the one who does.

SQLite allows one process with one writing connection. The server holds a lock as long as it runs; a command that finds
the lock taken asks the server instead of opening the file.
"""

from __future__ import annotations

import fcntl
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType


class DataDirBusy(Exception):
    """Another process holds the data folder."""


@dataclass(frozen=True, slots=True)
class RunningServer:
    """What the holder of the folder says of itself. `url` is where it listens on this machine."""

    url: str
    pid: int


class DataDirLock:
    """Held for the life of a process; the system lets go of it even after kill -9."""

    def __init__(self, data_dir: Path) -> None:
        data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._path = data_dir / "server.lock"
        self._note = data_dir / "server.json"
        self._file: int | None = None

    def __enter__(self) -> DataDirLock:
        """Raises DataDirBusy."""
        return self if self._file is not None else self.acquire()

    def acquire(self) -> DataDirLock:
        """Takes the lock now, to be let go of by the `with` that follows. Raises DataDirBusy."""
        self._file = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(self._file)
            self._file = None
            raise DataDirBusy(str(self._path.parent)) from error
        self._note.unlink(missing_ok=True)
        return self

    def announce(self, url: str) -> None:
        self._note.write_text(json.dumps(asdict(RunningServer(url, os.getpid()))))

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._note.unlink(missing_ok=True)
        if self._file is not None:
            os.close(self._file)
            self._file = None


def running_server(data_dir: Path) -> RunningServer | None:
    """The server that announced itself in this folder, if one did."""
    try:
        note = json.loads((data_dir / "server.json").read_text())
        return RunningServer(str(note["url"]), int(note["pid"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None
