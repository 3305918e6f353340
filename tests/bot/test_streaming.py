"""What the agent says grows in the thread while it is said, and in the end the thread says what the log does."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import delete

from core import accounts, erasing, tables
from core.events import AgentMessage, TurnFinished, TurnStarted
from tests.bot.support.called import live, sent
from tests.bot.support.office import Office
from tests.bot.support.streamed import (
    SAID,
    begin,
    calls,
    check,
    finish,
    is_part,
    letters,
    parts,
    say,
    stored,
    until_over,
    until_told,
    words,
)


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


async def test_what_an_agent_says_when_its_turn_is_over_already_is_told_too(small_office: Office) -> None:
    office = small_office
    session_id = await office.start()
    await begin(office, session_id)
    await say(office, session_id, "Before.")
    await until_told(office, "Before.")
    await finish(office, session_id)
    await until_over(office)
    await office.write_in_browser(session_id, "bob", "Is that all?")
    await say(office, session_id, "After.")
    await until_told(office, "Before.", "After.")
    await begin(office, session_id, "t2")
    await say(office, session_id, "Next.", turn="t2")
    await until_told(office, "Before.", "After.", "Next.")
    await finish(office, session_id, "t2")
    await until_over(office)
    check(office, "Before.", "After.", "Next.")


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
