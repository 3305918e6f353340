"""What is changed afterwards, both ways: edits, deletions and reactions, however the events arrive."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest

from core import accounts, chat, erasing, identities
from core.db import Transaction
from core.events import AgentMessage, PromptSubmitted, TurnFinished, TurnStarted
from tests.bot.support.office import Office, open_office

CHANNEL = "#payments"


@pytest.fixture
async def office(tmp_path: Path) -> AsyncGenerator[Office]:
    async with open_office(f"sqlite:///{tmp_path}/c.db") as office:
        yield office


async def contents(office: Office, session_id: str) -> list[str]:
    """What the session's chat says now, deleted messages as empty texts."""
    events = await office.log(session_id)
    now: dict[str, str] = {}
    for event in events:
        if event.type == "chat_message":
            now[event.message.id] = event.message.content
        elif event.type == "message_edited":
            now[event.message_id] = event.content
        elif event.type == "message_deleted":
            now[event.message_id] = ""
    return list(now.values())


async def reactions(office: Office, session_id: str) -> list[tuple[str, str]]:
    """(emoji, name) of every reaction in the session, in order."""
    names = {user.id: name for name, user in office.users.items()}
    there: list[tuple[str, str]] = []
    for event in await office.log(session_id):
        if event.type == "reaction_added":
            there.append((event.emoji, names[event.user_id]))
        elif event.type == "reaction_removed":
            there.remove((event.emoji, names[event.user_id]))
    return there


def marks(message: dict[str, Any]) -> dict[str, int]:
    return {reaction["name"]: reaction["count"] for reaction in message.get("reactions", [])}


# ── From the thread into the session ──────────────────────────────────────────────────────────────────────────────────


async def test_an_edit_in_slack_changes_the_same_message(office: Office) -> None:
    session_id = await office.start()
    reply = await office.reply("bob", "Ship it tomorow")
    await office.until_said(session_id, 1)
    await office.engine.edit("bob", CHANNEL, reply["ts"], "Ship it tomorrow")
    await office.until_quiet()
    assert await contents(office, session_id) == ["Ship it tomorrow"]
    assert office.texts() == ["Ship it tomorrow"]


async def test_a_preview_that_slack_adds_is_no_edit(office: Office) -> None:
    session_id = await office.start()
    reply = await office.reply("bob", "See https://example.com")
    await office.until_said(session_id, 1)
    await office.engine.unfurl(CHANNEL, reply["ts"], {"title": "Example"})
    await office.until_quiet()
    assert [event.type for event in await office.log(session_id)].count("message_edited") == 0


async def test_what_is_deleted_in_slack_is_deleted_here(office: Office) -> None:
    session_id = await office.start()
    reply = await office.reply("bob", "my password is hunter2")
    await office.until_said(session_id, 1)
    await office.engine.delete("bob", CHANNEL, reply["ts"])
    await office.until_quiet()
    assert await contents(office, session_id) == [""]
    assert office.texts() == []


async def test_reactions_in_slack_appear_here_by_name_of_their_person(office: Office) -> None:
    session_id = await office.start()
    await office.write_in_browser(session_id, "alice", "Shall we?")
    await office.until(lambda: bool(office.texts()))
    await office.until_quiet()
    [post] = office.thread()
    await office.engine.react("bob", CHANNEL, post["ts"], "+1")
    await office.engine.react("carol", CHANNEL, post["ts"], "partyparrot")
    await office.until_quiet()
    assert sorted(await reactions(office, session_id)) == sorted([("👍", "bob"), (":partyparrot:", "carol")])
    await office.engine.react("bob", CHANNEL, post["ts"], "+1", remove=True)
    await office.until_quiet()
    assert await reactions(office, session_id) == [(":partyparrot:", "carol")]


