"""The thread and the session tell the same, each message once, in order, and nothing echoes."""

from __future__ import annotations

import pytest

from bot.app import SlackSettings
from core import sessions
from core.limits import TokenBuckets
from tests.bot.support.office import TOKEN, Office


async def test_a_message_of_the_browser_appears_in_the_thread_under_its_authors_name(office: Office) -> None:
    session_id = await office.start()
    await office.write_in_browser(session_id, "bob", "**Look** at `a < b` & <!channel>")
    await office.until(lambda: len(office.thread()) == 1)
    [message] = office.thread()
    assert message["username"] == "Bob Chen"
    assert message["text"] == "*Look* at `a &lt; b` &amp; &lt;!channel&gt;"
    assert office.at_root() == []


async def test_whoever_is_called_in_the_browser_is_called_in_the_thread(office: Office) -> None:
    session_id = await office.start()
    await office.reply("bob", "I am here")
    await office.until_said(session_id, 1)
    await office.write_in_browser(
        session_id, "alice", "@Bob Chen, `@Bob` and https://x.example/@Bob: see @Nobody @here"
    )
    await office.until(lambda: len(office.thread()) == 2)
    assert office.texts()[-1] == "<@U0BOB00001>, `@Bob` and https://x.example/@Bob: see @Nobody @\u2060here"
    await office.write_in_browser(session_id, "alice", "nobody is called Bob here")
    await office.until(lambda: len(office.thread()) == 3)
    assert office.texts()[-1] == "nobody is called Bob here"


async def test_a_reply_in_the_thread_appears_in_the_session_once_with_its_author(office: Office) -> None:
    session_id = await office.start()
    await office.reply("bob", "Try `a < b` & *this*")
    assert await office.until_said(session_id, 1) == [("Bob Chen", "Try `a < b` & **this**", "slack")]
    await office.until_quiet()
    assert len(office.thread()) == 1


async def test_nothing_echoes_over_a_long_conversation(office: Office) -> None:
    session_id = await office.start()
    for number in range(10):
        await office.write_in_browser(session_id, "alice", f"web {number}")
        await office.reply("bob", f"slack {number}")
    await office.until(lambda: len(office.thread()) == 20)
    await office.until_said(session_id, 20)
    await office.until_quiet()
    assert len(office.thread()) == 20
    said = await office.said(session_id)
    assert [text for _, text, source in said if source == "web"] == [f"web {number}" for number in range(10)]
    assert [text for _, text, source in said if source == "slack"] == [f"slack {number}" for number in range(10)]


async def test_our_own_edits_are_not_heard_as_messages(small_office: Office) -> None:
    office = small_office
    session_id = await office.start()
    await office.write_in_browser(session_id, "alice", "first")
    await office.until(lambda: len(office.thread()) == 1)
    ts = office.thread()[0]["ts"]
    office.engine.call("chat.update", channel="C0PAYMENTS", ts=ts, text="changed")
    await office.engine.unfurl("#payments", ts, {"text": "a preview"})
    await office.until_quiet()
    assert [text for _, text, _ in await office.said(session_id)] == ["first"]


async def test_a_message_for_the_session_only_never_leaves_it(small_office: Office) -> None:
    office = small_office
    session_id = await office.start()
    await office.write_in_browser(session_id, "alice", "between us", session_only=True)
    await office.write_in_browser(session_id, "alice", "for all")
    await office.until(lambda: office.texts() == ["for all"])
    await office.until_quiet()
    assert office.texts() == ["for all"]


async def test_one_mention_of_the_bot_is_one_message(small_office: Office) -> None:
    office = small_office
    session_id = await office.start()
    await office.reply("bob", "@cosession and @alice look")
    await office.until_said(session_id, 1)
    await office.until_quiet()
    assert [text for _, text, _ in await office.said(session_id)] == ["@cosession and @alice look"]
    [message] = [event.message for event in await office.log(session_id) if event.type == "chat_message"]
    assert message.mentions == [office.users["alice"].id]
    kinds = [row.kind for row in await office.inbox()]
    assert len(kinds) >= 3, "the command, the message and the mention"


async def test_duplicate_late_and_reordered_events_have_one_effect(small_office: Office) -> None:
    office = small_office
    session_id = await office.start()
    office.engine.faults.duplicate("message", copies=4)
    await office.reply("bob", "one")
    office.engine.faults.drop_ack("message")
    await office.reply("bob", "two")
    office.engine.faults.reorder("message")
    await office.reply("bob", "three")
    await office.reply("bob", "four")
    await office.until_said(session_id, 4)
    await office.until_quiet()
    assert sorted(text for _, text, _ in await office.said(session_id)) == ["four", "one", "three", "two"]


