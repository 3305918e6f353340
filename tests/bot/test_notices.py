"""Who is called in the browser and is away gets one direct message, whatever fails and whenever the process dies."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Collection
from datetime import timedelta

import pytest
from sqlmodel import select

from core import access, identities, invites, outbox, sessions, tables
from core.db import Transaction
from core.events import AgentFailed, Person
from core.ids import new_id
from core.invites import Recipient
from core.notifications import preferences
from core.presence import Shown
from core.turns import Reported, record
from jobs.notify import Notifier
from tests.bot.support.office import Office, Payload, eventually


async def seated(office: Office) -> str:
    """Alice's session, which no thread mirrors; Bob and Carol have a seat."""

    def start(tx: Transaction) -> str:
        session = sessions.start(tx, office.actor("alice"), "Fix the login bug")
        for name in ("bob", "carol"):
            access.add_participant(tx, session, office.actor(name).person, "editor", via="invite")
        return session.id

    return await office.web.write(start)


async def told(office: Office) -> None:
    """The reader has come to the end of the logs."""

    async def nobody(_session_id: str) -> Collection[str]:
        return ()

    def changed(_people: Collection[str], _is_feed_new: bool) -> None: ...

    await Notifier(office.web, office.clock, nobody, changed, new_id("own"), is_only_process=True).step()


def messages_to(office: Office, name: str) -> list[Payload]:
    found = office.engine.messages(office.engine.workspace.person(name).id)
    return [message for message in found if (message.get("metadata") or {}).get("event_type") == "cosession_notice"]


def words(message: Payload) -> str:
    return " ".join(re.findall(r'"text": "([^"]*)"', json.dumps(message["blocks"])))


async def outcomes(office: Office, name: str) -> list[str]:
    row = tables.NotificationDelivery
    user_id = office.users[name].id
    found = await office.web.read(lambda tx: tx.sql.exec(select(row).where(row.user_id == user_id)).all())
    return sorted(f"{one.channel} {one.outcome}".strip() for one in found)


async def until_settled(office: Office, name: str) -> list[str]:
    """Until nothing is on its way to this person by Slack."""

    async def look() -> list[str]:
        found = await outcomes(office, name)
        return found if "slack_dm" not in found else []

    return await eventually(look)


def pass_grace(office: Office) -> None:
    office.clock.passed += timedelta(minutes=1)
    office.door.has_notices()


async def test_a_mention_is_one_direct_message_with_what_was_said_and_a_way_there(
    office: Office,
) -> None:
    session_id = await seated(office)
    seq = await office.write_in_browser(session_id, "alice", "@Bob Example have a look at `login.py`, <!channel>")
    await told(office)
    assert messages_to(office, "bob") == [], "they have a moment to read it in the browser"
    pass_grace(office)
    assert await until_settled(office, "bob") == ["slack_dm sent"]
    [message] = messages_to(office, "bob")
    assert "mentioned you" in message["text"]
    assert "have a look at `login.py`" in words(message)
    assert "<!channel>" not in json.dumps(message)
    [button] = [block["accessory"] for block in message["blocks"] if "accessory" in block]
    assert button["url"] == f"{office.base_url}/s/{session_id}#seq={seq}"
    assert messages_to(office, "alice") == messages_to(office, "carol") == []


async def test_who_looks_on_is_not_written_to_until_they_have_left(small_office: Office) -> None:
    office = small_office
    session_id = await seated(office)
    bob = Person(user_id=office.users["bob"].id, username="Bob")
    office.here[session_id] = [Shown(bob, "editor", "active")]
    await office.write_in_browser(session_id, "alice", "@Bob Example have a look")
    await told(office)
    row = tables.NotificationDelivery
    before = await office.web.read(lambda tx: tx.sql.exec(select(row)).one())
    pass_grace(office)

    async def is_asked_about_later() -> bool:
        now = await office.web.read(lambda tx: tx.sql.exec(select(row)).one())
        return now.not_before > before.not_before

    assert await eventually(is_asked_about_later)
    assert messages_to(office, "bob") == []
    office.here[session_id] = [Shown(bob, "editor", "away")]
    pass_grace(office)
    assert await until_settled(office, "bob") == ["slack_dm sent"]


