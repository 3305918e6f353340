"""The same words by a mention, in a channel and in a thread, and in a direct message; and what an offer comes to."""

from __future__ import annotations

import pytest

from bot.commands.mentions import is_command_in_thread
from bot.commands.offers import START_FORM, START_HERE
from tests.bot.support.office import Office
from tests.bot.test_modals import direct
from tests.bot.test_start import sessions_of

DIRECT = "@cosession"


async def test_a_mention_with_a_command_starts_one_session(office: Office) -> None:
    await office.engine.say("alice", "#payments", "@cosession start Fix the login bug")
    await office.until_row(lambda row: row.root is not None)
    await office.until_quiet()
    assert [session.title for session in await sessions_of(office)] == ["Fix the login bug"]
    assert len(office.cards()) == 1


async def test_a_sentence_to_the_bot_is_answered_with_an_offer_that_starts_one_session(small_office: Office) -> None:
    office = small_office
    await office.engine.say("alice", "#payments", "@cosession the login is broken & nobody knows why")
    await office.until(lambda: len(office.private("alice")) == 1)
    [note] = office.engine.ephemerals("alice", "#payments")
    assert ">the login is broken &amp; nobody knows why" in note["text"]
    assert await sessions_of(office) == []
    for _ in range(2):
        await office.engine.click("alice", "#payments", note["ts"], START_HERE)
    await office.until_row(lambda row: row.root is not None)
    await office.until_quiet()
    assert [session.title for session in await sessions_of(office)] == ["the login is broken & nobody knows why"]
    assert office.private("bob") == []


async def test_the_offer_s_other_button_opens_the_form_with_the_title(small_office: Office) -> None:
    office = small_office
    note = await said_in_direct(office, "Port the parser to Rust")
    outcome = await office.engine.click("alice", DIRECT, note, START_FORM)
    assert outcome.view is not None
    assert outcome.view["blocks"][0]["element"]["initial_value"] == "Port the parser to Rust"


async def said_in_direct(office: Office, text: str) -> str:
    """Alice tells the bot something alone; returns its answer's ts."""
    before = len(direct(office, "alice"))
    await office.engine.say("alice", DIRECT, text)
    await office.until(lambda: len(direct(office, "alice")) == before + 2)
    return office.engine.messages(office.engine.workspace.person("alice").id)[-1]["ts"]


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("hello", "Tell me what the session is about"),
        ("lst", "Did you mean `/cosession list`?"),
        ("list", "No live session is open to you."),
        ("help", "`/cosession start`"),
        ("Why does the build fail on Mondays?", "Shall I start a live session about"),
    ],
)
async def test_a_direct_message_is_answered_once(small_office: Office, text: str, answer: str) -> None:
    office = small_office
    await said_in_direct(office, text)
    await office.until_quiet()
    [_, said] = direct(office, "alice")
    assert answer in said


async def test_a_session_that_is_started_in_a_direct_message_is_private(small_office: Office) -> None:
    office = small_office
    await office.engine.say("alice", DIRECT, "start Just me")
    await office.until_row(lambda row: row.root is not None)
    [session] = await sessions_of(office)
    assert (session.title, session.team_id) == ("Just me", None)


async def test_in_a_session_s_thread_a_command_alone_is_one_and_a_sentence_is_said_to_the_session(
    small_office: Office,
) -> None:
    office = small_office
    session_id = await office.start()
    await office.reply("bob", "@cosession end of the function looks wrong")
    assert [text for _, text, _ in await office.until_said(session_id, 1)] != []
    await office.reply("bob", "@cosession end")
    await office.until(lambda: any("You host no live session in this thread" in one for one in office.private("bob")))
    await office.engine.edit("bob", "#payments", office.thread()[-1]["ts"], "@cosession mute")
    await office.until_quiet()
    await office.reply("alice", "@cosession end")
    await office.until_row(lambda row: row.status == "closed")
    assert len(await office.said(session_id)) == 1
    assert [one for one in office.private("alice") if "has ended" in one] == ["*Fix the login bug* has ended."]


async def test_somebody_who_is_not_linked_is_told_so_once(small_office: Office) -> None:
    office = small_office
    dave = type(office.engine.workspace.person("bob"))("U0DAVE0001", "dave", "Dave Ek", "dave@acme.example", "4f46e5")
    office.engine.workspace.people[dave.id] = dave
    office.engine.workspace.channel("#payments").members.append(dave.id)
    await office.engine.say("dave", "#payments", "@cosession start Sneak in")
    await office.until(lambda: len(office.private("dave")) == 1)
    await office.until_quiet()
    assert "not linked" in office.private("dave")[0]
    assert await sessions_of(office) == []


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ("end", True),
        ("Mute", True),
        ("invite <@U0BOB00001> viewer", True),
        ("invite them all", False),
        ("list the files", False),
        ("start the server", False),
        ("", False),
    ],
)
def test_what_is_a_command_in_a_thread(text: str, is_one: bool) -> None:
    assert is_command_in_thread(text) is is_one
