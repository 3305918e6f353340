"""Secrets that are kept in the database and used later: encrypted and authenticated, each bound to its place.

Encrypt, then authenticate (Bellare and Namprempre, 2000): the text is XORed with HMAC-SHA256 in counter mode under a
random nonce of 128 bits, and an HMAC-SHA256 over place, nonce and ciphertext vouches for all of it. Both keys come from
the server's own by HKDF-Expand (RFC 5869, §2.3). Made of the standard library, for a few short texts; a sealed text
that was moved to another row or column does not open.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from itertools import count

#: The first byte names the construction, so that another can follow it.
_VERSION = b"\x01"
_NONCE, _TAG = 16, 32


class CannotOpen(Exception):
    """It was sealed with another key, for another place, or was changed."""


class Sealer:
    """Seals with a key made from `secret`, the server's own. The secret must have at least 256 bits of entropy."""

    def __init__(self, secret: str) -> None:
        root = hmac.new(b"cosession sealed secrets", secret.encode(), hashlib.sha256).digest()
        self._encryption = _expand(root, b"encryption")
        self._authentication = _expand(root, b"authentication")

    def __repr__(self) -> str:
        return "Sealer()"

    def seal(self, place: str, text: str) -> bytes:
        """`place` says what it is and whose, such as `slack token T1`; the same must be named to open it."""
        nonce = secrets.token_bytes(_NONCE)
        hidden = self._mix(nonce, text.encode())
        return _VERSION + nonce + self._tag(place, nonce, hidden) + hidden

    def open(self, place: str, sealed: bytes) -> str:
        """Raises CannotOpen."""
        nonce, rest = sealed[1 : 1 + _NONCE], sealed[1 + _NONCE :]
        tag, hidden = rest[:_TAG], rest[_TAG:]
        is_whole = sealed[:1] == _VERSION and len(tag) == _TAG
        if not is_whole or not hmac.compare_digest(tag, self._tag(place, nonce, hidden)):
            raise CannotOpen
        return self._mix(nonce, hidden).decode()

    def _mix(self, nonce: bytes, text: bytes) -> bytes:
        stream = bytearray()
        for number in count():
            if len(stream) >= len(text):
                break
            stream += hmac.digest(self._encryption, nonce + number.to_bytes(8), "sha256")
        return bytes(one ^ other for one, other in zip(text, stream, strict=False))

    def _tag(self, place: str, nonce: bytes, hidden: bytes) -> bytes:
        name = place.encode()
        return hmac.digest(self._authentication, len(name).to_bytes(8) + name + nonce + hidden, "sha256")


def _expand(key: bytes, purpose: bytes) -> bytes:
    return hmac.digest(key, purpose + b"\x01", "sha256")
