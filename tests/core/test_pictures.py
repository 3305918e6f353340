"""What a file is, is read from its bytes: four kinds of picture, whatever it is called, and nothing else."""

from __future__ import annotations

import struct
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.pictures import Picture, picture_in


def png(width: int, height: int) -> bytes:
    """A whole one, of one colour."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = (b"\x00" + b"\x33\x66\x99" * width) * height
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


JPEG = (
    b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00"
    b"\xff\xe1\x00\x08Exif\x00\x00\xff\xff\xff\xc2\x00\x11\x08\x00\x18\x00\x20\x03"
)
GIF = b"GIF89a" + struct.pack("<HH", 3, 5) + b"\x00\x00\x00"
WEBP_X = b"RIFF\x00\x00\x00\x00WEBPVP8X\x0a\x00\x00\x00\x00\x00\x00\x00" + b"\x0f\x00\x00" + b"\x07\x00\x00"
WEBP_L = b"RIFF\x00\x00\x00\x00WEBPVP8L\x00\x00\x00\x00\x2f" + struct.pack("<I", 15 | 7 << 14)
WEBP = b"RIFF\x00\x00\x00\x00WEBPVP8 \x00\x00\x00\x00\x30\x01\x00\x9d\x01\x2a" + struct.pack("<HH", 16, 8)


@pytest.mark.parametrize(
    ("data", "picture"),
    [
        (png(7, 4), Picture("image/png", 7, 4)),
        (JPEG, Picture("image/jpeg", 32, 24)),
        (GIF, Picture("image/gif", 3, 5)),
        (WEBP_X, Picture("image/webp", 16, 8)),
        (WEBP_L, Picture("image/webp", 16, 8)),
        (WEBP, Picture("image/webp", 16, 8)),
    ],
)
def test_a_picture_is_known_by_its_header(data: bytes, picture: Picture) -> None:
    assert picture_in(data) == picture


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
        b"<html>GIF89a",
        b"\x89PNG\r\n\x1a\n",
        png(7, 4)[:20],
        png(0, 4),
        b"GIF89a",
        b"\xff\xd8\xff\xda\x00\x01",
        b"\xff\xd8\xff" + b"\xff" * 1_000,
        b"\xff\xd8" + b"\xff\xe0\x00\x02" * 10_000 + b"\xff\xc0\x00\x11\x08\x00\x18\x00\x20",
        b"RIFF\x00\x00\x00\x00WEBP",
        b"RIFF\x00\x00\x00\x00WAVEfmt ",
        b"%PDF-1.7",
        b"BM" + bytes(60),
    ],
)
def test_everything_else_is_none(data: bytes) -> None:
    assert picture_in(data) is None


@given(
    st.sampled_from([png(7, 4), JPEG, GIF, WEBP_X, WEBP_L, WEBP]),
    st.integers(0, 60),
    st.lists(st.tuples(st.integers(0, 60), st.integers(0, 255)), max_size=6),
)
def test_a_damaged_header_is_a_picture_of_some_size_or_none(
    whole: bytes, length: int, damage: list[tuple[int, int]]
) -> None:
    data = bytearray(whole[:length] if length % 2 else whole)
    for at, byte in damage:
        if at < len(data):
            data[at] = byte
    found = picture_in(bytes(data))
    assert found is None or (found.width > 0 and found.height > 0)
