"""Secrets that are kept in the database and used later: encrypted and authenticated, each bound to its place.

AES-256-GCM under a key that HKDF (RFC 5869) makes from the server's own. The place is authenticated with the text: a
sealed text that was moved to another row or column does not open.
"""

from __future__ import annotations

import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

#: The first byte names the construction, so that another can follow it.
_VERSION = b"\x01"
#: Bytes, as NIST SP 800-38D §8.2 has them. Drawn at random, it serves for 2^32 texts; here they are a few.
_NONCE = 12


class CannotOpen(Exception):
    """It was sealed with another key, for another place, or was changed."""


class Sealer:
    """Seals with a key made from `secret`, the server's own. The secret must have at least 256 bits of entropy."""

    def __init__(self, secret: str) -> None:
        self._cipher = AESGCM(HKDF(SHA256(), 32, None, b"cosession sealed secrets").derive(secret.encode()))

    def __repr__(self) -> str:
        return "Sealer()"

    def seal(self, place: str, text: str) -> bytes:
        """`place` says what it is and whose, such as `slack token T1`; the same must be named to open it."""
        nonce = secrets.token_bytes(_NONCE)
        return _VERSION + nonce + self._cipher.encrypt(nonce, text.encode(), _VERSION + place.encode())

    def open(self, place: str, sealed: bytes) -> str:
        """Raises CannotOpen."""
        version, nonce, hidden = sealed[:1], sealed[1 : 1 + _NONCE], sealed[1 + _NONCE :]
        if version != _VERSION or len(nonce) < _NONCE:
            raise CannotOpen
        try:
            return self._cipher.decrypt(nonce, hidden, version + place.encode()).decode()
        except InvalidTag:
            raise CannotOpen from None
