"""Invites from Slack: a direct message with Accept and Decline, true at every moment, and a way in for nobody else."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import select

from bot.identity import link_person
from bot.invites.words import NotUnderstood, Wanted, read
from bot.sandbox import Person
from bot.sandbox.models import BOT_USER_ID, Channel
from core import access, accounts, identities, invites, leases, mirrors, sessions, tables
from core.db import Transaction
from core.errors import LinkExpired
from tests.bot.support.office import Office, Payload, eventually

CHANNEL = "#general"


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("<@U1|bob>", Wanted(("U1",))),
        ("<@U1|bob> editor for 2h", Wanted(("U1",), "editor", timedelta(hours=2))),
        ("<@U1> as a viewer for 3 days", Wanted(("U1",), "viewer", timedelta(days=3))),
        ("<@U1>, <@W2> and <@U3|x> host", Wanted(("U1", "W2", "U3"), "host")),
        ("<@U1> <@U1> for an hour", Wanted(("U1",), None, timedelta(hours=1))),
        ("<@U1> for 30m to Fix the login bug", Wanted(("U1",), None, timedelta(minutes=30), "Fix the login bug")),
    ],
)
def test_what_people_write_says_whom_as_what_and_for_how_long(text: str, wanted: Wanted) -> None:
    assert read(text) == wanted


@pytest.mark.parametrize("text", ["", "bob", "@bob editor", "<@U1> owner", "<@U1> for 2 fortnights", "<@U1> for"])
def test_what_is_not_understood_is_answered_with_how_it_is_written(text: str) -> None:
    with pytest.raises(NotUnderstood, match=r"invite @somebody|for 30m"):
        read(text)


# ── A private session with a thread, to which Alice invites ───────────────────────────────────────────────────────────


async def private(office: Office, title: str = "Private") -> str:
    """Alice's session, which nobody of the workspace may enter by themselves; Dave is in Slack, and unlinked."""
    dave = Person("U0DAVE0001", "dave", "Dave Example", "dave@acme.example", "112233")
    office.engine.workspace.people[dave.id] = dave
    office.engine.workspace.channel(CHANNEL).members.append(dave.id)
    office.engine.workspace.channels["D0DAVE0001"] = Channel("D0DAVE0001", "dave", "im", [dave.id, BOT_USER_ID])

    def start(tx: Transaction) -> str:
        session = sessions.start(tx, office.actor("alice"), title)
        channel = office.engine.workspace.channel(CHANNEL).id
        mirrors.open_mirror(tx, session.id, realm=office.engine.team_id, channel=channel, channel_name="general")
        return session.id

    session_id = await office.web.write(start)
    await office.until_row(lambda row: row.root is not None)
    return session_id


async def invite(office: Office, text: str) -> None:
    outcome = await office.engine.slash("alice", CHANNEL, "/cosession", f"invite {text}")
    assert outcome.ok, outcome.error


def messages_to(office: Office, name: str) -> list[Payload]:
    return office.engine.messages(office.engine.workspace.person(name).id)


def words(message: Payload) -> str:
    return " ".join(re.findall(r'"text": "([^"]*)"', json.dumps(message["blocks"])))


async def until_told(office: Office, name: str, text: str) -> Payload:
    """Until somebody's one direct message about the invite says so."""

    def told() -> bool:
        return any(text in words(message) for message in messages_to(office, name))

    await office.until(told)
    [message] = [one for one in messages_to(office, name) if text in words(one)]
    return message


async def until_settled(office: Office) -> None:
    await office.until_quiet()

    async def nothing_due() -> bool:
        return not await office.web.read(invites.letters.due)

    await eventually(nothing_due)


async def click(office: Office, name: str, message: Payload, action: str) -> None:
    outcome = await office.engine.click(name, office.engine.workspace.person(name).id, message["ts"], action)
    assert outcome.ok, outcome.error
    await office.until_quiet()


async def role_of(office: Office, session_id: str, name: str) -> str | None:
    def look(tx: Transaction) -> str | None:
        seat = tx.sql.get(tables.Participation, (session_id, office.users[name].id))
        return seat.role if seat is not None and seat.removed_at is None else None

    return await office.web.read(look)


