"""The server is stopped and started again under traffic: everybody comes back, nothing is lost, nothing doubled."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import httpx2

from api.client import Access, LiveSession, LogEntry
from api.client.line import Sse, WebSocket
from api.frames import Connected, Draining
from tests.support.server import ServerProcess

CLIENTS = 20
RESTARTS = 1


def cosession(server: ServerProcess, *words: str) -> str:
    program = str(Path(sys.executable).with_name("cosession"))
    environment = {"COSESSION_DATA_DIR": str(server.data_dir), "PORT": str(server.port), "PATH": "/usr/bin:/bin"}
    done = subprocess.run([program, *words], env=environment, capture_output=True, text=True, check=True, timeout=30)
    return done.stdout.strip()


@dataclass
class Tab:
    """One client with its own account's budget, which hears everything and now and then says something."""

    session: LiveSession
    name: str
    heard: list[LogEntry] = field(default_factory=list[LogEntry])
    arrivals: int = 0
    farewells: int = 0
    acknowledged: dict[str, int] = field(default_factory=dict[str, int])
    news: asyncio.Event = field(default_factory=asyncio.Event)

    async def listen(self) -> None:
        async for heard in self.session:
            if isinstance(heard, LogEntry):
                self.heard.append(heard)
            elif isinstance(heard, Connected):
                self.arrivals += 1
            elif isinstance(heard, Draining):
                self.farewells += 1
            self.news.set()

    async def talk(self, stop: asyncio.Event) -> None:
        number = 0
        while not stop.is_set() and number < 40:  # Within the budget of one person with two such tabs.
            text = f"{self.name} says {number}, on two\u2028lines"
            self.acknowledged[text] = await self.session.say(text)
            number += 1

    async def until_arrived(self, times: int) -> None:
        while self.arrivals < times:
            self.news.clear()
            await self.news.wait()

    async def until_seq(self, seq: int) -> None:
        while not self.heard or self.heard[-1].seq < seq:
            self.news.clear()
            await self.news.wait()


async def test_a_restart_under_traffic_loses_nothing_and_doubles_nothing(server_process: ServerProcess) -> None:
    server = server_process
    people: list[str] = []
    for name in ("Ann", "Ben", "Cem", "Dot"):
        await asyncio.to_thread(cosession, server, "user", "add", f"{name.lower()}@example.com", "--name", name)
        people.append(await asyncio.to_thread(cosession, server, "token", f"{name.lower()}@example.com"))
    session_id = await started_by(server, people)
    tabs = [
        Tab(
            LiveSession(
                Access(server.url, people[n % 4]),
                session_id,
                transport=(WebSocket(), Sse())[n // 4 % 2],
                from_start=True,
                sleep=lambda seconds: asyncio.sleep(min(seconds, 1.0)),
            ),
            f"tab {n}",
        )
        for n in range(CLIENTS)
    ]
    stop = asyncio.Event()
    async with asyncio.timeout(100), asyncio.TaskGroup() as group:
        for tab in tabs:
            await tab.session.__aenter__()
        listeners = [group.create_task(tab.listen()) for tab in tabs]
        for tab in tabs:
            await tab.session.connected()
        talkers = [group.create_task(tab.talk(stop)) for tab in tabs[:8]]
        for restart in range(RESTARTS):
            await asyncio.gather(*(tab.until_arrived(restart + 1) for tab in tabs))
            said = sum(len(tab.acknowledged) for tab in tabs)
            while sum(len(tab.acknowledged) for tab in tabs) < said + 40:
                tabs[0].news.clear()
                await tabs[0].news.wait()
            assert await asyncio.to_thread(server.terminate) == 0
            await asyncio.to_thread(server.restart)
        await asyncio.gather(*(tab.until_arrived(RESTARTS + 1) for tab in tabs))
        stop.set()
        await asyncio.gather(*talkers)
        entries = await log_of(server, people[0], session_id)
        await asyncio.gather(*(tab.until_seq(len(entries)) for tab in tabs))
        for listener in listeners:
            listener.cancel()
    for tab in tabs:
        await tab.session.__aexit__(None, None, None)
    check(tabs, entries)


async def started_by(server: ServerProcess, people: list[str]) -> str:
    """A session in which everybody is an editor."""
    async with httpx2.AsyncClient(base_url=server.url) as http:

        async def post(token: str, path: str, body: object) -> dict[str, str]:
            answer = await http.post(path, json=body, headers={"Authorization": f"Bearer {token}"})
            assert answer.is_success, answer.text
            return dict(answer.json())

        session_id = (await post(people[0], "/api/sessions", {"title": "Restarted"}))["id"]
        body = {"role": "editor", "max_uses": len(people)}
        secret = (await post(people[0], f"/api/sessions/{session_id}/invites", body))["url"].split("#")[1]
        for token in people[1:]:
            await post(token, f"/api/invites/{secret}/accept", {})
    return session_id


async def log_of(server: ServerProcess, token: str, session_id: str) -> list[tuple[int, str]]:
    """(seq, what was said) of every entry."""
    found: list[tuple[int, str]] = []
    after: int | None = 0
    async with httpx2.AsyncClient(base_url=server.url, headers={"Authorization": f"Bearer {token}"}) as http:
        while after is not None:
            answer = await http.get(f"/api/sessions/{session_id}/events", params={"after": after, "limit": 1_000})
            page = answer.json()
            found += [(item["seq"], item.get("message", {}).get("content", "")) for item in page["items"]]
            after = page["next"]
    return found


def check(tabs: list[Tab], entries: list[tuple[int, str]]) -> None:
    assert [seq for seq, _ in entries] == list(range(1, len(entries) + 1))
    said = {seq: text for seq, text in entries if text}
    assert max(Counter(said.values()).values()) == 1, "something that was said once is in the log twice"
    for tab in tabs:
        assert [entry.seq for entry in tab.heard] == [seq for seq, _ in entries]
        assert tab.farewells == RESTARTS, "whoever is connected is told before the server goes"
        for text, seq in tab.acknowledged.items():
            assert said[seq] == text
