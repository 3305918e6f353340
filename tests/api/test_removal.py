"""Nothing with a later seq than their removal reaches somebody, whatever they and the server were doing just then."""

from __future__ import annotations

import asyncio
import random
import re
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest

from api import entering
from api.errors import Close
from api.frames import JoinSession, Position
from api.stream import StreamWire
from core import chat, log, sessions
from core.access import add_participant, session_for
from core.db import Transaction
from core.errors import SessionNotFound
from core.events import AgentMessage
from tests.api.support import Notes, Place, open_place

SEQ = re.compile(rb'"seq":(\d+),"at":')
EPOCH = "epo_test"


@pytest.fixture
async def place(sqlite_url: str, tmp_path: Path) -> AsyncGenerator[Place]:
    async with open_place(sqlite_url, tmp_path / "data") as opened:
        yield opened


class NoOutlet:
    buffered = 0

    def abort(self) -> None:
        """Nothing is open underneath."""


class Stream(StreamWire):
    """An event stream whose reader takes everything and keeps it."""

    def __init__(self) -> None:
        super().__init__(NoOutlet(), "test", EPOCH)
        self.sent: list[bytes] = []
        self.reading = asyncio.create_task(self.run(self._never, self._keep))

    async def _never(self) -> Any:
        await asyncio.Event().wait()

    async def _keep(self, message: Any) -> None:
        self.sent.append(message.get("body", b""))

    async def seqs(self) -> list[int]:
        await self.reading
        assert b'event: close\ndata: {"code":4403' in b"".join(self.sent)
        return [int(seq) for seq in SEQ.findall(b"".join(self.sent))]


async def remove(place: Place) -> int:
    """The seq of the removal."""

    def work(tx: Transaction) -> int:
        sessions.remove(tx, place.host, place.session_id, place.editor.user_id)
        return log.head(tx, place.session_id)

    return await place.api.db.write(work)


async def give_back(place: Place) -> None:
    def work(tx: Transaction) -> None:
        session = session_for(tx, place.host, place.session_id, "manage").session
        add_participant(tx, session, place.editor.person, "editor", via="invite")

    await place.api.db.write(work)


async def say(place: Place, text: str) -> None:
    draft = chat.Draft(text, None, None, ())
    await place.api.db.write(lambda tx: chat.post_message(tx, place.host, place.session_id, draft, key=text))


async def fill(place: Place, count: int, size: int = 10) -> None:
    def work(tx: Transaction) -> None:
        session = session_for(tx, place.host, place.session_id, "feed_agent").session
        for _ in range(count):
            log.append(tx, session, AgentMessage(turn_id="t", text="x" * size))

    await place.api.db.write(work)


async def after_some_turns(turns: int, what: Any) -> Any:
    for _ in range(turns):
        await asyncio.sleep(0)  # A turn of the loop, not time.
    return await what


def seqs(wire: Notes) -> list[int]:
    return [int(found[1]) for payload in wire.payloads if (found := SEQ.search(payload))]


@pytest.mark.parametrize("seed", range(60))
async def test_who_is_removed_on_the_way_in_hears_nothing_later(place: Place, seed: int) -> None:
    """The way in, the removal and what is said after it are interleaved in sixty ways, in one commit or in several."""
    chance = random.Random(seed)
    await fill(place, chance.choice([0, 600]))
    wire = Notes()
    since = Position(epoch="", seq=0) if chance.random() < 0.7 else None

    async def removal() -> int:
        seq = await remove(place)
        await asyncio.gather(*(say(place, f"later {n}") for n in range(3)))
        return seq

    came, seq = await asyncio.gather(
        after_some_turns(chance.randrange(12), place.come_in(place.editor, wire, since)),
        after_some_turns(chance.randrange(12), removal()),
        return_exceptions=True,
    )
    assert isinstance(seq, int)
    if isinstance(came, BaseException):
        assert isinstance(came, SessionNotFound)
        assert wire.payloads == []
        return
    room, connection = came
    if connection.catch_up is not None:
        await connection.catch_up
    assert wire.closed is not None
    assert wire.closed[0] == Close.REMOVED
    assert max(seqs(wire), default=0) <= seq
    assert connection.id not in room.connections
    place.api.hub.leave(room, connection)


