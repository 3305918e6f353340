"""Several workspaces at one server: none sees, slows or answers for another, and each comes and goes by itself."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncGenerator
from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import col, select

from bot.identity import link_person
from bot.installations.origin import Origin
from bot.installations.tokens import NewTokens, Token
from bot.sandbox.installs import ENTERPRISE_ID
from bot.settings import SlackSettings
from core import accounts, installations, tables
from core.db import Transaction
from core.sealing import Sealer
from tests.bot.support.office import SECRET, Office, eventually
from tests.bot.support.second import FIRST, KEY, OTHER, Street, grant, open_street, settings_for
from tests.bot.test_requests import event, send, signed


@pytest.fixture
async def street(small_office: Office) -> AsyncGenerator[Street]:
    if small_office.engine.sockets.is_on:
        pytest.skip("two workspaces in boxes have no connections in common")
    async with open_street(small_office) as street:
        yield street


async def installation(office: Office, realm: str) -> tables.Installation:
    row = await office.web.read(lambda tx: tx.sql.get(tables.Installation, realm))
    assert row is not None
    return row


async def mirror_in(office: Office, realm: str) -> tables.Mirror | None:
    return await office.web.read(
        lambda tx: tx.sql.exec(
            select(tables.Mirror).where(tables.Mirror.realm == realm, col(tables.Mirror.root).is_not(None))
        ).first()
    )


async def link_in_other(street: Street, name: str) -> None:
    """Gives the person of that name in the other workspace an account, which is not their namesake's."""
    person = street.other.workspace.person(name)

    def work(tx: Transaction) -> None:
        user = accounts.add_user(tx, f"{name}@other.example", f"{person.real_name} (Other)")
        link_person(tx, realm=OTHER, team_name="Other", slack_id=person.id, user_id=user.id)

    await street.office.web.write(work)


async def start_in_other(street: Street, title: str = "Over there") -> tables.Mirror:
    outcome = await street.other.slash("alice", "#payments", "/cosession", f"start {title}")
    assert outcome.ok, outcome.error
    mirror = await eventually(lambda: mirror_in(street.office, OTHER))
    assert mirror is not None
    return mirror


async def test_two_workspaces_with_the_same_ids_stay_apart(street: Street) -> None:
    office = street.office
    await link_in_other(street, "alice")
    here = await office.start("Over here")
    there = await start_in_other(street)
    assert here != there.session_id
    await office.reply("bob", "said here")
    await street.other.say("alice", "#payments", "said there", there.root)
    # Bob is linked here; his namesake in the other workspace is nobody.
    await street.other.say("bob", "#payments", "not from you", there.root)
    assert await office.until_said(here, 1) == [("Bob Chen", "said here", "slack")]
    [(author, text, _)] = await office.until_said(there.session_id, 1)
    assert (author.endswith("(Other)"), text) == (True, "said there")
    await office.until(lambda: bool(street.other.ephemerals("bob", "#payments")))
    await office.write_in_browser(here, "alice", "posted here")
    await office.until_quiet()
    assert "posted here" in office.texts()
    assert "posted here" not in [message["text"] for message in street.other.messages("#payments", there.root)]
    assert [text for _, text, _ in await office.said(there.session_id)] == ["said there"]


async def test_what_is_remembered_of_one_workspace_never_answers_for_another(street: Street) -> None:
    office = street.office
    await link_in_other(street, "alice")
    here = await office.start("Over here")
    there = await start_in_other(street)
    await office.reply("bob", "known here")
    await office.until_said(here, 1)
    # There his namesake is a guest, whatever is remembered of Bob.
    street.other.workspace.person("bob").is_restricted = True
    await street.other.say("bob", "#payments", "as a guest", there.root)
    [told] = await eventually(lambda: _private(street, "bob"))
    assert "guests" in told
    # And where one workspace is asked to wait, the other is not.
    office.engine.faults.fail("chat.postMessage", retry_after=30)
    await office.write_in_browser(here, "alice", "has to wait")
    await office.until(
        lambda: any(call.error == "ratelimited" for call in office.engine.calls) or not office.engine.faults.api
    )
    await street.other.say("alice", "#payments", "another session's", there.root)
    await office.until_said(there.session_id, 1)
    assert "has to wait" not in office.texts()


