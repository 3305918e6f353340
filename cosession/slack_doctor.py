"""What `cosession doctor` says of Slack: each workspace, the way in, and whether the two ends agree on the secret."""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import Iterator

import httpx2

from bot.health import Finding, about_address, about_token, examine
from bot.installations.tokens import NewTokens, Token
from bot.settings import SlackSettings
from bot.signature import secrets_in, sign
from bot.web import Refused, SlackApi, SlackFailure
from core import installations
from core.clock import Clock, system_clock
from core.db import Database
from core.errors import CosessionError
from core.ids import new_id
from core.sealing import Sealer
from cosession.compose import open_database
from cosession.datadir import DataDirBusy, DataDirLock, running_server
from cosession.settings import Settings
from cosession.slack import connected_workspace


def examine_slack(settings: Settings) -> Iterator[Finding]:
    """Every finding about Slack. Talks to Slack, to the server's own public address, and to the database."""
    slack = connected_workspace(settings)
    if slack is None:
        mode = "the sandbox is on" if settings.has_sandbox else "nothing is mirrored to Slack"
        yield Finding(f"Slack (not connected: {mode})")
        return
    if settings.is_sqlite and running_server(settings.data_dir) is not None:
        # The database is the server's: what is in it, `/cosession doctor` tells.
        yield from asyncio.run(_without_database(slack))
        yield Finding("traffic with Slack (type `/cosession doctor` in Slack: the running server holds the database)")
        return
    if not settings.is_sqlite:
        yield from asyncio.run(_with_database(settings, slack))
        return
    try:
        with DataDirLock(settings.data_dir):
            yield from asyncio.run(_with_database(settings, slack))
    except DataDirBusy:
        yield from asyncio.run(_without_database(slack))


async def _without_database(slack: SlackSettings, clock: Clock = system_clock) -> list[Finding]:
    found = [*about_address(slack)]
    if slack.bot_token:
        api = SlackApi(slack.api_url, slack.bot_token, slack.pace.call_timeout)
        await api.open()
        try:
            found += await about_token(api, clock())
        finally:
            await api.close()
    return [*found, *await about_way_in(slack, clock)]


async def _with_database(settings: Settings, slack: SlackSettings, clock: Clock = system_clock) -> list[Finding]:
    db = open_database(settings, clock)
    db.start()
    try:
        found = [*await _workspaces(db, slack, clock), *await about_way_in(slack, clock)]
    except CosessionError as error:
        asked = Finding("traffic with Slack", f"The database cannot be asked: {error.message}")
        found = [asked, *await _without_database(slack, clock)]
    finally:
        await db.close()
    # The address is the same for every workspace.
    return list(dict.fromkeys(found))


async def _workspaces(db: Database, slack: SlackSettings, clock: Clock) -> list[Finding]:
    found: list[Finding] = []
    realm = ""
    if slack.bot_token:
        api = SlackApi(slack.api_url, slack.bot_token, slack.pace.call_timeout)
        await api.open()
        try:
            realm = (await api.who_am_i()).realm
            found += await examine(db, api, slack, realm, clock())
        except SlackFailure:
            found += await about_token(api, clock())
        finally:
            await api.close()
    new_tokens = NewTokens(slack, Sealer(slack.sealing_key), clock)
    await new_tokens.api.open()
    try:
        rows = await db.read(lambda tx: [(row.realm, row.name) for row in installations.present(tx)])
        for installed, name in rows:
            if installed == realm:
                continue
            api = SlackApi(
                slack.api_url, Token(db, clock, new_tokens, installed, new_id("own")), slack.pace.call_timeout
            )
            await api.open()
            try:
                seen = await examine(db, api, slack, installed, clock())
            finally:
                await api.close()
            found += [Finding(f"{name}: {one.what}", one.advice) for one in seen]
    finally:
        await new_tokens.api.close()
    if not rows and not slack.bot_token:
        found.append(Finding("Slack", "No workspace is connected yet: open /slack/install as an administrator."))
    return found


async def about_way_in(slack: SlackSettings, clock: Clock = system_clock) -> list[Finding]:
    """Whether requests of Slack's would reach the server: over connections, or at its public address."""
    return await _about_socket(slack) if slack.app_token else await _about_url(slack, clock)


async def _about_socket(slack: SlackSettings) -> list[Finding]:
    api = SlackApi(slack.api_url, slack.app_token, slack.pace.call_timeout)
    await api.open()
    try:
        await api.open_socket()
    except Refused as refusal:
        return [
            Finding(
                "Socket Mode",
                f"Slack refuses SLACK_APP_TOKEN ({refusal.code}): make an app-level token with the scope"
                " connections:write (Basic Information), and switch Socket Mode on.",
            )
        ]
    except SlackFailure as failure:
        return [Finding("Socket Mode", f"Slack does not answer ({failure}): is there a way out to it from here?")]
    finally:
        await api.close()
    return [Finding("Socket Mode")]


async def _about_url(slack: SlackSettings, clock: Clock) -> list[Finding]:
    """Sends the server what Slack sends to verify an address."""
    url, challenge = f"{slack.base_url.rstrip('/')}/slack/events", secrets.token_hex(8)
    body = json.dumps({"type": "url_verification", "challenge": challenge}).encode()
    timestamp = str(int(clock().timestamp()))
    headers = {
        "content-type": "application/json",
        "x-slack-request-timestamp": timestamp,
        "x-slack-signature": sign(secrets_in(slack.signing_secret)[0], timestamp, body),
    }
    what = f"requests to {url}"
    try:
        async with httpx2.AsyncClient(timeout=5.0, follow_redirects=False) as client:
            answer = await client.post(url, content=body, headers=headers)
    except httpx2.HTTPError as error:
        return [Finding(what, f"Nobody answers there ({type(error).__name__}): is the server running, and its proxy?")]
    if answer.status_code == 200 and challenge in answer.text:
        return [Finding(what)]
    if answer.status_code == 401:
        return [Finding(what, "The server refuses the signature: it was started with another SLACK_SIGNING_SECRET.")]
    return [
        Finding(
            what,
            f"Something else answers there, with status {answer.status_code}: COSESSION_BASE_URL and the proxy must"
            " lead to this server.",
        )
    ]