async def test_what_waited_in_quiet_hours_comes_as_one_message(small_office: Office) -> None:
    office = small_office
    session_id = await seated(office)
    user_id = office.users["bob"].id
    now = office.clock()
    minute = now.hour * 60 + now.minute
    await office.web.write(
        lambda tx: preferences.set_quiet_hours(tx, user_id, (minute - 1) % 1440, (minute + 60) % 1440)
    )
    root = await office.write_in_browser(session_id, "bob", "a thread")
    [entry] = [event for event in await office.log(session_id) if event.type == "chat_message"]
    assert root
    await office.write_in_browser(session_id, "alice", "@Bob Example one")
    await office.write_in_browser(session_id, "carol", "an answer", parent_id=entry.message.id)
    await told(office)
    pass_grace(office)

    async def is_held() -> bool:
        row = tables.NotificationDelivery
        rows = await office.web.read(lambda tx: tx.sql.exec(select(row)).all())
        return all(one.not_before > office.clock() + timedelta(minutes=30) for one in rows)

    assert await eventually(is_held)
    office.clock.passed += timedelta(hours=2)
    office.door.has_notices()
    assert await until_settled(office, "bob") == ["slack_dm sent", "slack_dm sent"]
    [message] = messages_to(office, "bob")
    assert "and 1 more" in message["text"]
    assert "one" in words(message)
    assert "an answer" in words(message)


async def test_who_does_not_want_to_be_disturbed_in_slack_gets_one_message_afterwards(small_office: Office) -> None:
    office = small_office
    session_id = await seated(office)
    bob = office.engine.workspace.person("bob")
    bob.snoozes_until = int(office.clock().timestamp()) + 3_600
    await office.write_in_browser(session_id, "alice", "@Bob Example have a look")
    await office.write_in_browser(session_id, "alice", "@Carol Example and you")
    await told(office)
    pass_grace(office)
    assert await until_settled(office, "carol") == ["slack_dm sent"]
    await office.write_in_browser(session_id, "alice", "@Bob Example and here")
    await told(office)
    row = tables.NotificationDelivery
    waiting = select(row.not_before).where(row.user_id == office.users["bob"].id, row.settled_at == None)  # noqa: E711

    async def is_put_off() -> bool:
        found = await office.web.read(lambda tx: tx.sql.exec(waiting).all())
        return bool(found) and all(at.timestamp() >= bob.snoozes_until - 1 for at in found)

    await eventually(is_put_off)
    assert messages_to(office, "bob") == []
    office.clock.passed += timedelta(hours=2)
    office.door.has_notices()
    await until_settled(office, "bob")
    assert len(messages_to(office, "bob")) == 1


async def test_without_the_scope_nobody_is_left_alone_and_nobody_left_out(small_office: Office) -> None:
    office = small_office
    office.engine.scopes.discard("dnd:read")
    session_id = await seated(office)
    office.engine.workspace.person("bob").snoozes_until = int(office.clock().timestamp()) + 3_600
    await office.write_in_browser(session_id, "alice", "@Bob Example have a look")
    await told(office)
    pass_grace(office)
    assert await until_settled(office, "bob") == ["slack_dm sent"]


async def test_a_message_that_stays_in_the_session_is_told_of_without_its_words(small_office: Office) -> None:
    office = small_office
    session_id = await seated(office)
    await office.write_in_browser(session_id, "alice", "@Bob Example the key is hunter2", session_only=True)
    await told(office)
    pass_grace(office)
    await until_settled(office, "bob")
    [message] = messages_to(office, "bob")
    assert "hunter2" not in json.dumps(message)
    assert "stays in the session" in words(message)


async def test_whom_slack_tells_by_itself_is_told_in_the_browser_alone(small_office: Office) -> None:
    office = small_office
    session_id = await office.start()
    await office.until_quiet()
    await office.reply("bob", "hello")
    await office.until_said(session_id, 1)
    await office.reply("alice", "@bob have a look")
    await office.until_said(session_id, 2)
    await told(office)
    item = tables.Notification
    rows = await office.web.read(lambda tx: tx.sql.exec(select(item)).all())
    assert [(row.user_id, row.kind) for row in rows] == [(office.users["bob"].id, "mention")]
    assert await outcomes(office, "bob") == []


