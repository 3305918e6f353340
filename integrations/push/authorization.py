"""Says to a push service which server is talking, and whom to ask about it: VAPID (RFC 8292).

The statement is good for one service and half a day; a browser takes messages only from the key that it was switched on
with.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import jwt

from core.notifications.vapid import KeyPair

#: RFC 8292 §2 allows a day.
LIFETIME = timedelta(hours=12)


def authorization(origin: str, pair: KeyPair, contact: str, now: datetime) -> str:
    """The value of `Authorization`. `origin` is the push service's; `contact` begins with `https:` or `mailto:`."""
    claims = {"aud": origin, "exp": int((now + LIFETIME).timestamp()), "sub": contact}
    token = jwt.encode(claims, pair.private, algorithm="ES256")
    return f"vapid t={token}, k={pair.public}"
