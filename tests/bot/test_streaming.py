"""What the agent says grows in the thread while it is said, and in the end the thread says what the log does."""

from __future__ import annotations

import asyncio
import re
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import delete

from bot.sandbox.models import Message
from core import accounts, erasing, mirrors, tables
from core.events import AgentMessage, PromptSubmitted, TurnFinished, TurnStarted
from tests.bot.support.called import live, sent
from tests.bot.support.office import Office, Payload, eventually, open_office
from tests.bot.test_faults import delete_root

#: What the agent says in one turn, block by block.
SAID = ("I look at **the login**.", "It is `auth.py`:\n\n```python\nif a < b:\n    pass\n```", "Fixed. *Done.*")


def is_part(message: Payload) -> bool:
    """Whether it tells what the agent says, rather than what it does."""
    return any(block["type"] == "markdown" for block in message.get("blocks", []))


def parts(office: Office) -> list[Payload]:
    return [message for message in office.thread() if is_part(message)]


def words(message: Payload) -> str:
    return "".join(block["text"] for block in message["blocks"] if block["type"] == "markdown")


def letters(*texts: str) -> str:
    """Without the empty space between blocks, and what breaks words invisibly."""
    return re.sub(r"[\s\u2060]+", "", "".join(texts))


def told(office: Office) -> str:
    return letters(*map(words, parts(office)))


def calls(office: Office, method: str) -> list[Any]:
    return [call for call in office.engine.calls if call.method == method]


def stored(office: Office, message: Payload) -> Message:
    return office.engine.workspace.channel("#payments").messages[message["ts"]]


async def begin(office: Office, session_id: str, turn: str = "t1") -> None:
    asked = PromptSubmitted(turn_id=turn, text="Fix it"), TurnStarted(turn_id=turn, agent="codex")
    await office.agent(session_id, *asked)


async def say(office: Office, session_id: str, *texts: str, turn: str = "t1") -> None:
    await office.agent(session_id, *(AgentMessage(turn_id=turn, text=text) for text in texts))


async def finish(office: Office, session_id: str, turn: str = "t1") -> None:
    await office.agent(session_id, TurnFinished(turn_id=turn, status="completed"))


async def until_told(office: Office, *texts: str) -> None:
    await office.until(lambda: told(office) == letters(*texts))


async def answers(office: Office) -> list[mirrors.Answer]:
    row = await office.row()
    assert row is not None
    return list(await office.web.read(lambda tx: mirrors.untold(tx, row.session_id)))


async def until_over(office: Office) -> None:
    """Until the turn is closed and nothing of it is left to be told."""

    async def is_over() -> bool:
        row = await office.row()
        return row is not None and row.progress_ts is None and not await answers(office)

    await eventually(is_over)
    await office.until_quiet()


def check(office: Office, *texts: str) -> None:
    """Everything is there once, nobody's stream is left open, and every post of ours carries its id."""
    assert told(office) == letters(*texts)
    for part in parts(office):
        message = stored(office, part)
        assert not message.is_streaming
        assert message.metadata is not None
    ids = [str(message.get("metadata")) for message in office.thread() if message.get("bot_id")]
    assert len(set(ids)) == len(ids)
    assert office.at_root() == []


async def test_an_answer_that_grows_is_one_stream_for_whoever_asked(office: Office) -> None:
    session_id = await office.start()
    await begin(office, session_id)
    for number in range(len(SAID)):
        await say(office, session_id, SAID[number])
        await until_told(office, *SAID[: number + 1])
        assert stored(office, parts(office)[0]).is_streaming
    await finish(office, session_id)
    await until_over(office)
    check(office, *SAID)
    [turn, part] = office.thread()
    assert "Done" in str(turn["blocks"])
    assert "Done" in str(part["blocks"][-1])
    assert "Fixed" not in str(turn), "it is not told twice"
    [start] = calls(office, "chat.startStream")
    assert start.args["recipient_user_id"] == office.engine.workspace.person("alice").id
    assert start.args["recipient_team_id"] == office.engine.team_id
    assert len(calls(office, "chat.appendStream")) == 2
    assert len(calls(office, "chat.stopStream")) == 1
    assert [call for call in office.engine.calls if call.error] == []