async def _private(street: Street, name: str) -> list[str]:
    return [message["text"] for message in street.other.ephemerals(name, "#payments")]


async def test_a_workspace_that_removes_the_app_gets_nothing_more_and_its_secrets_are_erased(street: Street) -> None:
    office = street.office
    session_id = await office.start()
    await office.until_quiet()
    office.engine.uninstall()

    async def is_gone() -> bool:
        return (await installation(office, FIRST)).removed_at is not None

    await eventually(is_gone)
    row = await installation(office, FIRST)
    assert (row.sealed_token, row.sealed_refresh_token) == (None, None)
    calls = len([call for call in office.engine.calls if call.method.startswith("chat.")])
    await office.write_in_browser(session_id, "alice", "into the void")
    await link_in_other(street, "alice")
    await start_in_other(street)
    assert len([call for call in office.engine.calls if call.method.startswith("chat.")]) == calls

    # It comes back: the thread is the same one, and has missed nothing.
    await grant(office.web, office.engine, FIRST, "Acme")
    await office.until(lambda: "into the void" in office.texts())
    await office.reply("bob", "welcome back")
    assert ("Bob Chen", "welcome back", "slack") in await office.until_said(session_id, 2)
    assert len(office.cards()) == 1


async def test_a_notice_of_removal_that_comes_late_does_not_end_the_next_grant(street: Street) -> None:
    office = street.office
    session_id = await office.start()
    await office.until_quiet()
    late = json.loads(event("EvLate"))
    late |= {
        "event": {"type": "app_uninstalled"},
        "event_time": int((office.clock() - timedelta(minutes=5)).timestamp()),
    }
    body = json.dumps(late).encode()
    assert (await send(office, body, **signed(office, body))).status_code == 200
    await office.write_in_browser(session_id, "alice", "still here")
    await office.until(lambda: "still here" in office.texts())
    assert (await installation(office, FIRST)).removed_at is None


async def test_somebody_else_s_token_is_not_the_bot_s(street: Street) -> None:
    """Who signed in with Slack may take that back without the app being removed."""
    office = street.office
    notice = json.loads(event("EvUser"))
    notice |= {
        "event": {"type": "tokens_revoked", "tokens": {"oauth": ["U0BOB00001"], "bot": []}},
        "event_time": int((office.clock() + timedelta(hours=1)).timestamp()),
    }
    body = json.dumps(notice).encode()
    assert (await send(office, body, **signed(office, body))).status_code == 200
    await office.until_quiet()
    assert (await installation(office, FIRST)).removed_at is None


async def test_a_request_from_a_workspace_that_is_not_installed_has_no_effect(street: Street) -> None:
    office = street.office
    await office.start()
    [card] = office.cards()
    body = event("EvStranger", channel="C0PAYMENTS", thread_ts=card["ts"], ts="1.000002", user="U0BOB00001", text="hi")
    body = body.replace(FIRST.encode(), b"T0NOBODY01")
    assert (await send(office, body, **signed(office, body))).status_code == 200
    await office.until_quiet()
    assert [row.error for row in await office.inbox() if row.id == "EvStranger"] == [None]
    assert await office.said((await office.until_row(lambda row: True)).session_id) == []


async def test_tokens_are_renewed_before_they_end_and_nobody_notices(small_office: Office) -> None:
    office = small_office
    office.engine.workspace.installs.rotates = True
    settings_for(office, f"{office.engine.base_url}/api/")
    await grant(office.web, office.engine, FIRST, "Acme")
    await office.restart()
    session_id = await office.start()
    for hour in range(3):
        office.clock.passed += timedelta(hours=13)
        await office.write_in_browser(session_id, "alice", f"day {hour}")
        await office.until(lambda hour=hour: f"day {hour}" in office.texts())
    assert office.engine.workspace.installs.refreshes >= 3
    assert [call.error for call in office.engine.calls if call.error] == []


