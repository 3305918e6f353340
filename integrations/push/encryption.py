"""Encrypts one message for one browser, so that the push service on the way learns nothing but its length: RFC 8291,
with the one record of the content encoding `aes128gcm` (RFC 8188).
"""

from __future__ import annotations

import secrets
import struct

from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDH,
    SECP256R1,
    EllipticCurvePrivateKey,
    EllipticCurvePublicKey,
    generate_private_key,
)
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

#: Bytes of the whole body that every service takes (RFC 8291 §4), and of the text that is left of them by the header
#: (86), the delimiter (1) and the tag (16).
MAX_BODY = 4_096
MAX_TEXT = MAX_BODY - 86 - 1 - 16
#: Ends the last, here the only, record (RFC 8188 §2).
_LAST = b"\x02"


def encrypt(
    text: bytes,
    browser: bytes,
    auth: bytes,
    *,
    own: EllipticCurvePrivateKey | None = None,
    salt: bytes | None = None,
) -> bytes:
    """The body of the request. `browser` is the browser's public key, uncompressed; `auth` its sixteen secret bytes.
    `own` and `salt` are drawn for each message; they are given only to repeat an example.

    Raises ValueError for a text of more than `MAX_TEXT` bytes and for a point that is not on the curve.
    """
    if len(text) > MAX_TEXT:
        raise ValueError(f"a push holds {MAX_TEXT} bytes, not {len(text)}")
    own = own or generate_private_key(SECP256R1())
    salt = salt or secrets.token_bytes(16)
    public = own.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    shared = own.exchange(ECDH(), EllipticCurvePublicKey.from_encoded_point(SECP256R1(), browser))
    material = _derive(shared, auth, b"WebPush: info\x00" + browser + public, 32)
    key = _derive(material, salt, b"Content-Encoding: aes128gcm\x00", 16)
    nonce = _derive(material, salt, b"Content-Encoding: nonce\x00", 12)
    header = salt + struct.pack("!IB", MAX_BODY, len(public)) + public
    return header + AESGCM(key).encrypt(nonce, text + _LAST, None)


def _derive(secret: bytes, salt: bytes, info: bytes, length: int) -> bytes:
    return HKDF(SHA256(), length, salt, info).derive(secret)
