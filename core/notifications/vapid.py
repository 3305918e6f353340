"""The key pair by which push services and browsers know this server (VAPID, RFC 8292): one for all processes.

It is made when it is first needed and kept sealed. With another server key it cannot be opened: then there is a new
one, and browsers, which are bound to the old one, have to be switched on anew.
"""

from __future__ import annotations

import base64
import logging
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric.ec import (
    SECP256R1,
    EllipticCurvePrivateKey,
    derive_private_key,
    generate_private_key,
)
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from core import tables
from core.db import Transaction
from core.notifications import subscriptions
from core.sealing import CannotOpen, Sealer

log = logging.getLogger(__name__)

KEY = "vapid_key"


@dataclass(frozen=True, slots=True)
class KeyPair:
    """On P-256. `public` is what browsers are given: the point, uncompressed, as base64url without padding."""

    private: EllipticCurvePrivateKey = field(repr=False)
    public: str


def find(tx: Transaction, sealer: Sealer) -> KeyPair | None:
    """None where there is none yet, or none that opens."""
    row = tx.sql.get(tables.Meta, KEY, populate_existing=True)
    if row is None:
        return None
    try:
        number = int(sealer.open(KEY, base64.b64decode(row.value)), 16)
    except CannotOpen:
        return None
    return _pair(derive_private_key(number, SECP256R1()))


def ensure(tx: Transaction, sealer: Sealer) -> KeyPair:
    """The pair, made now where there is none."""
    # Of several processes that find the same, one makes it.
    row = tx.sql.get(tables.Meta, KEY, with_for_update=True, populate_existing=True)
    found = find(tx, sealer)
    if found is not None:
        return found
    if row is not None:
        log.warning("the key for pushes does not open: browsers have to be switched on anew")
        subscriptions.remove_all(tx)
    private = generate_private_key(SECP256R1())
    sealed = sealer.seal(KEY, f"{private.private_numbers().private_value:x}")
    tx.sql.merge(tables.Meta(key=KEY, value=base64.b64encode(sealed).decode()))
    tx.sql.flush()
    return _pair(private)


def _pair(private: EllipticCurvePrivateKey) -> KeyPair:
    point = private.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    return KeyPair(private, base64.urlsafe_b64encode(point).rstrip(b"=").decode())