async def test_whoever_is_not_linked_changes_nothing_by_reacting(office: Office) -> None:
    session_id = await office.start()
    await office.write_in_browser(session_id, "alice", "Shall we?")
    await office.until_quiet()
    [post] = office.thread()
    await office.web.write(lambda tx: identities.unlink(tx, office.users["bob"].id, "slack"))
    office.engine.workspace.people["U0CAROL001"].is_restricted = True
    for name in ("bob", "carol"):
        await office.engine.react(name, CHANNEL, post["ts"], "fire")
    await office.until_quiet()
    assert await reactions(office, session_id) == []


@pytest.mark.parametrize("opening", ["(aside) ", "(Aside) ", ":speak_no_evil: "])
async def test_an_aside_stays_in_slack(office: Office, opening: str) -> None:
    session_id = await office.start()
    await office.reply("bob", f"{opening}is this thing on?")
    await office.reply("bob", "Yes it is.")
    await office.until_quiet()
    assert await contents(office, session_id) == ["Yes it is."]


async def test_words_that_become_an_aside_are_taken_back(office: Office) -> None:
    session_id = await office.start()
    reply = await office.reply("bob", "The customer is called Example Ltd")
    await office.until_said(session_id, 1)
    await office.engine.edit("bob", CHANNEL, reply["ts"], "(aside) The customer is called Example Ltd")
    await office.until_quiet()
    assert await contents(office, session_id) == [""]


async def test_changes_that_arrive_twice_and_in_any_order_end_in_what_slack_shows(office: Office) -> None:
    session_id = await office.start()
    for number in range(6):
        office.engine.faults.duplicate(times=2)
        office.engine.faults.reorder(times=2)
        reply = await office.reply("bob", f"first {number}")
        await office.engine.edit("bob", CHANNEL, reply["ts"], f"second {number}")
        await office.engine.edit("bob", CHANNEL, reply["ts"], f"third {number}")
        if number % 2:
            await office.engine.delete("bob", CHANNEL, reply["ts"])
        else:
            await office.engine.react("carol", CHANNEL, reply["ts"], "eyes")
    await office.until_quiet(30)
    assert sorted(text for text in await contents(office, session_id) if text) == ["third 0", "third 2", "third 4"]
    assert office.texts() == ["third 0", "third 2", "third 4"]
    assert await reactions(office, session_id) == [("👀", "carol")] * 3


# ── From the session into the thread ──────────────────────────────────────────────────────────────────────────────────


async def change(office: Office, work: Any) -> None:
    def run(tx: Transaction) -> None:
        work(tx)

    await office.web.write(run)


async def posted(office: Office, session_id: str, text: str, name: str = "alice") -> str:
    """Somebody's message in the browser, in the thread by now; its id."""
    await office.write_in_browser(session_id, name, text)
    await office.until_quiet()
    events = [event for event in await office.log(session_id) if event.type == "chat_message"]
    return events[-1].message.id


async def test_an_edit_here_changes_the_same_post(office: Office) -> None:
    session_id = await office.start()
    message_id = await posted(office, session_id, "Ship it tomorow")
    alice = office.actor("alice")
    await change(office, lambda tx: chat.edit_message(tx, alice, session_id, message_id, "Ship it *tomorrow*"))
    await office.until_quiet()
    assert office.texts() == ["Ship it _tomorrow_"]
    assert await contents(office, session_id) == ["Ship it *tomorrow*"]


async def test_a_long_message_that_gets_short_leaves_no_rest(office: Office) -> None:
    session_id = await office.start()
    message_id = await posted(office, session_id, "\n\n".join(f"Paragraph {n}: {'word ' * 90}" for n in range(20)))
    assert len(office.texts()) > 1
    alice = office.actor("alice")
    await change(office, lambda tx: chat.edit_message(tx, alice, session_id, message_id, "Never mind."))
    await office.until_quiet()
    assert office.texts() == ["Never mind."]


async def test_a_short_message_that_gets_long_says_where_the_rest_is(office: Office) -> None:
    session_id = await office.start()
    message_id = await posted(office, session_id, "In short: yes.")
    alice, long = office.actor("alice"), "\n\n".join(f"Paragraph {n}: {'word ' * 90}" for n in range(20))
    await change(office, lambda tx: chat.edit_message(tx, alice, session_id, message_id, long))
    await office.until_quiet()
    [text] = office.texts()
    assert text.startswith("Paragraph 0")
    assert f"/s/{session_id}" in text


