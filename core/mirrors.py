"""Mirrors: which thread outside copies which session, how far it has come, and who may write to it now.

A mirror is a reader of the log with a durable cursor. Before something is posted, the intent is stored; once it is in
the thread, its link, the cursor and the end of the intent are stored together. So whoever takes over after a crash
knows the one post that has to be looked for. Every change asks for the lease that it is made under: a holder that was
overtaken is refused, so two processes never move the same thread.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from sqlalchemy import func
from sqlmodel import col, select

from core import log, tables
from core.access import Actor, session_for
from core.db import Transaction
from core.errors import NotFound, SessionNotFound
from core.events import MirrorPaused, ReactionAdded, ThreadLinked
from core.leases import LeaseLost

Origin = Literal["session", "thread"]


class ThreadNotLinked(NotFound):
    """No thread mirrors this session now."""

    code = "thread_not_linked"


#: The intent of a mirror whose card is being posted; entries count from 1.
CARD = 0


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to move one mirror. `seconds` is how long each use of it extends it."""

    session_id: str
    owner: str
    fence: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Standing:
    """A message or a comment of the session as its thread has it: the posts that it is in, in order. `emoji` are the
    reactions that people have put on it elsewhere than in the thread."""

    stamps: tuple[str, ...]
    origin: Origin
    author: str
    emoji: frozenset[str]


@dataclass(frozen=True, slots=True)
class Open:
    """A mirror that is at work. `is_due`: there is something it has not copied or finished."""

    session_id: str
    is_due: bool
    realm: str


def open_mirror(tx: Transaction, session_id: str, *, realm: str, channel: str, channel_name: str = "") -> None:
    """A mirror whose thread is still to be made. Doing it twice is doing it once."""
    if tx.sql.get(tables.Mirror, session_id) is None:
        tx.sql.add(
            tables.Mirror(
                session_id=session_id,
                realm=realm,
                channel=channel,
                channel_name=channel_name[:120],
                created_at=tx.now,
            )
        )
        tx.sql.flush()


def by_thread(tx: Transaction, realm: str, channel: str, root: str) -> tables.Mirror | None:
    mirror = tables.Mirror
    return tx.sql.exec(
        select(mirror).where(mirror.realm == realm, mirror.channel == channel, mirror.root == root)
    ).first()


def in_channel(tx: Transaction, realm: str, channel: str) -> Sequence[tables.Mirror]:
    """The mirrors at work in one channel, the newest first."""
    mirror = tables.Mirror
    return tx.sql.exec(
        select(mirror)
        .where(mirror.realm == realm, mirror.channel == channel, col(mirror.status).in_(("opening", "live")))
        .order_by(col(mirror.created_at).desc())
    ).all()


def open_ones(tx: Transaction) -> list[Open]:
    """Every mirror that is at work, in any process."""
    mirror, session = tables.Mirror, tables.Session
    is_due = (
        (col(mirror.cursor) < col(session.head))
        | (col(mirror.card_seq) < col(session.head))
        | (mirror.status == "opening")
        | col(mirror.intent).is_not(None)
        | (col(session.status) == "ended")
    )
    rows = tx.sql.exec(
        select(mirror.session_id, is_due.label("is_due"), mirror.realm).where(
            mirror.session_id == session.id, col(mirror.status).in_(("opening", "live"))
        )
    )
    return [Open(session_id, bool(due), realm) for session_id, due, realm in rows]


# ── The lease ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def take(
    tx: Transaction, session_id: str, owner: str, seconds: float, *, is_only_process: bool = False
) -> Lease | None:
    """The lease on a mirror, or None while another process holds it.

    `is_only_process` takes it at once from a holder that cannot be alive any more. Taking it anew raises the fence,
    also for the same owner: whatever an earlier holder still does is refused.
    """
    mirror = _locked(tx, session_id)
    is_held = mirror.lease_owner is not None and mirror.lease_until is not None and mirror.lease_until > tx.now
    if is_held and not is_only_process and mirror.lease_owner != owner:
        return None
    mirror.lease_owner, mirror.lease_fence = owner, mirror.lease_fence + 1
    mirror.lease_until = tx.now + timedelta(seconds=seconds)
    tx.sql.add(mirror)
    return Lease(session_id, owner, mirror.lease_fence, seconds)