async def the_invite(office: Office) -> tables.Invite:
    [found] = await office.web.read(lambda tx: list(tx.sql.exec(select(tables.Invite))))
    return found


def whispered(office: Office, name: str) -> list[str]:
    """What only this person sees in their conversation with the app."""
    return office.private(name, office.engine.workspace.person(name).id)


async def test_an_invited_person_accepts_in_slack_and_comes_in_by_their_own_browser(office: Office) -> None:
    session_id = await private(office)
    await invite(office, "@bob viewer for 2h")
    message = await until_told(office, "bob", "invites you to the live session *Private* as a *viewer*")
    assert "*bob* is invited as *viewer*" in office.private("alice", CHANNEL)[-1]
    assert await role_of(office, session_id, "bob") is None
    await click(office, "bob", message, "invite_accept")
    assert await role_of(office, session_id, "bob") == "viewer"
    await until_told(office, "bob", "You are in *Private*")
    # Only Bob was told the link; it signs Bob in, once.
    [said] = whispered(office, "bob")
    link = re.search(r"<([^|]+)\|", said)
    assert link is not None
    assert f"/sign-in?next=%2Fs%2F{session_id}#" in link[1]
    secret = link[1].split("#")[1]
    who = await office.web.write(lambda tx: accounts.use_sign_in_link(tx, secret))
    assert who.actor.user_id == office.users["bob"].id
    with pytest.raises(LinkExpired):
        await office.web.write(lambda tx: accounts.use_sign_in_link(tx, secret))
    for person in ("alice", "bob", "carol"):
        assert secret not in str([messages_to(office, person), office.engine.messages(CHANNEL)])


async def test_accepted_twice_is_accepted_once_in_slack_and_on_the_web(small_office: Office) -> None:
    office = small_office
    session_id = await private(office)
    await invite(office, "@bob")
    message = await until_told(office, "bob", "invites you")
    found = await the_invite(office)
    [mine] = await office.web.read(lambda tx: invites.mine(tx, office.actor("bob")))
    assert mine.invite.id == found.id
    await click(office, "bob", message, "invite_accept")
    # The button of an old screen, and the page.
    office.engine.faults.duplicate()
    await office.web.write(lambda tx: invites.accept(tx, office.actor("bob"), found.id))
    await until_settled(office)
    kinds = [event.type for event in await office.log(session_id)]
    assert kinds.count("invite_accepted") == 1
    assert len(messages_to(office, "bob")) == 1


async def test_what_is_accepted_on_the_web_is_accepted_in_slack(small_office: Office) -> None:
    office = small_office
    await private(office)
    await invite(office, "@bob")
    await until_told(office, "bob", "invites you")
    found = await the_invite(office)
    await office.web.write(lambda tx: invites.accept(tx, office.actor("bob"), found.id))
    message = await until_told(office, "bob", "You are in *Private*")
    assert "invite_accept" not in str(message["blocks"])


async def test_declining_tells_whoever_invited(small_office: Office) -> None:
    office = small_office
    session_id = await private(office)
    await invite(office, "@bob")
    message = await until_told(office, "bob", "invites you")
    await click(office, "bob", message, "invite_decline")
    await until_told(office, "alice", "*bob* declined your invite to *Private*")
    await until_told(office, "bob", "You declined.")
    assert await role_of(office, session_id, "bob") is None
    await until_settled(office)
    assert len(messages_to(office, "alice")) == len(messages_to(office, "bob")) == 1


