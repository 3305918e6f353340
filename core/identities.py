"""Accounts elsewhere that belong to accounts here: who may come in by one, and how the two are joined and parted.

The proof is brought by the caller: somebody has shown in their own browser that the account elsewhere is theirs. An
equal e-mail address proves nothing, because whoever runs the other system can give any address to anybody.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from sqlmodel import col, select

from core import audit, tables
from core.accounts import add_user, find_by_email, get_user
from core.db import Transaction
from core.errors import Conflict, EmailTaken, NotAllowed


class IdentityTaken(Conflict):
    """That account belongs to somebody else's account here."""

    code = "identity_taken"


class LastWayIn(Conflict):
    """This is the only way into your account: without it you could not come back."""

    code = "last_way_in"


@dataclass(frozen=True, slots=True)
class Proven:
    """Somebody's account elsewhere, as it was shown to us. `email` only where the other system has verified it."""

    provider: str
    realm: str
    external_id: str
    name: str
    email: str | None


def by_identity(tx: Transaction, provider: str, realm: str, external_id: str) -> tables.User | None:
    """The account linked to somebody's account elsewhere; deactivated ones are not found."""
    identity = tx.sql.get(tables.Identity, (provider, realm, external_id))
    user = tx.sql.get(tables.User, identity.user_id) if identity else None
    return user if user is not None and user.is_active else None


def come_in(tx: Transaction, proven: Proven, *, signed_in_as: str | None) -> tables.User:
    """Whoever is signed in here already gets the identity; a stranger becomes whom it belongs to, or somebody new.

    Raises IdentityTaken where it is another's, or where they have another one in that realm; EmailTaken where its
    address belongs to an account that has not been shown to be the same person's; NotAllowed for the deactivated.
    """
    identity = tx.sql.get(tables.Identity, (proven.provider, proven.realm, proven.external_id))
    if identity is not None:
        owner = get_user(tx, identity.user_id)
        if not owner.is_active:
            raise NotAllowed("This account has been deactivated.")
        if signed_in_as not in (None, owner.id):
            raise IdentityTaken
        return owner
    user = get_user(tx, signed_in_as) if signed_in_as is not None else _newcomer(tx, proven)
    if _in_realm(tx, user.id, proven.provider, proven.realm) is not None:
        raise IdentityTaken("You are connected with another account there. Disconnect that one first.")
    link(tx, user.id, proven.provider, proven.realm, proven.external_id)
    return user


def _newcomer(tx: Transaction, proven: Proven) -> tables.User:
    if proven.email is not None and find_by_email(tx, proven.email) is not None:
        raise EmailTaken(f"There is an account for {proven.email} already: sign in to it first, then connect the two.")
    return add_user(tx, proven.email, proven.name)


def link(tx: Transaction, user_id: str, provider: str, realm: str, external_id: str) -> None:
    """Records a proven link."""
    if tx.sql.get(tables.Identity, (provider, realm, external_id)) is None:
        tx.sql.add(
            tables.Identity(provider=provider, realm=realm, external_id=external_id, user_id=user_id, created_at=tx.now)
        )
        tx.sql.flush()
        audit.record(tx, "identity_linked", user_id, provider=provider, realm=realm)


def unlink(tx: Transaction, user_id: str, provider: str) -> None:
    """Parts somebody's account from those of `provider`. Raises LastWayIn where nothing else leads into it."""
    found = of_user(tx, user_id)
    leaving = [identity for identity in found if identity.provider == provider]
    if leaving and len(leaving) == len(found) and get_user(tx, user_id).email is None:
        raise LastWayIn
    for identity in leaving:
        tx.sql.delete(identity)
        audit.record(tx, "identity_unlinked", user_id, provider=provider, realm=identity.realm)


def of_user(tx: Transaction, user_id: str) -> list[tables.Identity]:
    """Somebody's accounts elsewhere, the oldest first."""
    identity = tables.Identity
    query = select(identity).where(identity.user_id == user_id)
    return sorted(tx.sql.exec(query), key=lambda one: (one.created_at, one.provider, one.realm))


def in_realm(tx: Transaction, provider: str, realm: str, user_ids: Collection[str]) -> dict[str, str]:
    """Of those who have one: user → their account there."""
    identity = tables.Identity
    query = select(identity.user_id, identity.external_id).where(
        identity.provider == provider, identity.realm == realm, col(identity.user_id).in_(user_ids)
    )
    return dict(tx.sql.exec(query).all())


def _in_realm(tx: Transaction, user_id: str, provider: str, realm: str) -> tables.Identity | None:
    return next((one for one in of_user(tx, user_id) if (one.provider, one.realm) == (provider, realm)), None)
