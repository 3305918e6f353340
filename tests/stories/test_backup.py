"""A backup made while people write, put back: whole, consistent, and a history of its own."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path

import httpx2

from api.client import Access, LiveSession, LogEntry
from api.frames import Connected
from tests.stories.test_command_line import cosession
from tests.support.server import ServerProcess


async def seqs(access: Access, session_id: str, since: tuple[str, int] | None = None) -> tuple[Connected, list[str]]:
    """What a client that comes now is told, and the log as it reads it."""
    async with LiveSession(access, session_id, since=since, from_start=since is None) as session, asyncio.timeout(30):
        connected = await session.connected()
        held: list[str] = []
        async for heard in session:
            if isinstance(heard, LogEntry):
                held.append(heard.frame.decode())
                if heard.seq == connected.seq:
                    break
        return connected, held


async def test_a_backup_under_traffic_is_a_prefix_and_a_restored_one_is_another_history(tmp_path: Path) -> None:
    data, copy, restored = tmp_path / "data", tmp_path / "copy.db", tmp_path / "restored"
    server = ServerProcess(data)
    port = str(server.port)
    try:
        assert cosession(data, "user", "add", "ann@example.com", "--name", "Ann", PORT=port).returncode == 0
        token = cosession(data, "token", "ann@example.com", PORT=port).stdout.strip()
        access = Access(server.url, token)
        session_id = await started(access)
        async with LiveSession(access, session_id) as session:
            await session.connected()
            for number in range(30):
                await session.say(f"before {number}")
            backing_up = asyncio.create_task(asyncio.to_thread(cosession, data, "backup", str(copy), PORT=port))
            number = 0
            while not backing_up.done():
                await session.say(f"meanwhile {number}")
                number += 1
            done = await backing_up
        assert done.returncode == 0, done.stderr
        twice = cosession(data, "backup", str(copy), PORT=port)
        assert twice.returncode == 2
        assert "There is a file of that name already" in twice.stderr
        before, log = await seqs(access, session_id)
    finally:
        server.terminate()
    with sqlite3.connect(copy) as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert copy.stat().st_mode & 0o077 == 0

    restored.mkdir()
    (restored / "secret.key").write_bytes((data / "secret.key").read_bytes())
    copy.rename(restored / "cosession.db")
    assert cosession(restored, "migrate", "--restored").returncode == 0
    server = ServerProcess(restored)
    try:
        access = Access(server.url, token)
        after, there = await seqs(access, session_id)
        assert 30 < len(there) <= len(log)
        assert there == log[: len(there)], "the copy is the log up to a moment, and nothing else"
        assert after.epoch != before.epoch
        ahead, whole = await seqs(access, session_id, since=(before.epoch, before.seq))
        assert not ahead.is_resumed, "who has seen more than the copy holds begins anew"
        assert whole == there
    finally:
        server.terminate()


async def started(access: Access) -> str:
    """A new session of theirs."""
    headers = {"Authorization": f"Bearer {access.token}"}
    async with httpx2.AsyncClient(base_url=access.url, headers=headers) as http:
        answer = await http.post("/api/sessions", json={"title": "To be kept"})
        return str(answer.json()["id"])


def test_without_a_server_the_file_is_copied_as_it_lies(tmp_path: Path) -> None:
    data, copy = tmp_path / "data", tmp_path / "copy.db"
    assert cosession(data, "user", "add", "ann@example.com", "--name", "Ann").returncode == 0
    assert cosession(data, "backup", str(copy)).returncode == 0
    with sqlite3.connect(copy) as database:
        assert database.execute("SELECT email FROM users").fetchall() == [("ann@example.com",)]
    nowhere = cosession(data, "backup", str(tmp_path / "no" / "folder" / "copy.db"))
    assert nowhere.returncode == 2
    assert "cannot be written there" in nowhere.stderr