async def test_somebody_without_an_account_may_decline_and_signs_in_to_accept(small_office: Office) -> None:
    office = small_office
    session_id = await private(office)
    await invite(office, "@dave")
    message = await until_told(office, "dave", "You sign in with Slack once")
    await click(office, "dave", message, "invite_accept")
    [said] = whispered(office, "dave")
    assert "not connected here" in said
    found = await the_invite(office)
    assert found.use_count == 0
    # They have signed in: the invite waits for them on the web, as for everybody whom it names.
    dave = await office.web.write(lambda tx: accounts.add_user(tx, None, "Dave"))
    await office.web.write(
        lambda tx: link_person(
            tx, realm=office.engine.team_id, team_name="Acme", slack_id="U0DAVE0001", user_id=dave.id
        )
    )
    office.users["dave"] = dave
    await click(office, "dave", message, "invite_accept")
    assert await role_of(office, session_id, "dave") == "editor"
    # Another time without one.
    await office.web.write(lambda tx: sessions.remove(tx, office.actor("alice"), session_id, dave.id))
    await office.web.write(lambda tx: unlink(tx, dave.id))
    await invite(office, "@dave viewer")
    await office.until(lambda: len(messages_to(office, "dave")) == 2)
    await click(office, "dave", messages_to(office, "dave")[-1], "invite_decline")
    await until_told(office, "dave", "You declined.")


def unlink(tx: Transaction, user_id: str) -> None:
    for identity in identities.of_user(tx, user_id):
        tx.sql.delete(identity)


async def test_expiry_edits_the_message_without_any_job_and_the_button_says_so(small_office: Office) -> None:
    office = small_office
    session_id = await private(office)
    await invite(office, "@bob for 30m")
    message = await until_told(office, "bob", "invites you")
    office.clock.passed += timedelta(minutes=31)
    await until_told(office, "bob", "This invite has expired")
    # The button of a screen that has not been drawn anew.
    stale = {**message}
    shown = office.engine.workspace.channel(office.engine.workspace.person("bob").id).messages[message["ts"]]
    shown.body = {**shown.body, "blocks": stale["blocks"]}
    await click(office, "bob", message, "invite_accept")
    assert whispered(office, "bob") == ["This invite has expired. Ask the person who sent it for a new one."]
    assert await role_of(office, session_id, "bob") is None


async def test_an_invite_is_withdrawn_from_either_side(small_office: Office) -> None:
    office = small_office
    await private(office)
    await invite(office, "@bob")
    await until_told(office, "bob", "invites you")
    [note] = [one for one in office.engine.ephemerals("alice", CHANNEL) if "invite_withdraw" in str(one)]
    await office.engine.click("alice", CHANNEL, note["ts"], "invite_withdraw")
    await until_told(office, "bob", "This invite was withdrawn")
    assert await office.web.read(lambda tx: invites.mine(tx, office.actor("bob"))) == []
    await invite(office, "@carol")
    await until_told(office, "carol", "invites you")
    [listed] = await office.web.read(lambda tx: invites.of_session(tx, office.actor("alice"), listed_session(tx)))
    assert (listed.way, listed.to, listed.status) == ("slack", "carol", "live")
    await office.web.write(lambda tx: invites.revoke(tx, office.actor("alice"), listed.invite.id))
    await until_told(office, "carol", "This invite was withdrawn")


def listed_session(tx: Transaction) -> str:
    return tx.sql.exec(select(tables.Mirror.session_id)).one()


async def test_whoever_loses_the_right_to_invite_takes_their_invites_with_them(small_office: Office) -> None:
    office = small_office
    session_id = await private(office)

    def seat(tx: Transaction) -> None:
        session = tx.sql.get(tables.Session, session_id)
        assert session is not None
        access.add_participant(tx, session, office.actor("bob").person, "editor", via="invite")

    await office.web.write(seat)
    await office.engine.slash("bob", CHANNEL, "/cosession", "invite @carol")
    await until_told(office, "carol", "*Bob Chen* invites you")
    bob = office.users["bob"].id
    await office.web.write(lambda tx: sessions.change_role(tx, office.actor("alice"), session_id, bob, "viewer"))
    await until_told(office, "carol", "This invite was withdrawn")


