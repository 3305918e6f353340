"""One file of the shared folder at a time, and nothing from outside of it, whatever its path says and whoever swaps it.

Every part of a path is opened beneath the one before, without following links, from a descriptor of the folder that was
taken at the start: there is no moment between a check and a use. Only regular files with one name are read. What git
ignores is not read, and where git cannot say, nothing is.
"""

from __future__ import annotations

import errno
import os
import stat
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

from integrations.agents.live.git import Git
from integrations.agents.live.paths import PathNotShared, parts_of

#: Bytes; what is larger is named and not read.
LARGEST_FILE = 1 << 20


@dataclass(frozen=True, slots=True)
class Found:
    """A file as it is now. `data` is the whole content of a text, and nothing of anything else."""

    kind: Literal["text", "binary", "large", "missing"]
    data: bytes = b""
    size: int = 0


class Workspace:
    """The folder at `root`. Raises OSError when it cannot be opened."""

    def __init__(self, root: Path) -> None:
        self.root = root.resolve(strict=True)
        self._folder = os.open(self.root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        self.git = Git.of(self.root)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        os.close(self._folder)

    def is_there(self) -> bool:
        """Whether the folder that was opened still has its name, so that a missing file means a deleted one."""
        try:
            now = self.root.lstat()
        except OSError:
            return False
        return os.path.samestat(now, os.fstat(self._folder))

    def read(self, path: str) -> Found:
        """The file as it is now. Raises PathNotShared for what must not be read."""
        parts = self._allowed(path)
        try:
            file = self._open(parts)
        except FileNotFoundError:
            return Found("missing")
        try:
            return _content(file)
        except OSError as error:  # A disk or a network file system that fails: this file must not stop the others.
            raise PathNotShared(f"it cannot be read: {error.strerror}") from error
        finally:
            os.close(file)

    def signature(self, path: str) -> str:
        """Changes whenever the file does; "-" when it is not there. Reads nothing. Raises PathNotShared."""
        status = self._status(path)
        if status is None:
            return "-"
        return f"{status.st_ino} {status.st_size} {status.st_mtime_ns} {status.st_ctime_ns}"

    def written_at(self, path: str) -> float:
        """When the file was written last, in seconds since 1970; 0 for what is not there or must not be looked at."""
        try:
            status = self._status(path)
        except PathNotShared:
            return 0.0
        return 0.0 if status is None else status.st_mtime

    def _status(self, path: str) -> os.stat_result | None:
        try:
            file = self._open(parts_of(path))
        except FileNotFoundError:
            return None
        try:
            return os.fstat(file)
        finally:
            os.close(file)

    def allows(self, path: str) -> bool:
        """Whether a file of that path, there or not, may be part of the session."""
        try:
            self._allowed(path)
        except PathNotShared:
            return False
        return True

    def _allowed(self, path: str) -> tuple[str, ...]:
        parts = parts_of(path)
        if self.git is not None and self.git.ignores("/".join(parts)):
            raise PathNotShared("git ignores it")
        return parts

    def _open(self, parts: tuple[str, ...]) -> int:
        """Opens a file beneath the folder. Raises PathNotShared for links and the like, FileNotFoundError."""
        folder = os.dup(self._folder)
        try:
            for name in parts[:-1]:
                inner = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder)
                os.close(folder)
                folder = inner
            flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
            return os.open(parts[-1], flags, dir_fd=folder)
        except FileNotFoundError:
            raise
        except OSError as error:
            if error.errno in (errno.ELOOP, errno.EMLINK):
                raise PathNotShared("there is a symbolic link on its way") from error
            if error.errno == errno.ENOTDIR:
                # Where a link stands for a folder, systems answer "not a folder". So they do for a plain file.
                raise PathNotShared("something else than a folder is on its way") from error
            raise PathNotShared(f"it cannot be read: {error.strerror}") from error
        finally:
            os.close(folder)


def _content(file: int) -> Found:
    status = os.fstat(file)
    if not stat.S_ISREG(status.st_mode):
        raise PathNotShared("it is not a regular file")
    if status.st_nlink > 1:
        raise PathNotShared("it has another name, which may be outside")
    if status.st_size > LARGEST_FILE:
        return Found("large", size=status.st_size)
    data = b""
    while len(data) <= LARGEST_FILE and (more := os.read(file, LARGEST_FILE + 1 - len(data))):
        data += more
    if len(data) > LARGEST_FILE:
        return Found("large", size=os.fstat(file).st_size)
    return Found("text", data, len(data)) if is_text(data) else Found("binary", size=len(data))


def is_text(data: bytes) -> bool:
    """UTF-8 without NUL."""
    if b"\0" in data:
        return False
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True
