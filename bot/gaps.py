"""When Slack was not heard: since when, and where what is new waits for what was said before.

A gap is noted in the database until everything was read that it may have kept: whoever is killed meanwhile, after new
events have come in already, would not see from those that there was one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from sqlmodel import select

from core import inbox, tables
from core.db import Transaction


def happened_at(event: Mapping[str, Any]) -> float | None:
    """When what an event tells of happened; None where it does not say."""
    about: Mapping[str, Any] = event.get("message") or {}
    ts = event.get("event_ts") or (about.get("edited") or {}).get("ts") or event.get("ts")
    try:
        return float(ts) if ts else None
    except (TypeError, ValueError):
        return None


class Missed(Protocol):
    """What nobody heard: see `bot.catching_up`."""

    def held_back(self, realm: str, minute: float) -> None: ...

    def is_behind(self, realm: str, thread: str) -> bool: ...


@dataclass(slots=True)
class Gap:
    """Something may be missing `since` then (None: from the beginning), to be looked for at `due`."""

    since: datetime | None
    due: datetime
    #: Threads whose news wait until they are read, by `name_of`.
    behind: set[str] = field(default_factory=set[str])
    #: Whether it has to be noted still: it is no look of every now and then.
    is_to_be_noted: bool = False
    is_noted: bool = False


def name_of(channel: str, root: str) -> str:
    """What a thread is called, here and where its requests wait."""
    return f"{channel}:{root}"


def _id_of(realm: str) -> str:
    return f"gap:{realm}"


def threads_of(tx: Transaction, realms: Iterable[str]) -> dict[str, set[str]]:
    """Realm → the names of its open threads, in which something may be missing."""
    mirror = tables.Mirror
    found: dict[str, set[str]] = {realm: set() for realm in realms}
    query = select(mirror.realm, mirror.channel, mirror.root).where(mirror.status == "live")
    for realm, channel, root in tx.sql.exec(query):
        if realm in found and root is not None:
            found[realm].add(name_of(channel, root))
    return found


def remember(tx: Transaction, realm: str, since: datetime | None) -> datetime | None:
    """Notes a gap, for whoever goes on should this process be killed. When it really began, because an earlier one was
    not closed yet."""
    row = tx.sql.get(tables.Inbox, _id_of(realm))
    if row is None:
        inbox.note(tx, _id_of(realm))
        row = tx.sql.get_one(tables.Inbox, _id_of(realm))
        row.body = since.isoformat().encode() if since is not None else b""
    else:
        known = datetime.fromisoformat(row.body.decode()) if row.body else None
        since = min(since, known) if since is not None and known is not None else None
        row.body, row.handled_at = since.isoformat().encode() if since is not None else b"", tx.now
    tx.sql.add(row)
    return since


def forget(tx: Transaction, realm: str) -> None:
    row = tx.sql.get(tables.Inbox, _id_of(realm))
    if row is not None:
        tx.sql.delete(row)
