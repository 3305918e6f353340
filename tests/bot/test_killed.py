"""The process dies at any moment: the next one finishes what was begun, and nothing is there twice."""

from __future__ import annotations

import asyncio

import pytest

from bot.interactions.front import IN_A_MOMENT
from core.events import TurnFinished, TurnStarted
from tests.bot.support.office import Office

#: The conversation below takes about 40 steps; each is the moment before or after a transaction of the door.
STEPS = 46


async def until_dead_or(office: Office, seconds: float = 10.0) -> None:
    """Until the door died, or everything is done."""
    died = asyncio.create_task(office.db.died.wait())
    done = asyncio.create_task(office.until_quiet(seconds))
    await asyncio.wait([died, done], return_when=asyncio.FIRST_COMPLETED)
    for task in (died, done):
        task.cancel()
    await asyncio.gather(died, done, return_exceptions=True)


@pytest.mark.parametrize("step", range(1, 14))
async def test_killed_while_a_session_is_started_there_is_one_session_and_one_card(
    step: int, small_office: Office
) -> None:
    office = small_office
    await office.restart(kill_after=step)
    outcome = await office.engine.slash("alice", "#payments", "/cosession", "start Fix it")
    if not outcome.ok or (outcome.message or {}).get("text") == IN_A_MOMENT:
        # It died before it answered, or before it could say that this was stored: the person is told so, and looks
        # before typing it again.
        assert office.db.died.is_set()
        await office.restart()
        if not await office.inbox():
            await office.engine.slash("alice", "#payments", "/cosession", "start Fix it")
    await until_dead_or(office)
    await office.restart()
    row = await office.until_row(lambda row: row.root is not None)
    await office.until_quiet()
    assert len(office.cards()) == 1
    assert office.cards()[0]["ts"] == row.root
    assert [event.type for event in await office.log(row.session_id)].count("thread_linked") == 1


async def converse(office: Office, session_id: str) -> None:
    """Both sides write, and the agent has a turn."""
    await office.write_in_browser(session_id, "alice", "web 0")
    await office.write_in_browser(session_id, "alice", "x" * 5_000)
    await office.reply("bob", "slack 0")
    turn = TurnStarted(turn_id="t1", agent="codex"), TurnFinished(turn_id="t1", status="completed")
    await office.agent(session_id, *turn)


@pytest.mark.parametrize("step", range(1, STEPS + 1))
async def test_killed_in_a_conversation_every_message_is_on_both_sides_once(step: int, small_office: Office) -> None:
    office = small_office
    session_id = await office.start()
    await office.until_quiet()
    await office.restart(kill_after=step)
    await converse(office, session_id)
    await until_dead_or(office)
    await office.restart()
    await office.until_said(session_id, 3)
    await office.until_quiet()
    texts = office.texts()
    assert texts.count("web 0") == texts.count("slack 0") == 1
    assert sum(text.count("x") for text in texts if text.startswith("x")) == 5_000
    ours = [text[0] for text in texts if text != "slack 0"]
    assert ours == ["w", "x", "x", "C"], "each once, in the order of the log"
    assert [text for _, text, _ in await office.said(session_id)].count("slack 0") == 1
    row = await office.until_row(lambda row: row.progress_ts is None)
    assert row.status == "live"
    [turn] = [message for message in office.thread() if message["text"].startswith("Codex")]
    assert "Done" in turn["text"]


async def test_an_old_holder_of_the_lease_posts_nothing_any_more(office: Office) -> None:
    """Two processes: the second takes over while the first still believes that the thread is its own."""
    session_id = await office.start()
    await office.until_quiet()
    first = office.door
    await office.take_over()
    await asyncio.gather(*(office.write_in_browser(session_id, "alice", f"message {n}") for n in range(20)))
    await office.until_quiet()
    await first.close()
    assert sorted(office.texts()) == sorted(f"message {n}" for n in range(20))
    assert len(office.texts()) == 20


async def test_a_stopped_door_goes_on_where_it_was(office: Office) -> None:
    session_id = await office.start()
    await office.door.close()
    for number in range(5):
        await office.write_in_browser(session_id, "bob", f"meanwhile {number}")
    await office.restart()
    await office.until_quiet()
    assert office.texts() == [f"meanwhile {number}" for number in range(5)]
