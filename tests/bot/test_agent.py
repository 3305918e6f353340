"""What the agent does is one message in the thread that is edited, and that always ends true."""

from __future__ import annotations

from bot import blocks
from bot.progress import Progress
from bot.sandbox.blocks import problems
from core.events import (
    AgentFailed,
    AgentMessage,
    FileChanged,
    PromptSubmitted,
    TokenTotals,
    ToolCallFinished,
    ToolCallStarted,
    TurnFinished,
    TurnStarted,
    UsageUpdated,
)
from tests.bot.support.office import Office, open_office


def shown(message: dict[str, object]) -> str:
    return str(message["blocks"])


async def test_a_turn_of_a_hundred_steps_is_one_message_that_ends_true(office: Office) -> None:
    session_id = await office.start()
    await office.agent(session_id, PromptSubmitted(turn_id="t1", text="Fix the <login> bug"))
    await office.until(lambda: len(office.thread()) == 1)
    await office.agent(session_id, TurnStarted(turn_id="t1", agent="claude-code"))
    for number in range(100):
        call = ToolCallStarted(turn_id="t1", call_id=f"c{number}", tool="Bash", title=f"Run step {number}")
        status = "failed" if number % 10 == 0 else "completed"
        await office.agent(session_id, call, ToolCallFinished(turn_id="t1", call_id=f"c{number}", status=status))
    await office.agent(
        session_id,
        FileChanged(turn_id="t1", path="a.py", change="modified", added=5, removed=2),
        FileChanged(turn_id="t1", path="a.py", change="modified", added=5, removed=2),
        FileChanged(turn_id="t1", path="b.py", change="added", added=30, removed=0),
        UsageUpdated(tokens=TokenTotals(total=12_345, input=12_000, output=345)),
        AgentMessage(turn_id="t1", text="The **bug** is fixed: `a < b`."),
        TurnFinished(turn_id="t1", status="completed"),
    )
    await office.until_row(lambda row: row.progress_ts is None and row.cursor > 200)
    [message] = office.thread()
    assert "&lt;login&gt;" in shown(message)
    assert "100 calls (10 failed) · 2 files +40 −4 · 12,345 tokens" in shown(message)
    assert "*bug* is fixed: `a &lt; b`" in shown(message)
    assert "Done" in shown(message)
    posts = [call for call in office.engine.calls if call.method == "chat.postMessage"]
    assert len(posts) == 2, "the card and the turn"


async def test_progress_is_edited_no_more_often_than_its_pace(sqlite_url: str) -> None:
    async with open_office(sqlite_url, progress_every=3600.0, card_every=3600.0) as office:
        session_id = await office.start()
        await office.agent(session_id, TurnStarted(turn_id="t1", agent="codex"))
        await office.until(lambda: len(office.thread()) == 1)
        for number in range(50):
            call = ToolCallStarted(turn_id="t1", call_id=f"c{number}", tool="x", title=f"step {number}")
            await office.agent(session_id, call)
        await office.agent(session_id, TurnFinished(turn_id="t1", status="failed"))
        await office.until(lambda: "Failed" in shown(office.thread()[0]))
        assert "50 calls" in shown(office.thread()[0])
        assert len([call for call in office.engine.calls if call.method == "chat.update"]) == 1


async def test_chat_during_a_turn_stays_in_order_and_each_live_turn_has_its_message(small_office: Office) -> None:
    office = small_office
    session_id = await office.start()
    for turn in ("t1", "t2"):
        await office.agent(session_id, TurnStarted(turn_id=turn, agent="codex"))
        await office.write_in_browser(session_id, "bob", f"during {turn}")
        await office.agent(session_id, TurnFinished(turn_id=turn, status="completed"))
        await office.until_quiet()
        await office.until_row(lambda row: row.progress_ts is None)
    texts = [text.split(":")[0] for text in office.texts()]
    assert texts == ["Codex", "during t1", "Codex", "during t2"]


