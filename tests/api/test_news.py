"""What other processes commit, among what this one commits: in any order, in part, twice, or read from the log."""

from __future__ import annotations

import asyncio
import random
import re
from collections.abc import AsyncGenerator, Callable
from pathlib import Path
from typing import TypeVar

import orjson
import pytest

from api import bulletin, intake
from api.connection import Connection
from api.errors import Close
from api.frames import Position
from api.hub import Hub
from api.news import News, topic_of
from api.room import Arrival, Room
from core import log, sessions
from core.access import add_participant, session_for
from core.clock import system_clock
from core.db import Appended, Database, Transaction, Work
from core.engines import open_engine
from core.errors import StorageUnavailable
from core.events import AgentMessage
from core.heads import heads
from tests.api.support import Notes, Place, open_place
from tests.support.signals import Lines

T = TypeVar("T")
SEQ = re.compile(rb'"seq":(\d+),"at":')


@pytest.fixture
async def place(postgres_url: str, tmp_path: Path) -> AsyncGenerator[Place]:
    async with open_place(postgres_url, tmp_path / "data") as opened:
        yield opened


class Elsewhere:
    """Another process, as far as the log goes. `told` is what it would tell about what it commits."""

    def __init__(self, db: Database) -> None:
        self.db = db
        self.told: list[Appended] = []
        db.on_commit(self.told.extend)


@pytest.fixture
async def elsewhere(place: Place, postgres_url: str) -> AsyncGenerator[Elsewhere]:
    db = Database(open_engine(postgres_url), system_clock)
    db.start()
    yield Elsewhere(db)
    await db.close()


async def say(db: Database, place: Place, count: int) -> None:
    """Commits `count` entries, each alone."""
    for _ in range(count):
        await say_at_once(db, place, ["hello"])


async def say_at_once(db: Database, place: Place, texts: list[str]) -> None:
    """Commits them together."""

    def work(tx: Transaction) -> None:
        session = session_for(tx, place.host, place.session_id, "feed_agent").session
        for text in texts:
            log.append(tx, session, AgentMessage(turn_id="t", text=text))

    await db.write(work)


async def head_of(place: Place) -> int:
    return await place.api.db.read(lambda tx: log.head(tx, place.session_id))