async def test_what_people_say_in_between_keeps_its_place(small_office: Office) -> None:
    office = small_office
    session_id = await office.start()
    await begin(office, session_id)
    await say(office, session_id, "First.")
    await office.write_in_browser(session_id, "bob", "And the cache?")
    await say(office, session_id, "Second.", "Third.")
    await finish(office, session_id)
    await until_over(office)
    assert [words(message) if is_part(message) else message["text"] for message in office.thread()[1:]] == [
        "First.",
        "And the cache?",
        "Second.\n\nThird.",
    ]
    check(office, "First.", "Second.", "Third.")


async def test_a_stream_goes_on_in_another_message_before_it_expires(small_office: Office) -> None:
    office = small_office
    session_id = await office.start()
    await begin(office, session_id)
    for number in range(len(SAID)):
        await say(office, session_id, SAID[number])
        await until_told(office, *SAID[: number + 1])
        office.clock.passed += timedelta(seconds=office.pace.stream_for + 1)
        await office.until(lambda: not any(stored(office, part).is_streaming for part in parts(office)))
    await finish(office, session_id)
    await until_over(office)
    check(office, *SAID)
    assert [words(part) for part in parts(office)] == list(SAID)
    assert [call for call in office.engine.calls if call.error] == []


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


async def test_where_slack_has_no_streams_answers_are_posted_and_it_is_not_asked_again(small_office: Office) -> None:
    office = small_office
    office.engine.web_api.lacking = {"chat.startStream"}
    session_id = await office.start()
    for turn in ("t1", "t2"):
        await begin(office, session_id, turn)
        for number in range(len(SAID)):
            await say(office, session_id, SAID[number], turn=turn)
            await until_told(office, *(SAID if turn == "t2" else ()), *SAID[: number + 1])
        await finish(office, session_id, turn)
        await until_over(office)
    check(office, *SAID, *SAID)
    assert len(parts(office)) == 2
    assert len(calls(office, "chat.startStream")) == 1


async def test_where_nobody_of_the_turn_is_known_in_slack_answers_are_posted(small_office: Office) -> None:
    office = small_office
    session_id = await office.start()
    await office.web.write(lambda tx: tx.sql.exec(delete(tables.Identity)))
    await begin(office, session_id)
    for number in range(len(SAID)):
        await say(office, session_id, SAID[number])
        await until_told(office, *SAID[: number + 1])
    await finish(office, session_id)
    await until_over(office)
    check(office, *SAID)
    assert calls(office, "chat.startStream") == []


async def test_a_stream_that_somebody_stops_in_slack_gets_no_more_appends(small_office: Office) -> None:
    office = small_office
    session_id = await office.start()
    await begin(office, session_id)
    await say(office, session_id, SAID[0])
    await until_told(office, SAID[0])
    message = stored(office, parts(office)[0])
    message.is_streaming, message.is_stopped = False, True
    await say(office, session_id, SAID[1])
    await until_told(office, *SAID[:2])
    await say(office, session_id, SAID[2])
    await finish(office, session_id)
    await until_over(office)
    check(office, *SAID)
    assert len(parts(office)) == 1
    assert [call.error for call in calls(office, "chat.appendStream")] == ["stopped_by_user"]


async def test_a_long_answer_of_a_turn_that_is_over_is_there_as_a_whole(small_office: Office) -> None:
    office = small_office
    long = "\n\n".join(f"Paragraph {number}: " + "word " * 60 for number in range(70))
    code = "```python\n" + "\n".join(f"x = {number}" for number in range(1_200)) + "\n```"
    session_id = await office.start()
    await office.agent(
        session_id,
        TurnStarted(turn_id="t1", agent="codex"),
        AgentMessage(turn_id="t1", text=f"{long}\n\n{code}"),
        TurnFinished(turn_id="t1", status="completed"),
    )
    await until_over(office)
    found = [words(part) for part in parts(office)]
    assert len(found) > 3
    assert max(map(len, found)) <= 12_000
    again = [text for text in found[1:] if text.startswith("```python\n")]
    assert again, "code that is cut begins as code"
    whole = letters(*(text.removeprefix("```python\n") if text in again else text for text in found))
    assert whole == letters(long, code)


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


