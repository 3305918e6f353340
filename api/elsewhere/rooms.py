"""Each session's people, shown in every process that has it open: told by topic, in batches and in full pictures.

A batch goes out together with the one to this process's own sockets; a full picture every few seconds, and whenever
another process asks, as each does when it opens a session or misses something. What is heard goes into the same room as
this process's own tabs, under the same leases.
"""

from __future__ import annotations

import asyncio
import logging
from datetime import datetime

from api import views
from api.door.framing import frame_text, payload_of
from api.elsewhere import wire
from api.elsewhere.held import Held, TakeOver
from api.elsewhere.place import Place, topic_of
from api.elsewhere.siblings import ASK_EVERY, BATCH_EVERY, PICTURE_EVERY, Siblings
from api.frames import Participant, UserJoined, UserLeft
from api.hub import Hub
from api.incoming import refusal
from api.room import Room
from core import presence
from core.accounts import SignedIn
from core.errors import FollowCycle
from core.events import Person
from core.signals import Signals

log = logging.getLogger(__name__)

#: Seconds between two rounds over all places.
LOOK_EVERY = 1.0
#: Seconds for which a session that nobody has open here is watched after somebody asked who is in it.
WATCHED_FOR = 60.0
#: Seconds within which whoever is asked who is here has answered.
ANSWERED_WITHIN = 0.25
#: Full pictures that are sent and asked for in one round after an outage; what is more waits for the next.
MOST_AT_ONCE = 200


