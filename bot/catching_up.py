"""What was missed while nobody listened, or while Slack delivered no events: read from the threads themselves.

After a start, after Slack has said that it held events back, and from time to time, every open thread is read to its
end: Slack gives an event up minutes after it could not deliver it, and tells nobody. What is new in a thread, what was
edited and what is gone goes through the inbox as the events that would have told it, so that it has one effect however
often it is found, and whatever Slack still delivers. Reactions that were missed stay missed.

What is said in a thread after a gap waits for the thread to be read, at most `HELD`, so that what was said before is
taken first. That there was a gap is noted in the database before anything new is taken, until all is read: whoever is
killed meanwhile begins again where it was. Half of what Slack allows a workspace is left for posting.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import orjson
from sqlalchemy import func
from sqlmodel import col, select

from bot import gaps
from bot.desk import Desk
from bot.gaps import Gap
from bot.intake import EVENT
from bot.web import Limited, Payload, Refused, SlackFailure
from core import inbox, tables
from core.clock import Clock
from core.db import Database, Transaction
from core.errors import CosessionError, TooMany
from core.limits import TokenBuckets

log = logging.getLogger(__name__)

#: What came this long before the last event may have been overtaken by it.
OVERLAP = timedelta(minutes=2)
#: Slack holds events back by the minute.
HELD_BACK = timedelta(seconds=65)
#: What is said after a gap waits so long for what was said before.
HELD = timedelta(seconds=30)
#: Calls that reading may take in a minute: Slack allows 50 (https://docs.slack.dev/apis/web-api/rate-limits), and they
#: are also needed to look whether a thread is there still, and for what was edited.
CALLS_PER_MINUTE = 25.0
#: What is older may be missing because the workspace does not keep it: that is nobody's deletion.
KEPT = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class _Open:
    """A thread that is mirrored. `known` are the posts of people that the session has, by their ts."""

    channel: str
    root: str
    created_at: datetime
    known: frozenset[str]
    #: Posts that are settled: taken back before they were taken.
    settled: frozenset[str]


class CatchingUp:
    """Belongs to one event loop. `stored` is called when the inbox has grown."""

    def __init__(
        self, db: Database, clock: Clock, desk_of: Callable[[str], Awaitable[Desk | None]], stored: Callable[[], None]
    ) -> None:
        self._db = db
        self._clock = clock
        self._desk_of = desk_of
        self._stored = stored
        self._wake = asyncio.Event()
        self._missing: dict[str, Gap] = {}
        self._calls = TokenBuckets(CALLS_PER_MINUTE)

    async def open(self) -> None:
        """Finds out since when nobody has listened. To be called before anything new is taken in."""
        await self._begin(lambda last: None if last is None else last - OVERLAP)

    def held_back(self, realm: str, minute: float) -> None:
        """Slack has kept events back since that moment, in seconds since 1970."""
        since = datetime.fromtimestamp(minute, UTC) - OVERLAP
        self._add(realm, since, self._clock() + HELD_BACK).is_to_be_noted = True
        self._wake.set()

    async def deaf(self, since: datetime) -> None:
        """Nothing could be heard since then, and now it can again: every thread is read."""
        await self._begin(lambda _last: since - OVERLAP)
        self._wake.set()

    def is_behind(self, realm: str, thread: str) -> bool:
        """Whether something may be missing in a thread (channel and root) that was said before what is new in it."""
        gap = self._missing.get(realm)
        return gap is not None and thread in gap.behind and self._clock() < gap.due + HELD

    async def run(self, every: float, again: float) -> None:
        """Looks whether something is due, each so many seconds or when it is told of something; everything is due
        `again` seconds after the last time."""
        looked_at = self._clock()
        while True:
            self._wake.clear()
            now = self._clock()
            if now - looked_at >= timedelta(seconds=again) and await self._note_all(looked_at - OVERLAP, now):
                looked_at = now
            await self._note()
            for realm, gap in list(self._missing.items()):
                if gap.due > self._clock():
                    continue
                try:
                    if await self._look(realm, gap) and self._missing.get(realm) is gap:
                        if gap.is_noted:
                            await self._db.write(partial(gaps.forget, realm=realm))
                        del self._missing[realm]
                except (SlackFailure, CosessionError) as failure:
                    log.warning("the threads of %s are looked through later: %s", realm, failure)
            try:
                async with asyncio.timeout(every):
                    await self._wake.wait()
            except TimeoutError:
                continue

    def _add(self, realm: str, since: datetime | None, due: datetime) -> Gap:
        """A gap beside what may be missing already: the earlier beginning counts, and the later look."""
        earlier = self._missing.get(realm)
        gap = Gap(since, due)
        if earlier is not None:
            gap.since = min(earlier.since, since) if earlier.since is not None and since is not None else None
            gap.behind = set(earlier.behind)
            gap.is_to_be_noted, gap.is_noted = earlier.is_to_be_noted, earlier.is_noted and gap.since == earlier.since
        self._missing[realm] = gap
        return gap

    async def _begin(self, since: Callable[[datetime | None], datetime | None]) -> None:
        """A gap is over: what is new waits for what was missed. `since` is told when Slack was last heard."""
        try:
            last, threads = await self._db.read(_all_open)
        except CosessionError as error:
            log.warning("it is not known what was missed: %s", error)
            return
        for realm, names in threads.items():
            gap = self._add(realm, since(last), self._clock())
            gap.behind, gap.is_to_be_noted = names, True

    async def _note(self) -> None:
        """Whoever is killed from now on finds the gaps again."""
        for realm, gap in list(self._missing.items()):
            if gap.is_to_be_noted and not gap.is_noted:
                try:
                    work = partial(gaps.remember, realm=realm, since=gap.since)
                    gap.since, gap.is_noted = await self._db.write(work), True
                except CosessionError as error:
                    log.warning("a gap could not be noted: %s", error)

    async def _note_all(self, since: datetime, now: datetime) -> bool:
        """Something may be missing everywhere. False where it cannot be known where that is."""
        try:
            _, realms = await self._db.read(_last_heard)
        except CosessionError as error:
            log.warning("it is looked later for what was missed: %s", error)
            return False
        for realm in realms:
            earlier = self._missing.get(realm)
            self._add(realm, since, min(earlier.due, now) if earlier is not None else now)
        return True

    async def _look(self, realm: str, gap: Gap) -> bool:
        """False where the workspace cannot be asked yet."""
        desk = await self._desk_of(realm)
        if desk is None:
            return False
        for thread in await self._db.read(lambda tx: _open_threads(tx, realm)):
            items = await self._missed(desk, thread, gap.since or thread.created_at)
            has_grown = items and await self._db.write(lambda tx, items=items: _store(tx, realm, items))
            if has_grown:
                log.info("something was missed in a thread of %s, and is taken in now", realm)
            name = gaps.name_of(thread.channel, thread.root)
            was_behind = name in gap.behind
            gap.behind.discard(name)
            if has_grown or was_behind:
                self._stored()
        gap.behind.clear()
        return True

    async def _missed(self, desk: Desk, thread: _Open, since: datetime) -> list[tuple[str, Payload]]:
        try:
            messages = await desk.api.whole_thread(thread.channel, thread.root, self._patiently)
        except Refused as refusal:
            if refusal.code == "thread_not_found":
                return [_gone(thread, thread.root)]
            # Whether the thread is given up is for whoever posts into it to find out.
            log.warning("a thread cannot be read: %s", refusal.code)
            return []
        return missed(thread, messages, since, self._clock())

    async def _patiently(self, call: Callable[[], Awaitable[Payload]]) -> Payload:
        """One call, when there is room for it; Slack's "not now" repeats that call alone."""
        while True:
            try:
                self._calls.take("conversations.replies")
                return await call()
            except TooMany as wait:
                await asyncio.sleep((wait.retry_after_ms or 1_000) / 1_000)
            except Limited as wait:
                await asyncio.sleep(wait.seconds)