async def test_who_is_removed_between_the_reading_and_the_admission_is_not_admitted(place: Place) -> None:
    wire = Notes()
    proof = entering.show_token(place.api, place.session_id, place.token(place.editor))
    with place.api.hub.arriving(place.session_id) as room:
        entry = await entering.enter(place.api, place.session_id, proof)
        await remove(place)
        await say(place, "later")
        start = await entering.start_of(place.api, room, entry, None)
        with pytest.raises(SessionNotFound):
            entering.admit(place.api, room, wire, "websocket", entry, start)
    assert wire.payloads == []
    assert place.api.hub.statistics().connections == 0


async def test_who_is_removed_and_asked_back_on_the_way_in_is_admitted(place: Place) -> None:
    proof = entering.show_token(place.api, place.session_id, place.token(place.editor))
    with place.api.hub.arriving(place.session_id) as room:
        entry = await entering.enter(place.api, place.session_id, proof)
        await remove(place)
        await give_back(place)
        start = await entering.start_of(place.api, room, entry, None)
        connection = entering.admit(place.api, room, Notes(), "websocket", entry, start)
    assert connection.id in room.connections
    assert connection.role == "editor"


async def test_a_role_that_changes_on_the_way_in_is_the_one_that_holds(place: Place) -> None:
    wire = Notes()
    (_, connection), _ = await asyncio.gather(
        place.come_in(place.editor, wire),
        place.api.db.write(
            lambda tx: sessions.change_role(tx, place.host, place.session_id, place.editor.user_id, "viewer")
        ),
    )
    assert connection.role == "viewer"
    assert b'"role":"editor"' in wire.payloads[0], "connected tells of its own seq; the change follows it"
    assert any(b"role_changed" in payload for payload in wire.payloads[1:])


@pytest.mark.parametrize("turns", [0, 1, 3, 6, 10, 20, 40])
async def test_who_is_removed_while_being_brought_up_gets_no_further(place: Place, turns: int) -> None:
    await fill(place, 3_000)
    stream = Stream()
    room, connection = await place.come_in(place.editor, stream, Position(epoch="", seq=0))
    seq = await after_some_turns(turns, remove(place))
    await say(place, "later")
    await fill(place, 50)
    heard = await stream.seqs()
    assert heard == list(range(1, len(heard) + 1))
    assert len(heard) <= seq
    place.api.hub.leave(room, connection)


async def test_a_second_hello_does_not_outlive_the_removal(place: Place) -> None:
    wire = Notes()
    room, connection = await place.come_in(place.editor, wire)
    hello = JoinSession(type="join_session", since=Position(epoch="", seq=0))
    _, seq = await asyncio.gather(
        entering.rejoin(place.api, room, connection, hello), remove(place), return_exceptions=True
    )
    await say(place, "later")
    assert isinstance(seq, int)
    assert max(seqs(wire), default=0) <= seq
    assert not wire.is_open


async def test_pages_that_were_on_their_way_end_before_the_removal(place: Place) -> None:
    """A page of history is read and authorised in one snapshot: it holds nothing from after the removal."""

    def page(tx: Transaction) -> list[int]:
        session_for(tx, place.editor, place.session_id, "read", lock=False)
        return [entry.seq for entry in log.read_after(tx, place.session_id, 0)]

    async def everything() -> int:
        seq = await remove(place)
        for number in range(5):
            await say(place, f"later {number}")
        return seq

    reads = [after_some_turns(turns, place.api.db.read(page)) for turns in range(60)]
    *pages, seq = await asyncio.gather(*reads, everything(), return_exceptions=True)
    assert isinstance(seq, int)
    read = [found for found in pages if isinstance(found, list)]
    assert all(isinstance(found, list | SessionNotFound) for found in pages)
    assert read, "no page was read before the removal"
    assert max(max(found) for found in read) < seq
