"""Previews of links to sessions and to what was said in them: only what everybody who sees the channel may see.

A preview is shown to the whole channel, whoever posted the link. So it tells of a session only where its thread is in
that very channel, or where it is open to the whole workspace and nobody else is in the channel: no guest, no other
workspace. A private session, an unknown one and an invite get none at all, so a preview is no way to find out which
there are. Texts that stay in the browser, and those that were taken back, are never shown.
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

from sqlmodel import select

from bot.blocks import Block
from bot.desk import Desk
from bot.identity import read_profile
from bot.mrkdwn import escape, to_parts
from bot.web import Bot, Refused
from core import log as session_log
from core import sessions, tables
from core.db import Transaction
from core.events import AgentMessage, ChatMessagePosted

log = logging.getLogger(__name__)

#: Links of one message that get a preview.
MOST = 5
#: A channel or a workspace with more people is not looked through.
MAX_MEMBERS, MAX_ACCOUNTS = 5_000, 20_000
MAX_QUOTE = 300
_PATH = re.compile(r"^/s/(ses_[a-z2-7]{26})$")


@dataclass(frozen=True, slots=True)
class Link:
    """A link to a session, or to the entry `seq` of its log."""

    url: str
    session_id: str
    seq: int | None


def read_link(url: str, base_url: str) -> Link | None:
    """None for everything that is no session of this server."""
    try:
        parts, base = urlsplit(url), urlsplit(base_url)
        is_ours = (parts.scheme, parts.hostname, parts.port) == (base.scheme, base.hostname, base.port)
    except ValueError:
        return None
    match = _PATH.match(parts.path)
    if not is_ours or match is None:
        return None
    [seq] = parse_qs(parts.fragment).get("seq", [""])[:1]
    return Link(url, match[1], int(seq) if seq.isdecimal() and len(seq) < 16 else None)


class Unfurls:
    """Belongs to one workspace."""

    def __init__(self, desk: Desk, bot: Bot, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._desk = desk
        self._bot = bot
        self._monotonic = monotonic
        self._outsiders: tuple[float, frozenset[str] | None] | None = None

    def forget(self) -> None:
        """Somebody was made a guest, or is one no more."""
        self._outsiders = None

    async def show(self, event: Mapping[str, Any], *, is_shared_outside: bool) -> None:
        """Answers a `link_shared`; twice is once. Raises what the Web API raises, but for refusals."""
        channel, ts = str(event.get("channel") or ""), str(event.get("message_ts") or "")
        urls = dict.fromkeys(str(link.get("url") or "") for link in event.get("links") or [])
        links = [link for url in urls if (link := read_link(url, self._desk.settings.base_url)) is not None][:MOST]
        # While it is being written, nobody else is in the room, and Slack does not say which room that will be.
        if not links or event.get("source") == "composer" or not channel or not ts:
            return
        is_inside = not is_shared_outside and await self._is_inside(channel, links)
        previews = await self._desk.db.read(lambda tx: self._previews(tx, channel, links, is_inside=is_inside))
        if not previews:
            return
        try:
            await self._desk.api.unfurl(channel, ts, previews)
        except Refused as refusal:
            log.warning("Slack did not take a preview: %s", refusal.code)

    async def _is_inside(self, channel: str, links: list[Link]) -> bool:
        """Whether everybody in the channel is of the workspace, as far as that can be known."""
        realm = self._bot.realm
        if not await self._desk.db.read(lambda tx: any(is_open(tx, realm, link.session_id) for link in links)):
            return False
        try:
            about = await self._desk.api.channel(channel)
            if about.get("is_ext_shared") or about.get("is_pending_ext_shared") or about.get("is_org_shared"):
                return False
            members = await self._desk.api.members(channel, MAX_MEMBERS)
            outsiders = await self._known_outsiders()
        except Refused as refusal:
            log.info("it cannot be known who sees a channel: %s", refusal.code)
            return False
        return members is not None and outsiders is not None and not members & outsiders

    async def _known_outsiders(self) -> frozenset[str] | None:
        now = self._monotonic()
        if self._outsiders is None or now - self._outsiders[0] > self._desk.pace.profile_age:
            accounts = await self._desk.api.everybody(MAX_ACCOUNTS)
            self._outsiders = now, None if accounts is None else self._outside(accounts)
        return self._outsiders[1]

    def _outside(self, accounts: list[dict[str, Any]]) -> frozenset[str]:
        profiles = (read_profile(account, self._bot.team_id) for account in accounts)
        return frozenset(profile.id for profile in profiles if profile.is_outsider)

    def _previews(self, tx: Transaction, channel: str, links: list[Link], *, is_inside: bool) -> dict[str, Block]:
        realm = self._bot.realm
        found: dict[str, Block] = {}
        for link in links:
            mirror = tx.sql.get(tables.Mirror, link.session_id)
            is_here = mirror is not None and (mirror.realm, mirror.channel) == (realm, channel)
            if is_here or (is_inside and is_open(tx, realm, link.session_id)):
                session = tx.sql.get(tables.Session, link.session_id)
                if session is not None:
                    found[link.url] = preview(tx, session, link)
        return found


def is_open(tx: Transaction, realm: str, session_id: str) -> bool:
    """Whether every member of the workspace may enter it."""
    session = tx.sql.get(tables.Session, session_id)
    if session is None or session.team_id is None or session.team_role is None:
        return False
    team = tx.sql.get(tables.Team, session.team_id)
    return team is not None and team.realm == realm


def preview(tx: Transaction, session: tables.Session, link: Link) -> Block:
    state = ":large_green_circle: Live" if session.status == "live" else ":white_circle: Ended"
    title = escape(session.title[:200])
    facts = [
        state,
        f"host {escape(sessions.host_of(tx, session).username[:80])}",
        _count(session.participant_count, "person", "people"),
        _count(session.message_count, "message", "messages"),
        *([escape(session.agent[:40])] if session.agent else []),
    ]
    blocks: list[Block] = [_section(f"*{title}*")]
    said = _said(tx, session.id, link.seq) if link.seq is not None else None
    if said is not None:
        blocks.append(_section(said))
    blocks.append({"type": "context", "elements": [{"type": "mrkdwn", "text": " · ".join(facts)}]})
    return {"blocks": blocks, "fallback": f"{title} – a session"}


def _said(tx: Transaction, session_id: str, seq: int) -> str | None:
    """What the entry says, as it stands now; None where it says nothing that may be shown."""
    [entry] = session_log.read_after(tx, session_id, seq - 1, 1) or [None]
    if entry is None or entry.seq != seq:
        return None
    event = entry.event()
    if isinstance(event, ChatMessagePosted):
        row = tables.Message
        message = tx.sql.exec(select(row).where(row.id == event.message.id)).first()
        if message is None or message.session_only or message.deleted_at is not None or not message.content:
            return None
        return _quote(event.message.username, message.content)
    return _quote("Agent", event.text) if isinstance(event, AgentMessage) else None


def _quote(who: str, text: str) -> str:
    parts = to_parts(text, MAX_QUOTE)
    if not parts:
        return f"*{escape(who[:80])}*"
    lines = "\n".join(f"> {line}" for line in parts[0].splitlines())
    return f"*{escape(who[:80])}*\n{lines}" + ("\n> …" if len(parts) > 1 else "")


def _count(number: int, one: str, many: str) -> str:
    return f"{number:,} {one if number == 1 else many}"


def _section(text: str) -> Block:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}}
