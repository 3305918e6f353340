"""Who was away for long, and who holds something else than the log: both end up with exactly what is stored."""

from __future__ import annotations

import json
import zlib
from typing import Any

import pytest
from prometheus_client import REGISTRY

from api.digest import Digests
from api.door.framing import frame_text, payload_of
from core import log
from core.access import Actor, session_for
from core.blanking import blanked
from core.db import Transaction
from core.events import AgentMessage, MessageDeleted
from tests.stories.conftest import Cast
from tests.stories.house import Client, Frame
from tests.stories.lines import Transport


@pytest.fixture(params=["websocket", "sse"])
def transport(request: pytest.FixtureRequest) -> Transport:
    chosen: Transport = request.param
    return chosen


async def let_the_agent_write(cast: Cast, count: int, size: int = 10) -> int:
    """Appends `count` entries of `size` characters each; the last one's seq."""

    def write(tx: Transaction) -> int:
        seat = session_for(tx, Actor(cast.alice.id, cast.alice.name), cast.session_id, "feed_agent")
        last = 0
        for number in range(count):
            last = log.append(tx, seat.session, AgentMessage(turn_id="t", text=f"{number} " + "x" * size)).seq
        return last

    return await cast.house.runtime.db.write(write)


async def page(cast: Cast, after: int, limit: int) -> list[Frame]:
    path = f"/api/sessions/{cast.session_id}/events"
    answer = await cast.bob.call("GET", path, params={"after": after, "limit": limit})
    items: list[Frame] = answer.json()["items"]
    return items


async def held_after_paging(cast: Cast, client: Client, since: int) -> list[Frame]:
    """What a client holds that reads the gap over HTTP, as its frame says."""
    held: list[Frame] = []
    gaps = [frame for frame in client.frames if frame["type"] == "gap"]
    for gap in gaps:
        assert gap["from_seq"] == since + 1
        at = gap["from_seq"] - 1
        while at < gap["to_seq"]:
            items = await page(cast, at, min(1_000, gap["to_seq"] - at))
            held += items
            at = held[-1]["seq"]
    return held + client.entries


@pytest.mark.parametrize(("count", "size"), [(5_100, 10), (60, 30_000)], ids=["many", "heavy"])
async def test_who_missed_very_much_is_told_which_part_to_read_and_gets_the_rest(
    cast: Cast, count: int, size: int
) -> None:
    bob = await cast.bob.open(cast.session_id)
    epoch, seen = bob.frames[0]["epoch"], (await bob.say("I was here"))["seq"]
    await bob.close()
    last = await let_the_agent_write(cast, count, size)
    back = await cast.bob.open(cast.session_id, epoch=epoch, since=seen)
    await back.until_seq(last)
    connected, gap = back.frames[:2]
    assert (connected["type"], connected["is_resumed"], connected["seq"]) == ("connected", True, last)
    assert (gap["type"], gap["from_seq"]) == ("gap", seen + 1)
    assert [entry["seq"] for entry in back.entries] == list(range(gap["to_seq"] + 1, last + 1))
    assert sum(len(json.dumps(entry)) for entry in back.entries) < 400_000
    assert await held_after_paging(cast, back, seen) == (await cast.house.log_of(cast.session_id))[seen:]


async def test_who_missed_as_much_as_may_be_sent_gets_it_without_a_gap(cast: Cast) -> None:
    bob = await cast.bob.open(cast.session_id)
    epoch, seen = bob.frames[0]["epoch"], (await bob.say("I was here"))["seq"]
    await bob.close()
    last = await let_the_agent_write(cast, 4_000)
    back = await cast.bob.open(cast.session_id, epoch=epoch, since=seen)
    await back.until_seq(last)
    assert "gap" not in back.kinds()
    assert [entry["seq"] for entry in back.entries] == list(range(seen + 1, last + 1))


# ── Digests ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def checksum(entries: list[Frame]) -> int:
    """As a client of one's own would do it: compact JSON in the order of the keys, as it came."""
    total = 0
    for entry in entries:
        total = zlib.crc32(json.dumps(entry, separators=(",", ":"), ensure_ascii=False).encode(), total)
    return total


