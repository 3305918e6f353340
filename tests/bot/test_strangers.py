"""Who is here through a shared channel, as a guest or not any more, and who takes on somebody else's address: they do
nothing from Slack, whatever account is theirs and whatever their profile says."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.blocks import END, JOIN, MUTE
from bot.errors import GUEST
from bot.sandbox.models import Person
from core import access, accounts, chat, tables
from core.db import Transaction
from tests.bot.support.called import live, sent
from tests.bot.support.office import Office, Payload

CHANNEL = "#payments"
ERIN = Person("U0ERIN0001", "erin", "Erin Elsewhere", "erin@else.example", "445566")
#: Why somebody may not act from Slack.
REASONS: dict[str, Person] = {
    "a member of another workspace": replace(ERIN, team_id="T0ELSE0001", is_stranger=True),
    "of another workspace, and not said to be a stranger": replace(ERIN, team_id="T0ELSE0001"),
    "of another organisation": replace(ERIN, team_id="T0ELSE0001", enterprise_id="E0ELSE0001"),
    "a guest": replace(ERIN, is_restricted=True),
    "a guest of one channel": replace(ERIN, is_ultra_restricted=True),
    "deactivated in Slack": replace(ERIN, deleted=True),
}


async def started_with_erin(office: Office, *, is_linked: bool) -> str:
    """A session with a thread. Linked, Erin is an editor of it, as she was when she was a member."""
    office.engine.workspace.people[ERIN.id] = replace(ERIN)
    office.engine.workspace.channel(CHANNEL).members.append(ERIN.id)
    session_id = await office.start()
    if is_linked:
        await office.link("erin")
        erin = office.actor("erin")

        def seat(tx: Transaction) -> None:
            session = tx.sql.get(tables.Session, session_id)
            assert session is not None
            access.add_participant(tx, session, erin.person, "editor", via="invite")

        await office.web.write(seat)
        await office.reply("erin", "while I was a member")
        await office.until_said(session_id, 1)
    await office.write_in_browser(session_id, "alice", "Shall we?")
    await office.until_quiet()
    return session_id


async def becomes(office: Office, person: Person) -> None:
    """Slack tells that somebody is another by now."""
    office.engine.workspace.people[person.id] = person
    office.engine.workspace.tell_app({"type": "user_change", "user": person.user_object(with_email=True)})
    await office.until_quiet()


def home_of(office: Office, user: str) -> str:
    return str(office.engine.workspace.views.homes.get(user))


@pytest.mark.parametrize("is_linked", [True, False], ids=["linked", "not linked"])
@pytest.mark.parametrize("reason", REASONS)
async def test_whoever_is_no_member_does_nothing_from_slack(reason: str, is_linked: bool, small_office: Office) -> None:
    office = small_office
    session_id = await started_with_erin(office, is_linked=is_linked)
    await becomes(office, REASONS[reason])
    before = [event.type for event in await office.log(session_id)]
    [card], post = office.cards(), office.thread()[-1]
    reply = await office.reply("erin", "may I?")
    await office.engine.edit("erin", CHANNEL, reply["ts"], "may I, please?")
    for button in (JOIN, MUTE, END):
        await office.engine.click("erin", CHANNEL, card["ts"], button)
    for words in ("join", "list", "end", "start Mine", "invite @carol", "doctor", "link"):
        await office.engine.slash("erin", CHANNEL, "/cosession", words)
    await office.reply("erin", f"<@{office.engine.bot_user_id}> end")
    await office.engine.react("erin", CHANNEL, post["ts"], "tada")
    office.engine.workspace.tell_app({"type": "app_home_opened", "user": ERIN.id, "tab": "home"})
    await office.until_quiet()
    assert [event.type for event in await office.log(session_id)] == before
    # What is said before anybody has looked is no answer.
    told = {text for text in office.private("erin") if not text.endswith("…")}
    assert told == {GUEST}
    assert "guests and people of other workspaces" in home_of(office, ERIN.id)
    assert "Fix the login bug" not in home_of(office, ERIN.id), "not even what it is called"
    # Nothing of theirs is half there: whoever can act, still can.
    await office.reply("bob", "I can")
    assert (await office.until_said(session_id, 3 if is_linked else 2))[-1][1] == "I can"


async def test_whoever_is_of_another_workspace_is_named_and_not_called(small_office: Office) -> None:
    office = small_office
    session_id = await started_with_erin(office, is_linked=False)
    await becomes(office, REASONS["a member of another workspace"])
    await office.reply("bob", "ask @erin")
    await office.until_said(session_id, 2)
    said = [event.message for event in await office.log(session_id) if event.type == "chat_message"][-1]
    assert (said.content, said.mentions) == ("ask @erin", [])
    await office.write_in_browser(session_id, "alice", "@Erin Elsewhere and @erin, please look")
    await office.until(lambda: "please look" in office.texts()[-1])
    assert not live(sent(office.engine))


async def test_the_own_people_of_a_shared_channel_go_on(small_office: Office) -> None:
    """The other workspace's people are refused there, and ours are not, wherever Slack says that an event came from."""
    office = small_office
    session_id = await started_with_erin(office, is_linked=False)
    await becomes(office, REASONS["a member of another workspace"])
    [card] = office.cards()
    bob = office.engine.workspace.person("bob").id
    shared: Payload = {"user_team": office.engine.team_id, "source_team": office.engine.team_id}
    place = office.engine.workspace.channel(CHANNEL)
    office.engine.workspace.add_message(place, {"user": bob, "text": "ours", **shared}, thread_ts=card["ts"])
    theirs: Payload = {"user_team": "T0ELSE0001", "source_team": "T0ELSE0001"}
    office.engine.workspace.add_message(place, {"user": ERIN.id, "text": "theirs", **theirs}, thread_ts=card["ts"])
    await office.until_quiet()
    assert [text for _, text, _ in await office.said(session_id)] == ["Shall we?", "ours"]


