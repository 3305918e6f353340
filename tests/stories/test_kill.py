"""The power goes out, again and again, in mid-conversation: nothing acknowledged is lost, nothing is doubled."""

from __future__ import annotations

import asyncio
import itertools
import logging
import random
from collections import Counter
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import pytest

from api.door.listen import listening_socket
from api.door.serve import serve
from api.door.settings import DoorSettings
from bot.identity import link_person
from bot.sandbox import SandboxEngine, sandbox_app
from core import accounts
from core.clock import system_clock
from core.db import Transaction
from cosession import operator
from cosession.settings import load
from tests.faults.machines import Machine
from tests.faults.rounds import rounds, seconds
from tests.faults.talkers import Talker, check_log, entries_of
from tests.support.schema import bring_up

note = logging.getLogger(__name__)

#: What two processes share, and the fixtures that give it.
CLUSTER = {"database_url": "postgres_url", "redis_url": "valkey_url"}


@dataclass
class Place:
    """What the product stands on, in how many processes, and how often one of them is killed."""

    env: dict[str, str]
    processes: int
    rounds: int


@asynccontextmanager
async def slack_workspace() -> AsyncGenerator[SandboxEngine]:
    """A workspace outside of the server that is killed. Retries that Slack would make after minutes come in seconds."""
    listening = listening_socket("127.0.0.1", 0)
    engine = SandboxEngine(
        signing_secret="not so secret",
        bot_token="xoxb-not-so-secret",
        clock=system_clock,
        base_url=f"http://127.0.0.1:{listening.getsockname()[1]}",
        sleep=lambda seconds: asyncio.sleep(min(seconds, 3.0)),
    )
    stop = asyncio.Event()
    door = serve(
        sandbox_app(engine), sockets=[listening], settings=DoorSettings(), should_stop=stop, handle_signals=False
    )
    serving = asyncio.create_task(door)
    try:
        yield engine
    finally:
        await engine.aclose()
        stop.set()
        await serving


def connected_to(engine: SandboxEngine) -> dict[str, str]:
    return {
        "SLACK_BOT_TOKEN": "xoxb-not-so-secret",
        "SLACK_SIGNING_SECRET": "not so secret",
        "SLACK_API_URL": f"{engine.base_url}/api/",
    }


def link_everybody(data_dir: Path, env: dict[str, str], engine: SandboxEngine) -> None:
    """What signing in with Slack does: the workspace's people have accounts here."""

    def link(tx: Transaction) -> None:
        for person in engine.people:
            if not person.is_bot and not person.is_restricted:
                user = accounts.add_user(tx, person.email, person.real_name)
                link_person(tx, realm=engine.team_id, team_name="Acme", slack_id=person.id, user_id=user.id)

    settings = load(_env_file=None, COSESSION_DATA_DIR=data_dir, DATABASE_URL=env.get("DATABASE_URL", ""))
    bring_up(settings.database_url)
    operator.on_database(settings, link)


async def reply_in_the_thread(engine: SandboxEngine, root: str, said: list[str]) -> None:
    for number in itertools.count():
        text = f"slack-{number}"
        said.append(text)
        await engine.say("bob", "#payments", text, thread_ts=root)
        await asyncio.sleep(random.uniform(0.2, 1.0))


def in_the_thread(engine: SandboxEngine, root: str) -> Counter[str]:
    return Counter(str(message["text"]) for message in engine.messages("#payments", root))


