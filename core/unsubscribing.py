"""The links by which somebody wants no more mail of a kind: signed, so that nobody stops another's mail by guessing.

A token names the hash of an address and a kind, and an HMAC-SHA256 vouches for both. It works for ever and opens
nothing else, so it may stand in a URL (RFC 8058 has mail programs post to it, without a login).
"""

from __future__ import annotations

import base64
import hmac
from typing import get_args

from core.errors import NotFound
from core.outbox import ASKED_FOR, Kind, address_hash


class NoSuchLink(NotFound):
    """This link is not complete. Copy all of it, up to its end."""

    code = "no_such_link"


class UnsubscribeTokens:
    """Makes and checks them, with a key made from `secret`, the server's own."""

    def __init__(self, secret: str) -> None:
        self._key = hmac.digest(secret.encode(), b"cosession unsubscribe links", "sha256")

    def make(self, address: str, kind: Kind) -> str:
        return self._signed(kind, bytes.fromhex(address_hash(address)))

    def check(self, token: str) -> tuple[str, str]:
        """The hash of the address, and the kind. Raises NoSuchLink."""
        kind, _, rest = token.partition(".")
        hashed = rest.partition(".")[0]
        try:
            address = base64.urlsafe_b64decode(hashed + "=")
        except ValueError:
            raise NoSuchLink from None
        is_known = kind in get_args(Kind) and kind not in ASKED_FOR and len(address) == 32
        if not is_known or not hmac.compare_digest(self._signed(kind, address).encode(), token.encode()):
            raise NoSuchLink
        return address.hex(), kind

    def _signed(self, kind: str, address: bytes) -> str:
        tag = hmac.digest(self._key, kind.encode() + b"\0" + address, "sha256")
        return ".".join((kind, *(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in (address, tag))))
