"""Short JSON Web Tokens: API tokens and tickets. One algorithm, two purposes, never interchangeable.

HS256 with a key of at least 32 bytes; audience, issuer, expiry, subject and `jti` are required of every token, and
nothing but `alg` and `typ` is accepted in its header (RFC 8725 §3.1, §3.8, §3.9, §3.11).
"""

from __future__ import annotations

import base64
import hmac
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import jwt
import orjson

from core.clock import Clock
from core.errors import NotSignedIn
from core.ids import new_id

ALGORITHM = "HS256"
ISSUER = "cosession"
TICKET_LIFETIME = timedelta(seconds=60)
MIN_KEY_BYTES = 32

Purpose = Literal["api", "ticket", "operator"]
#: What `issue` writes: the header of every token, and the claims with their types.
_HEADER = base64.urlsafe_b64encode(b'{"alg":"HS256","typ":"JWT"}').rstrip(b"=").decode()
_KINDS: dict[str, type] = {"iss": str, "aud": str, "sub": str, "jti": str, "iat": int, "exp": int, "ver": int}
_KINDS |= {"sid": str, "until": int}
_OPTIONAL = frozenset({"sid", "until"})
_REQUIRED = ["aud", "exp", "iat", "iss", "jti", "sub"]


@dataclass(frozen=True, slots=True)
class Claims:
    """What a checked token says."""

    user_id: str
    jti: str
    expires_at: datetime
    token_version: int
    session_id: str | None
    #: When whatever stands behind the token ends: of a ticket, the login or token that fetched it.
    until: datetime


class Tokens:
    """Makes and checks tokens under one key."""

    def __init__(self, key: str, clock: Clock) -> None:
        if len(key.encode()) < MIN_KEY_BYTES:
            raise ValueError(f"JWT_SECRET_KEY needs at least {MIN_KEY_BYTES} bytes")
        self._key = key
        self._clock = clock

    def issue(
        self,
        purpose: Purpose,
        user_id: str,
        token_version: int,
        lifetime: timedelta,
        *,
        session_id: str | None = None,
        until: datetime | None = None,
    ) -> str:
        now = self._clock()
        claims: dict[str, Any] = {
            "iss": ISSUER,
            "aud": _audience(purpose),
            "sub": user_id,
            "jti": new_id("jti"),
            "iat": int(now.timestamp()),
            "exp": int((now + lifetime).timestamp()),
            "ver": token_version,
        }
        if session_id is not None:
            claims["sid"] = session_id
        if until is not None:
            claims["until"] = int(until.timestamp())
        return jwt.encode(claims, self._key, ALGORITHM)

    def check(self, purpose: Purpose, token: str) -> Claims:
        """Raises NotSignedIn for anything but a live token made for `purpose`."""
        try:
            own = self._own(purpose, token)
            if own is not None:
                return self._claims(own)
            header = jwt.get_unverified_header(token)
            if not set(header) <= {"alg", "typ"}:
                raise NotSignedIn("This token is not one of ours.")
            # The expiry is judged by our own clock, which tests can move.
            claims: dict[str, Any] = jwt.decode(
                token,
                self._key,
                algorithms=[ALGORITHM],
                audience=_audience(purpose),
                issuer=ISSUER,
                options={"require": _REQUIRED, "verify_exp": False, "verify_iat": False, "strict_aud": True},
            )
            return self._claims(claims)
        except (jwt.PyJWTError, ValueError, TypeError, KeyError, OverflowError) as error:
            raise NotSignedIn("This token is not valid here. Sign in again, or fetch a new one.") from error

    def _own(self, purpose: Purpose, token: str) -> dict[str, Any] | None:
        """The claims of a token exactly as `issue` writes them, and for this purpose; whatever differs from that in
        anything is left to the library, to be refused or not. Every socket that opens comes by here."""
        signed, _, signature = token.rpartition(".")
        header, _, body = signed.partition(".")
        if header != _HEADER or not token.isascii():
            return None
        expected = base64.urlsafe_b64encode(hmac.digest(self._key.encode(), signed.encode(), "sha256")).rstrip(b"=")
        if not hmac.compare_digest(expected, signature.encode()):
            return None
        claims: Any = orjson.loads(base64.urlsafe_b64decode(body + "=="))
        is_ours = isinstance(claims, dict) and _KINDS.keys() >= claims.keys() >= _KINDS.keys() - _OPTIONAL
        if not is_ours or any(type(claims[name]) is not _KINDS[name] for name in claims):
            return None
        return claims if claims["iss"] == ISSUER and claims["aud"] == _audience(purpose) else None

    def _claims(self, claims: dict[str, Any]) -> Claims:
        expires_at = datetime.fromtimestamp(int(claims["exp"]), UTC)
        if expires_at <= self._clock():
            raise NotSignedIn("This token has expired. Fetch a new one.")
        version, session_id = claims["ver"], claims.get("sid")
        if not isinstance(version, int) or not isinstance(session_id, str | None):
            raise ValueError("claims of the wrong type")
        until = datetime.fromtimestamp(int(claims.get("until", claims["exp"])), UTC)
        return Claims(str(claims["sub"]), str(claims["jti"]), expires_at, version, session_id, until)


def _audience(purpose: Purpose) -> str:
    return f"cosession:{purpose}"
