"""How bytes become WebSocket frames and back (RFC 6455, section 5.2): pure functions.

What goes out is framed once per message, however many connections get it.
"""

from __future__ import annotations

from struct import Struct
from typing import NamedTuple

_TEXT = 0x81  # FIN and opcode 1; a server never masks
_SHORT = Struct("!BB").pack
_MEDIUM = Struct("!BBH").pack
_LONG = Struct("!BBQ").pack
MAX_REASON = 123

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
_KNOWN = frozenset({CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG})
MAX_CONTROL = 125

PROTOCOL_ERROR = 1002
INVALID_DATA = 1007
POLICY_VIOLATION = 1008
MESSAGE_TOO_BIG = 1009
INTERNAL_ERROR = 1011


class Violation(Exception):
    """The peer broke a rule: `code` and `reason` go into the close frame that ends the connection."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


class Head(NamedTuple):
    """The head of a client's frame: the payload begins at `start`, after the four bytes of its mask."""

    opcode: int
    is_final: bool
    start: int
    length: int


def frame_text(payload: bytes) -> bytes:
    """A whole unfragmented text frame around `payload`, which must be UTF-8 (not checked)."""
    return frame(_TEXT, payload)


def frame(first: int, payload: bytes) -> bytes:
    """A whole frame that begins with the byte `first`: 0x80 (nothing follows this frame) and the opcode."""
    length = len(payload)
    if length < 126:
        return _SHORT(first, length) + payload
    if length < 65_536:
        return _MEDIUM(first, 126, length) + payload
    return _LONG(first, 127, length) + payload


def close_frame(code: int | None, reason: str = "") -> bytes:
    """A close frame, with no code at all for None. `reason` has to be cut already."""
    return frame(0x80 | CLOSE, b"" if code is None else code.to_bytes(2, "big") + reason.encode())


def payload_of(framed: bytes) -> bytes:
    """What `frame_text` was given: for a transport that is no WebSocket."""
    length = framed[1]
    return framed[2:] if length < 126 else framed[4:] if length == 126 else framed[10:]


def close_reason(text: str) -> str:
    """`text`, cut between characters to the 123 bytes that a close frame holds."""
    return text.encode()[:MAX_REASON].decode(errors="ignore")


def read_head(data: bytes | bytearray, limit: int) -> Head | None:
    """The head of the client's frame that `data` begins with; None where not all of it is there yet.

    Raises Violation for a head that no client may send, and for a payload of more than `limit` bytes.
    """
    if len(data) < 2:
        return None
    first, second = data[0], data[1]
    opcode, length = first & 0x0F, second & 0x7F
    if first & 0x70:
        raise Violation(PROTOCOL_ERROR, "reserved bits must be 0")
    if opcode not in _KNOWN:
        raise Violation(PROTOCOL_ERROR, "unknown opcode")
    if not second & 0x80:
        raise Violation(PROTOCOL_ERROR, "a client must mask its frames")
    if opcode >= CLOSE and (length > MAX_CONTROL or not first & 0x80):
        raise Violation(PROTOCOL_ERROR, "a control frame is short and whole")
    start = 6
    if length > MAX_CONTROL:
        start = 8 if length == 126 else 14
        if len(data) < start - 4:
            return None
        length = int.from_bytes(data[2 : start - 4], "big")
    if length > limit:
        raise Violation(MESSAGE_TOO_BIG, "frame_too_large")
    if len(data) < start:
        return None
    return Head(opcode, first >= 0x80, start, length)


def read_close(payload: bytes) -> tuple[int | None, str]:
    """Code and reason of a close frame; no code for an empty one. Raises Violation."""
    if not payload:
        return None, ""
    if len(payload) == 1:
        raise Violation(PROTOCOL_ERROR, "half a close code")
    code = int.from_bytes(payload[:2], "big")
    if not may_be_sent(code):
        raise Violation(PROTOCOL_ERROR, "not a close code")
    try:
        return code, str(payload[2:], "utf-8")
    except UnicodeDecodeError as error:
        raise Violation(INVALID_DATA, "invalid_utf8") from error


def may_be_sent(code: int) -> bool:
    """Whether a close frame may carry `code` (RFC 6455, section 7.4)."""
    return 3000 <= code < 5000 or 1000 <= code <= 1003 or 1007 <= code <= 1014