def let_go(tx: Transaction, lease: Lease) -> None:
    """Gives the lease back, so that the next process need not wait."""
    mirror = _locked(tx, lease.session_id)
    if mirror.lease_owner == lease.owner and mirror.lease_fence == lease.fence:
        mirror.lease_until = None
        tx.sql.add(mirror)


def held(tx: Transaction, lease: Lease) -> tables.Mirror:
    """The mirror, locked, with the lease extended. Raises LeaseLost when somebody else has taken it since."""
    mirror = _locked(tx, lease.session_id)
    if mirror.lease_owner != lease.owner or mirror.lease_fence != lease.fence:
        raise LeaseLost
    mirror.lease_until = tx.now + timedelta(seconds=lease.seconds)
    tx.sql.add(mirror)
    return mirror


def _locked(tx: Transaction, session_id: str) -> tables.Mirror:
    query = select(tables.Mirror).where(tables.Mirror.session_id == session_id)
    mirror = tx.sql.exec(query.with_for_update().execution_options(populate_existing=True)).first()
    if mirror is None:
        raise SessionNotFound
    return mirror


# ── Moving on ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def intend(tx: Transaction, lease: Lease, seq: int) -> None:
    """Entry `seq` (or the card) is about to be posted."""
    held(tx, lease).intent = seq


def opened(tx: Transaction, lease: Lease, root: str, *, url: str, card_hash: str) -> None:
    """The card is in the channel: the thread is linked, and the log says so."""
    mirror = held(tx, lease)
    if mirror.root is not None:
        return
    mirror.root, mirror.status, mirror.intent, mirror.card_hash = root, "live", None, card_hash
    session = _session(tx, lease.session_id)
    log.append(tx, session, ThreadLinked(channel=mirror.channel, channel_name=mirror.channel_name, url=url))


def posted(tx: Transaction, lease: Lease, seq: int, message_id: str, stamps: Iterable[str]) -> None:
    """The message of entry `seq` is in the thread, as one or several posts."""
    mirror = held(tx, lease)
    mirror.intent, mirror.cursor = None, max(mirror.cursor, seq)
    for ts in stamps:
        link(tx, mirror, ts, message_id, "session")


def advance(
    tx: Transaction,
    lease: Lease,
    *,
    cursor: int | None = None,
    card: tuple[int, str] | None = None,
    progress: tuple[str, int] | Literal["same"] | None = "same",
) -> None:
    """Stores how far the reader is, what the card shows (seq and digest), and which progress message is open
    (its ts and first entry); ends the intent where the progress message was it."""
    mirror = held(tx, lease)
    if cursor is not None:
        mirror.cursor = max(mirror.cursor, cursor)
    if card is not None:
        mirror.card_seq, mirror.card_hash = card
    if progress != "same":
        mirror.intent = None
        mirror.progress_ts, mirror.progress_seq = progress or (None, None)


def close(tx: Transaction, lease: Lease) -> None:
    """The session has ended and everything is in the thread."""
    held(tx, lease).status = "closed"


def pause(tx: Transaction, lease: Lease, reason: str) -> None:
    """The thread is gone or refuses posts. The log says so; nothing is copied until a new thread is linked."""
    _pause(tx, held(tx, lease), reason)


def thread_is_gone(tx: Transaction, realm: str, channel: str, root: str, reason: str) -> None:
    """Somebody deleted the thread: known at once, whoever holds the lease."""
    found = by_thread(tx, realm, channel, root)
    if found is not None:
        _pause(tx, _locked(tx, found.session_id), reason)


def _pause(tx: Transaction, mirror: tables.Mirror, reason: str) -> None:
    if mirror.status == "paused":
        return
    mirror.status, mirror.status_reason, mirror.intent = "paused", reason, None
    tx.sql.add(mirror)
    log.append(tx, _session(tx, mirror.session_id), MirrorPaused(reason=reason))


