"""Every kind of message that can stand in a thread has its rule: what it becomes in the session."""

from __future__ import annotations

from typing import Any

import pytest

from bot.sandbox.models import TEAM_ID
from tests.bot.support.office import Office

CHANNEL = "#payments"
URL = "https://acme.slack.com/archives/C0GENERAL1/p1700000000000100"


def rich(text: str, **more: Any) -> list[dict[str, Any]]:
    elements = [{"type": "text", "text": text}, *more.get("then", [])]
    return [{"type": "rich_text", "block_id": "b", "elements": [{"type": "rich_text_section", "elements": elements}]}]


def share(**fields: Any) -> dict[str, Any]:
    """The attachment that Slack makes of a forwarded message."""
    where = {"channel_id": "C0GENERAL1", "channel_team": TEAM_ID, "ts": "1700000000.000100", "from_url": URL}
    who = {
        "author_id": "U0DANA0001",
        "author_name": "Dana *Ops*",
        "author_link": "https://acme.slack.com/team/U0DANA0001",
    }
    return {"is_share": True, "is_msg_unfurl": True, "id": 1, **where, **who, "text": "It is down", **fields}


async def put(office: Office, name: str, body: dict[str, Any], **how: Any) -> str:
    """Puts a message of that shape into the thread; its ts."""
    [card] = office.cards()
    person = {} if "bot_id" in body else {"user": office.engine.workspace.person(name).id}
    place = office.engine.workspace.channel(CHANNEL)
    return office.engine.workspace.add_message(place, {**person, **body}, thread_ts=card["ts"], **how).ts


async def texts(office: Office, session_id: str) -> list[str]:
    await office.until_quiet()
    return [text for _, text, _ in await office.said(session_id)]


async def test_a_reply_that_is_sent_to_the_channel_too_is_one_message(small_office: Office) -> None:
    session_id = await small_office.start()
    ts = await put(small_office, "bob", {"text": "Done"}, is_broadcast=True)
    assert await texts(small_office, session_id) == ["Done"]
    await small_office.engine.edit("bob", CHANNEL, ts, "Done, all of it")
    await small_office.until_quiet()
    edits = [event.content for event in await small_office.log(session_id) if event.type == "message_edited"]
    assert edits == ["Done, all of it"]


async def test_what_somebody_does_is_in_italics(small_office: Office) -> None:
    session_id = await small_office.start()
    await put(small_office, "bob", {"subtype": "me_message", "text": "waves at <@U0CAROL001>"})
    assert await texts(small_office, session_id) == ["*waves at @carol*"]


async def test_a_forwarded_message_is_quoted_with_its_author_and_address(small_office: Office) -> None:
    session_id = await small_office.start()
    there = rich("It is ", then=[{"type": "text", "text": "rm -rf", "style": {"code": True}}])
    carried = [{"team": TEAM_ID, "channel": "C0GENERAL1", "ts": "1700000000.000100", "message": {"blocks": there}}]
    await put(small_office, "bob", {"text": "", "attachments": [share(message_blocks=carried)]})
    await put(small_office, "bob", {"text": "See", "blocks": rich("See"), "attachments": [share()]})
    head = f"Forwarded from Dana \\*Ops\\* ([in Slack]({URL})):\n\n> "
    assert await texts(small_office, session_id) == [f"{head}It is `rm -rf`", f"See\n\n{head}It is down"]


async def test_whom_a_forwarded_message_names_is_not_called_again(small_office: Office) -> None:
    session_id = await small_office.start()
    await small_office.reply("carol", "I am here")
    await put(small_office, "bob", {"text": "", "attachments": [share(text="<@U0CAROL001>: <!here> `@here`")]})
    assert (await texts(small_office, session_id))[-1].endswith("> @\u2060carol: @\u2060here `@here`")
    said = [event.message for event in await small_office.log(session_id) if event.type == "chat_message"]
    assert (said[-1].mentions, said[-1].mentions_here) == ([], False)


@pytest.mark.parametrize(
    "how", [{"private_channel_prompt": True}, {"channel_id": "D0BOB00001"}, {"channel_id": "G0SECRET01"}]
)
async def test_of_what_is_forwarded_from_a_private_conversation_only_the_address_goes_on(
    how: dict[str, Any], small_office: Office
) -> None:
    session_id = await small_office.start()
    await put(small_office, "bob", {"text": "", "attachments": [share(text="the offer is 4 million", **how)]})
    assert await texts(small_office, session_id) == [f"Forwarded from a private conversation ([in Slack]({URL}))."]


async def test_the_preview_of_a_link_adds_nothing(small_office: Office) -> None:
    session_id = await small_office.start()
    preview = share(is_share=False)
    await put(small_office, "bob", {"text": f"see <{URL}>", "attachments": [preview]})
    assert await texts(small_office, session_id) == [f"see {URL}"]


@pytest.mark.parametrize(
    "body",
    [
        {"subtype": "bot_message", "bot_id": "B0OTHER001", "username": "Deploys", "text": "deployed"},
        # As bots with a user of their own post, and workflows in somebody's name.
        {"bot_id": "B0OTHER001", "app_id": "A0OTHER001", "user": "U0BOB00001", "text": "deployed"},
        {"subtype": "bot_message", "bot_id": "B0OTHER001", "text": "", "attachments": [share()]},
        {"subtype": "reminder_add", "user": "U0BOB00001", "text": "set up a reminder"},
        {"user": "USLACKBOT", "text": "Reminder: deploy"},
    ],
    ids=["bot", "bot with a user", "bot that forwards", "line of Slack's own", "slackbot"],
)
async def test_what_no_person_wrote_is_not_taken(body: dict[str, Any], small_office: Office) -> None:
    session_id = await small_office.start()
    await put(small_office, "bob", body)
    await small_office.reply("bob", "a person")
    assert await texts(small_office, session_id) == ["a person"]
    assert small_office.private("bob") == []
