"""The opening handshake (RFC 6455, section 4.2): from a request's headers to the answer. No extension is negotiated."""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Sequence

from api.door.framing import Violation

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
VERSION = b"13"

Headers = Sequence[tuple[bytes, bytes]]


class Refused(Violation):
    """The handshake is not one; `code` is an HTTP status."""


def accept_key(method: bytes, headers: Headers) -> bytes:
    """What proves to the client that its handshake was understood. Names of `headers` are in lower case.

    Raises Refused.
    """
    if method != b"GET":
        raise Refused(405, "A WebSocket is asked for with GET.")
    keys = [value for name, value in headers if name == b"sec-websocket-key"]
    versions = [value for name, value in headers if name == b"sec-websocket-version"]
    if versions != [VERSION]:
        raise Refused(426, "This address speaks WebSocket, version 13.")
    if len(keys) != 1 or not _is_key(keys[0]):
        raise Refused(400, "Sec-WebSocket-Key has to be 16 bytes in base64.")
    return base64.b64encode(hashlib.sha1(keys[0] + _GUID, usedforsecurity=False).digest())


def _is_key(value: bytes) -> bool:
    try:
        return len(value) == 24 and len(base64.b64decode(value, validate=True)) == 16
    except binascii.Error:
        return False


def switching(accept: bytes, headers: Headers) -> bytes:
    """The answer that opens the socket, with these further headers. Raises ValueError for one that is not a header."""
    head = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "
    lines = [head + accept]
    for name, value in headers:
        if b"\r" in name + value or b"\n" in name + value:
            raise ValueError("a header is one line")
        lines.append(name + b": " + value)
    return b"\r\n".join(lines) + b"\r\n\r\n"