async def test_twenty_workers_that_need_a_new_token_at_once_ask_for_one(office: Office) -> None:
    installs = office.engine.workspace.installs
    installs.rotates = True
    await grant(office.web, office.engine, FIRST, "Acme")
    office.clock.passed += timedelta(hours=13)
    settings_for(office, f"{office.engine.base_url}/api/")
    known: dict[str, Any] = {"signing_secret": "", "base_url": office.base_url, **office.settings}
    settings = SlackSettings(**known)
    asked = NewTokens(settings, Sealer(KEY), office.clock)
    await asked.api.open()
    try:
        workers = [Token(office.web, office.clock, asked, FIRST, f"own_{number}") for number in range(20)]
        tokens = await asyncio.gather(*(worker() for worker in workers))
    finally:
        await asked.api.close()
    assert installs.refreshes == 1
    [token] = set(tokens)
    installs.check(token)


async def test_a_renewal_whose_answer_was_lost_is_told_and_the_token_serves_until_its_end(small_office: Office) -> None:
    """Slack has renewed, nobody knows to what, and a refresh token works once: only a person can help."""
    office = small_office
    installs = office.engine.workspace.installs
    installs.rotates = True
    settings_for(office, f"{office.engine.base_url}/api/")
    await grant(office.web, office.engine, FIRST, "Acme")
    await office.restart()
    session_id = await office.start()
    await office.until_quiet()
    office.engine.faults.hang("oauth.v2.access", after_effect=True)
    office.clock.passed += timedelta(hours=11)
    await office.door.workspaces.renew()
    await office.door.workspaces.renew()
    assert installs.refreshes == 1
    await office.write_in_browser(session_id, "alice", "still here")
    await office.until(lambda: "still here" in office.texts())
    row = await installation(office, FIRST)
    assert "invalid_refresh_token" in row.trouble
    assert "/slack/install" in row.trouble

    # Installing again is all it takes, also after the token has ended.
    office.clock.passed += timedelta(hours=2)
    await office.write_in_browser(session_id, "alice", "waits for a token")
    await grant(office.web, office.engine, FIRST, "Acme")
    await office.until(lambda: "waits for a token" in office.texts())
    assert (await installation(office, FIRST)).trouble == ""


async def test_an_organisation_grants_it_for_all_its_workspaces(small_office: Office) -> None:
    office = small_office
    office.engine.workspace.installs.is_org_wide = True
    office.engine.delivery.enterprise_id = ENTERPRISE_ID
    settings_for(office, f"{office.engine.base_url}/api/")
    await grant(office.web, office.engine, ENTERPRISE_ID, "Acme Group", enterprise=ENTERPRISE_ID)
    for person in office.engine.people:
        person.enterprise_id = ENTERPRISE_ID
    await office.restart()

    def link(tx: Transaction) -> None:
        for name in ("alice", "bob"):
            person, user = office.engine.workspace.person(name), office.users[name]
            link_person(tx, realm=ENTERPRISE_ID, team_name="Acme Group", slack_id=person.id, user_id=user.id)

    await office.web.write(link)
    session_id = await office.start()
    assert (await office.until_row(lambda row: True)).realm == ENTERPRISE_ID
    await office.reply("bob", "from a workspace of the organisation")
    assert await office.until_said(session_id, 1) == [("Bob Chen", "from a workspace of the organisation", "slack")]


