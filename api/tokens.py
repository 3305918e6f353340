"""Short JSON Web Tokens: API tokens and tickets. One algorithm, two purposes, never interchangeable.

HS256 with a key of at least 32 bytes; audience, issuer, expiry, subject and `jti` are required of every token, and
nothing but `alg` and `typ` is accepted in its header (RFC 8725 §3.1, §3.8, §3.9, §3.11).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import jwt

from core.clock import Clock
from core.errors import NotSignedIn
from core.ids import new_id

ALGORITHM = "HS256"
ISSUER = "cosession"
TICKET_LIFETIME = timedelta(seconds=60)
MIN_KEY_BYTES = 32

Purpose = Literal["api", "ticket", "operator"]
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