def missed(
    thread: _Open, messages: Sequence[Payload] | None, since: datetime, now: datetime
) -> list[tuple[str, Payload]]:
    """The events that would have told what is new, in order, each with a name of its own. Pure. `messages` is the whole
    thread, or None where it was too long to be read."""
    if messages is None:
        return []
    there = {str(message["ts"]): message for message in messages}
    root = there.pop(thread.root, None)
    if root is None or root.get("subtype") == "tombstone":
        return [_gone(thread, thread.root)]
    found: list[tuple[str, Payload]] = []
    for ts, message in sorted(there.items()):
        edited = str((message.get("edited") or {}).get("ts") or "")
        if ts in thread.known:
            if edited and _at(edited) >= since:
                body = {"type": "message", "subtype": "message_changed", "channel": thread.channel, "message": message}
                found.append((f"{ts}:{edited}", body))
        elif _at(ts) >= since and ts not in thread.settled:
            found.append((ts, {**message, "type": "message", "channel": thread.channel}))
    gone = sorted(ts for ts in thread.known if ts not in there and now - _at(ts) < KEPT)
    return [*found, *(_gone(thread, ts) for ts in gone)]


def _gone(thread: _Open, ts: str) -> tuple[str, Payload]:
    before: dict[str, Any] = {"ts": ts, "thread_ts": thread.root}
    event = {"type": "message", "subtype": "message_deleted", "channel": thread.channel}
    return f"{ts}:gone", {**event, "deleted_ts": ts, "previous_message": before}


