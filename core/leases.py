"""Work that only one process may do at a time, or once in a period: named leases with fencing numbers.

A holder that was overtaken, because it was paused or cut off for longer than its lease, finds another number: whoever
does something under a lease checks the number in the transaction that does it.
"""

from __future__ import annotations

from datetime import timedelta

from sqlmodel import select

from core import tables
from core.db import Transaction
from core.errors import Conflict


class LeaseLost(Conflict):
    """Another process does this now."""

    code = "lease_lost"


def take(tx: Transaction, name: str, owner: str, seconds: float, *, is_only_process: bool = False) -> int | None:
    """Takes or keeps the lease for `seconds`: its fencing number, or None while another process has it.

    `is_only_process` takes it at once from a holder that cannot be alive any more.
    """
    lease = _locked(tx, name)
    if lease.owner != owner:
        if _is_held(lease, tx) and not is_only_process:
            return None
        lease.owner, lease.fence = owner, lease.fence + 1
    lease.until = tx.now + timedelta(seconds=seconds)
    tx.sql.add(lease)
    return lease.fence


def take_turn(tx: Transaction, name: str, owner: str, period: timedelta) -> bool:
    """True once in each period, over all processes, for whoever asks first. What is done in the same transaction is
    done once: a turn that fails was not taken."""
    lease = _locked(tx, name)
    if _is_held(lease, tx):
        return False
    lease.owner, lease.fence, lease.until = owner, lease.fence + 1, tx.now + period
    tx.sql.add(lease)
    return True


def fence_of(tx: Transaction, name: str) -> int:
    """The number of whoever has, or had, the lease last."""
    return _locked(tx, name).fence


def hand_on(tx: Transaction, name: str, fence: int, after: timedelta) -> bool:
    """Whoever took a turn under this number is done: the next is `after` that. False where somebody has it since."""
    lease = _locked(tx, name)
    if lease.fence != fence:
        return False
    lease.until = tx.now + after
    tx.sql.add(lease)
    return True


def check(tx: Transaction, name: str, fence: int) -> None:
    """Raises LeaseLost where somebody else has taken the lease since it had this number."""
    if _locked(tx, name).fence != fence:
        raise LeaseLost


def let_go(tx: Transaction, name: str, owner: str) -> None:
    """Gives the lease back, so that the next process need not wait."""
    lease = _locked(tx, name)
    if lease.owner == owner:
        lease.until = None
        tx.sql.add(lease)


def _is_held(lease: tables.Lease, tx: Transaction) -> bool:
    return lease.owner is not None and lease.until is not None and lease.until > tx.now


def _locked(tx: Transaction, name: str) -> tables.Lease:
    query = select(tables.Lease).where(tables.Lease.name == name).with_for_update()
    lease = tx.sql.exec(query.execution_options(populate_existing=True)).first()
    return lease if lease is not None else tables.Lease(name=name)
