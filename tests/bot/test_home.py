"""App Home: what somebody sees is their own, and what they press there is done and shown."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from bot.commands.offers import START_FORM
from bot.home import DISCONNECT
from bot.invites.cards import ACCEPT
from core import access, identities, invites
from core.invites import Recipient
from tests.bot.support.office import Office
from tests.bot.test_modals import direct, fill_in


def shown(office: Office, name: str) -> dict[str, Any] | None:
    return office.engine.workspace.views.homes.get(office.engine.workspace.person(name).id)


async def open_home(office: Office, name: str) -> dict[str, Any]:
    before = (shown(office, name) or {}).get("hash")
    await office.engine.open_home(name)
    await office.until(lambda: (shown(office, name) or {}).get("hash") != before)
    home = shown(office, name)
    assert home is not None
    return home


async def press(office: Office, name: str, action_id: str, **values: Any) -> Any:
    home = shown(office, name)
    assert home is not None
    return await office.engine.click_in_view(name, home["id"], action_id, **values)


async def test_home_shows_the_sessions_that_are_open_to_somebody_and_no_others(office: Office) -> None:
    session_id = await office.start("Fix <the> login")
    await office.engine.slash("alice", "#payments", "/cosession", "start --private Only mine")
    await office.until(lambda: len(office.cards()) == 2)
    mine, bobs = await open_home(office, "alice"), await open_home(office, "bob")
    assert "Fix &lt;the&gt; login" in str(mine)
    assert "Only mine" in str(mine)
    assert f"{office.base_url}/s/{session_id}" in str(bobs)
    assert "Only mine" not in str(bobs)


async def test_home_starts_a_session_with_the_form(small_office: Office) -> None:
    office = small_office
    await open_home(office, "alice")
    outcome = await press(office, "alice", START_FORM)
    await fill_in(office, "alice", outcome.view, title="From home")
    await office.until_row(lambda row: row.root is not None)
    assert "From home" in str(await open_home(office, "alice"))


async def test_somebody_who_is_not_linked_sees_how_to_connect_and_nothing_else(small_office: Office) -> None:
    office = small_office
    await office.start("A secret title")
    await office.web.write(lambda tx: identities.unlink(tx, office.users["bob"].id, "slack"))
    home = await open_home(office, "bob")
    assert f"{office.base_url}/slack/sign_in" in str(home)
    assert "A secret title" not in str(home)
    guest = await open_home(office, "mallory")
    assert "guests and people of other workspaces" in str(guest)
    assert "A secret title" not in str(guest)


async def test_disconnecting_parts_the_accounts_and_shows_it(small_office: Office) -> None:
    office = small_office
    home = await open_home(office, "bob")
    assert "Connected as *Bob Chen* (bob@acme.example)" in str(home)
    await press(office, "bob", DISCONNECT)
    await office.until(lambda: "not linked" in str(shown(office, "bob")))
    assert any("no longer linked" in text for text in direct(office, "bob"))
    realm = office.engine.team_id
    assert await office.web.read(lambda tx: identities.by_identity(tx, "slack", realm, "U0BOB00001")) is None


async def test_an_invitation_is_accepted_at_home_and_leaves_it(small_office: Office) -> None:
    office = small_office
    session_id = await office.start()
    to = Recipient(realm=office.engine.team_id, external_id="U0CAROL001", name="Carol Diaz")
    week = timedelta(days=7)
    await office.web.write(
        lambda tx: invites.create(tx, office.actor("alice"), session_id, "host", to=to, expires_in=week)
    )
    home = await open_home(office, "carol")
    assert "*Alice Martin* invites you to *Fix the login bug* as *host*" in str(home)
    await press(office, "carol", ACCEPT)
    await office.until(lambda: "invites you" not in str(shown(office, "carol")))
    seat = await office.web.read(
        lambda tx: access.session_for(tx, office.actor("carol"), session_id, "read", lock=False)
    )
    assert seat.role == "host"
    assert any("You are in" in text for text in direct(office, "carol"))


async def test_the_messages_tab_publishes_nothing(small_office: Office) -> None:
    office = small_office
    await office.engine.open_home("alice", "messages")
    await office.until_quiet()
    assert shown(office, "alice") is None
