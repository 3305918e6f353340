"""How bytes become a WebSocket frame (RFC 6455, section 5.2): once per message, however many connections get it."""

from __future__ import annotations

from struct import Struct

_TEXT = 0x81  # FIN and opcode 1; a server never masks
_SHORT = Struct("!BB").pack
_MEDIUM = Struct("!BBH").pack
_LONG = Struct("!BBQ").pack
MAX_REASON = 123


def frame_text(payload: bytes) -> bytes:
    """A whole unfragmented text frame around `payload`, which must be UTF-8 (not checked)."""
    length = len(payload)
    if length < 126:
        return _SHORT(_TEXT, length) + payload
    if length < 65_536:
        return _MEDIUM(_TEXT, 126, length) + payload
    return _LONG(_TEXT, 127, length) + payload


def payload_of(framed: bytes) -> bytes:
    """What `frame_text` was given: for a transport that is no WebSocket."""
    length = framed[1]
    return framed[2:] if length < 126 else framed[4:] if length == 126 else framed[10:]


def close_reason(text: str) -> str:
    """`text`, cut between characters to the 123 bytes that a close frame holds."""
    return text.encode()[:MAX_REASON].decode(errors="ignore")
