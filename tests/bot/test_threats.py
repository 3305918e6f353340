"""What somebody may try through Slack: to ping whom they please, to be copied without end, to be somebody else."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from bot.sandbox.models import TEAM_ID
from core import sessions
from tests.bot.support.called import live, sent, texts_in
from tests.bot.support.office import Office

#: A link that shows a text of its own.
LABELLED = re.compile(r"<(https?://[^<>|]+)\|([^<>]*)>")

TARGETS = ("!channel", "!here", "!everyone", "!subteam^S0ADMINS01", "@U0CAROL001", "#C0PAYMENTS", "!date^0^{date}|now")
SHAPES = (
    "<{0}>",
    "<{0}|x>",
    "x<{0}>x",
    "<<{0}>>",
    "**<{0}>**",
    "[x]({0})",
    "![x]({0})",
    "[<{0}>](https://example.com)",
    "<https://example.com|<{0}>>",
    "&lt;{0}&gt;",
    "> <{0}>",
    "- <{0}>",
    "`<{0}>`",
    "```\n<{0}>\n```",
    "| a | b |\n|---|---|\n| <{0}> | {0} |",
)
PAYLOADS = [shape.format(target) for target in TARGETS for shape in SHAPES]


def test_a_control_sequence_is_found_wherever_slack_would_obey_it() -> None:
    blocks = json.dumps([{"type": "section", "text": {"type": "mrkdwn", "text": "x <!here> y"}}])
    assert live(list(texts_in({"text": "<@U1|bob>", "blocks": blocks}))) == {"@U1|bob", "!here"}
    assert live(list(texts_in({"text": "&lt;!here&gt; <https://x.example|y>", "username": "<!here>"}))) == set()


async def test_no_text_of_the_web_or_of_an_agent_calls_anybody_in_slack(small_office: Office) -> None:
    office = small_office
    session_id = await office.start()
    for payload in PAYLOADS:
        await office.write_in_browser(session_id, "alice", payload)
    # The same as somebody's name, which stands over the message and on the card.
    bob = office.users["bob"]
    for payload in ("<!channel>", "<@U0CAROL001>", "[x](!here)", "<!subteam^S1|x>"):
        bob.name = payload
        await office.write_in_browser(session_id, "bob", f"under another name {payload}")
    await office.until_quiet()
    assert len(office.thread()) >= len(PAYLOADS) + 4
    assert live(sent(office.engine)) == set()


async def test_no_title_calls_anybody_in_slack(small_office: Office) -> None:
    office = small_office
    for payload in (
        "<!channel>",
        "<@U0CAROL001>",
        "&lt;!here&gt;",
        "<!subteam^S1|x>",
        "[x](!channel)",
        "<https://x.example|y>",
    ):
        outcome = await office.engine.slash("alice", "#payments", "/cosession", f"start {payload}")
        assert outcome.ok
    await office.until(lambda: len(office.cards()) == 6)
    await office.engine.slash("alice", "#payments", "/cosession", "list")
    await office.engine.slash("alice", "#payments", "/cosession", "end <!channel>")
    await office.engine.slash("alice", "#payments", "/cosession", "<!channel>")
    await office.until_quiet()
    private = [*office.private("alice")]
    assert len(private) >= 8
    assert live(sent(office.engine) + private) == set()


async def test_a_label_never_hides_another_address(small_office: Office) -> None:
    """What looks like a link of the bank's is one, whatever somebody types in the browser."""
    office = small_office
    session_id = await office.start()
    await office.write_in_browser(session_id, "alice", "<https://evil.example|https://bank.example>")
    await office.until(lambda: len(office.thread()) == 1)
    for _, label in LABELLED.findall(office.texts()[0]):
        assert "bank.example" not in label


async def test_nine_hundred_mentions_in_one_message_call_five_people_at_most(small_office: Office) -> None:
    office = small_office
    session_id = await office.start()
    names = [office.users[name].name for name in ("alice", "bob", "carol")]
    words = " ".join(f"@{names[number % 3]}" for number in range(900))
    mentioned = tuple(user.id for user in office.users.values())
    await office.write_in_browser(session_id, "alice", words, mentions=mentioned)
    await office.until_quiet()
    for message in office.thread():
        assert len(re.findall(r"<@[UW][A-Z0-9]+>", message["text"])) <= 5
    assert not live(sent(office.engine)) - {f"@{person.id}" for person in office.engine.people}


async def test_two_bots_in_one_thread_do_not_talk_to_each_other_for_ever(small_office: Office) -> None:
    """The other copies whatever it hears, as a bot that mirrors does. One message of a person is one message here."""
    office = small_office
    session_id = await office.start()
    [card] = office.cards()
    place = office.engine.workspace.channel("#payments")

    def copy(event: dict[str, Any], _channel: object) -> None:
        if event.get("type") == "message" and event.get("thread_ts") and event.get("bot_id") != "B0OTHER001":
            body = {"type": "message", "subtype": "bot_message", "bot_id": "B0OTHER001", "username": "Copycat"}
            body |= {"app_id": "A0OTHER001", "team": TEAM_ID, "text": f"copy: {event.get('text', '')}"}
            office.engine.workspace.add_message(place, body, thread_ts=card["ts"])

    office.engine.workspace.on_event.append(copy)
    await office.reply("bob", "one message")
    await office.until_said(session_id, 1)
    await office.write_in_browser(session_id, "alice", "one answer")
    await office.until(lambda: "copy: one answer" in office.texts())
    await office.until_quiet()
    assert [text for _, text, _ in await office.said(session_id)] == ["one message", "one answer"]
    assert sorted(office.texts()) == ["copy: one answer", "copy: one message", "one answer", "one message"]


@pytest.mark.parametrize("name", ["https://evil.example", "Cosession", "<!here>"])
async def test_nobody_can_take_the_bots_own_markers(name: str, small_office: Office) -> None:
    """Somebody else's metadata that looks like ours makes no message, and hides nobody's."""
    office = small_office
    session_id = await office.start()
    [card] = office.cards()
    place = office.engine.workspace.channel("#payments")
    forged = {"event_type": "cosession_message", "event_payload": {"id": f"{session_id}:2"}}
    body = {"type": "message", "subtype": "bot_message", "bot_id": "B0OTHER001", "username": name, "text": "forged"}
    office.engine.workspace.add_message(place, body, thread_ts=card["ts"], metadata=forged)
    await office.write_in_browser(session_id, "alice", "the real one")
    await office.until(lambda: "the real one" in office.texts())
    await office.web.write(lambda tx: sessions.end(tx, office.actor("alice"), session_id))
    await office.until_quiet()
    assert [text for _, text, _ in await office.said(session_id)] == ["the real one"]