async def digest(cast: Cast, client: Client) -> Frame:
    before = len(client.frames)
    await Digests(cast.house.runtime.hub, cast.house.runtime.db).tell_all()
    return await client.until(lambda frame: frame["type"] == "digest", after=before)


def divergences() -> float:
    return REGISTRY.get_sample_value("cosession_divergences_total") or 0.0


async def test_a_digest_is_the_checksum_of_what_everybody_holds(cast: Cast) -> None:
    bob = await cast.bob.open(cast.session_id, since=0)
    last = (await bob.say('Ünïcödé 👩‍👩‍👧 \u2028 \\ " </script>'))["seq"]
    await bob.until_seq(last)
    told = await digest(cast, bob)
    assert (told["from_seq"], told["to_seq"]) == (1, last)
    assert told["crc32"] == checksum(bob.entries)


async def test_a_digest_covers_the_newest_256_entries(cast: Cast) -> None:
    last = await let_the_agent_write(cast, 300)
    bob = await cast.bob.open(cast.session_id, since=0)
    await bob.until_seq(last)
    told = await digest(cast, bob)
    assert (told["from_seq"], told["to_seq"]) == (last - 255, last)
    assert told["crc32"] == checksum(bob.entries[-256:])


async def test_where_nothing_is_new_to_anybody_nothing_is_said(cast: Cast) -> None:
    bob = await cast.bob.open(cast.session_id)
    await digest(cast, bob)
    await Digests(cast.house.runtime.hub, cast.house.runtime.db).tell_all()
    assert (await bob.say("something new"))["type"] == "ack"
    assert bob.kinds().count("digest") == 1
    await digest(cast, bob)
    carol = await cast.carol.open(cast.session_id)
    await digest(cast, carol)


async def test_who_was_sent_something_else_notices_and_gets_the_truth(cast: Cast) -> None:
    """What the process remembers is falsified; whoever resumes from memory is sent a forgery, until the digest."""
    alice = await cast.alice.open(cast.session_id)
    said = (await alice.say("the truth"))["seq"]
    (room,) = cast.house.runtime.hub.rooms()
    seq, framed = room.tail[-1]
    assert seq == said
    room.tail[-1] = (seq, frame_text(payload_of(framed).replace(b"the truth", b"a forgery")))
    bob = await cast.bob.open(cast.session_id, since=said - 1)
    await bob.until_seq(said)
    assert bob.texts == ["a forgery"]
    told = await digest(cast, bob)
    assert checksum(alice.entries[-1:]) != checksum(bob.entries)

    before, counted = len(bob.frames), divergences()
    await bob.send(type="join_session", reason="diverged")
    fresh = await bob.until(lambda frame: frame["type"] == "connected", after=before)
    assert fresh["is_resumed"] is False
    assert divergences() == counted + 1
    healed: list[Any] = await page(cast, 0, 1_000)
    assert checksum(healed[told["from_seq"] - 1 : told["to_seq"]]) == told["crc32"]

    carol = await cast.carol.open(cast.session_id, since=said - 1)
    await carol.until_seq(said)
    assert carol.texts == ["the truth"], "what was found to be wrong in memory is not sent again"
    cast.house.clients.remove(bob)  # He was shown a forgery.
    await bob.close()


async def test_who_takes_deleted_text_out_of_what_they_hold_agrees_with_the_digest(cast: Cast) -> None:
    bob = await cast.bob.open(cast.session_id, since=0)
    await bob.say("a password, by mistake")
    posted = await bob.until(lambda frame: frame["type"] == "chat_message")
    await bob.send(type="edit_message", message_id=posted["message"]["id"], content="still the password")
    await bob.send(type="delete_message", message_id=posted["message"]["id"])
    deleted = await bob.until(lambda frame: frame["type"] == "message_deleted")
    told = await digest(cast, bob)
    assert told["to_seq"] == deleted["seq"]
    assert told["crc32"] != checksum(bob.entries)
    event = MessageDeleted(message_id=deleted["message_id"])
    held = [json.loads(blanked(json.dumps(entry).encode(), event) or json.dumps(entry)) for entry in bob.entries]
    assert told["crc32"] == checksum(held)
    cast.house.clients.remove(bob)  # He was shown what is not in the log any more.
    await bob.close()
