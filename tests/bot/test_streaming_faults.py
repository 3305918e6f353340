"""Whatever Slack refuses, leaves open or limits, the thread says once what the agent has said."""

from __future__ import annotations

import random
from datetime import timedelta

import pytest

from bot.sandbox.contract import load_contract
from bot.sandbox.limits import PER_MINUTE
from bot.settings import Pace
from tests.bot.support.office import Office, open_office
from tests.bot.support.streamed import (
    SAID,
    begin,
    calls,
    check,
    finish,
    parts,
    say,
    stored,
    until_over,
    until_told,
    words,
)
from tests.bot.test_faults import delete_root


async def test_a_stream_that_has_expired_goes_on_in_another_message(sqlite_url: str) -> None:
    async with open_office(sqlite_url, stream_for=100_000.0) as office:
        session_id = await office.start()
        await begin(office, session_id)
        for number in range(len(SAID)):
            await say(office, session_id, SAID[number])
            await until_told(office, *SAID[: number + 1])
            office.clock.passed += timedelta(seconds=301)
        await finish(office, session_id)
        await until_over(office)
        check(office, *SAID)
        assert [words(part) for part in parts(office)] == list(SAID)
        refused = [call.error for call in office.engine.calls if call.error]
        assert set(refused) == {"message_not_in_streaming_state"}
        assert "Done" in str(parts(office)[-1]["blocks"][-1])


@pytest.mark.parametrize("has_effect", [False, True])
@pytest.mark.parametrize("method", ["startStream", "appendStream", "stopStream", "update", "*"])
async def test_whatever_slack_leaves_open_the_thread_says_what_the_log_does(
    method: str, has_effect: bool, small_office: Office
) -> None:
    office = small_office
    session_id = await office.start()
    await begin(office, session_id)
    await office.until(lambda: bool(office.thread()))
    name, times = ("*", 9) if method == "*" else (f"chat.{method}", 4)
    office.engine.faults.reset(name, after_effect=has_effect, times=times)
    for number in range(len(SAID)):
        await say(office, session_id, SAID[number])
        await until_told(office, *SAID[: number + 1])
    await finish(office, session_id)
    await until_over(office)
    check(office, *SAID)


async def test_after_an_outage_in_the_middle_of_an_answer_all_of_it_is_there(small_office: Office) -> None:
    office = small_office
    session_id = await office.start()
    await begin(office, session_id)
    await say(office, session_id, SAID[0])
    await until_told(office, SAID[0])
    office.engine.faults.fail(status=503, times=1_000_000)
    await say(office, session_id, SAID[1])
    await office.until(lambda: len(office.engine.faults.met) > 3)
    office.clock.passed += timedelta(hours=1)
    office.engine.faults.clear()
    await say(office, session_id, SAID[2])
    await finish(office, session_id)
    await until_over(office)
    check(office, *SAID)


@pytest.mark.parametrize("method", ["chat.startStream", "chat.appendStream"])
async def test_while_streams_are_limited_answers_are_posted_and_edited(method: str, small_office: Office) -> None:
    office = small_office
    session_id = await office.start()
    await begin(office, session_id)
    office.engine.faults.fail(method, status=429, retry_after=3_600)
    for number in range(len(SAID)):
        await say(office, session_id, SAID[number])
        await until_told(office, *SAID[: number + 1])
    await finish(office, session_id)
    await until_over(office)
    check(office, *SAID)
    assert len(parts(office)) == 1
    assert "Done" in str(parts(office)[0]["blocks"][-1])


async def test_a_limit_that_is_over_holds_nobody_up(small_office: Office) -> None:
    office = small_office
    session_id = await office.start()
    await begin(office, session_id)
    await say(office, session_id, "Before.")
    await until_told(office, "Before.")
    office.engine.faults.fail("chat.stopStream", status=429, retry_after=1)
    await office.write_in_browser(session_id, "bob", "not held up")
    await office.until(lambda: "not held up" in office.texts())
    await finish(office, session_id)
    await until_over(office)
    check(office, "Before.")


