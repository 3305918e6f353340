"""What a client sends, from bytes to messages, with bounds: on sizes, on fragments, and on control frames.

A bound on a message's bytes is not enough: an empty fragment costs memory too, and each ping is answered. Most reads
hold one short text in one frame, and `whole_text` is all that they need; everything else goes through `Reader`.
"""

from __future__ import annotations

import codecs
from collections.abc import Callable

from api.door.framing import (
    CLOSE,
    CONTINUATION,
    INVALID_DATA,
    MESSAGE_TOO_BIG,
    POLICY_VIOLATION,
    PROTOCOL_ERROR,
    TEXT,
    Violation,
    read_head,
)

try:
    from websockets.speedups import apply_mask
except ImportError:  # no compiled part on this platform
    from websockets.utils import apply_mask

_UTF8 = codecs.getincrementaldecoder("utf-8")

#: A whole message or control frame: its opcode and payload, a text's decoded already.
Message = tuple[int, str | bytes]


def whole_text(data: bytes, limit: int) -> str | None:
    """The text where `data` is exactly one unfragmented text frame; None for whatever else it is. Raises Violation."""
    if len(data) < 6 or data[0] != 0x81 or data[1] < 0x80:
        return None
    length, start = data[1] & 0x7F, 6
    if length == 126:
        length, start = (data[2] << 8) + data[3], 8
    if len(data) != start + length or length > limit:
        return None
    return _decoded(apply_mask(data[start:], data[start - 4 : start]))


def _decoded(payload: bytes) -> str:
    try:
        return str(payload, "utf-8")
    except UnicodeDecodeError as error:
        raise Violation(INVALID_DATA, "invalid_utf8") from error


class Reader:
    """One connection's bytes that are no message yet. Times come from `now`, in seconds."""

    __slots__ = ("_control", "_limit", "_max_control", "_max_fragments", "_now", "_partial", "_second", "waiting")

    def __init__(self, *, limit: int, fragments: int, control_per_second: int, now: Callable[[], float]) -> None:
        self._limit = limit
        self._max_fragments = fragments
        self._max_control = control_per_second
        self._now = now
        self._control = 0
        self._second = 0.0
        self._partial: _Partial | None = None
        self.waiting = bytearray()
        """What has come and was not taken yet."""

    @property
    def is_idle(self) -> bool:
        """Whether whatever comes next begins with the head of a message or control frame."""
        return not self.waiting and self._partial is None

    def next(self) -> Message | None:
        """The next message or control frame that is whole. Raises Violation."""
        while (found := self._frame()) is not None:
            opcode, is_final, payload = found
            if opcode >= CLOSE:
                self._count_control()
                return opcode, payload
            message = self._joined(opcode, payload, is_final=is_final)
            if message is not None:
                return message
        return None

    def _frame(self) -> tuple[int, bool, bytes] | None:
        waiting = self.waiting
        partial = self._partial
        head = read_head(waiting, self._limit if partial is None else self._limit - partial.size)
        if head is None or len(waiting) < head.start + head.length:
            return None
        end = head.start + head.length
        payload = apply_mask(waiting[head.start : end], waiting[head.start - 4 : head.start])
        del waiting[:end]
        return head.opcode, head.is_final, payload

    def _joined(self, opcode: int, payload: bytes, *, is_final: bool) -> Message | None:
        partial = self._partial
        if (opcode == CONTINUATION) != (partial is not None):
            raise Violation(PROTOCOL_ERROR, "a fragment out of order")
        if partial is None:
            if is_final:
                return opcode, _decoded(payload) if opcode == TEXT else payload
            partial = self._partial = _Partial(opcode)
        partial.add(payload, is_final=is_final, most=self._max_fragments)
        if not is_final:
            return None
        self._partial = None
        return partial.message()

    def _count_control(self) -> None:
        now = self._now()
        if now - self._second >= 1.0:
            self._second = now
            self._control = 0
        self._control += 1
        if self._control > self._max_control:
            raise Violation(POLICY_VIOLATION, "too_many_control_frames")


class _Partial:
    """A message of which fragments are missing. A text is checked as it comes in."""

    def __init__(self, opcode: int) -> None:
        self.size = 0
        self._opcode = opcode
        self._count = 0
        self._decoder = _UTF8() if opcode == TEXT else None
        self._texts: list[str] = []
        self._bytes = bytearray()

    def add(self, payload: bytes, *, is_final: bool, most: int) -> None:
        self._count += 1
        self.size += len(payload)
        if self._count > most:
            raise Violation(MESSAGE_TOO_BIG, "too_many_fragments")
        if self._decoder is None:
            self._bytes += payload
            return
        try:
            self._texts.append(self._decoder.decode(payload, is_final))
        except UnicodeDecodeError as error:
            raise Violation(INVALID_DATA, "invalid_utf8") from error

    def message(self) -> Message:
        return self._opcode, bytes(self._bytes) if self._decoder is None else "".join(self._texts)
