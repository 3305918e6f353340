"""What other processes commit, brought to those who are connected here; and what this one commits, told to them.

Only sessions that somebody has open here are listened to. A signal that is lost is noticed by the next one, or by a
look at the heads of all open sessions: one query about every second, and more often while signals are not carried.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection, Sequence

import orjson

from api import bulletin, metrics
from api.hub import Hub
from api.intake import of_log
from api.room import Room
from core.db import Appended, Database
from core.errors import CosessionError
from core.heads import heads
from core.signals import Signals

log = logging.getLogger(__name__)

#: Seconds between two looks at the heads: while signals are carried, and while they are not.
LOOK_EVERY, LOOK_EVERY_WITHOUT = 1.0, 0.25
#: Seconds between two signals about which sessions have news, for readers that follow sessions nobody has open here.
HEADS_EVERY = 0.1
HEADS_TOPIC = "heads"
SIGN_OUT_TOPIC = "sign-outs"


def topic_of(session_id: str) -> str:
    return f"session:{session_id}"


class News:
    """Belongs to the event loop that `start` ran on; made after the hub, so that this process's own sockets go first.
    See `api.others.Watcher`."""

    def __init__(self, hub: Hub, db: Database, signals: Signals) -> None:
        self._hub = hub
        self._db = db
        self._signals = signals
        self._epoch = ""
        self._committed: set[str] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._on_news: list[Callable[[Collection[str]], None]] = []
        self._must_look = asyncio.Event()
        self._round: asyncio.Task[None] | None = None
        if not signals.is_alone:
            db.on_commit(self.on_commit)

    def on_news(self, callback: Callable[[Collection[str]], None]) -> None:
        """Calls `callback` with the ids of sessions that another process has added to; before `start`. A shortcut:
        whoever must know looks from time to time."""
        self._on_news.append(callback)

    def start(self, epoch: str) -> None:
        """`epoch` names this database's history."""
        self._epoch = epoch
        if self._signals.is_alone:
            return
        self._hub.watcher = self
        self._signals.subscribe(SIGN_OUT_TOPIC, self._heard_of_sign_out)
        if self._on_news:
            self._signals.subscribe(HEADS_TOPIC, self._heard_of_heads)
        self._signals.on_recovery(self._must_look.set)
        self._round = asyncio.create_task(self._look_again(), name="heads of open sessions")

    async def close(self) -> None:
        self._hub.watcher = None
        if self._timer is not None:
            self._timer.cancel()
        if self._round is not None:
            self._round.cancel()
            await asyncio.gather(self._round, return_exceptions=True)

    # ── Telling ───────────────────────────────────────────────────────────────────────────────────────────────────────

    def on_commit(self, appended: Sequence[Appended]) -> None:
        by_session: dict[str, list[Appended]] = {}
        for entry in appended:
            by_session.setdefault(entry.session_id, []).append(entry)
        for session_id, entries in by_session.items():
            for payload in bulletin.write(self._epoch, entries):
                self._signals.publish(topic_of(session_id), payload)
        self._committed |= by_session.keys()
        if self._timer is None:
            self._tell_heads()

    def _tell_heads(self) -> None:
        """At once after a quiet while, then all that came in a batch together."""
        self._timer = None
        if self._committed:
            self._signals.publish(HEADS_TOPIC, orjson.dumps(sorted(self._committed)))
            self._committed.clear()
            self._timer = asyncio.get_running_loop().call_later(HEADS_EVERY, self._tell_heads)

    def signed_out(self, user_id: str, token_version: int) -> None:
        self._signals.publish(SIGN_OUT_TOPIC, orjson.dumps([user_id, token_version]))

    # ── Hearing ───────────────────────────────────────────────────────────────────────────────────────────────────────

    def opened(self, room: Room) -> None:
        self._signals.subscribe(topic_of(room.session_id), lambda payload: self._heard(room, payload))

    def closed(self, room: Room) -> None:
        self._signals.unsubscribe(topic_of(room.session_id))

    def _heard(self, room: Room, payload: bytes) -> None:
        try:
            told = bulletin.read(payload)
            arrivals = [of_log(entry) for entry in told.entries]
        except (ValueError, KeyError, TypeError):
            log.warning("a signal about %s could not be read: the log is read instead", room.session_id)
            self._must_look.set()
            return
        if told.epoch != self._epoch or room.is_forgotten:
            return  # Of another history: a database that was restored, or another one on the same line.
        self._hub.take_in(room, arrivals)
        self._hub.learn(room, told.head)

    def _heard_of_heads(self, payload: bytes) -> None:
        try:
            session_ids = [str(session_id) for session_id in orjson.loads(payload)]
        except (ValueError, TypeError):
            log.warning("a signal about sessions with news could not be read")
            return
        for callback in self._on_news:
            callback(session_ids)

    def _heard_of_sign_out(self, payload: bytes) -> None:
        try:
            user_id, token_version = orjson.loads(payload)
        except (ValueError, TypeError):
            log.warning("a signal about a sign-out could not be read")
            return
        if isinstance(user_id, str) and isinstance(token_version, int):
            self._hub.sign_out_here(user_id, token_version)

    # ── Looking ───────────────────────────────────────────────────────────────────────────────────────────────────────

    async def _look_again(self) -> None:
        while True:
            try:
                async with asyncio.timeout(LOOK_EVERY if self._signals.is_healthy else LOOK_EVERY_WITHOUT):
                    await self._must_look.wait()
            except TimeoutError:
                pass
            self._must_look.clear()
            try:
                await self.look()
            except CosessionError:
                log.warning("how far the logs have come could not be read; asked again soon")
                await asyncio.sleep(LOOK_EVERY)
            except Exception:
                log.exception("a look at the logs failed")
                await asyncio.sleep(LOOK_EVERY)

    async def look(self) -> None:
        """One query about all open sessions. Raises StorageUnavailable."""
        rooms = {room.session_id: room for room in self._hub.rooms() if room.is_placed}
        if not rooms:
            return
        found = await self._db.read(lambda tx: heads(tx, list(rooms)))
        metrics.POLLS.inc()
        for session_id, head in found.items():
            self._hub.learn(rooms[session_id], head)