async def test_a_backlog_of_fifty_turns_is_not_fifty_messages(small_office: Office) -> None:
    office = small_office
    session_id = await office.start()
    await office.door.close()
    for number in range(50):
        await office.agent(
            session_id,
            TurnStarted(turn_id=f"t{number}", agent="codex"),
            AgentMessage(turn_id=f"t{number}", text=f"answer {number}"),
            TurnFinished(turn_id=f"t{number}", status="completed"),
        )
    await office.restart()
    await office.until_row(lambda row: row.progress_ts is None and row.cursor >= 150)
    [message] = office.thread()
    assert "answer 49" in shown(message)
    assert "50 turns" in shown(message)


async def test_of_a_few_turns_that_were_read_together_every_answer_is_told(small_office: Office) -> None:
    office = small_office
    session_id = await office.start()
    await office.door.close()
    for turn in ("t1", "t2", "t3"):
        await office.agent(
            session_id,
            TurnStarted(turn_id=turn, agent="codex"),
            AgentMessage(turn_id=turn, text=f"answer of {turn}"),
            TurnFinished(turn_id=turn, status="completed"),
        )
    await office.restart()
    await office.until_row(lambda row: row.progress_ts is None and row.cursor >= 9)
    await office.until_quiet()
    whole = " ".join(map(shown, office.thread()))
    assert [whole.count(f"answer of {turn}") for turn in ("t1", "t2", "t3")] == [1, 1, 1]


async def test_a_session_that_ends_in_a_turn_shows_it_as_stopped(small_office: Office) -> None:
    office = small_office
    session_id = await office.start()
    await office.agent(session_id, TurnStarted(turn_id="t1", agent="codex"))
    await office.end(session_id)
    await office.until_row(lambda row: row.status == "closed")
    assert "Stopped" in shown(office.thread()[0])
    assert office.texts()[-1].startswith(":checkered_flag:")


async def test_an_edit_that_slack_puts_off_holds_nobodys_words_up(small_office: Office) -> None:
    office = small_office
    session_id = await office.start()
    await office.agent(session_id, TurnStarted(turn_id="t1", agent="codex"))
    await office.until(lambda: len(office.thread()) == 1)
    office.engine.faults.fail("chat.update", status=429, retry_after=1)
    await office.agent(session_id, TurnFinished(turn_id="t1", status="completed"))
    await office.until(lambda: not office.engine.faults.api)
    await office.write_in_browser(session_id, "bob", "not held up")
    await office.until(lambda: len(office.thread()) == 2)
    await office.until_row(lambda row: row.progress_ts is None)
    assert "Done" in shown(office.thread()[0])


def test_the_longest_texts_fit_into_slacks_blocks() -> None:
    long = "<&>" * 20_000
    progress = Progress(1)
    for event in (
        PromptSubmitted(turn_id="t", text=long),
        TurnStarted(turn_id="t", agent=long),
        ToolCallStarted(turn_id="t", call_id="c", tool="x", title=long),
        AgentFailed(turn_id="t", message=long),
        AgentMessage(turn_id="t", text=f"```\n{long}\n```"),
    ):
        assert progress.apply(event)
    card = blocks.Card(long, long, True, "https://x.example/s/1", here=(long,) * 300, agent=long)
    for message in (blocks.progress(progress), blocks.card(card)):
        assert problems(list(message.blocks)) == []
        assert message.text


async def test_a_turn_that_is_over_within_one_second_leaves_nothing_to_be_done(small_office: Office) -> None:
    """The card tells the time of the last activity to the second: it stays as it is, and is true."""
    office = small_office
    session_id = await office.start()
    await office.agent(session_id, TurnStarted(turn_id="t1", agent="codex"))
    await office.until_quiet()
    office.clock.stands_at = office.clock()
    for turn in ("t1", "t2"):
        await office.agent(session_id, TurnStarted(turn_id=turn, agent="codex"))
        await office.until(lambda: "Working" in shown(office.thread()[-1]))
        await office.agent(session_id, TurnFinished(turn_id=turn, status="completed"))
        await office.until_row(lambda row: row.progress_ts is None)
    await office.until_quiet()