async def test_a_retry_whose_first_delivery_never_arrived_counts(small_office: Office) -> None:
    office = small_office
    if office.engine.sockets.is_on:
        pytest.skip("an address is HTTP's own: see test_socket_mode")
    session_id = await office.start()
    url, office.engine.request_url = office.engine.request_url, "http://127.0.0.1:9/nobody"
    await office.reply("bob", "hello?")
    await office.until(lambda: any(attempt.status is None for attempt in office.engine.attempts))
    office.engine.request_url = url
    await office.engine.settled()
    await office.until_said(session_id, 1)
    last = office.engine.attempts[-1]
    assert last.number >= 1
    assert last.status == 200


async def test_an_unlinked_persons_reply_is_not_sent_and_they_are_told_how_to_link(small_office: Office) -> None:
    office = small_office
    session_id = await office.start(channel="#general")
    await office.reply("mallory", "let me in", "#general")
    await office.until(lambda: len(office.private("mallory", "#general")) == 1)
    assert "Nothing was sent" in office.private("mallory", "#general")[0]
    await office.until_quiet()
    assert await office.said(session_id) == []


async def test_a_viewers_reply_is_refused_privately(small_office: Office) -> None:
    office = small_office
    session_id = await office.start()
    await office.write_in_browser(session_id, "bob", "I take my seat")
    bob = office.users["bob"].id
    await office.web.write(lambda tx: sessions.change_role(tx, office.actor("alice"), session_id, bob, "viewer"))
    await office.reply("bob", "may I?")
    await office.until(lambda: len(office.private("bob")) == 1)
    assert "role" in office.private("bob")[0]
    assert [text for _, text, _ in await office.said(session_id)] == ["I take my seat"]


async def test_a_reply_after_the_end_is_refused_privately(small_office: Office) -> None:
    office = small_office
    session_id = await office.start()
    await office.end(session_id)
    await office.until_row(lambda row: row.status == "closed")
    await office.reply("bob", "too late")
    await office.until(lambda: len(office.private("bob")) == 1)
    assert "ended" in office.private("bob")[0]


async def test_a_reply_over_the_budget_comes_later_and_is_not_lost(small_office: Office) -> None:
    office = small_office
    office.budget = TokenBuckets(per_minute=600, burst=2)
    await office.restart()
    session_id = await office.start()
    for number in range(5):
        await office.reply("bob", f"fast {number}")
    said = await office.until_said(session_id, 5)
    assert [text for _, text, _ in said] == [f"fast {number}" for number in range(5)]


async def test_without_the_scope_for_other_names_the_name_stands_before_the_text(small_office: Office) -> None:
    office = small_office
    office.engine.scopes.discard("chat:write.customize")
    session_id = await office.start()
    await office.write_in_browser(session_id, "bob", "one")
    await office.write_in_browser(session_id, "bob", "two")
    await office.until(lambda: len(office.thread()) == 2)
    assert office.texts() == ["*Bob Chen:* one", "*Bob Chen:* two"]
    await office.until_quiet()
    assert len(await office.said(session_id)) == 2


async def test_a_long_message_is_posted_in_parts_with_its_fence_opened_again(small_office: Office) -> None:
    office = small_office
    session_id = await office.start()
    code = "\n".join(f"line {number} < & >" for number in range(500))
    await office.write_in_browser(session_id, "bob", f"Here:\n```py\n{code}\n```\nthat is all")
    await office.until_quiet()
    texts = office.texts()
    assert len(texts) > 1
    assert all(len(text) <= 3_900 and text.count("```") % 2 == 0 for text in texts)
    assert all("&lt; &amp; &gt;" in text for text in texts)


def test_secrets_are_not_in_the_repr_of_the_settings() -> None:
    shown = repr(SlackSettings(signing_secret="s3cret", bot_token=TOKEN, base_url="https://x.example"))
    assert TOKEN not in shown
    assert "s3cret" not in shown


async def test_the_posts_of_a_long_message_say_which_of_how_many_each_is(office: Office) -> None:
    session_id = await office.start()
    long = "\n\n".join(f"Paragraph {number} " + "and so on " * 60 for number in range(15))
    await office.write_in_browser(session_id, "alice", long)
    await office.until(lambda: len(office.thread()) > 1)
    await office.until_quiet()
    texts = office.texts()
    assert len(texts) > 2
    assert [text.rpartition("\n")[2] for text in texts] == [f"_({n}/{len(texts)})_" for n in range(1, len(texts) + 1)]
    await office.write_in_browser(session_id, "alice", "short")
    await office.until(lambda: office.texts()[-1] == "short")
