"""How far the threads outside are behind their sessions, and which have stopped: for metrics, and for whoever asks."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from sqlalchemy import func
from sqlmodel import col, select

from core import tables
from core.db import Transaction


@dataclass(frozen=True, slots=True)
class Behind:
    """A session whose thread lacks something. `oldest` is when the first entry that it lacks was stored."""

    realm: str
    session_id: str
    entries: int
    oldest: datetime


@dataclass(frozen=True, slots=True)
class Paused:
    """A live session whose thread was given up, and why, in words."""

    session_id: str
    channel: str
    channel_name: str
    reason: str


@dataclass(frozen=True, slots=True)
class Traffic:
    """When the last event came from outside, and when the last post of ours was made there; None for none known."""

    last_event: datetime | None
    last_post: datetime | None


def behind(tx: Transaction, session_id: str | None = None) -> list[Behind]:
    """Every thread that lacks something, or that of one session."""
    mirror, session, entry = tables.Mirror, tables.Session, tables.LogEntry
    query = select(mirror.realm, mirror.session_id, session.head - mirror.cursor, entry.at).where(
        mirror.session_id == session.id,
        mirror.session_id == entry.session_id,
        entry.seq == mirror.cursor + 1,
        col(mirror.status).in_(("opening", "live")),
    )
    if session_id is not None:
        query = query.where(mirror.session_id == session_id)
    return [Behind(realm, found, entries, at) for realm, found, entries, at in tx.sql.exec(query)]


def paused(tx: Transaction, realm: str) -> Sequence[Paused]:
    """The live sessions of a realm whose thread was given up."""
    mirror, session = tables.Mirror, tables.Session
    rows = tx.sql.exec(
        select(mirror.session_id, mirror.channel, mirror.channel_name, mirror.status_reason).where(
            mirror.session_id == session.id,
            mirror.realm == realm,
            mirror.status == "paused",
            session.status == "live",
        )
    )
    return [Paused(*row) for row in rows]


@dataclass(frozen=True, slots=True)
class State:
    """How a session's thread stands. `behind_s` is the age of the first entry that it lacks, in whole seconds; `reason`
    says why nothing is posted, in words for people; `url` leads to the thread once it is there."""

    status: Literal["opening", "live", "paused", "closed"]
    channel: str
    channel_name: str
    url: str
    is_muted: bool
    behind_s: int
    reason: str


def states(tx: Transaction, session_ids: Collection[str]) -> dict[str, State]:
    """Session → how its thread stands, of those that have one."""
    mirror, grant = tables.Mirror, tables.Installation
    rows = tx.sql.exec(
        select(mirror, grant)
        .outerjoin(grant, col(grant.realm) == col(mirror.realm))
        .where(col(mirror.session_id).in_(session_ids))
    )
    return {row.session_id: _state(tx, row, granted) for row, granted in rows}


def _state(tx: Transaction, row: tables.Mirror, granted: tables.Installation | None) -> State:
    status = _STATUS.get(row.status, "closed")
    is_at_work = status in ("opening", "live")
    return State(
        status,
        row.channel,
        row.channel_name,
        row.url,
        row.muted_by is not None,
        _seconds_behind(tx, row) if is_at_work else 0,
        row.status_reason if status == "paused" else _hindrance(granted) if is_at_work else "",
    )


def _hindrance(granted: tables.Installation | None) -> str:
    """Why nothing is posted, though nothing was given up: the threads go on by themselves after a new grant."""
    if granted is None:
        return ""
    if granted.removed_at is not None:
        return "Cosession was removed from the Slack workspace."
    return "Slack does not take Cosession's token any more." if granted.trouble else ""


def _seconds_behind(tx: Transaction, row: tables.Mirror) -> int:
    entry = tables.LogEntry
    query = select(entry.at).where(entry.session_id == row.session_id, entry.seq == row.cursor + 1)
    oldest = tx.sql.exec(query).first()
    return max(0, int((tx.now - oldest).total_seconds())) if oldest is not None else 0


_STATUS: dict[str, Literal["opening", "live", "paused", "closed"]] = {
    "opening": "opening",
    "live": "live",
    "paused": "paused",
}


def live_channels(tx: Transaction, realm: str, most: int) -> dict[str, str]:
    """Channel → its name, of the threads at work in a realm, the newest first."""
    mirror = tables.Mirror
    rows = tx.sql.exec(
        select(mirror.channel, mirror.channel_name)
        .where(mirror.realm == realm, col(mirror.status).in_(("opening", "live")))
        .order_by(col(mirror.created_at).desc())
        .limit(most)
    )
    return dict(rows.all())


def traffic(tx: Transaction, realm: str, kind: str) -> Traffic:
    """What came and went. `kind` names events among the stored requests, of whichever realm."""
    inbox, link = tables.Inbox, tables.MirrorLink
    last_event = tx.sql.exec(select(func.max(inbox.received_at)).where(inbox.kind == kind)).one()
    newest = tx.sql.exec(
        select(link.ts).where(link.realm == realm, link.origin == "session").order_by(col(link.ts).desc()).limit(1)
    ).first()
    return Traffic(last_event, _at(newest))


def _at(ts: str | None) -> datetime | None:
    """The time that a message's `ts` names, in seconds since 1970."""
    try:
        return datetime.fromtimestamp(float(ts), UTC) if ts else None
    except ValueError:
        return None