def _store(tx: Transaction, realm: str, items: Sequence[tuple[str, Payload]]) -> bool:
    """True where the inbox has grown."""
    has_grown = False
    for name, event in items:
        body = {"type": "event_callback", "team_id": realm, "authorizations": [{"team_id": realm}], "event": event}
        item_id = f"missed:{realm}:{event['channel']}:{name}"
        has_grown |= inbox.store(tx, item_id, EVENT, orjson.dumps(body))
    return has_grown


def _last_heard(tx: Transaction) -> tuple[datetime | None, set[str]]:
    """When Slack was last heard, and the realms that have open threads."""
    last = tx.sql.exec(select(func.max(tables.Inbox.received_at)).where(tables.Inbox.kind == EVENT)).one()
    return last, set(tx.sql.exec(select(tables.Mirror.realm).where(tables.Mirror.status == "live").distinct()))


def _all_open(tx: Transaction) -> tuple[datetime | None, dict[str, set[str]]]:
    """When Slack was last heard, and the open threads of every realm that has any."""
    last, realms = _last_heard(tx)
    return last, gaps.threads_of(tx, realms)


def _open_threads(tx: Transaction, realm: str) -> list[_Open]:
    mirror = tables.Mirror
    rows = tx.sql.exec(select(mirror).where(mirror.realm == realm, mirror.status == "live")).all()
    return [
        _Open(row.channel, row.root, row.created_at, *_links(tx, row.session_id))
        for row in rows
        if row.root is not None
    ]


def _links(tx: Transaction, session_id: str) -> tuple[frozenset[str], frozenset[str]]:
    """The posts of people that stand in the session, and those that do not any more."""
    link, message, comment = tables.MirrorLink, tables.Message, tables.Comment
    query = (
        select(link.ts, func.coalesce(message.id, comment.id))
        .select_from(link)
        .outerjoin(message, (col(message.id) == link.message_id) & col(message.deleted_at).is_(None))
        .outerjoin(comment, (col(comment.id) == link.message_id) & col(comment.deleted_at).is_(None))
        .where(link.session_id == session_id, link.origin == "thread")
    )
    rows = tx.sql.exec(query).all()
    return frozenset(ts for ts, said in rows if said), frozenset(ts for ts, said in rows if not said)


def _at(ts: str) -> datetime:
    return datetime.fromtimestamp(float(ts), UTC)
