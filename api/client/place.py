"""Where a client stands in the log: which entry comes next, what is missing, and whether what it holds is right.

Pure: no network, no clock. Entries may come in any order and any number of times; they leave in order, each once.
"""

from __future__ import annotations

import zlib
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from core.blanking import Redaction, blanked

#: Entries whose text is kept, to compare it with the server's digest.
KEPT = 512


@dataclass(slots=True)
class Place:
    """`seq` is the last entry that was handed on; `head` the newest that the server has spoken of."""

    epoch: str = ""
    seq: int = 0
    head: int = 0
    _early: dict[int, bytes] = field(default_factory=dict[int, bytes])
    _kept: deque[tuple[int, bytes]] = field(default_factory=lambda: deque[tuple[int, bytes]](maxlen=KEPT))

    @property
    def is_behind(self) -> bool:
        return self.seq < self.head

    @property
    def has_hole(self) -> bool:
        """Later entries are here already, the next one is not."""
        return bool(self._early)

    def begin(self, epoch: str, seq: int) -> None:
        """Another history, or a first look at this one: what comes next is `seq + 1`."""
        self.epoch, self.seq, self.head = epoch, seq, seq
        self._early.clear()
        self._kept.clear()

    def spoken_of(self, seq: int) -> None:
        self.head = max(self.head, seq)

    def take(self, seq: int, frame: bytes) -> Iterator[tuple[int, bytes]]:
        """Takes an entry from anywhere and gives back what is next in line now: none, one, or many."""
        self.spoken_of(seq)
        if seq <= self.seq:
            return
        self._early[seq] = frame
        while (following := self._early.pop(self.seq + 1, None)) is not None:
            self.seq += 1
            self._kept.append((self.seq, following))
            yield self.seq, following

    def forget_text_of(self, deleted: Redaction) -> None:
        """The text or the name is gone from the log, so it goes from what is kept of it too."""
        for at, (seq, frame) in enumerate(self._kept):
            blank = blanked(frame, deleted)
            if blank is not None:
                self._kept[at] = (seq, blank)

    def agrees(self, from_seq: int, to_seq: int, crc32: int) -> bool | None:
        """Whether what is kept is what the server holds; None when this cannot be told."""
        held = [frame for seq, frame in self._kept if from_seq <= seq <= to_seq]
        if len(held) != to_seq - from_seq + 1:
            return None
        sum_so_far = 0
        for frame in held:
            sum_so_far = zlib.crc32(frame, sum_so_far)
        return sum_so_far == crc32
