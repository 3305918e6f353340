"""The servers and the browser that tests stand on: each is real, empty at the start, and gone afterwards."""

from __future__ import annotations

import os
import signal
import time

import asyncpg
import pytest
import redis.asyncio
from playwright.async_api import Page

from tests.support.browser import ConsoleWatch
from tests.support.postgres import Postgres
from tests.support.server import ServerProcess


def plain(url: str) -> str:
    return url.replace("postgresql+asyncpg://", "postgresql://")


async def test_each_test_has_an_empty_postgres_database_of_its_own(postgres: Postgres) -> None:
    with postgres.fresh_database() as one, postgres.fresh_database() as other:
        connection = await asyncpg.connect(plain(one))
        await connection.execute("CREATE TABLE mine (id int)")
        elsewhere = await asyncpg.connect(plain(other))
        assert await connection.fetchval("SELECT count(*) FROM pg_tables WHERE tablename = 'mine'") == 1
        assert await elsewhere.fetchval("SELECT count(*) FROM pg_tables WHERE tablename = 'mine'") == 0
        await elsewhere.close()
        await connection.close()
    with pytest.raises(asyncpg.InvalidCatalogNameError):
        await asyncpg.connect(plain(one))


async def test_valkey_answers_as_redis_does(valkey_url: str) -> None:
    client = redis.asyncio.from_url(valkey_url)
    assert await client.dbsize() == 0
    assert await client.set("a", "1")
    assert await client.get("a") == b"1"
    await client.aclose()


def test_a_server_comes_back_on_the_same_port_after_kill_9(server_process: ServerProcess) -> None:
    first_link, pid = server_process.sign_in_url(), server_process.pid
    server_process.kill9()
    assert server_process.process.returncode == -signal.SIGKILL
    assert not server_process.is_ready()
    server_process.restart()
    assert server_process.is_ready()
    assert server_process.pid != pid
    assert server_process.sign_in_url() != first_link


def test_a_server_that_is_told_to_stop_stops_cleanly(server_process: ServerProcess) -> None:
    started = time.monotonic()
    assert server_process.terminate() == 0
    assert time.monotonic() - started < 10
    with pytest.raises(ProcessLookupError):
        os.kill(server_process.pid, 0)


@pytest.mark.browser
async def test_an_error_on_a_page_is_heard(page: Page, console: ConsoleWatch) -> None:
    await page.set_content(
        "<script>console.error('on purpose'); setTimeout(() => { throw new Error('thrown') })</script>"
    )
    await page.evaluate("new Promise(done => setTimeout(done))")
    assert any("on purpose" in text for text in console.unexpected)
    assert any("thrown" in text for text in console.unexpected)
    console.expect("on purpose|thrown")


@pytest.mark.browser
async def test_a_refusal_of_the_content_security_policy_is_heard(page: Page, console: ConsoleWatch) -> None:
    policy = "<meta http-equiv=Content-Security-Policy content=\"script-src 'none'\">"
    await page.set_content(policy)
    await page.evaluate("() => { const s = document.createElement('script'); s.text = '1'; document.head.append(s) }")
    assert any("Content Security Policy" in text for text in console.unexpected)
    console.expect("Content Security Policy")


@pytest.mark.browser
async def test_a_page_cannot_reach_another_host(page: Page, console: ConsoleWatch) -> None:
    reached = await page.evaluate("fetch('http://example.com/', {mode: 'no-cors'}).then(() => true, () => false)")
    assert reached is False
    console.expect("ERR_NAME_NOT_RESOLVED")
