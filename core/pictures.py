"""Whether bytes are a picture that every browser shows, and how large it is, read from the file's first header alone.

Nothing is decoded here, and what somebody calls a file is not asked: a page named `cat.png` is no picture. SVG is not
among these on purpose, it is a document with scripts.

PNG: https://www.w3.org/TR/png-3/#11IHDR · GIF: https://www.w3.org/Graphics/GIF/spec-gif89a.txt ·
JPEG: ITU-T T.81, B.2.2 · WebP: RFC 9649.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

#: JPEG segments that give the size: SOF0 to SOF15 without the three that are tables (DHT, JPG, DAC).
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
#: Segments of a JPEG that are looked at until one gives the size.
_MAX_SEGMENTS = 500


@dataclass(frozen=True, slots=True)
class Picture:
    """Width and height are pixels, each at least 1."""

    media_type: str
    width: int
    height: int


def picture_in(data: bytes) -> Picture | None:
    """None for what is none of the four, and for a header that says nothing sensible."""
    try:
        found = _png(data) or _gif(data) or _jpeg(data) or _webp(data)
    except (struct.error, IndexError):
        return None  # It ends in its header.
    return found if found is not None and found.width > 0 and found.height > 0 else None


def _png(data: bytes) -> Picture | None:
    if not data.startswith(b"\x89PNG\r\n\x1a\n") or data[12:16] != b"IHDR":
        return None
    return Picture("image/png", *struct.unpack_from(">II", data, 16))


def _gif(data: bytes) -> Picture | None:
    if not data.startswith((b"GIF87a", b"GIF89a")):
        return None
    return Picture("image/gif", *struct.unpack_from("<HH", data, 6))


def _jpeg(data: bytes) -> Picture | None:
    if not data.startswith(b"\xff\xd8\xff"):
        return None
    at = 2
    for _ in range(_MAX_SEGMENTS):
        while data[at] == 0xFF and data[at + 1] == 0xFF:
            at += 1  # Bytes that only fill up.
        marker, (length,) = data[at + 1], struct.unpack_from(">H", data, at + 2)
        if data[at] != 0xFF or length < 2:
            return None
        if marker in _FRAMES:
            height, width = struct.unpack_from(">HH", data, at + 5)
            return Picture("image/jpeg", width, height)
        at += 2 + length
    return None


def _webp(data: bytes) -> Picture | None:
    if data[:4] != b"RIFF" or data[8:12] != b"WEBP":
        return None
    match data[12:16]:
        case b"VP8X":
            width, height = (int.from_bytes(data[at : at + 3], "little") + 1 for at in (24, 27))
            return Picture("image/webp", width, height) if len(data) >= 30 else None
        case b"VP8L" if data[20] == 0x2F:
            (bits,) = struct.unpack_from("<I", data, 21)
            return Picture("image/webp", (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1)
        case b"VP8 " if data[23:26] == b"\x9d\x01\x2a":
            width, height = struct.unpack_from("<HH", data, 26)
            return Picture("image/webp", width & 0x3FFF, height & 0x3FFF)
        case _:
            return None