class Elsewhere:
    """Belongs to the event loop that `start` ran on; made before anybody is let in. See `api.others.Others`."""

    def __init__(self, hub: Hub, signals: Signals) -> None:
        self._hub = hub
        self._signals = signals
        self._places: dict[str, Place] = {}
        self._siblings = Siblings(signals, hub.now)
        self._round: asyncio.Task[None] | None = None
        #: None before the start and after the end.
        self._held: Held | None = None
        signals.on_recovery(self._recovered)

    @property
    def processes(self) -> int:
        """How many processes there are, as far as is known, this one among them."""
        return self._siblings.processes

    def start(self, take_over: TakeOver) -> None:
        """`take_over` carries out a frame that another process forwards."""
        self._held = Held(self._hub, take_over)
        self._hub.others = self
        self._siblings.start()
        self._round = asyncio.create_task(self._look_again(), name="presence elsewhere")

    async def close(self) -> None:
        """Tells the others that this process's tabs are no more. The signals are still carried then."""
        held, self._held, self._hub.others = self._held, None, None
        if held is not None and self._round is not None:
            self._round.cancel()
            await asyncio.gather(self._round, held.close(), return_exceptions=True)
            for place in list(self._places.values()):
                self._end(place)
            self._siblings.close()

    @property
    def is_reachable(self) -> bool:
        return self._signals.is_healthy

    # ── What the hub tells ────────────────────────────────────────────────────────────────────────────────────────────

    def opened(self, room: Room) -> None:
        place = self._places.get(room.session_id)
        if place is None:
            self._begin(room.session_id, room.presence, room)
        else:
            # It was watched: whoever joins now sees at once who is here.
            place.room, room.presence = room, place.people

    def closed(self, room: Room) -> None:
        place = self._places.get(room.session_id)
        if place is not None and place.room is room:
            self._end(place)

    def changed(self, room: Room) -> None:
        place = self._places.get(room.session_id)
        # What cannot be told now is part of what is told once it can.
        if place is not None and self._signals.is_healthy:
            tabs, left = place.share.take_news(room.presence, self._hub.now())
            if tabs or left:
                self._tell(place, tabs, left, is_full=not place.number)

    def say(self, session_id: str, user_id: str | None, frame: bytes) -> None:
        said = wire.Say(user_id=user_id, frame=payload_of(frame).decode())
        self._signals.publish(topic_of(session_id), wire.write(said))

    def summon(self, session_id: str, by: Person) -> None:
        self._signals.publish(topic_of(session_id), wire.write(wire.Summons(by=by)))

    def forward(self, session_id: str, connection_id: str, user_id: str, frames: list[str]) -> None:
        forwarded = wire.Forwarded(connection_id=connection_id, user_id=user_id, frames=frames)
        self._signals.publish(topic_of(session_id), wire.write(forwarded))

    def renew(self, session_id: str, connection_id: str, who: SignedIn, proven_at: datetime) -> None:
        renewed = wire.Renewed(
            connection_id=connection_id,
            user_id=who.actor.user_id,
            until=who.expires_at,
            token_version=who.token_version,
            proven_at=proven_at,
        )
        self._signals.publish(topic_of(session_id), wire.write(renewed))

    def present(self, session_id: str) -> list[presence.Shown]:
        place = self._places.get(session_id)
        if place is None:
            place = self._begin(session_id, presence.Room(), None)
        place.watched_until = self._hub.now() + WATCHED_FOR
        return place.people.everyone()

    async def meet(self, session_id: str) -> None:
        self.present(session_id)
        began = self._places[session_id].began_at
        await asyncio.sleep(max(0.0, min(began + ANSWERED_WITHIN - self._hub.now(), ANSWERED_WITHIN)))

    def connections_of(self, user_id: str) -> int:
        return self._siblings.connections_of(user_id)

    def count(self, user_id: str, connections: int) -> None:
        self._siblings.count(user_id, connections)

    # ── Telling ───────────────────────────────────────────────────────────────────────────────────────────────────────

    def _begin(self, session_id: str, people: presence.Room, room: Room | None) -> Place:
        now = self._hub.now()
        place = self._places[session_id] = Place(session_id, people, room, now, began_at=now, told_at=now)
        self._signals.subscribe(topic_of(session_id), lambda payload: self._heard(place, payload))
        self._ask(place)
        # Subscribing takes a moment, in which an answer may pass by.
        place.must_ask = True
        return place

    def _end(self, place: Place) -> None:
        if place.answer is not None:
            place.answer.cancel()
        if len(place.share):
            _, left = place.share.take_all(place.people, self._hub.now())
            self._tell(place, [], left, is_full=True)
        self._signals.unsubscribe(topic_of(place.session_id))
        del self._places[place.session_id]

    def _tell_all(self, place: Place) -> None:
        """Nothing where there has never been anything to tell."""
        place.answer = None
        now = self._hub.now()
        place.told_at = now
        if not self._signals.is_healthy:
            return
        tabs, left = place.share.take_all(place.people, now)
        if tabs or left or place.number:
            self._tell(place, tabs, left, is_full=True)

    def _tell(self, place: Place, tabs: list[presence.Tab], left: list[presence.Departure], *, is_full: bool) -> None:
        place.number += 1
        told = wire.Tabs(
            origin=self._signals.process_id,
            number=(place.opening, place.number),
            is_full=is_full,
            tabs=[wire.tab_view(tab) for tab in tabs],
            left=[wire.departure_view(departure) for departure in left],
        )
        self._signals.publish(topic_of(place.session_id), wire.write(told))

    def _ask(self, place: Place) -> None:
        place.asked_at, place.must_ask = self._hub.now(), False
        self._signals.publish(topic_of(place.session_id), wire.write(wire.Ask()))

    # ── Hearing ───────────────────────────────────────────────────────────────────────────────────────────────────────

    def _heard(self, place: Place, payload: bytes) -> None:
        if self._held is None:
            return
        try:
            signal = wire.read(payload)
        except ValueError:
            log.warning("a signal about who is in %s could not be read", place.session_id)
            return
        match signal:
            case wire.Ask():
                self._answer(place)
            case wire.Tabs():
                self._take(place, signal)
            case wire.Say():
                self._hub.tell_here(place.session_id, signal.user_id, frame_text(signal.frame.encode()))
            case wire.Summons():
                self._summoned(place, signal)
            case wire.Forwarded():
                self._held.forwarded(place.session_id, signal)
            case wire.Renewed():
                self._held.renewed(place.session_id, signal)
            case _:
                log.warning("a signal about who is in %s is of the wrong kind", place.session_id)

    def _answer(self, place: Place) -> None:
        """At once after a quiet while: one picture answers all who ask within a moment."""
        if place.answer is None:
            wait = place.told_at + BATCH_EVERY - self._hub.now()
            if wait <= 0.0:
                self._tell_all(place)
            else:
                loop = asyncio.get_running_loop()
                place.answer = loop.call_later(min(wait, BATCH_EVERY), self._tell_all, place)

    def _take(self, place: Place, signal: wire.Tabs) -> None:
        verdict = place.order.take(signal.origin, signal.number, is_full=signal.is_full)
        if verdict == "old":
            return
        heard = presence.hear(
            place.people,
            signal.origin,
            [tab.tab() for tab in signal.tabs],
            [departure.departure() for departure in signal.left],
            self._hub.now(),
            is_full=signal.is_full,
        )
        if place.room is not None:
            for person, role in heard.joined:
                self._hub.broadcast(place.room, UserJoined(user=Participant(**person.model_dump(), role=role)))
            for user_id in heard.gone:
                self._hub.broadcast(place.room, UserLeft(user_id=user_id))
            for connection_id in heard.cut:
                connection = place.room.connections.get(connection_id)
                if connection is not None:
                    connection.write(refusal(FollowCycle()))
            self._hub.presence_changed(place.room)
        place.must_ask = place.must_ask or heard.is_refused
        if verdict == "gap":
            # Everybody asks for what they miss; the answer to the first serves all.
            if self._hub.now() - place.asked_at >= ASK_EVERY:
                self._ask(place)
            else:
                place.must_ask = True

    def _summoned(self, place: Place, signal: wire.Summons) -> None:
        if place.room is not None and place.people.was_summoned(self._hub.now()):
            self._hub.summon_here(place.room, signal.by)

    # ── As time passes ────────────────────────────────────────────────────────────────────────────────────────────────

    def _recovered(self) -> None:
        """Signals may have been lost: everything is told and asked for anew, in the next rounds."""
        self._siblings.refresh()
        for place in self._places.values():
            place.must_ask = True
            place.told_at -= PICTURE_EVERY

    async def _look_again(self) -> None:
        while True:
            await asyncio.sleep(LOOK_EVERY)
            self.look()

    def look(self) -> None:
        """One round over all places."""
        self._siblings.look()
        now, done = self._hub.now(), 0
        for place in list(self._places.values()):
            if place.room is None and not self._watch(place, now):
                continue
            if done >= MOST_AT_ONCE:
                continue
            if place.must_ask:
                self._ask(place)
                done += 1
            if now - place.told_at >= PICTURE_EVERY:
                self._tell_all(place)
                done += 1

    def _watch(self, place: Place, now: float) -> bool:
        """False when nobody has asked for a while: then the place is no more."""
        place.people.sweep(now)
        views.presence_news(place.people)  # Nobody here is told.
        if now <= place.watched_until:
            return True
        self._end(place)
        return False