async def test_what_is_deleted_here_leaves_the_thread(office: Office) -> None:
    session_id = await office.start()
    message_id = await posted(office, session_id, "my password is hunter2")
    alice = office.actor("alice")
    await change(office, lambda tx: chat.delete_message(tx, alice, session_id, message_id))
    await office.until_quiet()
    assert office.texts() == []


async def test_what_was_written_in_slack_and_changed_here_is_told_in_the_thread(office: Office) -> None:
    session_id = await office.start()
    reply = await office.reply("bob", "Ship it tomorow")
    await office.until_said(session_id, 1)
    [event] = [event for event in await office.log(session_id) if event.type == "chat_message"]
    bob = office.actor("bob")
    await change(office, lambda tx: chat.edit_message(tx, bob, session_id, event.message.id, "Ship it tomorrow"))
    await office.until_quiet()
    assert office.texts()[0] == "Ship it tomorow", "what a person posted in Slack only they can edit there"
    assert "Ship it tomorrow" in office.texts()[1]
    await change(office, lambda tx: chat.delete_message(tx, bob, session_id, event.message.id))
    await office.until_quiet()
    [there] = [message for message in office.thread() if message["ts"] == reply["ts"]]
    assert marks(there) == {"wastebasket": 1}, "what cannot be deleted there is marked as deleted here"


async def test_a_reaction_here_is_the_apps_one_reaction_there_until_the_last_goes(office: Office) -> None:
    session_id = await office.start()
    message_id = await posted(office, session_id, "Shall we?")
    alice, carol = office.actor("alice"), office.actor("carol")
    await change(office, lambda tx: chat.add_reaction(tx, alice, session_id, message_id, "👍"))
    await change(office, lambda tx: chat.add_reaction(tx, carol, session_id, message_id, "👍"))
    await office.until_quiet()
    assert marks(office.thread()[0]) == {"+1": 1}
    await change(office, lambda tx: chat.remove_reaction(tx, alice, session_id, message_id, "👍"))
    await office.until_quiet()
    assert marks(office.thread()[0]) == {"+1": 1}
    await change(office, lambda tx: chat.remove_reaction(tx, carol, session_id, message_id, "👍"))
    await office.until_quiet()
    assert marks(office.thread()[0]) == {}


async def test_a_reaction_from_the_thread_is_not_sent_back_into_it(office: Office) -> None:
    session_id = await office.start()
    await posted(office, session_id, "Shall we?")
    [post] = office.thread()
    await office.engine.react("bob", CHANNEL, post["ts"], "tada")
    await office.until_quiet()
    assert await reactions(office, session_id) == [("🎉", "bob")]
    assert marks(office.thread()[0]) == {"tada": 1}
    assert [call.method for call in office.engine.calls if call.method == "reactions.add"] == []


async def test_what_was_deleted_before_it_was_copied_never_appears(office: Office) -> None:
    session_id = await office.start()
    await office.until_quiet()
    alice = office.actor("alice")

    def say_and_take_back(tx: Transaction) -> None:
        said = chat.post_message(tx, alice, session_id, chat.Draft("oops"), key="k-1")
        chat.delete_message(tx, alice, session_id, said.message_id)

    await change(office, say_and_take_back)
    await office.write_in_browser(session_id, "alice", "Hello")
    await office.until_quiet()
    assert office.texts() == ["Hello"]
    assert not [call for call in office.engine.calls if "oops" in str(call.args)]


async def test_what_is_edited_before_it_was_copied_appears_as_it_is_now(office: Office) -> None:
    session_id = await office.start()
    await office.until_quiet()
    alice = office.actor("alice")

    def say_and_edit(tx: Transaction) -> None:
        said = chat.post_message(tx, alice, session_id, chat.Draft("frist"), key="k-1")
        chat.edit_message(tx, alice, session_id, said.message_id, "first")

    await change(office, say_and_edit)
    await office.until_quiet()
    assert office.texts() == ["first"]


