"""Forms: opened within the request, with what is wrong shown in them, and worked off like everything else."""

from __future__ import annotations

from typing import Any

from bot.interactions.front import MESSAGE_SHORTCUT, SHORTCUT
from bot.modals.start import CALLBACK
from core import access
from tests.bot.support.office import Office
from tests.bot.test_start import sessions_of

FILLED: dict[str, Any] = {"title": "Fix the login bug", "channel": "C0PAYMENTS"}


def direct(office: Office, name: str) -> list[str]:
    """What the app has written to somebody alone."""
    return [one["text"] for one in office.engine.messages(office.engine.workspace.person(name).id)]


async def fill_in(office: Office, name: str, view: dict[str, Any] | None, **values: Any) -> Any:
    assert view is not None
    return await office.engine.submit_view(name, view["id"], {**FILLED, **values})


async def test_the_command_without_a_title_opens_a_form_that_starts_a_session(office: Office) -> None:
    outcome = await office.engine.slash("alice", "#payments", "/cosession", "start")
    assert outcome.view is not None
    assert outcome.view["title"]["text"] == "Start a session"
    values = {"agent": "codex", "people": ["U0BOB00001"], "role": "viewer"}
    sent = await fill_in(office, "alice", outcome.view, **values)
    assert (sent.ok, sent.view) == (True, None)
    row = await office.until_row(lambda found: found.root is not None)
    [session] = await sessions_of(office)
    assert (session.id, session.title, session.agent) == (row.session_id, "Fix the login bug", "codex")
    await office.until(lambda: len(direct(office, "alice")) == 1)
    assert "*bob* is invited as *viewer*" in direct(office, "alice")[0].replace("Bob Chen", "bob")
    await office.until(lambda: any("invites you" in text for text in direct(office, "bob")))


async def test_a_private_session_of_a_public_channel_is_open_to_those_who_are_invited_only(
    small_office: Office,
) -> None:
    office = small_office
    opened = await office.engine.shortcut("alice", SHORTCUT)
    await fill_in(office, "alice", opened.view, privacy=["private"])
    await office.until_row(lambda found: found.root is not None)
    [session] = await sessions_of(office)
    assert session.team_id is None
    seen = await office.web.read(lambda tx: access.visible_sessions(tx, office.actor("bob")))
    assert seen == []


async def test_what_is_wrong_is_shown_in_the_form_and_nothing_is_stored(small_office: Office) -> None:
    office = small_office
    office.engine.workspace.leave(office.engine.workspace.channel("#random"), office.engine.bot_user_id)
    opened = await office.engine.shortcut("alice", SHORTCUT)
    blank = await fill_in(office, "alice", opened.view, title="   ")
    assert list(blank.errors) == ["title"]
    far = await fill_in(office, "alice", opened.view, channel="C0RANDOM01")
    assert "/invite @Cosession" in far.errors["channel"]
    assert [row.kind for row in await office.inbox() if row.kind == "slack_interaction"] == []
    assert (await fill_in(office, "alice", opened.view)).ok
    await office.until_row(lambda found: found.root is not None)


async def test_the_same_form_sent_twice_starts_one_session(small_office: Office) -> None:
    office = small_office
    opened = await office.engine.shortcut("alice", SHORTCUT)
    view = opened.view
    assert view is not None
    await fill_in(office, "alice", view)
    # The person's client has not seen the answer, and sends it again.
    office.engine.workspace.views.stacks["U0ALICE001"] = [view]
    await fill_in(office, "alice", view)
    await office.until_quiet()
    assert len(await sessions_of(office)) == 1
    assert len(office.cards()) == 1


