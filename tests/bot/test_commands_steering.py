"""A session is steered from Slack: joined, muted, ended, by words and by the card's buttons, as the role allows."""

from __future__ import annotations

import pytest

from bot.blocks import END, JOIN, MUTE, UNMUTE
from core import access, sessions, tables
from tests.bot.support.office import Office


async def press(office: Office, name: str, action_id: str) -> None:
    outcome = await office.engine.click(name, "#payments", office.cards()[0]["ts"], action_id)
    assert outcome.ok, outcome.error
    await office.until_quiet()


def labels(office: Office) -> list[str]:
    return [element["text"]["text"] for element in office.cards()[0]["blocks"][2]["elements"]]


async def test_while_the_thread_is_muted_nothing_said_is_copied_and_replies_still_reach_the_session(
    office: Office,
) -> None:
    session_id = await office.start()
    await press(office, "alice", MUTE)
    await office.until(lambda: "Unmute mirror" in labels(office))
    assert "Muted by *Alice Martin*" in str(office.cards()[0]["blocks"][3])
    await office.write_in_browser(session_id, "alice", "between us")
    await office.reply("bob", "still heard")
    await office.until_said(session_id, 2)
    await office.until_quiet()
    assert office.texts() == ["still heard"]
    await press(office, "alice", UNMUTE)
    await office.until(lambda: "Mute mirror" in labels(office))
    await office.write_in_browser(session_id, "alice", "back again")
    await office.until(lambda: office.texts() == ["still heard", "back again"])


async def test_only_hosts_mute_and_end_and_others_are_told_why_not(small_office: Office) -> None:
    office = small_office
    session_id = await office.start()
    for action in (MUTE, END):
        told = len(office.private("bob"))
        await press(office, "bob", action)
        await office.until(lambda told=told: len(office.private("bob")) == told + 1)
    assert all(refusal == office.private("bob")[0] for refusal in office.private("bob"))
    kinds = [event.type for event in await office.log(session_id)]
    assert "session_ended" not in kinds
    await press(office, "alice", END)
    await office.until_row(lambda row: row.status == "closed")
    assert labels(office) == ["Read session"]


async def test_join_seats_whoever_may_see_the_session_and_opens_it_in_their_browser(small_office: Office) -> None:
    office = small_office
    session_id = await office.start()
    await press(office, "bob", JOIN)
    await office.until(lambda: len(office.private("bob")) == 1)
    assert "You are in *Fix the login bug*, as *editor*" in office.private("bob")[0]
    assert f"/sign-in?next=%2Fs%2F{session_id}#" in office.private("bob")[0]
    people = await office.web.read(lambda tx: [one.person.username for one in sessions.members(tx, session_id)])
    assert people == ["Alice Martin", "Bob Chen"]
    assert "/sign-in" not in str(office.engine.messages("#payments")), "nobody else sees the way in"


async def test_whoever_was_removed_does_not_get_back_in_by_the_button(small_office: Office) -> None:
    office = small_office
    session_id = await office.start()
    await press(office, "bob", JOIN)
    bob = office.users["bob"].id
    await office.web.write(lambda tx: sessions.remove(tx, office.actor("alice"), session_id, bob))
    office.engine.workspace.ephemerals.clear()
    await press(office, "bob", JOIN)
    await office.until(lambda: len(office.private("bob")) == 1)
    assert "You are in" not in office.private("bob")[0]
    seat = await office.web.read(lambda tx: tx.sql.get(tables.Participation, (session_id, bob)))
    assert seat is not None
    assert seat.removed_at is not None


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("start --agent codx Fix it", "Did you mean `codex`?"),
        ("start --privat Fix it", "Did you mean `--private`?"),
        ("start --agent", "Say which agent"),
        ("unmte", "Did you mean `/cosession unmute`?"),
        ("mute nothing of that name", "You host no live session in this channel with that title."),
        ("join", "There is no live session in this channel that is open to you."),
        ("list", "No live session is open to you."),
    ],
)
async def test_a_wish_that_cannot_be_granted_says_what_would_be_right(
    small_office: Office, text: str, answer: str
) -> None:
    office = small_office
    await office.engine.slash("alice", "#payments", "/cosession", text)
    await office.until(lambda: any(answer in said for said in office.private("alice")))
    await office.until_quiet()
    assert len(office.private("alice")) == 1
    assert office.cards() == []


async def test_options_of_start_say_which_agent_and_that_it_is_private(small_office: Office) -> None:
    office = small_office
    await office.engine.slash("alice", "#payments", "/cosession", "start --private Fix --agent claude the login")
    row = await office.until_row(lambda found: found.root is not None)
    session = await office.web.read(lambda tx: tx.sql.get(tables.Session, row.session_id))
    assert session is not None
    assert (session.title, session.agent, session.team_id) == ("Fix the login", "claude-code", None)
    assert await office.web.read(lambda tx: access.visible_sessions(tx, office.actor("bob"))) == []


async def test_link_tells_who_one_is_and_where_the_session_is(small_office: Office) -> None:
    office = small_office
    session_id = await office.start()
    await office.engine.slash("alice", "#payments", "/cosession", "link")
    await office.until(lambda: any("alice@acme.example" in said for said in office.private("alice")))
    assert any(f"/s/{session_id}|" in said for said in office.private("alice"))