async def test_a_mention_in_the_thread_invites_to_its_session_once(small_office: Office) -> None:
    office = small_office
    session_id = await private(office)
    other = await office.web.write(lambda tx: sessions.start(tx, office.actor("alice"), "Another"))
    office.engine.faults.duplicate("message", copies=2)
    bot = office.engine.workspace.people[office.door.bot.user_id].name if office.door.bot else ""
    await office.reply("alice", f"@{bot} invite @bob viewer for 1 week", CHANNEL)
    await until_told(office, "bob", "invites you")
    await until_settled(office)
    found = await the_invite(office)
    assert (found.session_id, found.role) == (session_id, "viewer")
    assert found.session_id != other.id
    assert await office.said(session_id) == [], "what is said to the app is not said to the session"
    notes = [one for one in office.engine.ephemerals("alice", CHANNEL) if "invite_withdraw" in str(one)]
    assert len(notes) == 1, "whoever invites is told once, with the way to take it back"
    assert len(messages_to(office, "bob")) == 1


async def test_the_form_behind_the_card_s_button_invites_several(small_office: Office) -> None:
    office = small_office
    session_id = await private(office)
    await office.until(lambda: "invite_people" in str(office.cards(CHANNEL)[0]["blocks"]))
    outcome = await office.engine.click("alice", CHANNEL, office.cards(CHANNEL)[0]["ts"], "invite_people")
    assert outcome.ok
    person = office.engine.workspace.person
    await office.until(lambda: bool(office.engine.workspace.views.current(person("alice").id)))
    view = office.engine.workspace.views.current(person("alice").id)
    assert view is not None
    chosen: dict[str, Any] = {
        "people": [person("bob").id, person("carol").id],
        "role": "viewer",
        "lifetime": "2h",
    }
    submitted = await office.engine.submit_view("alice", view["id"], chosen)
    assert submitted.ok, submitted.errors or submitted.error
    for name in ("bob", "carol"):
        message = await until_told(office, name, "as a *viewer*")
        await click(office, name, message, "invite_accept")
        assert await role_of(office, session_id, name) == "viewer"


#: Who asks for what, and what they are told.
REFUSED = (
    ("alice", "@bob owner", "I do not understand"),
    ("alice", "@mallory", "cannot come in from Slack"),
    ("alice", "@bob for 20 weeks", "between one minute and eight weeks"),
    ("alice", "@bob to Something else", "no live session in this channel with that title"),
    ("bob", "@carol", "no live session in this channel that you can invite to"),
    ("dave", "@carol", "not linked to an account"),
    ("mallory", "@carol", "guests and people of other workspaces"),
)


async def test_what_cannot_be_is_said_to_whoever_asked_and_nobody_is_written_to(small_office: Office) -> None:
    office = small_office
    await private(office)
    for name, text, answer in REFUSED:
        await office.engine.slash(name, CHANNEL, "/cosession", f"invite {text}")
        await office.until(lambda n=name, a=answer: any(a in said for said in office.private(n, CHANNEL)))
    await office.until_quiet()
    assert messages_to(office, "bob") == messages_to(office, "carol") == []


async def test_a_button_for_somebody_else_does_nothing_whatever_it_is_made_to_say(small_office: Office) -> None:
    """Carol's client sends the id of Bob's invite."""
    office = small_office
    session_id = await private(office)
    await invite(office, "@bob")
    await until_told(office, "bob", "invites you")
    found = await the_invite(office)
    carol = office.engine.workspace.person("carol").id
    for number, action in enumerate(("invite_accept", "invite_decline", "invite_withdraw"), 1):
        button = {"type": "button", "action_id": action, "text": {"type": "plain_text", "text": "x"}, "value": found.id}
        blocks = [{"type": "actions", "elements": [button]}]
        post = office.engine.call("chat.postMessage", channel=carol, text="forged", blocks=blocks)
        await click(office, "carol", post, action)
        said = whispered(office, "carol")
        assert len(said) == number
        assert "not valid" in said[-1] or "not shared with you" in said[-1]
    assert await role_of(office, session_id, "carol") is None
    after = await the_invite(office)
    assert (after.use_count, after.declined_at, after.revoked_at) == (0, None, None)


