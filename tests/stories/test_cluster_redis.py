"""Redis carries hints: while it is gone, silent or lying, nobody loses or doubles anything, or is shown a lie."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import orjson
import pytest
from redis.asyncio import Redis

from core.clock import system_clock
from core.events import ChatMessagePosted
from cosession import settings as configuration
from integrations.redis.seal import Seal, signing_key
from tests.stories.house import Client, House
from tests.stories.siblings import KEY, Opener, Siblings, siblings, talk_until
from tests.support.valkey import restartable_valkey


@pytest.fixture
async def opener(postgres_url: str, tmp_path: Path) -> AsyncGenerator[Opener]:
    async with siblings(postgres_url, tmp_path) as started:
        yield started


async def counted(house: House, outcome: str) -> float:
    text = (await house.http.get("/metrics")).text
    found = re.search(rf'^cosession_signals_total{{outcome="{outcome}"}} (\S+)$', text, re.MULTILINE)
    assert found is not None
    return float(found[1])


async def test_redis_killed_under_traffic_and_started_again_loses_and_doubles_nothing(opener: Opener) -> None:
    with restartable_valkey() as valkey:
        cluster = await opener(2, REDIS_URL=valkey.url)
        await cluster.until_signals("ok")
        tabs = [await cluster.open(name, process) for name, process in (("Alice", 0), ("Bob", 1), ("Carol", 1))]
        is_over = asyncio.Event()
        talking = [asyncio.create_task(talk_until(tab, f"tab {number}", is_over)) for number, tab in enumerate(tabs)]
        await tabs[0].until(lambda frame: frame["type"] == "chat_message", 10)
        await asyncio.to_thread(valkey.kill)
        await cluster.until_signals("degraded")
        before = await cluster.head()
        for tab in tabs:
            await tab.until(lambda frame: frame.get("seq", 0) > before and "at" in frame, 20)
        await asyncio.to_thread(valkey.start_again)
        await cluster.until_signals("ok")
        before = await cluster.head()
        for tab in tabs:
            await tab.until(lambda frame: frame.get("seq", 0) > before and "at" in frame, 20)
        is_over.set()
        said = sum(await asyncio.gather(*talking))
        await cluster.everybody_has_all()
        assert [len(tab.texts) for tab in tabs] == [said] * 3
        await cluster.check()


async def test_a_redis_that_answers_nobody_is_noticed_and_left_alone(opener: Opener) -> None:
    with restartable_valkey() as valkey:
        cluster = await opener(2, REDIS_URL=valkey.url)
        await cluster.until_signals("ok")
        alice, bob = await cluster.open("Alice", 0), await cluster.open("Bob", 1)
        valkey.pause()
        await alice.say("into the silence")
        await bob.until(lambda frame: frame["type"] == "chat_message", 20)
        await cluster.until_signals("degraded")
        valkey.go_on()
        await cluster.until_signals("ok")
        await alice.say("and out of it")
        await cluster.everybody_has_all()
        await cluster.check()


async def test_processes_start_and_work_while_redis_is_down(opener: Opener, free_port: int) -> None:
    cluster = await opener(2, REDIS_URL=f"redis://127.0.0.1:{free_port}/0")
    assert (await cluster.readiness(0))["signals"].startswith("degraded")
    alice, bob = await cluster.open("Alice", 0), await cluster.open("Bob", 1)
    await alice.say("hello")
    await bob.say("hello yourself")
    await cluster.everybody_has_all()
    assert alice.texts == bob.texts == ["hello", "hello yourself"]
    await cluster.check()


async def test_processes_without_redis_say_that_they_poll_and_it_is_no_fault(opener: Opener) -> None:
    cluster = await opener(2)
    assert (await cluster.readiness(0))["signals"] == "polling"
    alice, bob = await cluster.open("Alice", 0), await cluster.open("Bob", 1)
    await alice.say("hello")
    await bob.until(lambda frame: frame["type"] == "chat_message", 10)
    text = (await cluster.houses[1].http.get("/metrics")).text
    polls = re.search(r"^cosession_polls_total (\S+)$", text, re.MULTILINE)
    assert polls is not None
    assert float(polls[1]) > 0
    await cluster.check()


class Intruder:
    """Somebody who can reach the Redis and hears and says whatever they like there, without the key."""

    def __init__(self, redis: Redis, cluster: Siblings) -> None:
        self._redis = redis
        self._cluster = cluster
        self.heard: list[tuple[str, bytes]] = []

    async def listen(self, tab: Client, said_by: Client) -> None:
        """Records all that goes over the wire while one person talks and another hears it."""
        listener = self._redis.pubsub()
        await listener.psubscribe("*")
        for number in range(3):
            await said_by.say(f"overheard {number}")
        await tab.until(lambda frame: "overheard 2" in str(frame), 10)
        while (message := await listener.get_message(timeout=0.5)) is not None:
            if message["type"] == "pmessage":
                self.heard.append((message["channel"].decode(), message["data"]))
        await listener.aclose()

    def channel(self, topic: str) -> str:
        prefix = next(name.split(":session:")[0] for name, _ in self.heard if ":session:" in name)
        return f"{prefix}:{topic}"

    async def say(self, topic: str, payload: bytes) -> None:
        await self._redis.publish(self.channel(topic), payload)


@asynccontextmanager
async def intruding(url: str, cluster: Siblings) -> AsyncGenerator[Intruder]:
    redis = Redis.from_url(url)
    try:
        yield Intruder(redis, cluster)
    finally:
        await redis.aclose()


async def test_what_an_intruder_says_in_redis_changes_nothing(opener: Opener, valkey_url: str) -> None:
    cluster = await opener(2, REDIS_URL=valkey_url)
    await cluster.until_signals("ok")
    alice, bob = await cluster.open("Alice", 0), await cluster.open("Bob", 1)
    async with intruding(valkey_url, cluster) as intruder:
        await intruder.listen(bob, alice)
        head, house = await cluster.head(), cluster.houses[1]
        forged, repeated = await counted(house, "forged"), await counted(house, "repeated")
        epoch = bob.frames[0]["epoch"]
        entry = next(e for e in bob.entries if e["type"] == ChatMessagePosted.model_fields["type"].default)
        false = orjson.dumps(entry | {"seq": head + 1, "message": entry["message"] | {"content": "a lie"}})
        bulletin = orjson.dumps({"epoch": epoch, "head": head + 1, "entries": [[head + 1, entry["type"], None]]})
        bulletin += b"\n" + false
        removal = orjson.dumps({"epoch": epoch, "head": head + 900, "entries": []})
        topic = f"session:{cluster.session_id}"
        stranger = Seal(signing_key("another key, that this deployment does not have"), "prc_intruder", system_clock)
        for payload in (bulletin, removal, b"", b"\xff" * 100):
            await intruder.say(topic, payload)
            await intruder.say(topic, stranger.seal(topic, payload))
            await intruder.say(topic, bytes(41) + payload)
        await intruder.say("sign-outs", orjson.dumps([cluster.cast["Bob"].id, 1_000]))
        # A genuine signal about another topic, and everything that was ever said, once more.
        genuine = next(data for channel, data in intruder.heard if channel.endswith(topic))
        await intruder.say("sign-outs", genuine)
        again = [(channel, data) for channel, data in intruder.heard if channel.endswith(topic)]
        for channel, data in again * 2:
            await intruder.say(channel.split(":", 2)[2], data)
        await alice.say("the truth")
        await bob.until(lambda frame: "the truth" in str(frame), 10)
        assert await counted(house, "forged") >= forged + 12
        assert await counted(house, "repeated") >= repeated + len(again)
    assert "a lie" not in bob.texts + alice.texts
    assert bob.closed is alice.closed is None
    assert (await bob.ping())["type"] == "pong"
    await cluster.everybody_has_all()
    await cluster.check()


async def test_everybody_who_is_signed_out_is_sent_away_on_every_process(opener: Opener, valkey_url: str) -> None:
    cluster = await opener(2, REDIS_URL=valkey_url)
    await cluster.until_signals("ok")
    alice, bob = await cluster.open("Alice", 0), await cluster.open("Bob", 1)
    house = cluster.houses[0]
    token = house.runtime.tokens.issue("operator", "operator", 0, timedelta(minutes=1))
    answer = await house.http.post(
        "/api/operator/users/bob@example.com/sign-out", headers={"Authorization": f"Bearer {token}"}
    )
    assert answer.status_code == 204, answer.text
    assert (await bob.until_closed(10))[0] == 4401
    assert (await alice.say("still here"))["type"] == "ack"


@pytest.mark.parametrize(
    ("values", "word"),
    [
        ({"DATABASE_URL": "sqlite:////tmp/x.db", "JWT_SECRET_KEY": KEY}, "SQLite"),
        ({"DATABASE_URL": "postgresql://localhost/x"}, "JWT_SECRET_KEY"),
        ({"DATABASE_URL": "postgresql://localhost/x", "JWT_SECRET_KEY": KEY, "REDIS_URL": "localhost"}, "redis://"),
    ],
)
def test_a_redis_that_cannot_serve_stops_the_start_with_one_sentence(values: dict[str, str], word: str) -> None:
    with pytest.raises(configuration.SettingsError, match=word):
        configuration.load(**{"_env_file": None, "REDIS_URL": "redis://localhost/0", **values})