async def test_a_thread_that_is_gone_gets_no_stream_in_its_channel(sqlite_url: str) -> None:
    async with open_office(sqlite_url, thread_check_every=3_600.0) as office:
        session_id = await office.start()
        await begin(office, session_id)
        await office.until_quiet()
        # Deleted between our looks, and without the event that would tell.
        office.engine.faults.lose("message", times=1_000)
        delete_root(office.engine, office.cards()[0]["ts"])
        await say(office, session_id, SAID[0])
        await office.until_row(lambda row: row.status == "paused")
        assert len(calls(office, "chat.startStream")) == 1
        assert office.at_root() == []


@pytest.mark.parametrize("has_effect", [False, True])
async def test_an_append_that_is_never_answered_is_there_once(has_effect: bool, sqlite_url: str) -> None:
    async with open_office(sqlite_url, call_timeout=0.4) as office:
        session_id = await office.start()
        await begin(office, session_id)
        await say(office, session_id, SAID[0])
        await until_told(office, SAID[0])
        office.engine.faults.hang("chat.appendStream", after_effect=has_effect)
        await say(office, session_id, SAID[1])
        await until_told(office, *SAID[:2])
        await say(office, session_id, SAID[2])
        await finish(office, session_id)
        await until_over(office)
        check(office, *SAID)


async def test_when_as_many_streams_were_begun_as_slack_allows_answers_are_posted(sqlite_url: str) -> None:
    async with open_office(sqlite_url, streams_per_minute=0.001, streams_burst=1.0) as office:
        session_id = await office.start()
        for turn in ("t1", "t2", "t3"):
            await begin(office, session_id, turn)
            await say(office, session_id, f"In {turn}.", turn=turn)
            await say(office, session_id, *SAID, turn=turn)
            await finish(office, session_id, turn)
        await until_over(office)
        check(office, *(text for turn in ("t1", "t2", "t3") for text in (f"In {turn}.", *SAID)))
        assert len(parts(office)) == 3
        assert len(calls(office, "chat.startStream")) == 1
        assert [call for call in office.engine.calls if call.error] == []


@pytest.mark.parametrize(("method", "budget"), [("startStream", "streams"), ("appendStream", "appends")])
def test_in_no_minute_more_is_asked_of_slack_than_it_allows(method: str, budget: str) -> None:
    pace, allowed = Pace(), PER_MINUTE[load_contract()[f"chat.{method}"].tier]
    assert getattr(pace, f"{budget}_per_minute") + getattr(pace, f"{budget}_burst") <= allowed


async def anything(office: Office, session_id: str, chance: random.Random) -> None:
    """Something that may happen while the agent speaks."""
    match chance.choice(("time", "expires", "lost", "done", "busy", "stopped", "restart", "people")):
        case "time":
            office.clock.passed += timedelta(seconds=chance.choice((60, 250)))
        case "expires":
            office.clock.passed += timedelta(seconds=301)
        case "lost" | "done" as kind:
            method = chance.choice(("startStream", "appendStream", "stopStream", "update", "postMessage"))
            office.engine.faults.reset(f"chat.{method}", after_effect=kind == "done", times=chance.randint(1, 2))
        case "busy":
            office.engine.faults.fail(status=503, times=chance.randint(1, 4))
        case "stopped":
            for part in parts(office)[-1:]:
                message = stored(office, part)
                message.is_stopped, message.is_streaming = message.is_streaming, False
        case "restart":
            await office.restart()
        case _:
            await office.write_in_browser(session_id, "bob", "aside")


@pytest.mark.parametrize("seed", range(4))
async def test_whatever_happens_while_an_agent_speaks_all_of_it_is_there_once(seed: int, small_office: Office) -> None:
    office, chance = small_office, random.Random(seed)
    session_id = await office.start()
    said: list[str] = []
    for turn in ("t1", "t2", "t3"):
        await begin(office, session_id, turn)
        for number in range(6):
            text = f"{turn}.{number} " + "word " * chance.choice((1, 40, 40, 1_500))
            said.append(text)
            await say(office, session_id, text, turn=turn)
            await anything(office, session_id, chance)
            # Of a turn that was over before it was read, the turn's message tells what the agent said.
            if number == 0 or chance.random() < 0.6:
                await until_told(office, *said)
        await finish(office, session_id, turn)
    await until_over(office)
    office.engine.faults.clear()
    check(office, *said)