async def test_whoever_takes_on_a_colleagues_address_gets_nothing_of_theirs(small_office: Office) -> None:
    office = small_office
    session_id = await started_with_erin(office, is_linked=True)
    alice, erin = (office.users[name] for name in ("alice", "erin"))
    await becomes(office, replace(ERIN, email=alice.email, real_name=alice.name, name="alice2"))
    await office.reply("alice2", "as whom?")
    said = await office.until_said(session_id, 3)
    assert said[-1] == (erin.name, "as whom?", "slack")
    [card] = office.cards()
    await office.engine.click("alice2", CHANNEL, card["ts"], END)
    await office.engine.slash("alice2", CHANNEL, "/cosession", "end Fix")
    await office.until_quiet()
    assert all(event.type != "session_ended" for event in await office.log(session_id))
    kept = await office.web.read(lambda tx: accounts.get_user(tx, erin.id).email)
    assert kept == ERIN.email, "an address that Slack tells changes no account"


async def test_an_unlinked_person_with_a_colleagues_address_is_nobody(small_office: Office) -> None:
    office = small_office
    session_id = await started_with_erin(office, is_linked=False)
    await becomes(office, replace(ERIN, email=office.users["alice"].email))
    await office.reply("erin", "I am Alice")
    await office.engine.slash("erin", CHANNEL, "/cosession", "end Fix")
    await office.until_quiet()
    assert [text for _, text, _ in await office.said(session_id)] == ["Shall we?"]
    assert all(event.type != "session_ended" for event in await office.log(session_id))
    assert all("Nothing was sent" in text or "not sent" in text for text in office.private("erin"))


async def test_whoever_was_deactivated_in_slack_keeps_their_account_here(small_office: Office) -> None:
    office = small_office
    session_id = await started_with_erin(office, is_linked=True)
    await becomes(office, REASONS["deactivated in Slack"])
    erin = office.actor("erin")
    await office.web.write(lambda tx: chat.post_message(tx, erin, session_id, chat.Draft("in my browser"), key="e"))
    await office.until(lambda: "in my browser" in office.texts())
    await becomes(office, replace(ERIN))
    await office.reply("erin", "and back")
    assert (await office.until_said(session_id, 4))[-1] == (ERIN.real_name, "and back", "slack")