async def test_what_an_erased_person_asked_leaves_the_turn_and_the_answer_stays_once(small_office: Office) -> None:
    office = small_office
    session_id = await office.start()
    await begin(office, session_id)
    await say(office, session_id, *SAID)
    await finish(office, session_id)
    await until_over(office)
    await office.web.write(lambda tx: accounts.add_user(tx, "root@example.com", "Root", is_admin=True))
    await erasing.erase(office.web, office.users["alice"].id)
    await office.until(lambda: "Fix it" not in str(office.thread()[0]["blocks"]))
    await office.until_quiet()
    check(office, *SAID)
    assert "Fixed" not in str(office.thread()[0])


async def test_nobody_is_called_by_what_an_agent_says_however_it_is_cut(small_office: Office) -> None:
    office = small_office
    hostile = (
        "<!channel> <!here|x> <!subteam^S0ADMINS01|@a> &lt;!everyone&gt; <@U0CAROL001> <#C0GENERAL1> @here `<!here>`"
    )
    session_id = await office.start()
    await begin(office, session_id)
    for number in range(6):
        # Wherever a part ends, some of these are cut in the middle.
        await say(office, session_id, "x" * (number * 7) + (hostile.replace(" ", "") * 40))
    await until_told(office, *("x" * (number * 7) + (hostile.replace(" ", "") * 40) for number in range(6)))
    await finish(office, session_id)
    await until_over(office)
    assert live(sent(office.engine)) == set()
    shown = [words(part) for part in parts(office)] + [str(message["text"]) for message in office.thread()]
    assert live(shown) == set()
    assert len(parts(office)) > 2


# ── Whoever goes on ───────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_stopped_door_goes_on_with_the_same_stream(office: Office) -> None:
    session_id = await office.start()
    await begin(office, session_id)
    await say(office, session_id, SAID[0])
    await until_told(office, SAID[0])

    async def is_known() -> bool:
        return [one.sent for one in await answers(office)] == [len(SAID[0])]

    await eventually(is_known)
    await office.restart()
    await say(office, session_id, *SAID[1:])
    await finish(office, session_id)
    await until_over(office)
    check(office, *SAID)
    assert len(parts(office)) == 1
    assert len(calls(office, "chat.startStream")) == 1


async def test_of_two_processes_one_goes_on_with_what_the_other_began(database_url: str) -> None:
    shared = {"is_only_process": False}
    async with open_office(database_url, settings=shared, lease=1.0, call_timeout=0.5, inbox_lease=0.6) as office:
        session_id = await office.start()
        await begin(office, session_id)
        await say(office, session_id, SAID[0])
        await until_told(office, SAID[0])
        killed, its_database = office.door, office.db
        its_database.died.set()  # It holds the lease and never gives it back.
        await office.take_over()
        await say(office, session_id, SAID[1])
        await until_told(office, *SAID[:2])
        await say(office, session_id, SAID[2])
        await finish(office, session_id)
        await until_over(office)
        check(office, *SAID)
        await killed.close()


async def until_dead_or(office: Office, is_over: Any) -> None:
    died, done = asyncio.create_task(office.db.died.wait()), asyncio.create_task(is_over)
    await asyncio.wait([died, done], return_when=asyncio.FIRST_COMPLETED)
    for task in (died, done):
        task.cancel()
    await asyncio.gather(died, done, return_exceptions=True)


async def converse(office: Office, session_id: str, turn: str) -> None:
    await begin(office, session_id, turn)
    await say(office, session_id, SAID[0], turn=turn)
    await office.write_in_browser(session_id, "bob", f"during {turn}")
    await say(office, session_id, SAID[1], turn=turn)
    await say(office, session_id, SAID[2], turn=turn)
    await finish(office, session_id, turn)


@pytest.mark.parametrize("first", range(1, 5))
async def test_killed_at_any_step_the_answer_is_there_once(first: int, small_office: Office) -> None:
    office = small_office
    session_id = await office.start()
    await office.until_quiet()
    turns: list[str] = []
    for step in range(first, 45, 4):
        turns.append(f"t{step}")
        await office.restart(kill_after=step)
        await converse(office, session_id, turns[-1])
        await until_dead_or(office, until_over(office))
        await office.restart()
        await until_over(office)
    check(office, *SAID * len(turns))
    assert [text for text in office.texts() if text.startswith("during")] == [f"during {turn}" for turn in turns]