async def test_a_session_from_a_message_begins_with_its_thread(small_office: Office) -> None:
    office = small_office
    root = await office.engine.say("bob", "#payments", "login fails for `a@b`")
    reply = await office.engine.say("carol", "#payments", "since *Monday*, says @alice", root["ts"])
    opened = await office.engine.shortcut("alice", MESSAGE_SHORTCUT, "#payments", reply["ts"])
    assert opened.view is not None
    [title] = [block["element"] for block in opened.view["blocks"] if block.get("block_id") == "title"]
    assert title["initial_value"].startswith("since")
    await fill_in(office, "alice", opened.view, title="From a thread")
    row = await office.until_row(lambda found: found.root is not None)
    [(author, text, source)] = await office.until_said(row.session_id, 1)
    assert (author, source) == ("Alice Martin", "slack")
    assert "**bob** wrote:\n> login fails for `a@b`" in text
    assert "**carol** wrote:\n> since " in text
    assert f"p{reply['ts'].replace('.', '')}" in text, "the way back to the message"


async def test_where_the_bot_cannot_read_the_thread_the_message_itself_is_the_context(small_office: Office) -> None:
    office = small_office
    channel = office.engine.workspace.channel("#random")
    root = await office.engine.say("bob", "#random", "only here")
    office.engine.workspace.leave(channel, office.engine.bot_user_id)
    channel.kind = "group"
    opened = await office.engine.shortcut("alice", MESSAGE_SHORTCUT, "#random", root["ts"])
    await fill_in(office, "alice", opened.view)
    row = await office.until_row(lambda found: found.root is not None)
    [(_, text, _)] = await office.until_said(row.session_id, 1)
    assert "**bob** wrote:\n> only here" in text


async def test_somebody_who_is_not_linked_is_shown_how_to_connect_instead_of_the_form(small_office: Office) -> None:
    office = small_office
    opened = await office.engine.shortcut("mallory", SHORTCUT)
    assert opened.view is not None
    assert opened.view["title"]["text"] == "Connect your account"
    assert office.base_url in str(opened.view["blocks"])


async def test_a_guest_who_has_an_account_is_told_and_nothing_starts(small_office: Office) -> None:
    office = small_office
    await office.link("mallory")
    opened = await office.engine.shortcut("mallory", SHORTCUT)
    await fill_in(office, "mallory", opened.view)
    await office.until(lambda: any("guests" in text for text in direct(office, "mallory")))
    assert await sessions_of(office) == []


async def test_a_trigger_that_died_is_told_privately(small_office: Office) -> None:
    office = small_office
    office.engine.workspace.triggers._lifetime = -1.0  # pyright: ignore[reportPrivateUsage]
    outcome = await office.engine.slash("alice", "#payments", "/cosession", "start")
    assert outcome.view is None
    await office.until(lambda: any("once more" in text for text in office.private("alice")))


async def test_with_a_database_that_hangs_forms_still_open_and_commands_are_answered(small_office: Office) -> None:
    office = small_office
    await office.until_quiet()
    office.db.is_open.clear()
    opened = await office.engine.shortcut("alice", SHORTCUT)
    assert opened.view is not None
    assert opened.view["callback_id"] == CALLBACK
    typed = await office.engine.slash("alice", "#general", "/cosession", "start Typed meanwhile")
    assert typed.message is not None
    assert "longer than usual" in typed.message["text"]
    sent = await fill_in(office, "alice", opened.view)
    assert sent.view["title"]["text"] == "One moment"
    assert [attempt.reason for attempt in office.engine.attempts if attempt.reason] == []
    office.db.is_open.set()
    await office.until(lambda: len(office.cards()) == 1 and len(office.cards("#general")) == 1)


async def test_whose_command_could_not_be_stored_after_all_is_told_so(small_office: Office) -> None:
    office = small_office
    await office.until_quiet()
    office.db.is_open.clear()
    await office.engine.slash("alice", "#payments", "/cosession", "start Lost")
    office.db.died.set()
    office.db.is_open.set()
    await office.until(lambda: any("not taken" in text for text in office.private("alice")))
    await office.restart()
    assert await sessions_of(office) == []
