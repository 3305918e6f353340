"""What a host says about a mirror: that nothing more is copied for a while, or that it goes on in a new thread."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import delete, or_
from sqlmodel import col, select

from core import log, tables
from core.access import Actor, session_for, visible_sessions
from core.db import Transaction
from core.events import MirrorResumed
from core.mirrors.answers import forget_answers
from core.mirrors.finding import ThreadNotLinked
from core.mirrors.holding import locked
from core.mirrors.uploads import forget_posts_of_files


def mute(tx: Transaction, actor: Actor, session_id: str, *, is_muted: bool) -> bool:
    """Stops the copying into the session's thread, or goes on with it. What is said meanwhile stays in the session, and
    is not copied later. False where it was so already.

    Raises: NotAllowed for whoever is no host, ThreadNotLinked where no thread is at work.
    """
    session_for(tx, actor, session_id, "manage")
    if tx.sql.get(tables.Mirror, session_id) is None:
        raise ThreadNotLinked
    mirror = locked(tx, session_id)
    if mirror.status not in ("opening", "live"):
        raise ThreadNotLinked
    if (mirror.muted_by is not None) == is_muted:
        return False
    mirror.muted_by = actor.user_id if is_muted else None
    # The card does not tell the truth any more.
    mirror.card_seq = -1
    tx.sql.add(mirror)
    return True


def resume(tx: Transaction, actor: Actor, session_id: str, channel: str | None = None) -> bool:
    """Goes on with a mirror that was given up: a new card is due in the same channel, or in another of
    `other_channels`. The log says so. False where the mirror is at work already.

    The new thread begins now: what was said while the mirror stood still is in the session, and is not copied. What
    people wrote in the old thread is not known as posts any more; our own posts there are edited and deleted as before
    where it is the same channel. Whatever an earlier holder of the lease still does is refused.

    Raises: NotAllowed for whoever is no host, ThreadNotLinked where the session has no thread, is over, or may not go
    on in that channel.
    """
    session = session_for(tx, actor, session_id, "manage").session
    if session.status != "live" or tx.sql.get(tables.Mirror, session_id) is None:
        raise ThreadNotLinked
    mirror = locked(tx, session_id)
    if mirror.status in ("opening", "live"):
        return False
    if mirror.status != "paused":
        raise ThreadNotLinked
    if channel is not None and channel != mirror.channel:
        channels = other_channels(tx, actor, mirror)
        if channel not in channels:
            raise ThreadNotLinked
        mirror.channel, mirror.channel_name = channel, channels[channel]
    _forget_old_posts(tx, mirror)
    forget_answers(tx, session_id)
    mirror.status, mirror.status_reason, mirror.muted_by = "opening", "", None
    mirror.root, mirror.url, mirror.intent, mirror.card_hash, mirror.card_seq = None, "", None, "", -1
    mirror.progress_ts, mirror.progress_seq = None, None
    mirror.round, mirror.created_at = mirror.round + 1, tx.now
    mirror.lease_until, mirror.lease_fence = None, mirror.lease_fence + 1
    resumed = MirrorResumed(channel=mirror.channel, channel_name=mirror.channel_name)
    mirror.cursor = log.append(tx, session, resumed, actor_id=actor.user_id).seq
    tx.sql.add(mirror)
    return True


def other_channels(tx: Transaction, actor: Actor, mirror: tables.Mirror) -> Mapping[str, str]:
    """Channel → its name: where the app posts now in the same workspace, of sessions that somebody sees anyway."""
    seen = [seat.session.id for seat in visible_sessions(tx, actor)]
    row = tables.Mirror
    found = tx.sql.exec(
        select(row.channel, row.channel_name).where(
            row.realm == mirror.realm,
            row.status == "live",
            row.channel != mirror.channel,
            col(row.session_id).in_(seen),
        )
    )
    return dict(found.all())


def _forget_old_posts(tx: Transaction, mirror: tables.Mirror) -> None:
    """Whoever reads the new thread to its end must not take for deleted what stands in the old one; and a post in
    another channel is out of reach."""
    link = tables.MirrorLink
    is_out_of_reach = or_(col(link.origin) != "session", col(link.channel) != mirror.channel)
    tx.sql.exec(delete(link).where(col(link.session_id) == mirror.session_id, is_out_of_reach))
    forget_posts_of_files(tx, mirror.session_id)