@pytest.mark.parametrize("order", ["the organisation first", "the workspace first"])
async def test_an_organisation_takes_over_what_its_workspace_had(order: str, small_office: Office) -> None:
    """The workspace's own grant ends after the organisation's has come, or before it."""
    office = small_office
    settings_for(office, f"{office.engine.base_url}/api/")
    await grant(office.web, office.engine, FIRST, "Acme", enterprise=ENTERPRISE_ID)
    await office.restart()
    session_id = await office.start()
    await office.reply("bob", "through the workspace")
    await office.until_said(session_id, 1)
    thread = await office.until_row(lambda row: row.realm == FIRST)

    for person in office.engine.people:
        person.enterprise_id = ENTERPRISE_ID
    if order == "the organisation first":
        await grant_whole(office)
        await office.reply("bob", "while both grant it")
        assert (await office.until_said(session_id, 2))[-1][1] == "while both grant it"
        assert (await office.until_row(lambda row: True)).realm == FIRST
    await office.web.write(lambda tx: installations.remove(tx, FIRST))
    if order == "the workspace first":
        await grant_whole(office)

    await office.until_row(lambda row: row.realm == ENTERPRISE_ID)
    said = len(await office.said(session_id))
    await eventually_of(office, ENTERPRISE_ID)
    await office.reply("bob", "through the organisation")
    assert (await office.until_said(session_id, said + 1))[-1] == ("Bob Chen", "through the organisation", "slack")
    await office.write_in_browser(session_id, "alice", "and back into the same thread")
    await office.until(lambda: "and back into the same thread" in office.texts())

    moved = await office.until_row(lambda row: row.cursor > thread.cursor)
    assert (moved.channel, moved.root, moved.status) == (thread.channel, thread.root, "live")
    realms = await office.web.read(lambda tx: set(tx.sql.exec(select(tables.Identity.realm))))
    assert realms == {ENTERPRISE_ID}


async def grant_whole(office: Office) -> None:
    """The organisation grants it for all its workspaces, and is named by Slack from now on."""
    office.engine.workspace.installs.is_org_wide = True
    office.engine.delivery.enterprise_id = ENTERPRISE_ID
    await grant(office.web, office.engine, ENTERPRISE_ID, "Acme Group", enterprise=ENTERPRISE_ID)


async def eventually_of(office: Office, realm: str) -> None:
    """Until this process knows that the workspace has no grant of its own any more."""

    async def look() -> bool:
        found = await office.door.workspaces.at(Origin(ENTERPRISE_ID, FIRST, True))
        return found is not None and found.realm == realm

    await eventually(look, 10.0)


async def test_no_token_stands_in_the_database_as_it_is(street: Street) -> None:
    office = street.office
    engines = (office.engine, street.other)
    tokens = {token for engine in engines for token in engine.workspace.installs.tokens}
    rows = await office.web.read(lambda tx: tx.sql.exec(select(tables.Installation)).all())
    stored = repr([row.model_dump() for row in rows])
    assert len(rows) == 2
    assert [token for token in tokens if token in stored] == []


async def test_no_secret_reaches_a_log_line(small_office: Office, caplog: pytest.LogCaptureFixture) -> None:
    """Through an installation, renewals that fail and succeed, a refusal and a removal."""
    caplog.set_level(logging.INFO)
    office = small_office
    installs = office.engine.workspace.installs
    installs.rotates = True
    settings_for(office, f"{office.engine.base_url}/api/")
    await grant(office.web, office.engine, FIRST, "Acme")
    seen = set(installs.tokens) | set(installs.refresh_tokens)
    await office.restart()
    session_id = await office.start()
    for fault in ("fail", "reset", "none"):
        if fault == "fail":
            office.engine.faults.fail("oauth.v2.access", status=500)
        if fault == "reset":
            office.engine.faults.reset("oauth.v2.access")
        office.clock.passed += timedelta(hours=11, minutes=59)
        await office.door.workspaces.renew()
        await office.door.workspaces.renew()
        seen |= set(installs.tokens) | set(installs.refresh_tokens)
    await office.write_in_browser(session_id, "alice", "hello")
    await office.until(lambda: "hello" in office.texts())
    office.engine.uninstall()
    await office.until(lambda: "was removed from the Slack workspace" in caplog.text)
    secrets = {*seen, office.engine.client_secret, KEY, SECRET}
    assert len(secrets) >= 8
    logged = "\n".join(record.getMessage() + str(record.exc_info or "") for record in caplog.records)
    assert [secret for secret in secrets if secret in logged or secret in caplog.text] == []
