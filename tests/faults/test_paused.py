"""A process stands still for ten seconds, as on a laptop that sleeps, and goes on."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx2
import pytest

from tests.faults.machines import Machine
from tests.faults.talkers import Talker, check_log, entries_of
from tests.support.server import ServerProcess

PAUSE = 10.0


@asynccontextmanager
async def standing_still(server: ServerProcess) -> AsyncGenerator[None]:
    os.kill(server.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(server.pid, signal.SIGCONT)


async def talking(machine: Machine, names: list[str]) -> list[Talker]:
    """A session in which all of them are."""
    tokens = [await asyncio.to_thread(machine.someone, name) for name in names]
    async with httpx2.AsyncClient(base_url=machine.servers[0].url) as http:

        async def post(token: str, path: str, body: dict[str, object]) -> dict[str, str]:
            answer = await http.post(path, json=body, headers={"Authorization": f"Bearer {token}"})
            assert answer.is_success, answer.text
            return answer.json()

        session_id = (await post(tokens[0], "/api/sessions", {"title": "Paused"}))["id"]
        invites = f"/api/sessions/{session_id}/invites"
        invite = (await post(tokens[0], invites, {"role": "editor", "max_uses": len(names)}))["url"].split("#")[1]
        for token in tokens[1:]:
            await post(token, f"/api/invites/{invite}/accept", {})
    return [Talker(name, machine, session_id, token) for name, token in zip(names, tokens, strict=True)]


async def heard_more(talkers: list[Talker], talking: list[asyncio.Task[None]], more: int) -> None:
    """Until each has heard so many entries more. Raises what one of them found wrong."""
    wanted = {talker.name: talker.cursor + more for talker in talkers}
    hearing = asyncio.gather(*(talker.until(wanted[talker.name]) for talker in talkers))
    done, _ = await asyncio.wait({hearing, *talking}, timeout=60, return_when=asyncio.FIRST_COMPLETED)
    is_over = hearing.done()
    hearing.cancel()
    for one in done:
        one.result()
    assert is_over, f"wanted {wanted}, but {[str(talker) for talker in talkers]}"


@pytest.mark.parametrize("place", ["sqlite", "cluster"])
async def test_a_process_that_stood_still_goes_on_and_nothing_is_lost_or_doubled(
    place: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    env: dict[str, str] = {}
    if place == "cluster":
        env = {"DATABASE_URL": request.getfixturevalue("postgres_url")}
        env |= {"REDIS_URL": request.getfixturevalue("valkey_url")}
    machine = await asyncio.to_thread(Machine, tmp_path, env, 2 if env else 1)
    try:
        talkers = await talking(machine, ["ann", "ben", "cem", "dot"])
        tasks = [asyncio.create_task(talker.talk()) for talker in talkers]
        await heard_more(talkers, tasks, 20)
        async with standing_still(machine.servers[0]):
            await asyncio.sleep(PAUSE)
        await heard_more(talkers, tasks, 20)
        for talker in talkers:
            talker.is_done = True
        head = len(await entries_of(machine, talkers[0]))
        async with asyncio.timeout(60):
            await asyncio.gather(*(talker.until(head) for talker in talkers))
        for task in tasks:
            assert not task.done(), task.exception()
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        entries = await entries_of(machine, talkers[0])
    finally:
        await machine.stop()
    check_log(talkers, entries, 20)
