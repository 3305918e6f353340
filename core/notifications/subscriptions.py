"""Browsers that take pushes: each was switched on by its own person, in a login, and is good for as long as that is.

Whether a login still holds is asked whenever something is to be sent, so whoever was signed out, here, everywhere or by
being deactivated, is sent nothing from that moment on; the rows go with the login.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from sqlalchemy import delete
from sqlmodel import col, select

from core import tables
from core.db import Transaction
from core.errors import Invalid, NotFound
from core.ids import derived_id, hash_secret

#: Browsers of one person; one more replaces the oldest.
MOST = 20
#: Characters of an address. The longest that services give out are about 500.
MAX_ENDPOINT = 1_000
MAX_LABEL = 60


class BrowserNotFound(NotFound):
    """That browser is not there any more."""

    code = "browser_not_found"


@dataclass(frozen=True, slots=True)
class Keys:
    """What a browser hands out with its address (https://www.w3.org/TR/push-api/#dom-pushsubscription-getkey), as
    base64url without padding: its public key on P-256, uncompressed, and sixteen bytes that only it and we know."""

    p256dh: str
    auth: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Browser:
    """One browser as its person sees it."""

    id: str
    label: str
    created_at: datetime
    last_sent_at: datetime | None
    login_hash: str = field(repr=False)


def add(
    tx: Transaction, user_id: str, login_secret: str, endpoint: str, keys: Keys, label: str, *, also: str = ""
) -> Browser:
    """Switches a browser on, or takes its new keys. One that somebody else had switched on is theirs no more. `also` as
    `origin_of` has it.

    Raises Invalid for what no browser hands out, and for a login that is not this person's.
    """
    origin_of(endpoint, also)
    check_keys(keys)
    login = tx.sql.get(tables.Login, hash_secret(login_secret))
    if login is None or login.user_id != user_id:
        raise Invalid("Pushes are switched on in the browser that takes them, while you are signed in there.")
    subscription_id = derived_id("psb", endpoint)
    row = tx.sql.get(tables.PushSubscription, subscription_id, populate_existing=True)
    if row is not None and row.user_id != user_id:
        # What waits for its former owner must not come up on the new one's screen.
        tx.sql.delete(row)
        tx.sql.flush()
        row = None
    row = row or tables.PushSubscription(
        id=subscription_id,
        user_id=user_id,
        login_hash=login.secret_hash,
        endpoint=endpoint,
        p256dh=keys.p256dh,
        auth=keys.auth,
        label=label,
        created_at=tx.now,
    )
    row.login_hash, row.p256dh, row.auth = login.secret_hash, keys.p256dh, keys.auth
    row.label = label[:MAX_LABEL] or "A browser"
    tx.sql.add(row)
    tx.sql.flush()
    for one in of_user(tx, user_id)[MOST:]:
        tx.sql.exec(delete(tables.PushSubscription).where(col(tables.PushSubscription.id) == one.id))
    return _shown(row)


def of_user(tx: Transaction, user_id: str) -> list[Browser]:
    """The browsers of a person that would be sent something now, the newest first."""
    return [_shown(row) for row in live(tx, [user_id])]


def remove(tx: Transaction, user_id: str, browser_id: str) -> None:
    """Switches one of a person's browsers off, with what is on its way to it. Raises BrowserNotFound."""
    row = tx.sql.get(tables.PushSubscription, browser_id)
    if row is None or row.user_id != user_id:
        raise BrowserNotFound
    tx.sql.delete(row)
    tx.sql.flush()


def remove_all(tx: Transaction) -> None:
    """Nobody's browser can be reached any more: the key that they know us by is gone."""
    tx.sql.exec(delete(tables.PushSubscription))


def forget(tx: Transaction, user_id: str) -> None:
    """Erases the browsers of a person."""
    tx.sql.exec(delete(tables.PushSubscription).where(col(tables.PushSubscription.user_id) == user_id))


def who_has(tx: Transaction, user_ids: Collection[str]) -> set[str]:
    """Those of the people who have a browser that takes pushes."""
    return {row.user_id for row in live(tx, user_ids)}


def live(tx: Transaction, user_ids: Collection[str]) -> Sequence[tables.PushSubscription]:
    """Subscriptions of these people whose login still holds, the newest first."""
    row, login, user = tables.PushSubscription, tables.Login, tables.User
    query = (
        select(row)
        .where(
            col(row.user_id).in_(user_ids),
            row.login_hash == login.secret_hash,
            row.user_id == user.id,
            login.user_id == user.id,
            login.token_version == user.token_version,
            login.expires_at > tx.now,
            col(user.is_active).is_(True),
        )
        .order_by(col(row.created_at).desc(), col(row.id))
    )
    return tx.sql.exec(query.execution_options(populate_existing=True)).all()


def origin_of(endpoint: str, also: str = "") -> str:
    """The origin of an address that a push service may have given out: HTTPS, at the usual port, nothing unusual in it.
    `also` is one more origin that is allowed, for a service on this machine. Where a name leads is checked when it is
    used. Raises Invalid."""
    try:
        parts = urlsplit(endpoint)
        port = parts.port
    except ValueError:
        raise _no_subscription() from None
    is_plain = endpoint.isascii() and endpoint.isprintable() and not set(endpoint) & set(' \\"<>')
    if len(endpoint) > MAX_ENDPOINT or not is_plain or not parts.hostname or "@" in parts.netloc or parts.fragment:
        raise _no_subscription()
    origin = f"{parts.scheme}://{parts.netloc}"
    if origin == also:
        return origin
    if parts.scheme != "https" or port not in (None, 443):
        raise _no_subscription()
    return f"https://{parts.hostname}"


def decoded(text: str) -> bytes:
    """Base64url without padding (RFC 7515 §2). Raises Invalid."""
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise _no_subscription() from None


def check_keys(keys: Keys) -> None:
    """Raises Invalid for what are no such keys."""
    if len(keys.p256dh) > 100 or len(keys.auth) > 40 or len(decoded(keys.auth)) != 16:
        raise _no_subscription()
    point = decoded(keys.p256dh)
    if len(point) != 65:
        raise _no_subscription()
    try:
        EllipticCurvePublicKey.from_encoded_point(SECP256R1(), point)
    except ValueError:
        raise _no_subscription() from None


def _no_subscription() -> Invalid:
    return Invalid("That is not what a browser hands out for pushes.")


def _shown(row: tables.PushSubscription) -> Browser:
    return Browser(row.id, row.label, row.created_at, row.last_sent_at, row.login_hash)
