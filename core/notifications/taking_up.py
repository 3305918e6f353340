"""The reader's step: what entries of a log mean to people is stored, and the cursor moves on, in one transaction.

So nothing is missed over a restart and nothing counts twice. A page is read beside the writers; the step begins where
the page began, or not at all.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import delete, func
from sqlmodel import col, select

from core import feed, leases, log, tables
from core.db import Transaction
from core.ids import derived_id
from core.log import Stored
from core.notifications.deciding import GRACE, OUTSIDE, Kind, Outside, Ways, ways
from core.notifications.inbox import settle_parts
from core.notifications.preferences import Wishes, who_muted, wishes_of
from core.notifications.recipients import Concern, Over, concerned, doer_of, may_concern

LEASE = "notifications"
#: Entries in one step.
PAGE = 500
#: Sessions that are looked for at once.
SESSIONS = 500
#: What concerns somebody in one thread within this time of the first is one item.
FOLD = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Page:
    """Entries of one session after `start` and up to `end`, without those that mean nothing to anybody."""

    session_id: str
    start: int
    end: int
    entries: Sequence[Stored]


@dataclass(slots=True)
class Taken:
    """Whose inbox is another now, and whether the feed is."""

    user_ids: set[str] = field(default_factory=set[str])
    is_feed_new: bool = False
    #: There is something to be sent.
    has_deliveries: bool = False


def behind(tx: Transaction, session_ids: Collection[str] | None = None) -> Sequence[str]:
    """Sessions with entries that were not read yet: of all, or of these."""
    session, place = tables.Session, tables.NotificationPlace
    query = (
        select(session.id)
        .outerjoin(place, col(place.session_id) == col(session.id))
        .where(col(session.head) > func.coalesce(col(place.seq), 0))
        .limit(SESSIONS)
    )
    if session_ids is not None:
        query = query.where(col(session.id).in_(session_ids))
    return tx.sql.exec(query).all()


def is_telling(entry_type: str, frame: bytes) -> bool:
    """Whether an entry means anything to anybody, or to the feed."""
    return may_concern(entry_type, frame) or feed.kind_of(entry_type, frame) is not None


def read_page(tx: Transaction, session_id: str) -> Page | None:
    """The next entries of a session; None where there are none."""
    place = tx.sql.get(tables.NotificationPlace, session_id)
    start = place.seq if place is not None else 0
    entries = log.read_after(tx, session_id, start, PAGE)
    if not entries:
        return None
    telling = [entry for entry in entries if is_telling(entry.type, entry.frame)]
    return Page(session_id, start, entries[-1].seq, telling)


def take_up(tx: Transaction, page: Page, fence: int, channels: Collection[Outside] = OUTSIDE) -> Taken:
    """Stores what the page means. `channels` are the ways out that this server has.

    Raises LeaseLost when another process reads now.
    """
    leases.check(tx, LEASE, fence)
    place = tx.sql.get(tables.NotificationPlace, page.session_id)
    place = place or tables.NotificationPlace(session_id=page.session_id, seq=0, silent_up_to=0)
    if place.seq != page.start:
        return Taken()
    taken = Taken(is_feed_new=feed.note(tx, page.session_id, page.entries) > 0)
    found = [entry for entry in page.entries if entry.seq > place.silent_up_to and may_concern(entry.type, entry.frame)]
    if found:
        _Telling(tx, page.session_id, frozenset(channels), taken).tell_all(found)
    place.seq = page.end
    tx.sql.add(place)
    tx.sql.flush()
    return taken


class _Telling:
    """One step for one session: what is looked up is looked up once."""

    def __init__(self, tx: Transaction, session_id: str, channels: frozenset[Outside], taken: Taken) -> None:
        self._tx = tx
        self._session_id = session_id
        self._channels = channels
        self._taken = taken
        self._muted = who_muted(tx, session_id)
        seat = tables.Participation
        self._seated = set(
            tx.sql.exec(select(seat.user_id).where(seat.session_id == session_id, col(seat.removed_at).is_(None)))
        )
        self._wishes: dict[str, Wishes] = {}

    def tell_all(self, entries: Sequence[Stored]) -> None:
        for entry in entries:
            findings = concerned(self._tx, self._session_id, entry)
            unknown = {one.user_id for one in findings if isinstance(one, Concern)} - self._wishes.keys()
            if unknown:
                self._wishes |= wishes_of(self._tx, unknown)
            for finding in findings:
                if isinstance(finding, Over):
                    gone = settle_parts(self._tx, self._session_id, finding.ref_id, finding.kinds, finding.is_gone)
                    self._taken.user_ids |= gone
                else:
                    self._tell(entry, finding)

    def _tell(self, entry: Stored, concern: Concern) -> None:
        wishes = self._wishes.get(concern.user_id)
        if wishes is None or (concern.kind != "invite" and concern.user_id not in self._seated):
            return
        doer = doer_of(entry)
        told = ways(
            concern.kind,
            wishes.wanted,
            is_own=doer == concern.user_id,
            is_muted=concern.user_id in self._muted,
            reachable=wishes.reachable & self._channels,
            is_told=concern.is_told,
        )
        if (told.in_inbox or told.outside is not None) and not self._was_told(entry.seq, concern):
            self._store(entry, concern, told, doer)

    def _was_told(self, seq: int, concern: Concern) -> bool:
        """Of this entry, or of the same turn, or text, as the same kind."""
        part, item = tables.NotificationPart, tables.Notification
        if self._tx.sql.get(part, (concern.user_id, self._session_id, seq)) is not None:
            return True
        query = select(part.seq).where(
            part.user_id == concern.user_id,
            part.session_id == self._session_id,
            part.ref_id == concern.ref_id,
            part.notification_id == item.id,
            item.kind == concern.kind,
        )
        return self._tx.sql.exec(query).first() is not None

    def _store(self, entry: Stored, concern: Concern, told: Ways, doer: str | None) -> None:
        tx = self._tx
        item = self._open_item(concern, tx.now) or self._new_item(entry.seq, concern, told)
        is_read = self._is_read(entry.seq, concern.user_id)
        item.last_seq, item.updated_at = entry.seq, tx.now
        item.is_in_inbox = item.is_in_inbox or told.in_inbox
        item.read_at = tx.now if is_read else None
        tx.sql.add(item)
        tx.sql.flush()
        tx.sql.add(
            tables.NotificationPart(
                user_id=concern.user_id,
                session_id=self._session_id,
                seq=entry.seq,
                notification_id=item.id,
                ref_id=concern.ref_id,
                actor_id=doer,
                at=tx.now,
            )
        )
        self._taken.user_ids.add(concern.user_id)
        if told.outside is not None and not is_read:
            self._taken.has_deliveries |= add_delivery(tx, item, told.outside)

    def _open_item(self, concern: Concern, now: datetime) -> tables.Notification | None:
        item = tables.Notification
        return self._tx.sql.exec(
            select(item)
            .where(
                item.user_id == concern.user_id,
                item.session_id == self._session_id,
                item.kind == concern.kind,
                item.group_key == concern.group,
                col(item.read_at).is_(None),
                item.created_at > now - FOLD,
            )
            .order_by(col(item.created_at).desc())
        ).first()

    def _new_item(self, seq: int, concern: Concern, told: Ways) -> tables.Notification:
        return tables.Notification(
            id=derived_id("ntf", concern.user_id, self._session_id, str(seq)),
            user_id=concern.user_id,
            session_id=self._session_id,
            kind=concern.kind,
            group_key=concern.group,
            first_seq=seq,
            last_seq=seq,
            is_in_inbox=told.in_inbox,
            created_at=self._tx.now,
            updated_at=self._tx.now,
        )

    def _is_read(self, seq: int, user_id: str) -> bool:
        """Somebody may have read it before this step came to it."""
        mark = self._tx.sql.get(tables.ReadMark, (self._session_id, user_id), populate_existing=True)
        return mark is not None and mark.seq >= seq


def add_delivery(tx: Transaction, item: tables.Notification, channel: Outside) -> bool:
    """The item is to leave by this way, once. False where it is on its way already."""
    delivery_id = derived_id("ndl", item.id, channel)
    if tx.sql.get(tables.NotificationDelivery, delivery_id) is not None:
        return False
    tx.sql.add(
        tables.NotificationDelivery(
            id=delivery_id,
            notification_id=item.id,
            user_id=item.user_id,
            session_id=item.session_id,
            channel=channel,
            created_at=tx.now,
            not_before=tx.now + GRACE[channel],
        )
    )
    tx.sql.flush()
    return True


def forget(tx: Transaction, user_id: str) -> None:
    """Erases what somebody was told of."""
    for row in (tables.NotificationDelivery, tables.NotificationPart, tables.Notification):
        tx.sql.exec(delete(row).where(col(row.user_id) == user_id))


__all__ = [
    "FOLD",
    "LEASE",
    "Kind",
    "Page",
    "Taken",
    "add_delivery",
    "behind",
    "forget",
    "is_telling",
    "read_page",
    "take_up",
]