def mute(tx: Transaction, actor: Actor, session_id: str, *, is_muted: bool) -> bool:
    """Stops the copying into the session's thread, or goes on with it. What is said meanwhile stays in the session, and
    is not copied later. False where it was so already.

    Raises: NotAllowed for whoever is no host, ThreadNotLinked where no thread is at work.
    """
    session_for(tx, actor, session_id, "manage")
    if tx.sql.get(tables.Mirror, session_id) is None:
        raise ThreadNotLinked
    mirror = _locked(tx, session_id)
    if mirror.status not in ("opening", "live"):
        raise ThreadNotLinked
    if (mirror.muted_by is not None) == is_muted:
        return False
    mirror.muted_by = actor.user_id if is_muted else None
    # The card does not tell the truth any more.
    mirror.card_seq = -1
    tx.sql.add(mirror)
    return True


def _session(tx: Transaction, session_id: str) -> tables.Session:
    query = select(tables.Session).where(tables.Session.id == session_id)
    session = tx.sql.exec(query.with_for_update().execution_options(populate_existing=True)).first()
    if session is None:
        raise SessionNotFound
    return session


# ── Links ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def link(tx: Transaction, mirror: tables.Mirror, ts: str, message_id: str, origin: Origin) -> None:
    """Message `ts` of the thread is message `message_id` of the session."""
    key = (mirror.realm, mirror.channel, ts)
    if tx.sql.get(tables.MirrorLink, key) is None:
        tx.sql.add(
            tables.MirrorLink(
                realm=mirror.realm,
                channel=mirror.channel,
                ts=ts,
                session_id=mirror.session_id,
                message_id=message_id,
                origin=origin,
            )
        )


def linked(tx: Transaction, session_id: str, message_ids: Sequence[str]) -> frozenset[str]:
    """Those of the messages that are in the thread already, whichever side they began on."""
    if not message_ids:
        return frozenset()
    links = tables.MirrorLink
    query = select(links.message_id).where(links.session_id == session_id, col(links.message_id).in_(message_ids))
    return frozenset(tx.sql.exec(query))


def last_posted(tx: Transaction, session_id: str) -> str | None:
    """The ts of the newest post of ours that is known: one that is being looked for is later."""
    links = tables.MirrorLink
    query = select(func.max(links.ts)).where(links.session_id == session_id, links.origin == "session")
    return tx.sql.exec(query).one()


def standing(tx: Transaction, session_id: str, message_id: str) -> Standing | None:
    """A message as it stands in the thread, or None where it does not."""
    links, message, user = tables.MirrorLink, tables.Message, tables.User
    posts = tx.sql.exec(
        select(links.ts, links.origin, user.name)
        .where(
            links.session_id == session_id,
            links.message_id == message_id,
            links.message_id == message.id,
            message.user_id == user.id,
        )
        .order_by(links.ts)
    ).all()
    if not posts:
        return _comment_standing(tx, session_id, message_id)
    _, origin, author = posts[0]
    stamps = tuple(ts for ts, _, _ in posts)
    return Standing(
        stamps, "thread" if origin == "thread" else "session", author, _emoji_from_elsewhere(tx, session_id, message_id)
    )


def _comment_standing(tx: Transaction, session_id: str, comment_id: str) -> Standing | None:
    """The same for a comment; nobody reacts to one."""
    links, comment = tables.MirrorLink, tables.Comment
    posts = tx.sql.exec(
        select(links.ts, links.origin, comment.username)
        .where(links.session_id == session_id, links.message_id == comment_id, links.message_id == comment.id)
        .order_by(links.ts)
    ).all()
    if not posts:
        return None
    _, origin, author = posts[0]
    return Standing(tuple(ts for ts, _, _ in posts), "thread" if origin == "thread" else "session", author, frozenset())


def _emoji_from_elsewhere(tx: Transaction, session_id: str, message_id: str) -> frozenset[str]:
    emoji: set[str] = set()
    for row in tx.sql.exec(select(tables.Reaction).where(tables.Reaction.message_id == message_id)):
        [entry] = log.read_after(tx, session_id, row.seq - 1, 1)
        added = entry.event()
        if isinstance(added, ReactionAdded) and added.source != "slack":
            emoji.add(row.emoji)
    return frozenset(emoji)
