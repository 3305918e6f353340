"""Nobody listened for a while: what was written, edited and deleted meanwhile is taken in afterwards, once."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from datetime import timedelta
from pathlib import Path

import pytest

from tests.bot.support.office import Office, open_office
from tests.bot.test_changes import contents
from tests.bot.test_requests import send, signed

CHANNEL = "#payments"


@pytest.fixture
async def office(tmp_path: Path) -> AsyncGenerator[Office]:
    async with open_office(f"sqlite:///{tmp_path}/c.db") as office:
        yield office


def stop_listening(office: Office) -> None:
    """From now on Slack's events come to nobody, its retries neither."""
    office.engine.request_url = "http://127.0.0.1:9/nobody"


async def listen_again(office: Office) -> None:
    await office.engine.settled()
    office.engine.request_url = f"{office.base_url}/slack/events"


async def test_what_happened_while_nobody_listened_is_taken_in_once(office: Office) -> None:
    session_id = await office.start()
    said = [await office.reply("bob", text) for text in ("stays", "wiht a slip", "taken back")]
    await office.until_said(session_id, 3)
    await office.door.close()
    stop_listening(office)
    office.clock.passed += timedelta(hours=1)
    await office.engine.edit("bob", CHANNEL, said[1]["ts"], "without a slip")
    await office.engine.delete("bob", CHANNEL, said[2]["ts"])
    for number in range(5):
        await office.reply("bob", f"meanwhile {number}")
    await office.reply("bob", "(aside) not for them")
    await listen_again(office)
    for _ in range(2):
        await office.restart()
        await office.until_said(session_id, 8)
        await office.until_quiet()
    now = await contents(office, session_id)
    assert now == ["stays", "without a slip", "", *(f"meanwhile {number}" for number in range(5))]


async def test_a_root_that_was_deleted_meanwhile_pauses_the_mirror(office: Office) -> None:
    await office.start()
    [card] = office.cards()
    await office.door.close()
    stop_listening(office)
    office.engine.call("chat.delete", channel="C0PAYMENTS", ts=card["ts"])
    await listen_again(office)
    await office.restart()
    assert (await office.until_row(lambda row: row.status == "paused")).status_reason == "The Slack thread was deleted."


async def test_events_that_slack_held_back_are_looked_for_when_the_minute_is_over(office: Office) -> None:
    session_id = await office.start()
    await office.reply("bob", "before")
    await office.until_said(session_id, 1)
    stop_listening(office)
    minute = int(office.clock().timestamp())
    await office.reply("bob", "held back")
    await listen_again(office)
    limited = {"type": "app_rate_limited", "team_id": office.engine.team_id, "minute_rate_limited": minute}
    body = json.dumps(limited).encode()
    assert (await send(office, body, **signed(office, body))).status_code == 200
    office.clock.passed += timedelta(minutes=2)
    assert [text for _, text, _ in await office.until_said(session_id, 2)] == ["before", "held back"]


async def test_an_unlinked_person_is_not_told_again_after_each_start(office: Office) -> None:
    await office.start(channel="#general")
    await office.reply("mallory", "let me in", "#general")
    await office.until(lambda: len(office.private("mallory", "#general")) == 1)
    await office.until_quiet()
    office.clock.passed += timedelta(hours=1)
    await office.engine.say("bob", "#general", "something else")
    await office.until_quiet()
    for _ in range(2):
        await office.restart()
        await office.until_quiet()
    assert len(office.private("mallory", "#general")) == 1
