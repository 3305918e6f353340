"""A session is started from Slack: the command, the card, and what people are told."""

from __future__ import annotations

from sqlmodel import select

from bot.commands import acknowledge, parse
from core import tables
from core.presence import Shown
from tests.bot.support.office import Office, open_office


async def sessions_of(office: Office) -> list[tables.Session]:
    return list(await office.web.read(lambda tx: tx.sql.exec(select(tables.Session)).all()))


async def test_a_command_starts_a_session_and_posts_its_card(office: Office) -> None:
    session_id = await office.start("Fix the login bug")
    [card] = office.cards()
    assert card["blocks"][0]["text"]["text"] == "Fix the login bug"
    button, *others = card["blocks"][2]["elements"]
    assert [one["text"]["text"] for one in others] == ["Join", "Invite", "Mute mirror", "End"]
    assert button["url"] == f"{office.base_url}/s/{session_id}"
    kinds = [event.type for event in await office.log(session_id)]
    assert kinds == ["session_started", "participant_added", "thread_linked"]
    assert office.private("alice") == ["Starting *Fix the login bug* …"]


async def test_members_of_the_workspace_may_write_in_a_session_of_a_public_channel(small_office: Office) -> None:
    office = small_office
    session_id = await office.start()
    await office.reply("bob", "I am in")
    assert await office.until_said(session_id, 1) == [("Bob Chen", "I am in", "slack")]


async def test_a_session_of_a_private_channel_is_not_open_to_the_whole_workspace(small_office: Office) -> None:
    office = small_office
    channel = office.engine.workspace.channel("#random")
    channel.kind = "group"
    session_id = await office.start(channel="#random")
    await office.reply("bob", "may I?", "#random")
    await office.until(lambda: len(office.private("bob", "#random")) == 1)
    assert "not shared with you" in office.private("bob", "#random")[0]
    assert await office.said(session_id) == []
    assert await sessions_of(office) != []


async def test_somebody_who_is_not_linked_is_told_privately_and_nothing_starts(small_office: Office) -> None:
    office = small_office
    office.engine.workspace.people["U0DAVE0001"] = dave = type(office.engine.workspace.person("bob"))(
        "U0DAVE0001", "dave", "Dave Ek", "dave@acme.example", "4f46e5"
    )
    office.engine.workspace.channel("#payments").members.append(dave.id)
    await office.engine.slash("dave", "#payments", "/cosession", "start Sneak in")
    await office.until_quiet()
    await office.until(lambda: len(office.private("dave")) == 2)
    assert any("not linked" in text and office.base_url in text for text in office.private("dave"))
    assert await sessions_of(office) == []
    assert office.cards() == []


async def test_a_guest_is_told_privately_and_nothing_starts(small_office: Office) -> None:
    office = small_office
    await office.link("mallory")
    await office.engine.slash("mallory", "#general", "/cosession", "start Sneak in")
    await office.until(lambda: len(office.private("mallory", "#general")) == 2)
    assert any("guests" in text for text in office.private("mallory", "#general"))
    assert await sessions_of(office) == []


async def test_where_the_bot_is_not_a_member_the_command_says_how_to_invite_it(small_office: Office) -> None:
    office = small_office
    office.engine.workspace.leave(office.engine.workspace.channel("#random"), office.engine.bot_user_id)
    await office.engine.slash("alice", "#random", "/cosession", "start Fix it")
    await office.until(lambda: len(office.private("alice", "#random")) == 2)
    assert any("/invite @Cosession" in text for text in office.private("alice", "#random"))
    assert await sessions_of(office) == []


async def test_list_and_end_speak_of_the_sessions_of_the_person(small_office: Office) -> None:
    office = small_office
    session_id = await office.start("Fix <the> login & more")
    await office.engine.slash("alice", "#payments", "/cosession", "list")
    line = f"/s/{session_id}|Fix &lt;the&gt; login &amp; more>"
    await office.until(lambda: any(line in text for text in office.private("alice")))
    await office.engine.slash("bob", "#payments", "/cosession", "end")
    await office.until(lambda: any("You host no live session" in text for text in office.private("bob")))
    await office.engine.slash("alice", "#payments", "/cosession", "end login")
    await office.until_row(lambda row: row.status == "closed")
    assert office.texts()[-1].startswith(":checkered_flag:")


async def test_the_card_tells_who_is_here_and_ends_with_the_final_state(small_office: Office) -> None:
    office = small_office
    session_id = await office.start()
    bob = office.actor("bob").person
    office.here[session_id] = [Shown(bob, "editor", "active")]
    await office.until(lambda: "Bob Chen" in office.cards()[0]["blocks"][1]["fields"][2]["text"])
    await office.end(session_id)
    await office.until_row(lambda row: row.status == "closed")
    assert "Ended" in office.cards()[0]["blocks"][1]["fields"][1]["text"]


async def test_the_card_is_not_edited_more_often_than_its_pace(sqlite_url: str) -> None:
    async with open_office(sqlite_url, card_every=60.0) as office:
        session_id = await office.start()
        for number in range(20):
            await office.write_in_browser(session_id, "alice", f"message {number}")
        await office.until(lambda: len(office.thread()) == 20)
        assert [call for call in office.engine.calls if call.method == "chat.update"] == []
        await office.end(session_id)
        await office.until_row(lambda row: row.status == "closed")
        assert len([call for call in office.engine.calls if call.method == "chat.update"]) == 1


def test_an_unknown_word_is_answered_with_the_nearest_right_one() -> None:
    assert "`/cosession start`" in acknowledge(parse(b"text=strat+Fix+it"))
    assert "`/cosession help`" in acknowledge(parse(b"text=zzzz"))
    assert acknowledge(parse(b"text=start")) == ""
    assert "/cosession start" in acknowledge(parse(b"text="))
    assert acknowledge(parse(b"text=start+a+%26lt;b%26gt;")) == "Starting *a &lt;b&gt;* …"


async def test_a_click_on_the_link_button_is_acknowledged(small_office: Office) -> None:
    office = small_office
    await office.start()
    outcome = await office.engine.click("bob", "#payments", office.cards()[0]["ts"], "open_session")
    assert outcome.ok
    await office.until_quiet()