async def settle(condition: Callable[[], bool], seconds: float) -> None:
    """Waits until `condition` holds; what it looks at is fed by another process."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - there is no event for what another process does
            await asyncio.sleep(0.2)


@pytest.fixture(params=["sqlite", "postgres", "cluster"])
def place(request: pytest.FixtureRequest) -> Place:
    """Where the product runs; and how often it is killed there."""
    match request.param:
        case "sqlite":
            return Place({}, processes=1, rounds=rounds(3, 0.4))
        case "postgres":
            return Place({"DATABASE_URL": request.getfixturevalue("postgres_url")}, processes=1, rounds=rounds(2, 0.3))
        case _:
            env = {name.upper(): request.getfixturevalue(fixture) for name, fixture in CLUSTER.items()}
            return Place(env, processes=2, rounds=rounds(3, 0.3))


@pytest.mark.timeout(seconds(240))
async def test_killed_over_and_over_in_mid_sentence_nothing_is_lost_or_doubled(tmp_path: Path, place: Place) -> None:
    """Alice and Carol talk in the browser, Bob in the Slack thread, while processes are killed."""
    chance = random.Random(4711)
    said: list[str] = []
    deliveries = Deliveries()
    async with slack_workspace() as engine:
        env = place.env | connected_to(engine)
        await asyncio.to_thread(link_everybody, tmp_path / "data", env, engine)
        machine = await asyncio.to_thread(Machine, tmp_path, env, place.processes)
        try:
            engine.request_url = f"{machine.any_server().url}/slack/events"
            await engine.slash("alice", "#payments", "/cosession", "start Crash")
            await settle(lambda: len(engine.messages("#payments")) == 1, 30)
            root = str(engine.messages("#payments")[0]["ts"])
            # Bob's replies count against what he may say: more of them than that are refused, in private.
            talkers = await join(machine, ["alice", "carol"])
            tasks = [asyncio.create_task(talker.talk()) for talker in talkers]
            tasks.append(asyncio.create_task(reply_in_the_thread(engine, root, said)))
            for _ in range(place.rounds):
                await more_traffic(talkers, tasks)
                await asyncio.sleep(chance.uniform(0.0, 0.5))
                await machine.kill_one(chance)
                engine.request_url = f"{machine.any_server().url}/slack/events"
                deliveries.note(engine)
            await quiet(engine, machine, talkers, tasks)
            told = [text for talker in talkers for text in talker.for_slack]
            await settle(lambda: set(told) <= set(in_the_thread(engine, root)), 60 + 2 * len(told))
            deliveries.note(engine)
            entries = await with_the_replies(machine, talkers[0], said, deliveries)
        finally:
            await machine.stop()
        check_log(talkers, entries, place.rounds)
        check_thread(engine, root, told, said, entries)
        acknowledged = sum(len(talker.acknowledged) for talker in talkers)
        note.info("%s kills, %s acknowledged, %s in the thread", place.rounds, acknowledged, len(told))


@dataclass
class Deliveries:
    """What became of the events that Slack sent. The workspace remembers only the latest attempts."""

    tried: set[str | None] = field(default_factory=set[str | None])
    taken: set[str | None] = field(default_factory=set[str | None])

    def note(self, engine: SandboxEngine) -> None:
        self.tried |= {attempt.event_id for attempt in engine.attempts}
        self.taken |= {attempt.event_id for attempt in engine.attempts if attempt.status == 200}

    @property
    def refused(self) -> set[str | None]:
        return self.tried - self.taken


async def with_the_replies(
    machine: Machine, reader: Talker, said: list[str], deliveries: Deliveries
) -> list[dict[str, Any]]:
    """The log, once it holds every reply that Slack was told is taken. On Postgres nobody can know that a killed
    process is dead before its leases have run out, half a minute after the last kill."""
    missing: list[str] = []
    try:
        async with asyncio.timeout(120):
            while True:
                entries = await entries_of(machine, reader)
                logged = {entry["message"]["content"] for entry in entries if entry["type"] == "chat_message"}
                missing = [text for text in said if text not in logged]
                if len(missing) <= len(deliveries.refused):
                    return entries
                await asyncio.sleep(0.5)
    except TimeoutError:
        raise AssertionError(f"{missing} were acknowledged to Slack and are not in the log") from None


async def more_traffic(talkers: list[Talker], tasks: list[asyncio.Task[None]]) -> None:
    """Until somebody has something acknowledged again, however slow the machine is. Raises what a talker raised."""
    known = sum(len(talker.acknowledged) for talker in talkers)
    async with asyncio.timeout(30):
        while sum(len(talker.acknowledged) for talker in talkers) == known:
            for task in tasks:
                assert not task.done(), task.exception()
            await asyncio.sleep(0.02)


async def quiet(
    engine: SandboxEngine, machine: Machine, talkers: list[Talker], tasks: list[asyncio.Task[None]]
) -> None:
    """Everybody stops talking, and hears what the others have said last."""
    tasks[-1].cancel()
    await asyncio.gather(tasks[-1], return_exceptions=True)
    await engine.settled()
    for talker in talkers:
        talker.is_done = True
    async with asyncio.timeout(60):
        head = len(await entries_of(machine, talkers[0]))
        await asyncio.gather(*(talker.until(head) for talker in talkers))
    for task in tasks[:-1]:
        assert not task.done(), task.exception()
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def join(machine: Machine, names: list[str]) -> list[Talker]:
    """The session's talkers; they are members of its team."""
    talkers: list[Talker] = []
    for name in names:
        token = await asyncio.to_thread(machine.command, "token", f"{name}@acme.example")
        headers = {"Authorization": f"Bearer {token}"}
        async with httpx2.AsyncClient(base_url=machine.any_server().url, headers=headers) as http:
            session_id = (await http.get("/api/sessions")).json()["items"][0]["id"]
        talkers.append(Talker(name, machine, session_id, token))
    return talkers


def check_thread(
    engine: SandboxEngine, root: str, told: list[str], said: list[str], entries: list[dict[str, Any]]
) -> None:
    """The thread has every message of the browsers once, and the log no reply twice."""
    thread = in_the_thread(engine, root)
    assert [text for text in told if thread[text] != 1] == []
    assert len(engine.messages("#payments")) == 1, "something was posted beside the thread"
    logged = Counter(entry["message"]["content"] for entry in entries if entry["type"] == "chat_message")
    assert [text for text in said if logged[text] > 1 or thread[text] > 1] == []
    assert engine.violations == []