async def test_what_slack_refuses_goes_by_mail(small_office: Office) -> None:
    office = small_office
    session_id = await seated(office)
    await office.write_in_browser(session_id, "alice", "@Bob Example have a look")
    await told(office)

    def disconnect(tx: Transaction) -> None:
        identities.unlink(tx, office.users["bob"].id, "slack")

    await office.web.write(disconnect)
    pass_grace(office)
    assert await until_settled(office, "bob") == ["email", "slack_dm failed"]
    office.clock.passed += timedelta(minutes=6)
    await told(office)
    assert await outcomes(office, "bob") == ["email sent", "slack_dm failed"]
    [mail] = await office.web.read(lambda tx: list(outbox.due(tx)))
    assert mail.values["heading"] == "Alice Martin mentioned you"


@pytest.mark.parametrize("fault", ["429", "500", "hang before", "hang after", "reset after"])
async def test_whatever_fails_there_is_one_message(small_office: Office, fault: str) -> None:
    office = small_office
    session_id = await seated(office)
    await office.write_in_browser(session_id, "alice", "@Bob Example have a look")
    await told(office)
    match fault:
        case "429":
            office.engine.faults.fail("chat.postMessage", retry_after=1, times=2)
        case "500":
            office.engine.faults.fail("chat.postMessage", status=500, times=2)
        case "hang before":
            office.engine.faults.hang("chat.postMessage")
        case "hang after":
            office.engine.faults.hang("chat.postMessage", after_effect=True)
        case _:
            office.engine.faults.reset("chat.postMessage", after_effect=True)
    pass_grace(office)

    async def is_sent() -> bool:
        office.clock.passed += timedelta(seconds=1)
        return await outcomes(office, "bob") == ["slack_dm sent"]

    assert await eventually(is_sent)
    assert len(messages_to(office, "bob")) == 1


@pytest.mark.parametrize("step", range(1, 10))
async def test_killed_at_any_step_it_is_there_once(step: int, small_office: Office) -> None:
    office = small_office
    session_id = await seated(office)
    await office.write_in_browser(session_id, "alice", "@Bob Example have a look")
    await office.write_in_browser(session_id, "alice", "@Carol Example and you")
    await told(office)
    office.clock.passed += timedelta(minutes=1)
    await office.restart(kill_after=step)

    async def is_over() -> bool:
        return office.db.died.is_set() or all(
            [await outcomes(office, name) == ["slack_dm sent"] for name in ("bob", "carol")]
        )

    await eventually(is_over)
    await office.restart()
    office.clock.passed += timedelta(seconds=10)
    for name in ("bob", "carol"):
        assert await until_settled(office, name) == ["slack_dm sent"]
        assert len(messages_to(office, name)) == 1


async def test_a_second_process_posts_nothing_again(small_office: Office) -> None:
    office = small_office
    session_id = await seated(office)
    await office.write_in_browser(session_id, "alice", "@Bob Example have a look")
    await told(office)
    first = office.door
    await office.take_over()
    pass_grace(office)
    first.has_notices()
    assert await until_settled(office, "bob") == ["slack_dm sent"]
    await asyncio.gather(first.close())
    assert len(messages_to(office, "bob")) == 1


async def test_hosts_are_told_of_their_agent_s_error_and_of_an_invite_that_is_for_them(small_office: Office) -> None:
    office = small_office
    session_id = await seated(office)
    report = Reported("k1", AgentFailed(turn_id="t", message="overloaded"))
    await office.web.write(lambda tx: record(tx, office.actor("alice"), session_id, [report]))
    other = await office.web.write(lambda tx: sessions.start(tx, office.actor("carol"), "Another").id)
    to = Recipient(user_id=office.users["alice"].id)
    issued = await office.web.write(lambda tx: invites.create(tx, office.actor("carol"), other, "viewer", to=to))
    await told(office)
    pass_grace(office)
    await until_settled(office, "alice")
    [message] = messages_to(office, "alice")
    assert "The agent reported an error" in words(message)
    assert "overloaded" in words(message)
    urls = [block["accessory"]["url"] for block in message["blocks"] if "accessory" in block]
    assert f"{office.base_url}/invite/{issued.invite.id}" in urls
