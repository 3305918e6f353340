"""The same message changed in the browser and in Slack at once: both sides end with what was changed last."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

from core import chat, comments
from core.errors import MessageGone
from tests.bot.support.office import Office, Payload
from tests.bot.test_line_comments import begun

CHANNEL = "#payments"
NOTE = ":pencil2: _changed in the session:_\n"

#: How the event of an edit may arrive.
ARRIVALS: dict[str, Callable[[Office], None]] = {
    "in time": lambda office: None,
    "late": lambda office: office.engine.faults.delay("message", seconds=60),
    "twice": lambda office: office.engine.faults.duplicate("message", copies=2),
    "after others": lambda office: office.engine.faults.reorder("message"),
    "at the second try": lambda office: office.engine.faults.lose("message"),
}
ORDERS = [order for length in (2, 3) for order in itertools.product("WS", repeat=length) if len(set(order)) == 2]


async def change(office: Office, work: Callable[[Any], Any]) -> None:
    await office.web.write(lambda tx: work(tx) and None)


async def contents(office: Office, session_id: str) -> dict[str, str]:
    """Message id → what it says now, "" where it was deleted."""
    now: dict[str, str] = {}
    for event in await office.log(session_id):
        if event.type == "chat_message":
            now[event.message.id] = event.message.content
        elif event.type == "message_edited":
            now[event.message_id] = event.content
        elif event.type == "message_deleted":
            now[event.message_id] = ""
    return now


async def said_by_bob(office: Office, session_id: str, text: str) -> tuple[Payload, str]:
    """A reply of his, and its id in the session."""
    before = await contents(office, session_id)
    reply = await office.reply("bob", text)
    await office.until_said(session_id, len(before) + 1)
    [message_id] = set(await contents(office, session_id)) - set(before)
    return reply, message_id


async def everything_arrived(office: Office) -> None:
    # What waits for another event to come first has one.
    await office.reply("carol", "(aside) nothing")
    await office.until(lambda: office.engine.delivery.is_done)
    await office.until_quiet()


def thread_says(office: Office, ts: str, name: str) -> str:
    """What the thread has as the last word on a post: the note under it that begins with `name`, or else itself."""
    notes = [text.removeprefix(NOTE) for text in office.texts() if text.startswith(f"{NOTE}{name}")]
    assert len(notes) < 2, "one message, one note"
    [post] = [message["text"] for message in office.thread() if message["ts"] == ts]
    return notes[0] if notes else post


@pytest.mark.parametrize("arrival", ARRIVALS)
async def test_whoever_edits_last_has_the_last_word_on_both_sides(arrival: str, small_office: Office) -> None:
    office = small_office
    session_id, bob = await office.start(), office.actor("bob")
    expected: dict[str, tuple[str, str]] = {}
    for number, order in enumerate(ORDERS):
        name = f"m{number}"
        reply, message_id = await said_by_bob(office, session_id, f"{name} first")
        text = ""
        for at, side in enumerate(order):
            text = f"{name} {side} {at}"
            if side == "S":
                ARRIVALS[arrival](office)
                await office.engine.edit("bob", CHANNEL, reply["ts"], text)
            else:
                words = text
                await change(office, lambda tx, m=message_id, t=words: chat.edit_message(tx, bob, session_id, m, t))
        expected[message_id] = (reply["ts"], text)
    await everything_arrived(office)
    now = await contents(office, session_id)
    for number, (message_id, (ts, text)) in enumerate(expected.items()):
        assert (now[message_id], thread_says(office, ts, f"m{number}")) == (text, text), ORDERS[number]


async def test_an_edit_in_the_session_is_undone_by_no_preview_and_no_second_look(small_office: Office) -> None:
    office = small_office
    session_id, bob = await office.start(), office.actor("bob")
    reply, message_id = await said_by_bob(office, session_id, "see https://example.com")
    await office.engine.edit("bob", CHANNEL, reply["ts"], "look at https://example.com")
    await office.until_quiet()
    await change(office, lambda tx: chat.edit_message(tx, bob, session_id, message_id, "never mind"))
    await office.engine.unfurl(CHANNEL, reply["ts"], {"title": "Example"})
    await everything_arrived(office)
    assert (await contents(office, session_id))[message_id] == "never mind"
    # Slack is asked for everything of the last minutes: what was taken already counts no second time.
    await office.restart()
    await office.until(lambda: [call.method for call in office.engine.calls].count("conversations.replies") > 1)
    await everything_arrived(office)
    assert (await contents(office, session_id))[message_id] == "never mind"
    assert thread_says(office, reply["ts"], "never") == "never mind"


async def test_further_edits_in_the_session_change_the_one_note(small_office: Office) -> None:
    office = small_office
    session_id, bob = await office.start(), office.actor("bob")
    _, message_id = await said_by_bob(office, session_id, "first")
    for text in ("second", "third", "word " * 1_000, "last"):
        await change(office, lambda tx, t=text: chat.edit_message(tx, bob, session_id, message_id, t))
        await office.until_quiet()
    assert office.texts() == ["first", f"{NOTE}last"]


@pytest.mark.parametrize("arrival", ARRIVALS)
@pytest.mark.parametrize("is_first", ["the edit", "the deletion"])
async def test_what_is_deleted_on_one_side_stays_deleted_whatever_the_other_edits(
    is_first: str, arrival: str, small_office: Office
) -> None:
    office = small_office
    session_id, bob = await office.start(), office.actor("bob")

    async def edit_here(message_id: str) -> None:
        with suppress(MessageGone):
            await change(office, lambda tx: chat.edit_message(tx, bob, session_id, message_id, "secret again"))

    in_slack, in_slack_id = await said_by_bob(office, session_id, "secret one")
    here, here_id = await said_by_bob(office, session_id, "secret two")
    if is_first == "the edit":
        await edit_here(in_slack_id)
        ARRIVALS[arrival](office)
        await office.engine.edit("bob", CHANNEL, here["ts"], "secret two, edited")
        ARRIVALS[arrival](office)
        await office.engine.delete("bob", CHANNEL, in_slack["ts"])
        await change(office, lambda tx: chat.delete_message(tx, bob, session_id, here_id))
    else:
        await change(office, lambda tx: chat.delete_message(tx, bob, session_id, here_id))
        ARRIVALS[arrival](office)
        await office.engine.delete("bob", CHANNEL, in_slack["ts"])
        ARRIVALS[arrival](office)
        await office.engine.edit("bob", CHANNEL, here["ts"], "secret two, edited")
        await edit_here(in_slack_id)
    await everything_arrived(office)
    now = await contents(office, session_id)
    assert (now[in_slack_id], now[here_id]) == ("", "")
    # What somebody else's post says only they can take back; that it is gone here stands at it.
    [left] = [message for message in office.thread() if "secret" in message["text"]]
    assert left["ts"] == here["ts"]
    assert [reaction["name"] for reaction in left["reactions"]] == ["wastebasket"]


async def test_an_answer_to_a_comment_ends_alike_on_both_sides(small_office: Office) -> None:
    office = small_office
    bob = office.actor("bob")
    session_id, question = await begun(office)
    await office.until_quiet()
    reply = await office.reply("bob", f"re #{question.seq}: because")
    await office.until_quiet()
    answers = [event.comment for event in await office.log(session_id) if event.type == "code_comment"]
    answer = answers[-1].id
    await change(office, lambda tx: comments.edit_comment(tx, bob, session_id, answer, "because of that", ()))
    await office.engine.unfurl(CHANNEL, reply["ts"], {"title": "Example"})
    await office.until_quiet()
    assert thread_says(office, reply["ts"], "because") == "because of that"
    await office.engine.edit("bob", CHANNEL, reply["ts"], f"re #{question.seq}: because of this")
    await office.until_quiet()
    edits = [event.content for event in await office.log(session_id) if event.type == "comment_edited"]
    assert edits[-1] == "because of this"
    assert not any(text.startswith(NOTE) for text in office.texts())
