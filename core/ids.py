"""Ids and secrets: prefixed, random, never guessable.

An id carries 128 random bits in 26 characters of lower-case base32, so that nobody can walk from one session to
another. A secret (of an invite, a login, a sign-in link) carries 256 and is stored only as its hash.
"""

from __future__ import annotations

import hashlib
import re
import secrets

_DIGITS = "abcdefghijklmnopqrstuvwxyz234567"
#: Two digits of base32 for each ten bits: an id is made for every message.
_PAIRS = [first + second for first in _DIGITS for second in _DIGITS]
_SHIFTS = range(120, -1, -10)
_PATTERN = re.compile(r"^[a-z]{3}_[a-z2-7]{26}$")


def new_id(prefix: str) -> str:
    """A fresh id such as `ses_…`; `prefix` is three lower-case letters."""
    return f"{prefix}_{_base32(secrets.token_bytes(16))}"


def derived_id(prefix: str, *parts: str) -> str:
    """The same id for the same parts, always: for what another system names already."""
    digest = hashlib.sha256("\x1f".join(parts).encode()).digest()[:16]
    return f"{prefix}_{_base32(digest)}"


def _base32(sixteen: bytes) -> str:
    """As RFC 4648 §6 has it, in lower case and without padding: 128 bits and two zeros are 26 digits."""
    number = int.from_bytes(sixteen, "big") << 2
    return "".join([_PAIRS[number >> shift & 1023] for shift in _SHIFTS])


def is_id(text: str, prefix: str) -> bool:
    return bool(_PATTERN.match(text)) and text.startswith(prefix + "_")


def new_secret() -> str:
    """256 random bits, safe in a URL."""
    return secrets.token_urlsafe(32)


def hash_secret(secret: str) -> str:
    """What is stored of a secret. It has 256 random bits, so a plain SHA-256 cannot be reversed by guessing."""
    return hashlib.sha256(secret.encode()).hexdigest()
