"""The right to move one mirror: a lease with a fencing number, in the mirror's own row."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from sqlmodel import select

from core import tables
from core.db import Transaction
from core.errors import SessionNotFound
from core.leases import LeaseLost


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to move one mirror. `seconds` is how long each use of it extends it."""

    session_id: str
    owner: str
    fence: int
    seconds: float


def take(
    tx: Transaction, session_id: str, owner: str, seconds: float, *, is_only_process: bool = False
) -> Lease | None:
    """The lease on a mirror, or None while another process holds it.

    `is_only_process` takes it at once from a holder that cannot be alive any more. Taking it anew raises the fence,
    also for the same owner: whatever an earlier holder still does is refused.
    """
    mirror = locked(tx, session_id)
    is_held = mirror.lease_owner is not None and mirror.lease_until is not None and mirror.lease_until > tx.now
    if is_held and not is_only_process and mirror.lease_owner != owner:
        return None
    mirror.lease_owner, mirror.lease_fence = owner, mirror.lease_fence + 1
    mirror.lease_until = tx.now + timedelta(seconds=seconds)
    tx.sql.add(mirror)
    return Lease(session_id, owner, mirror.lease_fence, seconds)


def let_go(tx: Transaction, lease: Lease) -> None:
    """Gives the lease back, so that the next process need not wait."""
    mirror = locked(tx, lease.session_id)
    if mirror.lease_owner == lease.owner and mirror.lease_fence == lease.fence:
        mirror.lease_until = None
        tx.sql.add(mirror)


def held(tx: Transaction, lease: Lease) -> tables.Mirror:
    """The mirror, locked, with the lease extended. Raises LeaseLost when somebody else has taken it since."""
    mirror = locked(tx, lease.session_id)
    if mirror.lease_owner != lease.owner or mirror.lease_fence != lease.fence:
        raise LeaseLost
    mirror.lease_until = tx.now + timedelta(seconds=lease.seconds)
    tx.sql.add(mirror)
    return mirror


def locked(tx: Transaction, session_id: str) -> tables.Mirror:
    """The mirror as it is now, locked. Raises SessionNotFound where the session has none."""
    query = select(tables.Mirror).where(tables.Mirror.session_id == session_id)
    mirror = tx.sql.exec(query.with_for_update().execution_options(populate_existing=True)).first()
    if mirror is None:
        raise SessionNotFound
    return mirror
