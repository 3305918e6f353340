"""The whole lines of a file that another program is writing, as they come.

A line without its newline waits for it. The file may be cut, rewritten in place, or replaced by another of the same
name: this is noticed by its identity, its size and the bytes in front of the place that was read to, and reading begins
anew. Looking is asking for the file's status, a few times a second: it works on every file system.
"""

from __future__ import annotations

import hashlib
import os
import stat
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

#: Bytes that are read at once; the longest line that is kept; what is compared in front of the place that was read to.
CHUNK = 1 << 20
LONGEST_LINE = 64 << 20
MARK = 1024


@dataclass(frozen=True, slots=True)
class Place:
    """How far a file was read: which file, how many bytes, and a digest of the last of them. Says after a restart
    whether the file is still the one that was read."""

    device: int
    inode: int
    offset: int
    mark: str


@dataclass(frozen=True, slots=True)
class Piece:
    """What one look brought. `is_fresh`: the file begins here, what was read of it before counts for nothing."""

    lines: list[bytes]
    is_fresh: bool = False
    has_more: bool = False


@dataclass
class Tail:
    """Reads `path`, which need not be there yet. Raises OSError for what is there and cannot be read."""

    path: Path
    #: Whole lines up to here, in bytes.
    offset: int = 0
    is_missing: bool = False
    _file: int | None = None
    _read: int = 0
    _mark: bytes = b""
    _partial: list[bytes] = field(default_factory=list[bytes])
    _seen: tuple[int, int] = (0, 0)
    _is_overlong: bool = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        file, self._file = self._file, None
        if file is not None:
            os.close(file)

    def look(self) -> Piece:
        """What has come since the last look, a bounded part of it at a time."""
        is_fresh = False
        if self._file is None:
            if not self._open():
                return Piece([])
            is_fresh = True
        elif self._was_rewritten():
            self._begin()
            is_fresh = True
        assert self._file is not None
        chunk = os.pread(self._file, CHUNK, self._read)
        if not chunk and not is_fresh and self._was_replaced():
            self.close()  # Read to its end; the next look opens the file that has its name now.
            return Piece([], has_more=True)
        return Piece(self._lines(chunk), is_fresh, len(chunk) == CHUNK)

    def place(self) -> Place | None:
        """How far whole lines were read."""
        if self._file is None:
            return None
        status = os.fstat(self._file)
        start = max(0, self.offset - MARK)
        mark = os.pread(self._file, self.offset - start, start)
        return Place(status.st_dev, status.st_ino, self.offset, hashlib.sha256(mark).hexdigest())

    def _open(self) -> bool:
        try:
            file = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        except FileNotFoundError:
            self.is_missing = True
            return False
        if not stat.S_ISREG(os.fstat(file).st_mode):
            os.close(file)
            raise OSError(f"{self.path} is not a file")
        self._file, self.is_missing = file, False
        self._begin()
        return True

    def _begin(self) -> None:
        self.offset = self._read = 0
        self._mark, self._seen, self._is_overlong = b"", (0, 0), False
        self._partial.clear()

    def _was_rewritten(self) -> bool:
        """The open file is shorter than what was read of it, or holds something else there now."""
        assert self._file is not None
        status = os.fstat(self._file)
        if status.st_size < self._read:
            return True
        seen, self._seen = self._seen, (status.st_size, status.st_mtime_ns)
        if seen == self._seen:
            return False
        return os.pread(self._file, len(self._mark), self._read - len(self._mark)) != self._mark

    def _was_replaced(self) -> bool:
        """Another file, or none, has the name now."""
        assert self._file is not None
        try:
            there = self.path.stat()
        except FileNotFoundError:
            self.is_missing = True
            return True
        mine = os.fstat(self._file)
        return (there.st_dev, there.st_ino) != (mine.st_dev, mine.st_ino)

    def _lines(self, chunk: bytes) -> list[bytes]:
        self._read += len(chunk)
        self._mark = (self._mark + chunk)[-MARK:]
        end = chunk.rfind(b"\n") + 1
        if not end:
            self._keep(chunk)
            return []
        whole = b"".join([*self._partial, chunk[:end]])
        self._partial.clear()
        lines = [line + b"\n" for line in whole.split(b"\n")[:-1]]
        if self._is_overlong:  # The rest of a line whose beginning was given up.
            lines[0], self._is_overlong = b"?\n", False
        self.offset = self._read - len(chunk) + end
        self._keep(chunk[end:])
        return lines

    def _keep(self, rest: bytes) -> None:
        if not rest:
            return
        if self._is_overlong or sum(map(len, self._partial)) + len(rest) > LONGEST_LINE:
            self._is_overlong = True
            self._partial.clear()
        else:
            self._partial.append(rest)


def is_still(path: Path, place: Place) -> bool:
    """Whether `path` is the file that was read up to `place`, with the same bytes in front of it."""
    try:
        with path.open("rb") as file:
            status = os.fstat(file.fileno())
            start = max(0, place.offset - MARK)
            file.seek(start)
            mark = file.read(place.offset - start)
    except OSError:
        return False
    same = (status.st_dev, status.st_ino) == (place.device, place.inode)
    return same and hashlib.sha256(mark).hexdigest() == place.mark
