"""What the doctor finds between this server and Slack, in words that a person can act on."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bot import health, metrics
from bot.health import Finding, Flow, about_flow, about_installation, examine, in_words
from bot.sandbox.models import BOT_USER_ID
from bot.settings import SlackSettings
from core import tables
from core.inbox import Backlog
from core.mirror_lag import Behind, Traffic
from cosession.settings import Settings
from cosession.slack_doctor import examine_slack
from tests.bot.support.office import SECRET, TOKEN, Office
from tests.bot.support.second import FIRST, grant, settings_for
from tests.bot.test_faults import delete_root
from tests.support.schema import bring_up

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
SETTINGS = SlackSettings(signing_secret=SECRET, bot_token=TOKEN, base_url="https://pair.example.com")


async def found(office: Office) -> list[Finding]:
    fixed = office.door.workspaces.fixed
    assert fixed is not None
    return await examine(office.web, fixed.desk.api, fixed.desk.settings, FIRST, office.clock())


def advice(findings: list[Finding], what: str) -> str:
    [one] = [finding.advice for finding in findings if finding.what.startswith(what)]
    return one


async def test_where_all_is_well_there_is_nothing_to_do(small_office: Office) -> None:
    office = small_office
    await office.start()
    await office.reply("bob", "hello")
    await office.until_quiet()
    findings = await found(office)
    assert [finding for finding in findings if finding.advice] == []
    assert in_words(findings) == ":white_check_mark: Everything is well."


async def test_a_missing_scope_is_named_with_what_it_is_for_and_a_declined_one_is_no_fault(
    small_office: Office,
) -> None:
    office = small_office
    await office.start()
    office.engine.scopes.difference_update({"users:read", "reactions:write"})
    findings = await found(office)
    assert "know who is a guest" in advice(findings, "scope users:read")
    assert "newest manifest" in advice(findings, "scope users:read")
    assert advice(findings, "scopes, without the optional reactions:write") == ""


async def test_a_clock_that_is_wrong_is_noticed_before_slack_is_refused(small_office: Office) -> None:
    office = small_office
    await office.start()
    office.clock.passed = timedelta(seconds=200)
    assert "ahead of Slack: set it right" in advice(await found(office), "clock")
    office.clock.passed = timedelta(seconds=-200)
    assert "behind Slack: set it right" in advice(await found(office), "clock")


async def test_a_channel_without_the_bot_is_named_with_the_way_back(small_office: Office) -> None:
    office = small_office
    await office.start()
    await office.until_quiet()
    office.engine.workspace.channel("#payments").members.remove(BOT_USER_ID)
    assert "/invite @Cosession" in advice(await found(office), "channel #payments")


async def test_a_thread_that_was_deleted_is_told_with_its_reason(small_office: Office) -> None:
    office = small_office
    await office.start()
    await office.until_quiet()
    delete_root(office.engine, office.cards()[0]["ts"])
    await office.until_row(lambda row: row.status == "paused")
    assert "was deleted" in advice(await found(office), "a thread in #payments")


async def test_events_that_do_not_come_although_something_was_posted_point_to_the_address(
    small_office: Office,
) -> None:
    office = small_office
    session_id = await office.start()
    await office.until_quiet()
    office.engine.request_url = None
    office.clock.passed += timedelta(minutes=3)
    await office.write_in_browser(session_id, "alice", "is anybody listening?")
    await office.until(lambda: "is anybody listening?" in office.texts())
    await office.until_quiet()
    office.clock.passed += timedelta(minutes=3)
    words = advice(await found(office), "events")
    assert "Request URL is" in words
    assert "/slack/events" in words


async def test_rate_limits_in_force_are_told(small_office: Office) -> None:
    office = small_office
    await office.start()
    await office.until_quiet()
    office.engine.faults.fail("users.info", retry_after=40)
    await office.reply("bob", "who am I?")
    await office.until(lambda: not office.engine.faults.api)
    await office.until(lambda: bool(_waits(office)))
    assert "users.info for" in advice(await found(office), "rate limits")


def _waits(office: Office) -> dict[str, float]:
    fixed = office.door.workspaces.fixed
    return fixed.desk.api.waits() if fixed is not None else {}


@pytest.mark.parametrize(
    ("code", "words"),
    [("invalid_auth", "copy the Bot User OAuth Token anew"), ("account_inactive", "removed from the workspace")],
)
async def test_a_refused_token_is_told_with_the_way_to_a_new_one(code: str, words: str, small_office: Office) -> None:
    office = small_office
    await office.until(lambda: office.door.workspaces.fixed is not None)
    if code == "invalid_auth":
        office.engine.workspace.installs.tokens.clear()
    else:
        office.engine.uninstall()
        words = "revoked: install the app again"
    assert words in advice(await found(office), "Slack's token")


def flow(**known: Any) -> Flow:
    fields: dict[str, Any] = {
        "backlog": Backlog(0, 0, None),
        "traffic": Traffic(None, None),
        "behind": [],
        "paused": [],
        "channels": {},
        "installation": None,
    }
    return Flow(**fields | known)


@pytest.mark.parametrize(
    ("seen", "what", "words"),
    [
        (
            flow(backlog=Backlog(3, 0, NOW - timedelta(minutes=5))),
            "inbox",
            "3 requests from Slack wait, the oldest for 5 min",
        ),
        (flow(backlog=Backlog(0, 2, None)), "inbox", "2 requests were given up"),
        (flow(behind=[Behind(FIRST, "ses_1", 7, NOW - timedelta(hours=2))]), "threads", "by up to 2 h"),
        (flow(traffic=Traffic(None, NOW - timedelta(minutes=2))), "events", "None has come"),
        (flow(traffic=Traffic(NOW - timedelta(days=1), NOW - timedelta(minutes=2))), "events", "The last came 1 d ago"),
    ],
)
def test_what_is_late_is_told_with_how_late(seen: Flow, what: str, words: str) -> None:
    assert words in " ".join(one.advice for one in about_flow(seen, NOW, SETTINGS) if one.what == what)


@pytest.mark.parametrize(
    "seen",
    [
        flow(),
        flow(backlog=Backlog(3, 0, NOW - timedelta(seconds=5))),
        flow(traffic=Traffic(NOW - timedelta(days=3), None)),
        flow(traffic=Traffic(NOW - timedelta(minutes=9), NOW - timedelta(minutes=9, seconds=2))),
        flow(behind=[Behind(FIRST, "ses_1", 7, NOW - timedelta(seconds=3))]),
    ],
)
def test_what_is_on_time_is_no_fault(seen: Flow) -> None:
    assert [one for one in about_flow(seen, NOW, SETTINGS) if one.advice] == []


@pytest.mark.parametrize(
    ("trouble", "left", "words"),
    [
        ("Install the app again.", timedelta(hours=3), "Install the app again."),
        ("", timedelta(minutes=-1), "was not renewed"),
        ("", timedelta(minutes=30), "ends in 30 min"),
        ("", timedelta(hours=5), ""),
        ("", None, ""),
    ],
)
def test_a_token_that_ends_is_told_in_time(trouble: str, left: timedelta | None, words: str) -> None:
    ends = NOW + left if left is not None else None
    row = tables.Installation(realm=FIRST, name="Acme", trouble=trouble, token_expires_at=ends)
    [finding] = about_installation(row, NOW)
    assert finding.advice == "" if not words else words in finding.advice


async def test_how_late_it_is_stands_in_the_metrics(small_office: Office) -> None:
    office = small_office
    session_id = await office.start()
    await office.until_quiet()
    await office.door.close()
    await office.write_in_browser(session_id, "alice", "it stands still")
    behind = await office.web.read(lambda tx: health.mirror_lag.behind(tx))
    assert [(one.realm, one.session_id, one.entries) for one in behind] == [(FIRST, session_id, 1)]
    later = behind[0].oldest + timedelta(seconds=40)
    health.measure(behind, Backlog(1, 0, later - timedelta(seconds=7)), {FIRST: None}, later)
    assert metrics.OUTBOX_LAG.labels(FIRST)._value.get() == pytest.approx(40)  # pyright: ignore[reportPrivateUsage]
    assert metrics.INBOX_LAG._value.get() == pytest.approx(7)  # pyright: ignore[reportPrivateUsage]


# ── `cosession doctor` ────────────────────────────────────────────────────────────────────────────────────────────────


async def doctor(office: Office, folder: Path, **variables: str) -> list[Finding]:
    """What the command says, with a database of its own."""
    values: dict[str, Any] = {
        "COSESSION_DATA_DIR": folder,
        "COSESSION_BASE_URL": office.base_url,
        "SLACK_API_URL": f"{office.engine.base_url}/api/",
        "SLACK_SIGNING_SECRET": SECRET,
        "SLACK_BOT_TOKEN": TOKEN,
    }
    merged: dict[str, Any] = {**values, **variables}
    settings = Settings(**merged)
    if settings.is_sqlite:
        await asyncio.to_thread(bring_up, settings.database_url)
    return await asyncio.to_thread(lambda: list(examine_slack(settings)))


async def test_the_doctor_goes_the_way_that_slack_goes(small_office: Office, tmp_path: Path) -> None:
    office = small_office
    folder = tmp_path / "data"
    url = f"requests to {office.base_url}/slack/events"
    assert advice(await doctor(office, folder), url) == ""
    refused = await doctor(office, folder, SLACK_SIGNING_SECRET="another")
    assert "another SLACK_SIGNING_SECRET" in advice(refused, url)
    elsewhere = await doctor(office, folder, COSESSION_BASE_URL=office.engine.base_url.removesuffix("/sandbox/slack"))
    assert "Something else answers there, with status 404" in advice(elsewhere, "requests to")
    nobody = await doctor(office, folder, COSESSION_BASE_URL="http://127.0.0.1:9")
    assert "Nobody answers there" in advice(nobody, "requests to")
    unknown = await doctor(office, folder, SLACK_BOT_TOKEN="xoxb-other")
    assert "copy the Bot User OAuth Token anew" in advice(unknown, "Slack's token")


async def test_the_doctor_tries_socket_mode(small_office: Office, tmp_path: Path) -> None:
    office = small_office
    office.engine.sockets.app_token, office.engine.sockets.is_on = "xapp-1", True
    findings = await doctor(office, tmp_path / "data", SLACK_APP_TOKEN="xapp-1")
    assert advice(findings, "Socket Mode") == ""
    refused = await doctor(office, tmp_path / "data", SLACK_APP_TOKEN="xapp-2")
    assert "connections:write" in advice(refused, "Socket Mode")


async def test_the_doctor_looks_at_every_workspace_that_was_added(
    office: Office, database_url: str, tmp_path: Path
) -> None:
    settings_for(office, f"{office.engine.base_url}/api/")
    await grant(office.web, office.engine, FIRST, "Acme")
    values = {
        "SLACK_BOT_TOKEN": "",
        "SLACK_CLIENT_ID": office.settings["client_id"],
        "SLACK_CLIENT_SECRET": office.settings["client_secret"],
        "DATABASE_URL": database_url,
        "JWT_SECRET_KEY": office.settings["sealing_key"],
    }
    await office.restart()
    if database_url.startswith("sqlite"):
        # It would be a second writer: the running server's own doctor tells.
        return
    findings = await doctor(office, tmp_path / "data", **values)
    assert advice(findings, "Acme: Slack's token") == ""
    changed = await doctor(office, tmp_path / "data", **values | {"JWT_SECRET_KEY": "y" + values["JWT_SECRET_KEY"]})
    assert "JWT_SECRET_KEY was changed" in " ".join(one.advice for one in changed)


# ── `/cosession doctor` ───────────────────────────────────────────────────────────────────────────────────────────────


async def test_in_slack_the_doctor_answers_who_asks_and_names_no_other_channel(small_office: Office) -> None:
    office = small_office
    await office.start("Somewhere else", channel="#random")
    await office.until_quiet()
    office.engine.workspace.channel("#random").members.remove(BOT_USER_ID)
    office.engine.scopes.discard("chat:write.customize")
    outcome = await office.engine.slash("bob", "#payments", "/cosession", "doctor")
    assert outcome.ok
    await office.until(lambda: len(office.private("bob")) == 1)
    [said] = office.private("bob")
    assert "scope chat:write.customize" in said
    assert "random" not in said
    assert office.private("alice") == []