async def test_nobody_invites_to_more_than_they_hold(small_office: Office) -> None:
    office = small_office
    session_id = await private(office)

    def seat(tx: Transaction) -> None:
        session = tx.sql.get(tables.Session, session_id)
        assert session is not None
        access.add_participant(tx, session, office.actor("bob").person, "editor", via="invite")

    await office.web.write(seat)
    await office.engine.slash("bob", CHANNEL, "/cosession", "invite @carol host")
    await office.until(lambda: any("As editor you can invite" in said for said in office.private("bob", CHANNEL)))
    assert messages_to(office, "carol") == []


# ── Faults ────────────────────────────────────────────────────────────────────────────────────────────────────────────

FAULTS: dict[str, Any] = {
    "asked to wait": lambda faults: faults.fail("chat.postMessage", status=429, times=2),
    "out of order": lambda faults: faults.fail("chat.postMessage", status=503, times=3),
    "no answer, but posted": lambda faults: faults.hang("chat.postMessage", after_effect=True),
    "broken, but posted": lambda faults: faults.reset("chat.postMessage", after_effect=True),
    "no conversation yet": lambda faults: faults.fail("conversations.open", status=500, times=2),
}


async def test_whatever_slack_does_one_message_is_written(small_office: Office) -> None:
    office = small_office
    await private(office)
    await until_settled(office)
    for number, (fault, bring_about) in enumerate(FAULTS.items(), 1):
        bring_about(office.engine.faults)
        await invite(office, "@bob")
        await office.until(lambda n=number: len(messages_to(office, "bob")) == n)
        await until_settled(office)
        assert len(messages_to(office, "bob")) == number, fault
        assert not office.engine.faults.api, fault
        [mine] = await office.web.read(lambda tx: invites.mine(tx, office.actor("bob")))
        await office.web.write(lambda tx, i=mine.invite.id: invites.revoke(tx, office.actor("alice"), i))


@pytest.mark.parametrize("step", range(1, 7))
async def test_killed_at_any_step_the_message_is_written_once_and_told_the_truth(
    small_office: Office, step: int
) -> None:
    office = small_office
    await private(office)
    await until_settled(office)
    await office.restart(kill_after=step)
    bob = office.engine.workspace.person("bob").id

    def wish(tx: Transaction) -> str:
        to = invites.Recipient(realm=office.engine.team_id, external_id=bob, name="Bob")
        return invites.create(tx, office.actor("alice"), listed_session(tx), "viewer", to=to).invite.id

    invite_id = await office.web.write(wish)
    await office.until(lambda: office.db.died.is_set() or bool(messages_to(office, "bob")))
    await office.restart()
    await until_told(office, "bob", "invites you")
    await until_settled(office)
    assert len(messages_to(office, "bob")) == 1
    await office.web.write(lambda tx: invites.revoke(tx, office.actor("alice"), invite_id))
    await until_told(office, "bob", "This invite was withdrawn")


async def test_an_invite_that_cannot_be_delivered_says_so_on_the_web(small_office: Office) -> None:
    office = small_office
    session_id = await private(office)
    office.engine.workspace.people["U0DAVE0001"].deleted = True
    to = invites.Recipient(realm=office.engine.team_id, external_id="U0DAVE0001", name="Dave")
    await office.web.write(lambda tx: invites.create(tx, office.actor("alice"), session_id, "viewer", to=to))

    async def told() -> str:
        [listed] = await office.web.read(lambda tx: invites.of_session(tx, office.actor("alice"), session_id))
        return listed.problem

    assert await eventually(told) == "This person's Slack account was deactivated."


async def test_another_process_takes_over_and_the_first_writes_nothing_any_more(office: Office) -> None:
    await private(office)
    await invite(office, "@bob")
    await until_told(office, "bob", "invites you")
    first = office.door
    await office.web.write(lambda tx: leases.let_go(tx, "slack invite letters", "nobody"))
    await office.take_over()
    found = await the_invite(office)
    await office.web.write(lambda tx: invites.revoke(tx, office.actor("alice"), found.id))
    await until_told(office, "bob", "This invite was withdrawn")
    await first.close()
    await until_settled(office)
    assert len(messages_to(office, "bob")) == 1
