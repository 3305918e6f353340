"""The way from another system into somebody's own browser, for whoever has shown there who they are.

What they are given signs one browser in, once, within minutes; it is said to them alone and stored as its hash.
"""

from __future__ import annotations

from datetime import timedelta

from core import tables
from core.db import Transaction
from core.ids import hash_secret, new_secret

LIFETIME = timedelta(minutes=5)


def hand_over(tx: Transaction, user_id: str) -> str:
    """The secret of a sign-in link. The caller has seen that it is this person who asks."""
    secret = new_secret()
    tx.sql.add(tables.SignInLink(secret_hash=hash_secret(secret), user_id=user_id, expires_at=tx.now + LIFETIME))
    return secret
