"""`pg_dump` while people write, put back into another database: whole, consistent, and a history of its own."""

from __future__ import annotations

import asyncio
import secrets
from pathlib import Path

from api.client import Access, LiveSession
from tests.stories.test_backup import seqs, started
from tests.stories.test_command_line import cosession
from tests.support.postgres import Postgres
from tests.support.server import ServerProcess

KEY = secrets.token_hex(32)


def settings(url: str) -> dict[str, str]:
    """As an operator writes them: without the driver's name."""
    return {"DATABASE_URL": url.replace("+asyncpg", ""), "JWT_SECRET_KEY": KEY}


async def test_a_dump_under_traffic_is_a_prefix_and_a_restored_one_is_another_history(
    postgres: Postgres, tmp_path: Path
) -> None:
    data, dump = tmp_path / "data", tmp_path / "cosession.dump"
    with postgres.fresh_database() as url, postgres.fresh_database(has_schema=False) as other:
        source, target = url.rpartition("/")[2], other.rpartition("/")[2]
        server = ServerProcess(data, settings(url))
        try:
            env = {**settings(url), "PORT": str(server.port)}
            assert cosession(data, "user", "add", "ann@example.com", "--name", "Ann", **env).returncode == 0
            token = cosession(data, "token", "ann@example.com", **env).stdout.strip()
            access = Access(server.url, token)
            session_id = await started(access)
            async with LiveSession(access, session_id) as session:
                await session.connected()
                for number in range(30):
                    await session.say(f"before {number}")
                words = ("-Fc", "-f", str(dump), source)
                dumping = asyncio.create_task(asyncio.to_thread(postgres.program, "pg_dump", *words))
                number = 0
                while not dumping.done():
                    await session.say(f"meanwhile {number}")
                    number += 1
                await dumping
                await session.say("afterwards")
            before, log = await seqs(access, session_id)
        finally:
            server.terminate()

        postgres.program("pg_restore", "--no-owner", "--exit-on-error", "-d", target, str(dump))
        restored = tmp_path / "restored"
        assert cosession(restored, "migrate", "--restored", **settings(other)).returncode == 0
        server = ServerProcess(restored, settings(other))
        try:
            access = Access(server.url, token)
            after, there = await seqs(access, session_id)
            assert 30 < len(there) < len(log), "what was said after the dump is not in it"
            assert there == log[: len(there)], "the copy is the log up to a moment, and nothing else"
            assert after.epoch != before.epoch
            ahead, whole = await seqs(access, session_id, since=(before.epoch, before.seq))
            assert not ahead.is_resumed, "who has seen more than the copy holds begins anew"
            assert whole == there
            async with LiveSession(access, session_id) as session:
                await session.connected()
                assert await session.say("it goes on") == after.seq + 1
        finally:
            server.terminate()
