"""What may be wrong between this server and Slack, in words that a person can act on.

The same checks answer `cosession doctor`, on the machine, and `/cosession doctor`, in Slack. A finding without advice
says that all is well.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from bot import metrics
from bot.intake import EVENT
from bot.manifest import NEEDS
from bot.settings import SlackSettings
from bot.web import Ambiguous, Limited, Refused, SlackApi, SlackFailure, Standing
from core import inbox, installations, mirror_lag, tables
from core.db import Database, Transaction
from core.inbox import Backlog
from core.mirror_lag import Behind, Paused, Traffic

#: Slack refuses what is five minutes off; a clock that runs wrong gets there.
SKEW = timedelta(seconds=60)
#: From then on somebody should look.
LATE = timedelta(seconds=60)
#: A token that ends sooner should have been renewed.
ENDS_SOON = timedelta(hours=1)
#: Channels that are looked at: each costs a call.
MOST_CHANNELS = 20
_LOOPBACK = ("localhost", "127.0.0.1", "::1")

#: What to do about a token that Slack refuses.
_REFUSED = {
    "invalid_auth": "it does not know this token: copy the Bot User OAuth Token anew (OAuth & Permissions).",
    "not_authed": "there is no token: set SLACK_BOT_TOKEN, or add the workspace at /slack/install.",
    "account_inactive": "the app was removed from the workspace, or its bot was deactivated: install it again.",
    "token_revoked": "the token was revoked: install the app again.",
    "token_expired": "the token has ended: install the app again at /slack/install.",
    "org_login_required": "the workspace is being moved into an organisation: wait until Slack is done.",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """`advice` is empty when all is well."""

    what: str
    advice: str = ""


@dataclass(frozen=True, slots=True)
class Flow:
    """What the database knows about the traffic of one realm."""

    backlog: Backlog
    traffic: Traffic
    behind: Sequence[Behind]
    paused: Sequence[Paused]
    channels: Mapping[str, str]
    installation: tables.Installation | None


def read_flow(tx: Transaction, realm: str) -> Flow:
    return Flow(
        inbox.backlog(tx),
        mirror_lag.traffic(tx, realm, EVENT),
        [one for one in mirror_lag.behind(tx) if one.realm == realm],
        mirror_lag.paused(tx, realm),
        mirror_lag.live_channels(tx, realm, MOST_CHANNELS),
        installations.find(tx, realm),
    )


def measure(
    behind: Sequence[Behind], backlog: Backlog, installed: Mapping[str, datetime | None], now: datetime
) -> None:
    """Sets the gauges of `/metrics`. `installed` is realm → when its token ends, of the workspaces at work."""
    metrics.INBOX_WAITING.set(backlog.waiting)
    metrics.INBOX_PARKED.set(backlog.parked)
    metrics.INBOX_LAG.set((now - backlog.oldest).total_seconds() if backlog.oldest else 0.0)
    for realm, ends in installed.items():
        late = [(now - one.oldest).total_seconds() for one in behind if one.realm == realm]
        metrics.OUTBOX_LAG.labels(realm).set(max(late, default=0.0))
        if ends is not None:
            metrics.TOKEN_ENDS.labels(realm).set(ends.timestamp())


async def examine(
    db: Database, api: SlackApi, settings: SlackSettings, realm: str, now: datetime, *, only: Collection[str] = ()
) -> list[Finding]:
    """Everything about one workspace. With `only`, no other channel is named: for an answer that people read in Slack.

    Raises CosessionError where the database is away.
    """
    found = [*about_address(settings), *await about_token(api, now)]
    flow = await db.read(lambda tx: read_flow(tx, realm))
    found += about_flow(flow, now, settings)
    found += about_installation(flow.installation, now)
    if not any(finding.advice for finding in found if finding.what == "Slack's token"):
        channels = {channel: name for channel, name in flow.channels.items() if not only or channel in only}
        found += await about_channels(api, channels)
    for paused in flow.paused:
        if not only or paused.channel in only:
            where = f"#{paused.channel_name}" if paused.channel_name else "a channel"
            found.append(Finding(f"a thread in {where}", f"It takes no posts any more: {paused.reason}"))
    return found + about_waits(api)


def about_address(settings: SlackSettings) -> list[Finding]:
    """Whether Slack could reach this server at all."""
    if settings.app_token:
        return [Finding("Slack reaches this server in Socket Mode")]
    base = urlsplit(settings.base_url)
    # The workspace in a box is on this machine as well.
    if base.hostname in _LOOPBACK and urlsplit(settings.api_url).hostname not in _LOOPBACK:
        return [
            Finding(
                "address for Slack",
                f"Slack cannot reach {settings.base_url}: set COSESSION_BASE_URL to a public address, or use Socket"
                " Mode (set SLACK_APP_TOKEN), which needs none.",
            )
        ]
    return [Finding(f"address for Slack ({settings.base_url}/slack/events)")]


async def about_token(api: SlackApi, now: datetime) -> list[Finding]:
    """Whether Slack takes the token, what it may do, and whether the clocks agree."""
    try:
        standing = await api.standing()
    except Refused as refusal:
        words = _REFUSED.get(refusal.code, f"it says {refusal.code}: look at the app's page.")
        return [Finding("Slack's token", f"Slack refuses it: {words}")]
    except Limited as wait:
        return [Finding("Slack's token", f"Slack asks to wait {wait.seconds:.0f} s before it can be looked at.")]
    except Ambiguous as failure:
        return [Finding("Slack's token", f"Slack does not answer ({failure}): is there a way out to it from here?")]
    return [Finding("Slack's token"), *about_scopes(standing), *about_clock(standing, now)]


def about_scopes(standing: Standing) -> list[Finding]:
    """What the token lacks of what the manifest asks for. What an administrator declined is no fault."""
    if standing.scopes is None:
        return []
    lacking = [need for need in NEEDS if not standing.scopes.issuperset(need.scopes)]
    missing = {scope: need.what for need in lacking if not need.is_optional for scope in need.scopes}
    missing = {scope: what for scope, what in missing.items() if scope not in standing.scopes}
    found = [
        Finding(f"scope {scope}", f"It is missing, to {what}. Paste the newest manifest and install the app again.")
        for scope, what in missing.items()
    ]
    declined = sorted({s for need in lacking if need.is_optional for s in need.scopes if s not in standing.scopes})
    if declined:
        found.append(Finding(f"scopes, without the optional {', '.join(declined)}"))
    return found or [Finding("scopes")]


def about_clock(standing: Standing, now: datetime) -> list[Finding]:
    if standing.now is None:
        return []
    off = now - standing.now
    if abs(off) <= SKEW:
        return [Finding("clock")]
    way = "ahead of" if off > timedelta() else "behind"
    seconds = abs(off).total_seconds()
    return [
        Finding(
            "clock",
            f"This machine is {seconds:.0f} s {way} Slack: set it right (NTP). Beyond 300 s nothing that Slack sends"
            " is believed.",
        )
    ]


def about_flow(flow: Flow, now: datetime, settings: SlackSettings) -> list[Finding]:
    """Whether requests come in and are handled, and posts go out."""
    found = [_incoming(flow.traffic, now, settings)]
    waiting = flow.backlog.oldest
    if waiting is not None and now - waiting > LATE:
        found.append(
            Finding(
                "inbox",
                f"{flow.backlog.waiting} requests from Slack wait, the oldest for {_span(now - waiting)}: is"
                " `cosession work` running, and does its log say why?",
            )
        )
    else:
        found.append(Finding("inbox"))
    if flow.backlog.parked:
        found.append(
            Finding(
                "inbox", f"{flow.backlog.parked} requests were given up: see the column `error` of the table `inbox`."
            )
        )
    late = [one for one in flow.behind if now - one.oldest > LATE]
    if late:
        longest = max(now - one.oldest for one in late)
        found.append(
            Finding(
                "threads",
                f"{len(late)} are behind their sessions, by up to {_span(longest)}. Nothing is lost meanwhile.",
            )
        )
    else:
        found.append(Finding("threads"))
    return found


def _incoming(traffic: Traffic, now: datetime, settings: SlackSettings) -> Finding:
    """Our own posts come back as events, so a post that no event followed tells of a wrong address."""
    last, post = traffic.last_event, traffic.last_post
    is_deaf = post is not None and now - post > LATE and (last is None or post - last > LATE)
    if not is_deaf:
        return Finding(f"events (the last {_span(now - last)} ago)" if last else "events (none yet)")
    since = f"The last came {_span(now - last)} ago" if last else "None has come in the last days"
    where = (
        "switch Socket Mode on in the app's settings and check that SLACK_APP_TOKEN has the scope connections:write"
        if settings.app_token
        else f"check under Event Subscriptions that the Request URL is {settings.base_url}/slack/events and is verified"
    )
    return Finding("events", f"{since}, although something was posted since: {where}.")


def about_installation(row: tables.Installation | None, now: datetime) -> list[Finding]:
    """The grant of a workspace that was added at /slack/install."""
    if row is None:
        return []
    if row.trouble:
        return [Finding(f"token of {row.name}", row.trouble)]
    if row.token_expires_at is None:
        return [Finding(f"token of {row.name}")]
    left = row.token_expires_at - now
    if left <= timedelta():
        return [Finding(f"token of {row.name}", "It has ended and was not renewed: is `cosession work` running?")]
    if left < ENDS_SOON:
        return [Finding(f"token of {row.name}", f"It ends in {_span(left)} and should have been renewed: see the log.")]
    return [Finding(f"token of {row.name} (ends in {_span(left)}, and is renewed before)")]


async def about_channels(api: SlackApi, channels: Mapping[str, str]) -> list[Finding]:
    """Whether the bot is in the channels of its threads."""
    found: list[Finding] = []
    for channel, name in channels.items():
        shown = f"#{name}" if name else "a channel"
        try:
            place = await api.channel(channel)
        except Refused as refusal:
            if refusal.code == "channel_not_found":
                found.append(
                    Finding(
                        f"channel {shown}", "It is gone, or Cosession may not see it: type /invite @Cosession there."
                    )
                )
            continue
        except SlackFailure:
            continue
        if place.get("is_archived"):
            found.append(Finding(f"channel {shown}", "It is archived: its threads take no posts."))
        elif place.get("is_member") is False and not place.get("is_im"):
            found.append(Finding(f"channel {shown}", "Cosession is not in it: type /invite @Cosession there."))
    return found or [Finding("channels")]


def about_waits(api: SlackApi) -> list[Finding]:
    """Rate limits that are in force in this process."""
    waits = api.waits()
    if not waits:
        return [Finding("rate limits")]
    words = ", ".join(f"{method} for {seconds:.0f} s" for method, seconds in sorted(waits.items()))
    return [Finding("rate limits", f"Slack asks to wait: {words}. What is late comes later; nothing is lost.")]


def in_words(findings: Sequence[Finding]) -> str:
    """For Slack: what is wrong first."""
    wrong = [f":x: *{one.what}*: {one.advice}" for one in findings if one.advice]
    well = [one.what for one in findings if not one.advice]
    lines = wrong or [":white_check_mark: Everything is well."]
    return "\n".join([*lines, f":white_check_mark: {', '.join(well)}"] if wrong and well else lines)


def _span(length: timedelta) -> str:
    seconds = max(0, int(length.total_seconds()))
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"
