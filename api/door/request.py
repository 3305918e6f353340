"""The head of a WebSocket handshake, read in one pass where it is as browsers and proxies send it.

What is not exactly that, in any detail, is left to the HTTP parser, which knows the rest of the grammar and all the
ways to refuse.
"""

from __future__ import annotations

import re
from typing import NamedTuple

#: Beyond this the parser looks itself. No line can then be longer than what a handshake may have.
MAX_HEAD = 4 * 1024
MAX_HEADERS = 64
_END = b"\r\n\r\n"
_REQUEST_LINE = re.compile(rb"GET ([!-~]+) HTTP/1\.1")
#: RFC 9110, section 5: a token, a colon, and visible text with blanks between its words.
_HEADER = re.compile(rb"([-!#$%&'*+.^_`|~0-9A-Za-z]+):[ \t]*((?:[!-~\x80-\xff]+(?:[ \t]+[!-~\x80-\xff]+)*)?)[ \t]*")
_BODY = frozenset({b"content-length", b"transfer-encoding"})


class Handshake(NamedTuple):
    """A request to become a WebSocket. Names of headers are in lower case."""

    method: bytes
    target: bytes
    headers: list[tuple[bytes, bytes]]


def read_handshake(data: bytes) -> Handshake | None:
    """The handshake that `data` is, whole and with nothing after it; None for everything else."""
    if len(data) > MAX_HEAD or not data.startswith(b"GET ") or data.find(_END) != len(data) - 4:
        return None
    lines = data[:-4].split(b"\r\n")
    request = _REQUEST_LINE.fullmatch(lines[0])
    if request is None or len(lines) > MAX_HEADERS:
        return None
    headers: list[tuple[bytes, bytes]] = []
    for line in lines[1:]:
        header = _HEADER.fullmatch(line)
        if header is None:
            return None
        name, value = header.groups()
        headers.append((name.lower(), value))
    return Handshake(b"GET", request[1], headers) if _is_handshake(headers) else None


def _is_handshake(headers: list[tuple[bytes, bytes]]) -> bool:
    hosts, upgrade, connection = 0, b"", b""
    for name, value in headers:
        if name == b"host":
            hosts += 1
        elif name == b"upgrade":
            upgrade += value.lower()
        elif name == b"connection":
            connection += b"," + value.lower()
        elif name in _BODY:
            return False
    tokens = [token.strip() for token in connection.split(b",")]
    return hosts == 1 and upgrade == b"websocket" and b"upgrade" in tokens
