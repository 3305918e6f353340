"""Nobody listened for a while: what was written, edited and deleted meanwhile is taken in afterwards, once."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from datetime import timedelta
from pathlib import Path

import pytest

from bot.catching_up import HELD
from tests.bot.support.office import Office, eventually, open_office
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


async def stored(office: Office, text: str) -> None:
    """Until the request with these words is in the inbox, and waits."""

    async def is_there() -> bool:
        return any(text.encode() in row.body and row.handled_at is None for row in await office.inbox())

    await eventually(is_there)


async def began_again_with_news(office: Office, session_id: str) -> None:
    """Bob wrote while nobody listened; the door is open again, and before it has read anything Carol writes."""
    await office.reply("bob", "before")
    await office.until_said(session_id, 1)
    await office.door.close()
    stop_listening(office)
    office.clock.passed += timedelta(hours=1)
    for number in range(3):
        await office.reply("bob", f"meanwhile {number}")
    await listen_again(office)
    # Reading takes some time: Slack does not answer at once.
    office.engine.faults.fail("conversations.replies", status=429, retry_after=1, times=1)
    await office.restart()
    await office.reply("carol", "news")
    await stored(office, "news")


async def test_what_is_said_after_a_gap_comes_after_what_was_missed(office: Office) -> None:
    session_id = await office.start()
    await began_again_with_news(office, session_id)
    said = [text for _, text, _ in await office.until_said(session_id, 5)]
    assert said == ["before", "meanwhile 0", "meanwhile 1", "meanwhile 2", "news"]
    await office.until_quiet()
    assert len(await office.said(session_id)) == 5


async def test_a_door_that_is_killed_before_it_has_read_begins_where_it_was(office: Office) -> None:
    session_id = await office.start()
    await began_again_with_news(office, session_id)
    assert [text for _, text, _ in await office.said(session_id)] == ["before"], "it waits"
    office.db.died.set()
    # News came in long after the gap: by them alone nobody would look as far back.
    office.clock.passed += timedelta(hours=1)
    await office.restart()
    said = [text for _, text, _ in await office.until_said(session_id, 5)]
    assert said == ["before", "meanwhile 0", "meanwhile 1", "meanwhile 2", "news"]


async def test_news_wait_for_half_a_minute_at_most(office: Office) -> None:
    session_id = await office.start()
    office.engine.faults.fail("conversations.replies", status=429, retry_after=600, times=1)
    await office.restart()
    await office.reply("carol", "news")
    await stored(office, "news")
    assert await office.said(session_id) == []
    office.clock.passed += HELD
    assert [text for _, text, _ in await office.until_said(session_id, 1)] == ["news"]


async def test_a_gap_is_noted_until_everything_was_read(office: Office) -> None:
    session_id = await office.start()
    await office.restart()
    await office.reply("bob", "read by now")
    await office.until_said(session_id, 1)

    async def is_closed() -> bool:
        return all(not row.id.startswith("gap:") for row in await office.inbox())

    await eventually(is_closed)
