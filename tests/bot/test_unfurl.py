"""Previews of links: the whole channel sees them, so they tell only what the whole channel may know."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from typing import Any

import pytest

from bot.sandbox import Person
from bot.unfurl import Unfurls, read_link
from core import chat, mirrors, sessions
from core.db import Transaction
from tests.bot.support.office import Office, Payload, open_office

HERE, ELSEWHERE = "#payments", "#random"
SESSION = "ses_" + "a" * 26


@pytest.fixture
async def office(sqlite_url: str) -> AsyncGenerator[Office]:
    async with open_office(sqlite_url) as opened:
        opened.engine.workspace.unfurl_domains.add("127.0.0.1")
        yield opened


@pytest.mark.parametrize(
    ("url", "found"),
    [
        (f"https://x.example/s/{SESSION}", (SESSION, None)),
        (f"https://x.example/s/{SESSION}#seq=12", (SESSION, 12)),
        (f"https://x.example/s/{SESSION}?q=1#seq=x", (SESSION, None)),
        (f"http://x.example/s/{SESSION}", None),
        (f"https://x.example:8443/s/{SESSION}", None),
        (f"https://x.example.evil.example/s/{SESSION}", None),
        (f"https://x.example@evil.example/s/{SESSION}", None),
        (f"https://x.example/s/{SESSION}/../../admin", None),
        ("https://x.example/invite#secret", None),
        ("https://x.example/sign-in#secret", None),
        ("https://[broken", None),
    ],
)
def test_only_a_link_to_a_session_of_this_server_is_one(url: str, found: tuple[str, int | None] | None) -> None:
    link = read_link(url, "https://x.example")
    assert (None if link is None else (link.session_id, link.seq)) == found


async def post(office: Office, url: str, channel: str = ELSEWHERE) -> str:
    """Bob posts a link; what its preview says by the time that everything is handled, or nothing."""
    message = await office.engine.say("bob", channel, f"see {url}")
    await office.until_quiet()
    [now] = [one for one in office.engine.messages(channel) if one["ts"] == message["ts"]]
    return json.dumps(now.get("attachments") or "", ensure_ascii=False)


def url_of(office: Office, session_id: str, seq: int | None = None) -> str:
    return f"{office.base_url}/s/{session_id}" + (f"#seq={seq}" if seq else "")


async def private(office: Office) -> str:
    """A session that nobody enters by themselves, with its thread in #general."""

    def start(tx: Transaction) -> str:
        session = sessions.start(tx, office.actor("alice"), "Acquisition")
        channel = office.engine.workspace.channel("#general").id
        mirrors.open_mirror(tx, session.id, realm=office.engine.team_id, channel=channel, channel_name="general")
        return session.id

    session_id = await office.web.write(start)
    await office.until_row(lambda row: row.root is not None)
    return session_id


async def test_a_session_that_is_open_to_the_workspace_is_shown_where_nobody_else_is(office: Office) -> None:
    session_id = await office.start("Fix <!channel> & co")
    shown = await post(office, url_of(office, session_id))
    assert "Fix &lt;!channel&gt; &amp; co" in shown
    assert "host alice" in shown.lower()
    assert "Live" in shown
    await office.end(session_id)
    assert "Ended" in await post(office, url_of(office, session_id))


async def test_a_guest_in_the_channel_keeps_it_from_being_shown(office: Office) -> None:
    session_id = await office.start()
    guest = office.engine.workspace.person("mallory").id
    members = office.engine.workspace.channel(ELSEWHERE).members
    members.append(guest)
    assert await post(office, url_of(office, session_id)) == '""'
    members.remove(guest)
    assert "Fix the login bug" in await post(office, url_of(office, session_id))
    # Somebody who is made a guest is one from that moment.
    office.engine.workspace.people["U0EVE"] = Person("U0EVE", "eve", "Eve", "eve@acme.example", "112233")
    members.append("U0EVE")
    office.engine.workspace.people["U0EVE"].is_restricted = True
    office.engine.workspace.tell_app({"type": "user_change", "user": {"id": "U0EVE"}})
    await office.until_quiet()
    assert await post(office, url_of(office, session_id)) == '""'


async def test_a_private_session_is_shown_in_its_own_channel_and_nowhere_else(office: Office) -> None:
    session_id = await private(office)
    calls = len([call for call in office.engine.calls if call.method == "chat.unfurl"])
    assert await post(office, url_of(office, session_id)) == '""'
    assert await post(office, url_of(office, "ses_" + "b" * 26)) == '""', "as for one that does not exist"
    assert len([call for call in office.engine.calls if call.method == "chat.unfurl"]) == calls
    assert "Acquisition" in await post(office, url_of(office, session_id), "#general")


async def test_a_channel_that_is_shared_with_another_workspace_sees_nothing(office: Office) -> None:
    session_id = await office.start()
    workspace = office.door.workspaces.fixed
    assert workspace is not None
    url = url_of(office, session_id)
    message = await office.engine.say("bob", ELSEWHERE, f"see {url}")
    await office.until_quiet()
    calls = len(office.engine.calls)
    event: Payload = {
        "channel": office.engine.workspace.channel(ELSEWHERE).id,
        "message_ts": message["ts"],
        "links": [{"url": url}],
    }
    await Unfurls(workspace.desk, workspace.bot).show(event, is_shared_outside=True)
    assert len(office.engine.calls) == calls


async def test_a_link_to_a_message_shows_it_as_it_stands_now(office: Office) -> None:
    session_id = await office.start()
    seq = await office.write_in_browser(session_id, "bob", "ping <!here> and `code`")
    shown = await post(office, url_of(office, session_id, seq))
    assert "&lt;!here&gt;" in shown
    assert "<!here>" not in shown
    [message_id] = [event.message.id for event in await office.log(session_id) if event.type == "chat_message"]
    bob = office.actor("bob")
    await office.web.write(lambda tx: chat.edit_message(tx, bob, session_id, message_id, "second thoughts"))
    shown = await post(office, url_of(office, session_id, seq))
    assert "second thoughts" in shown
    await office.web.write(lambda tx: chat.delete_message(tx, bob, session_id, message_id))
    shown = await post(office, url_of(office, session_id, seq))
    assert "Fix the login bug" in shown
    assert "thoughts" not in shown


async def test_what_stays_in_the_browser_is_not_shown(office: Office) -> None:
    session_id = await office.start()
    seq = await office.write_in_browser(session_id, "bob", "between us", session_only=True)
    shown = await post(office, url_of(office, session_id, seq))
    assert "Fix the login bug" in shown
    assert "between us" not in shown
    assert "Fix the login bug" in await post(office, url_of(office, session_id, 9_999))


async def test_the_link_of_an_invite_gets_no_preview_and_is_not_used_up(office: Office) -> None:
    assert await post(office, f"{office.base_url}/invite#{'x' * 43}") == '""'


FAULTS: dict[str, Any] = {
    "asked to wait": lambda faults: faults.fail("chat.unfurl", status=429),
    "out of order": lambda faults: faults.fail("chat.unfurl", status=503),
    "shown, without an answer": lambda faults: faults.reset("chat.unfurl", after_effect=True),
    "told twice": lambda faults: faults.duplicate("link_shared"),
}


async def test_whatever_slack_does_the_preview_comes_once(office: Office) -> None:
    session_id = await office.start()
    for fault, bring_about in FAULTS.items():
        bring_about(office.engine.faults)
        shown = await post(office, url_of(office, session_id))
        assert shown.count('"is_app_unfurl": true') == 1, fault