async def until(claim: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not claim():  # noqa: ASYNC110 - a wire that takes notes tells nobody
            await asyncio.sleep(0.002)


def entries_of(wire: Notes) -> dict[int, bytes]:
    """What a wire was sent, which must be in order and without holes."""
    sent = [(int(found[1]), payload) for payload in wire.payloads if (found := SEQ.search(payload))]
    seqs = [seq for seq, _ in sent]
    assert seqs == list(range(seqs[0], seqs[0] + len(seqs))) if seqs else True
    return dict(sent)


async def as_told(place: Place, elsewhere: Elsewhere, dice: random.Random, is_over: asyncio.Event) -> None:
    """Tells this process what the other has committed: late, in any order, some of it twice, some never."""
    while not (is_over.is_set() and not elsewhere.told):
        await asyncio.sleep(dice.choice([0, 0, 0.001, 0.03]))
        some = [elsewhere.told.pop(dice.randrange(len(elsewhere.told))) for _ in elsewhere.told[: dice.randrange(4)]]
        for entry in some:
            if dice.random() < 0.3:
                elsewhere.told.append(entry)
            room = next((room for room in place.api.hub.rooms()), None)
            if room is not None and dice.random() < 0.7:
                for payload in bulletin.write("", [entry]):
                    told = bulletin.read(payload)
                    place.api.hub.take_in(room, map(intake.of_log, told.entries))


@pytest.mark.parametrize("seed", range(5))
async def test_everybody_is_sent_each_entry_once_and_in_order_however_it_was_learnt(
    place: Place, elsewhere: Elsewhere, seed: int
) -> None:
    dice = random.Random(seed)
    await say(elsewhere.db, place, 5)
    first = await head_of(place)
    is_over = asyncio.Event()
    wires: list[Notes] = [Notes()]
    came: list[tuple[Room, Connection]] = [await place.come_in(place.host, wires[0], Position(epoch="", seq=0))]

    async def come() -> None:
        for _ in range(6):
            await asyncio.sleep(dice.uniform(0, 0.05))
            wires.append(Notes())
            since = Position(epoch="", seq=dice.randrange(await head_of(place)))
            came.append(await place.come_in(dice.choice([place.host, place.editor]), wires[-1], since))

    telling = asyncio.create_task(as_told(place, elsewhere, dice, is_over))
    await asyncio.gather(say(place.api.db, place, 25), say(elsewhere.db, place, 25), come())
    is_over.set()
    await telling
    head = await head_of(place)
    assert head == first + 50
    for room, _ in came:
        place.api.hub.learn(room, head)
    await until(lambda: all(connection.cursor == head for _, connection in came))
    stored = await place.api.db.read(lambda tx: log.read_after(tx, place.session_id, 0))
    frames = {entry.seq: entry.frame for entry in stored}
    for wire in wires:
        sent = entries_of(wire)
        assert sent == {seq: frames[seq] for seq in range(min(sent), head + 1)}
    for room, connection in came:
        place.api.hub.leave(room, connection)


class Line:
    """The other process tells this one of what it commits. `news` is what the readers here are woken with."""

    def __init__(self, place: Place, elsewhere: Elsewhere) -> None:
        self.lines = Lines()
        self.news: list[str] = []
        self._signals = self.lines.process("here"), self.lines.process("there")
        self.here = News(place.api.hub, place.api.db, self._signals[0])
        self.there = News(Hub(elsewhere.db, system_clock), elsewhere.db, self._signals[1])
        self.here.on_news(self.news.extend)

    async def start(self) -> None:
        for signals in self._signals:
            await signals.start()
        self.here.start("epo_this")
        self.there.start("epo_this")

    def tell(self, topic: str, payload: bytes) -> None:
        self._signals[1].publish(topic, payload)

    async def close(self) -> None:
        await self.here.close()
        await self.there.close()


@pytest.fixture
async def line(place: Place, elsewhere: Elsewhere) -> AsyncGenerator[Line]:
    opened = Line(place, elsewhere)
    await opened.start()
    yield opened
    await opened.close()


async def removed(db: Database, place: Place) -> None:
    await db.write(lambda tx: sessions.remove(tx, place.host, place.session_id, place.editor.user_id))


async def asked_back(db: Database, place: Place) -> None:
    def work(tx: Transaction) -> None:
        session = session_for(tx, place.host, place.session_id, "manage").session
        add_participant(tx, session, place.editor.person, "editor", via="invite")

    await db.write(work)


async def test_a_removal_that_is_heard_late_does_not_send_away_whoever_was_asked_back(
    place: Place, elsewhere: Elsewhere
) -> None:
    host, before, after = Notes(), Notes(), Notes()
    came = [await place.come_in(place.host, host), await place.come_in(place.editor, before)]
    await removed(elsewhere.db, place)
    await asked_back(elsewhere.db, place)
    came.append(await place.come_in(place.editor, after))
    head = await head_of(place)
    await until(lambda: came[0][1].cursor == head)
    assert before.closed is not None
    assert before.closed[0] == Close.REMOVED
    assert after.is_open
    assert came[2][1].id in came[2][0].connections
    assert max(entries_of(before), default=0) < head
    for room, connection in came:
        place.api.hub.leave(room, connection)


async def test_readers_of_sessions_that_nobody_has_open_here_are_woken(
    place: Place, elsewhere: Elsewhere, line: Line
) -> None:
    assert place.api.hub.rooms() == []
    await say(elsewhere.db, place, 3)
    await until(lambda: place.session_id in line.news)
    await say(place.api.db, place, 1)
    assert await place.api.db.read(lambda tx: heads(tx, [place.session_id, "ses_none"])) == {
        place.session_id: await head_of(place)
    }


async def test_who_is_signed_out_by_another_process_is_sent_away_and_who_came_since_is_not(
    place: Place, line: Line
) -> None:
    old, new = Notes(), Notes()
    room, before = await place.come_in(place.editor, old)
    _, after = await place.come_in(place.editor, new)
    after.token_version = 1
    line.there.signed_out(place.editor.user_id, 1)
    await until(lambda: old.closed is not None)
    assert old.closed is not None
    assert old.closed[0] == Close.NOT_SIGNED_IN
    assert new.is_open
    for connection in (before, after):
        place.api.hub.leave(room, connection)


async def test_what_is_told_of_another_history_is_not_believed(place: Place, elsewhere: Elsewhere, line: Line) -> None:
    """A backup was restored: what the history before it told still goes round, correctly signed."""
    wire = Notes()
    room, connection = await place.come_in(place.host, wire)
    head = room.head
    lie = log.Stored(head + 1, "agent_message", None, b'{"type":"agent_message","seq":%d,"at":""}' % (head + 1))
    first = {"epoch": "epo_before", "head": head + 1, "entries": [(lie.seq, lie.type, None)]}
    topic = topic_of(place.session_id)
    line.tell(topic, orjson.dumps(first) + b"\n" + lie.frame)
    for broken in (b"", b"{}", b'{"epoch":"epo_this","head":"x","entries":[]}', b"\xff"):
        line.tell(topic, broken)
        line.tell("heads", broken)
        line.tell("sign-outs", broken)
    await say(elsewhere.db, place, 1)
    await until(lambda: connection.cursor == head + 1)
    assert lie.frame not in wire.payloads
    place.api.hub.leave(room, connection)


async def test_a_catch_up_stops_at_a_removal_that_nobody_has_told_of(place: Place, elsewhere: Elsewhere) -> None:
    await say_at_once(elsewhere.db, place, ["hello"] * 600)
    wire = Notes()
    room, connection = await place.come_in(place.editor, wire, Position(epoch="", seq=0))
    await removed(elsewhere.db, place)
    removal = await head_of(place)
    await say(elsewhere.db, place, 20)
    place.api.hub.learn(room, await head_of(place))
    await until(lambda: wire.closed is not None)
    assert max(entries_of(wire)) <= removal
    place.api.hub.leave(room, connection)


class Moody(Database):
    """Cannot be read the first time."""

    failures = 1

    async def read(self, work: Work[T]) -> T:
        if self.failures:
            self.failures -= 1
            raise StorageUnavailable
        return await super().read(work)


async def test_a_hole_is_read_again_until_it_is_filled_and_what_never_was_is_given_up(
    place: Place, elsewhere: Elsewhere, postgres_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    await say_at_once(elsewhere.db, place, ["hello"] * 700)
    head = await head_of(place)
    db = Moody(open_engine(postgres_url), system_clock)
    taken: list[int] = []

    def publish(room: Room, arrival: Arrival) -> None:
        room.remember(arrival.seq, arrival.frame)
        taken.append(arrival.seq)

    room = Room(place.session_id, head=0)
    room.place(0)
    taker = intake.Intake(db, publish)
    taker.learn(room, head)
    await until(lambda: room.head == head)
    assert taken == list(range(1, head + 1))
    assert db.failures == 0
    taker.learn(room, head + 5)
    await until(lambda: not room.has_hole)
    assert (room.head, room.known) == (head, head)
    assert "that the log does not hold" in caplog.text
    taker.forget(room)
    await db.close()


@pytest.mark.parametrize(
    "payload", [b"", b"{}", b"[]", b"null", b'{"epoch":"e","head":1,"entries":[[1,"x",null]]}', b"\xff\n\xff"]
)
def test_a_bulletin_of_another_shape_is_refused_as_a_whole(payload: bytes) -> None:
    with pytest.raises(ValueError):
        bulletin.read(payload)


async def test_bulletins_hold_what_is_stored_to_the_byte_and_only_numbers_of_what_is_large(
    place: Place, elsewhere: Elsewhere
) -> None:
    texts = ["one\ntwo", "\u2028", "x" * 40_000, *["y" * 10_000] * 7]
    await say_at_once(elsewhere.db, place, texts)
    payloads = list(bulletin.write("epo_1", elsewhere.told))
    assert all(len(payload) < bulletin.MOST_BYTES + 2_000 for payload in payloads)
    read = [bulletin.read(payload) for payload in payloads]
    assert [one.head for one in read][-1] == await head_of(place)
    told = [entry for one in read for entry in one.entries]
    stored = await place.api.db.read(lambda tx: log.read_after(tx, place.session_id, 0))
    small = [entry for entry in stored if entry.type == "agent_message" and len(entry.frame) < bulletin.MOST_BYTES]
    assert told == small
    assert len(small) == len(texts) - 1
