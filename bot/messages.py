"""What people write in a mirrored thread becomes a message of the session; every other event is ignored on purpose.

Taken: plain messages, `file_share` (files are named, not carried over), `me_message` and `thread_broadcast`. A mention
of the bot in a thread arrives twice, as `app_mention` and as `message`; both name the same `ts`, so they are one.
Edits, deletions and reactions (`message_changed`, `message_deleted`, `reaction_*`) are not copied yet, but the deletion
of the thread's root pauses the mirror. Whatever the bot or another bot posted is never taken, whatever it looks like.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from bot import identity
from bot.desk import Desk
from bot.errors import GUEST, how_to_link, words_for
from bot.identity import People
from bot.mrkdwn import from_slack
from bot.thread import CARD, GONE, MESSAGE
from bot.web import Bot, Refused
from bot.worker import Lane, Wish
from core import chat, limits, mirrors, tables
from core.db import Transaction
from core.errors import CosessionError, NotSignedIn, TooMany
from core.inbox import Item
from core.limits import Limits

log = logging.getLogger(__name__)

Event = Mapping[str, Any]

#: Kinds of `message` that people write; no subtype is the usual one.
WRITTEN = (None, "file_share", "me_message", "thread_broadcast")


@dataclass(frozen=True, slots=True)
class Reply:
    """Somebody's words in a thread."""

    channel: str
    root: str
    ts: str
    user: str
    event: Event

    @property
    def place(self) -> tuple[str, str]:
        return self.channel, self.root


def read_reply(event: Event, bot: Bot, app_id: str) -> Reply | None:
    """The reply that an event tells of; None for everything else, our own posts and those of bots first of all."""
    if event.get("type") not in ("message", "app_mention") or event.get("subtype") not in WRITTEN:
        return None
    metadata: Event = event.get("metadata") or {}
    is_ours = event.get("app_id") == app_id or metadata.get("event_type") in (MESSAGE, CARD)
    if is_ours or event.get("bot_id") or event.get("hidden") or event.get("user") in (None, bot.user_id, "USLACKBOT"):
        return None
    thread_ts, ts = event.get("thread_ts"), event.get("ts")
    if not thread_ts or not ts or thread_ts == ts:
        return None
    return Reply(str(event["channel"]), str(thread_ts), str(ts), str(event["user"]), event)


def deleted_root(event: Event) -> tuple[str, str] | None:
    """Channel and ts of a message that was deleted, or that only stays as a tombstone over its replies."""
    subtype = event.get("subtype")
    if event.get("type") != "message" or subtype not in ("message_deleted", "message_changed"):
        return None
    if subtype == "message_deleted":
        return str(event["channel"]), str(event["deleted_ts"])
    message: Event = event.get("message") or {}
    return (str(event["channel"]), str(message["ts"])) if message.get("subtype") == "tombstone" else None


class Events:
    """Handles what the Events API delivered."""

    def __init__(self, desk: Desk, bot: Bot, people: People, budget: Limits) -> None:
        self._desk = desk
        self._bot = bot
        self._people = people
        self._budget = budget

    def lane(self, item: Item) -> Lane:
        event: Event = orjson.loads(item.body).get("event") or {}
        thread = event.get("thread_ts") or event.get("deleted_ts") or event.get("ts") or ""
        user = event.get("user")
        return Lane(f"{event.get('channel', '')}:{thread}", user if isinstance(user, str) else "")

    async def handle(self, item: Item) -> Wish | None:
        body: Event = orjson.loads(item.body)
        if body.get("type") == "app_rate_limited":
            log.error("Slack has stopped delivering events for a minute: more than 30,000 within the hour")
            return None
        event: Event = body.get("event") or {}
        if event.get("type") == "user_change":
            self._people.forget(str((event.get("user") or {}).get("id")))
            return None
        gone = deleted_root(event)
        if gone is not None:
            return self._pause(*gone)
        reply = read_reply(event, self._bot, str(body.get("api_app_id")))
        return await self._take(reply) if reply is not None else None

    def _pause(self, channel: str, ts: str) -> Wish:
        realm, reason = self._bot.team_id, GONE["thread_not_found"]
        return Wish(lambda tx: mirrors.thread_is_gone(tx, realm, channel, ts, reason), self._cannot_be_refused)

    async def _cannot_be_refused(self, error: CosessionError) -> None:
        raise error

    async def _take(self, reply: Reply) -> Wish | None:
        found = await self._desk.db.read(lambda tx: self._look_up(tx, reply))
        if found is None:
            return None
        profile = await self._people.profile(reply.user)
        if profile.is_bot:
            return None
        if profile.is_outsider:
            await self._whisper(reply, GUEST)
            return None
        if found.user_id is None:
            await self._whisper(reply, how_to_link(self._desk.settings.base_url))
            return None
        try:
            await limits.take(self._budget, found.user_id)
        except TooMany as wait:
            log.info("a reply waits %s ms for its author's budget", wait.retry_after_ms)
            raise
        return await self._wish(reply)

    def _look_up(self, tx: Transaction, reply: Reply) -> _Found | None:
        """None when the thread mirrors nothing, or the reply is in the session already."""
        realm = self._bot.team_id
        if mirrors.by_thread(tx, realm, *reply.place) is None:
            return None
        if tx.sql.get(tables.MirrorLink, (realm, reply.channel, reply.ts)) is not None:
            return None
        actor = identity.actor_for(tx, realm, reply.user)
        return _Found(actor.user_id if actor else None)

    async def _wish(self, reply: Reply) -> Wish:
        realm = self._bot.team_id
        mentioned = from_slack(reply.event, lambda _: "").mentions
        names = {slack_id: (await self._people.profile(slack_id)).name for slack_id in mentioned}
        incoming = from_slack(reply.event, lambda slack_id: names.get(slack_id, ""))
        key = f"slack:{realm}:{reply.channel}:{reply.ts}"

        def post(tx: Transaction) -> None:
            actor = identity.actor_for(tx, realm, reply.user)
            mirror = mirrors.by_thread(tx, realm, *reply.place)
            if actor is None or mirror is None:
                raise NotSignedIn
            users = identity.users_for(tx, realm, incoming.mentions)
            draft = chat.Draft(incoming.text, mentions=tuple(user.id for user in users.values()))
            posted = chat.post_message(tx, actor, mirror.session_id, draft, key=key)
            mirrors.link(tx, mirror, reply.ts, posted.message_id, "thread")

        async def refused(error: CosessionError) -> None:
            is_unlinked = isinstance(error, NotSignedIn)
            await self._whisper(reply, how_to_link(self._desk.settings.base_url) if is_unlinked else words_for(error))

        return Wish(post, refused)

    async def _whisper(self, reply: Reply, text: str) -> None:
        try:
            await self._desk.api.whisper(reply.channel, reply.user, text, reply.root)
        except Refused as refusal:
            log.warning("could not tell somebody privately that a reply was not sent: %s", refusal.code)


@dataclass(frozen=True, slots=True)
class _Found:
    user_id: str | None