async def test_changes_in_a_storm_of_refusals_end_in_what_the_session_says(office: Office) -> None:
    session_id = await office.start()
    alice = office.actor("alice")
    ids = [await posted(office, session_id, f"first {number}") for number in range(4)]
    for method in ("chat.update", "chat.delete", "reactions.add"):
        office.engine.faults.fail(method, status=429, retry_after=1, times=1)
        office.engine.faults.fail(method, status=503, times=2)
        office.engine.faults.hang(method, after_effect=True, times=1)
    for number, message_id in enumerate(ids):
        text = f"second {number}"
        await change(office, lambda tx, m=message_id, t=text: chat.edit_message(tx, alice, session_id, m, t))
        await change(office, lambda tx, m=message_id: chat.add_reaction(tx, alice, session_id, m, "✅"))
    await change(office, lambda tx: chat.delete_message(tx, alice, session_id, ids[1]))
    await office.until_quiet(60)
    assert office.texts() == ["second 0", "second 2", "second 3"]
    assert [marks(message) for message in office.thread()] == [{"white_check_mark": 1}] * 3


@pytest.mark.parametrize("change", ["edited", "deleted", "erased"])
async def test_what_was_taken_back_is_taken_back_from_the_answers_that_quote_it(office: Office, change: str) -> None:
    session_id = await office.start()
    await office.write_in_browser(session_id, "bob", "the password is hunter2")
    first = await said_last(office, session_id)
    await office.write_in_browser(session_id, "alice", "Do not write that here", parent_id=first)
    await office.until(lambda: any("hunter2" in text and "Do not write" in text for text in office.texts()))
    bob = office.users["bob"].id
    if change == "edited":
        await office.web.write(lambda tx: chat.edit_message(tx, office.actor("bob"), session_id, first, "never mind"))
    elif change == "deleted":
        await office.web.write(lambda tx: chat.delete_message(tx, office.actor("bob"), session_id, first))
    else:
        await office.web.write(lambda tx: erasing.begin_erasing(tx, bob))
        await erasing.erase(office.web, bob)
    await office.until(lambda: not any("hunter2" in text for text in office.texts()))
    [answer] = [text for text in office.texts() if "Do not write" in text]
    assert {"edited": "never mind", "deleted": "_(deleted)_", "erased": "*Erased person:* _(deleted)_"}[
        change
    ] in answer


@pytest.mark.parametrize("is_over", [False, True], ids=["live", "ended"])
async def test_what_an_erased_person_wrote_and_asked_leaves_the_thread(office: Office, is_over: bool) -> None:
    session_id = await office.start()
    alice = office.users["alice"].id
    await office.write_in_browser(session_id, "bob", "I stay")
    await office.write_in_browser(session_id, "alice", "the zebra has left")
    await office.agent(session_id, TurnStarted(turn_id="t", agent="codex"), PromptSubmitted(turn_id="t", text="okapi?"))
    await office.agent(session_id, AgentMessage(turn_id="t", text="No"), TurnFinished(turn_id="t", status="completed"))
    if is_over:
        await office.end(session_id)
    await office.until_quiet()
    assert "okapi" in shown(office)
    await office.web.write(lambda tx: accounts.add_user(tx, "root@example.com", "Root", is_admin=True))
    await office.web.write(lambda tx: erasing.begin_erasing(tx, alice))
    await erasing.erase(office.web, alice)
    await office.until(lambda: not any(word in shown(office) for word in ("okapi", "zebra")))
    await office.until_quiet()
    assert "I stay" in shown(office)
    assert len(office.cards()) == 1


def shown(office: Office) -> str:
    """All that the thread shows, blocks included."""
    return repr(office.thread())


async def said_last(office: Office, session_id: str) -> str:
    """The id of the newest message of the session."""
    return [event.message.id for event in await office.log(session_id) if event.type == "chat_message"][-1]
