"""What people write in a mirrored thread becomes a message of the session; every other event is ignored on purpose.

Taken: plain messages, `file_share` with its files (`bot.files`), `me_message` and `thread_broadcast`. A mention
of the bot in a thread arrives twice, as `app_mention` and as `message`; both name the same `ts`, so they are one. What
is a command there never gets here: see `commands.mentions`.
An edit makes the session's message what Slack's is now, and takes it in where it was never taken; deletions and
reactions: see `changed_in_slack`. The deletion of the thread's root pauses the mirror. What begins with `(aside)` stays
in Slack. Whatever the bot or another bot posted is never taken, whatever it looks like.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from bot import changed_in_slack, identity, metrics
from bot.answers import read_answer, say
from bot.changed_in_slack import NEVER_TAKEN, Changes, Place, edited_at, say_otherwise
from bot.desk import Desk
from bot.errors import GUEST, how_to_link, words_for
from bot.files.facts import deleted_in, is_all_deleted
from bot.files.taking import Coming, Taking
from bot.files.words import STAYS, line, whisper
from bot.gaps import Missed, happened_at
from bot.identity import People
from bot.mrkdwn import Incoming, from_slack
from bot.thread import CARD, GONE, MESSAGE
from bot.unfurl import Unfurls
from bot.web import Bot, Refused
from bot.worker import Lane, Wish
from core import inbox, limits, mirrors, tables
from core.clock import Clock
from core.db import Transaction
from core.errors import CosessionError, NotSignedIn, TooMany
from core.inbox import Item
from core.limits import Limits

log = logging.getLogger(__name__)

Event = Mapping[str, Any]

#: Kinds of `message` that people write; no subtype is the usual one.
WRITTEN = (None, "file_share", "me_message", "thread_broadcast")
#: What begins so is not sent to the session.
ASIDES = ("(aside)", ":speak_no_evil:", "\N{SPEAK-NO-EVIL MONKEY}")


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


def is_aside(event: Event) -> bool:
    """Whether somebody wants to be heard in Slack only."""
    return str(event.get("text") or "").lstrip().lower().startswith(ASIDES)


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
    """Handles what the Events API delivered. `missed` is told the realm and since when Slack delivered nothing, and
    knows where news have to wait for what was missed."""

    def __init__(
        self,
        desk: Desk,
        bot: Bot,
        people: People,
        budget: Limits,
        clock: Clock,
        missed: Missed | None = None,
    ) -> None:
        self._desk = desk
        self._missed = missed
        self._bot = bot
        self._people = people
        self._budget = budget
        self._changes = Changes(desk, bot, people, clock)
        self._unfurls = Unfurls(desk, bot)
        self._taking = Taking(desk, clock)

    def lane(self, item: Item) -> Lane:
        event: Event = orjson.loads(item.body).get("event") or {}
        about: Event = event.get("message") or event.get("previous_message") or event.get("item") or event
        thread = event.get("thread_ts") or about.get("thread_ts") or event.get("deleted_ts") or about.get("ts") or ""
        user = event.get("user") or about.get("user")
        channel = event.get("channel") or about.get("channel") or ""
        name = f"{channel}:{thread}"
        waits = self._missed is not None and self._missed.is_behind(self._bot.realm, name)
        return Lane(name, user if isinstance(user, str) else "", happened_at(event), waits)

    async def handle(self, item: Item) -> Wish | None:
        body: Event = orjson.loads(item.body)
        if body.get("type") == "app_rate_limited":
            log.error("Slack has stopped delivering events for a minute: more than 30,000 within the hour")
            if self._missed is not None:
                self._missed.held_back(self._bot.realm, float(body.get("minute_rate_limited") or 0.0))
            return None
        event: Event = body.get("event") or {}
        if event.get("type") == "user_change":
            self._people.forget(str((event.get("user") or {}).get("id")))
            self._unfurls.forget()
            return None
        if event.get("type") == "link_shared":
            await self._unfurls.show(event, is_shared_outside=bool(body.get("is_ext_shared_channel")))
            return None
        if event.get("type") in ("reaction_added", "reaction_removed"):
            return await self._changes.react(event, item)
        app_id = str(body.get("api_app_id"))
        gone = deleted_root(event)
        if gone is not None and await self._is_root(*gone):
            return self._pause(*gone)
        taken_back = changed_in_slack.deleted(event)
        if taken_back is not None:
            return self._changes.delete(*taken_back)
        changed = changed_in_slack.edited(event)
        if changed is not None:
            return await self._take_as_it_stands(*changed, app_id)
        reply = read_reply(event, self._bot, app_id)
        return await self._take(reply) if reply is not None else None

    async def _is_root(self, channel: str, ts: str) -> bool:
        return await self._desk.db.read(lambda tx: mirrors.by_thread(tx, self._bot.team_id, channel, ts) is not None)

    def _pause(self, channel: str, ts: str) -> Wish:
        realm, reason = self._bot.team_id, GONE["thread_not_found"]
        return Wish(lambda tx: mirrors.thread_is_gone(tx, realm, channel, ts, reason), self._cannot_be_refused)

    async def _take_as_it_stands(self, place: Place, root: str, app_id: str) -> Wish | None:
        """The message was edited: what it says by now counts, whatever the event says."""
        realm = self._bot.team_id
        if await self._desk.db.read(lambda tx: mirrors.by_thread(tx, realm, place.channel, root)) is None:
            return None
        now = await self._desk.api.message_at(place.channel, root, place.ts)
        if now is None:
            return None  # Deleted by now, which is an event of its own.
        reply = read_reply({**now, "channel": place.channel}, self._bot, app_id)
        if reply is not None and is_all_deleted(reply.event):
            return self._changes.delete(place, root)
        return await self._take(reply, is_edit=True) if reply is not None else None

    async def _cannot_be_refused(self, error: CosessionError) -> None:
        raise error

    async def _take(self, reply: Reply, *, is_edit: bool = False) -> Wish | None:
        found = await self._desk.db.read(lambda tx: self._look_up(tx, reply))
        if found is None or ((found.is_taken or found.is_told) and not is_edit):
            return None
        if is_aside(reply.event):
            # Said to Slack alone, from the beginning or on second thoughts.
            return self._changes.delete(Place(reply.channel, reply.ts), reply.root) if is_edit else None
        profile = await self._people.profile(reply.user)
        if profile.is_bot:
            return None
        if profile.is_outsider:
            return await self._tell(reply, found, GUEST)
        if found.user_id is None:
            return await self._tell(reply, found, how_to_link(self._desk.settings.base_url))
        key = self._key(reply)
        # Whoever waits for their files has paid already.
        if not self._taking.is_under_way(key):
            try:
                await limits.take(self._budget, found.user_id)
            except TooMany as wait:
                log.info("a reply waits %s ms for its author's budget", wait.retry_after_ms)
                raise
        return await self._wish(reply, found, is_edit=is_edit)

    def _look_up(self, tx: Transaction, reply: Reply) -> _Found | None:
        """None when the thread mirrors nothing, or the reply was deleted before it was taken."""
        realm = self._bot.team_id
        if mirrors.by_thread(tx, realm, *reply.place) is None:
            return None
        link = tx.sql.get(tables.MirrorLink, (realm, reply.channel, reply.ts))
        if link is not None and (link.message_id == NEVER_TAKEN or link.origin != "thread"):
            return None
        actor = identity.actor_for(tx, realm, reply.user)
        is_told = inbox.is_noted(tx, self._not_sent(reply))
        return _Found(actor.user_id if actor else None, is_taken=link is not None, is_told=is_told)

    def _not_sent(self, reply: Reply) -> str:
        """What is noted once its author knows that a reply was not sent: it may be found again in the thread."""
        return f"not-sent:{self._bot.team_id}:{reply.channel}:{reply.ts}"

    async def _tell(self, reply: Reply, found: _Found, text: str) -> Wish | None:
        """Says once why a reply is not sent, however often it comes and is edited."""
        if found.is_told:
            return None
        await self._whisper(reply, text)
        return Wish(lambda tx: inbox.note(tx, self._not_sent(reply)), self._cannot_be_refused)

    def _key(self, reply: Reply) -> str:
        """What a reply is posted under: the same however often it comes."""
        return f"slack:{self._bot.team_id}:{reply.channel}:{reply.ts}"

    async def _wish(self, reply: Reply, found: _Found, *, is_edit: bool) -> Wish:
        realm, key = self._bot.team_id, self._key(reply)
        mentioned = from_slack(reply.event, lambda _: "", ()).named
        names = {slack_id: (await self._people.profile(slack_id)).name for slack_id in mentioned}

        def read(lines: Sequence[str]) -> Incoming:
            return from_slack(reply.event, lambda slack_id: names.get(slack_id, ""), lines)

        coming = Coming(key, realm, reply.channel, reply.root, reply.ts, reply.user, reply.event)
        carried = await self._taking.files_of(coming, read(()).text)
        incoming = read([line(one) for one in carried.left_out])

        stays = f"stays:{key}:{deleted_in(reply.event)}"

        def post(tx: Transaction) -> tuple[bool, bool]:
            actor = identity.actor_for(tx, realm, reply.user)
            mirror = mirrors.by_thread(tx, realm, *reply.place)
            if actor is None or mirror is None:
                raise NotSignedIn
            users = identity.users_for(tx, realm, incoming.mentions)
            mentions = tuple(user.id for user in users.values())
            link = tx.sql.get(tables.MirrorLink, (realm, reply.channel, reply.ts))
            answer = read_answer(tx, mirror, incoming.text)
            if link is None:
                said = say(tx, actor, mirror, answer, mentions, key, carried.files)
                mirrors.link(tx, mirror, reply.ts, said, "thread")
            elif is_edit:
                say_otherwise(tx, actor, link, answer.text, mentions, edited_at(reply.event))
            is_news = link is not None and carried.stay and not inbox.is_noted(tx, stays)
            if is_news:
                inbox.note(tx, stays)
            return link is None, is_news

        async def tell_of_files(news: tuple[bool, bool]) -> None:
            self._taking.forget(key)
            is_new, has_kept_one = news
            if is_new:
                metrics.FILES.labels("in", "carried").inc(len(carried.files))
                metrics.FILES.labels("in", "left").inc(len(carried.left_out))
            if is_new and carried.left_out:
                await self._whisper(reply, whisper(carried.left_out))
            if has_kept_one:
                await self._whisper(reply, STAYS)

        async def refused(error: CosessionError) -> None:
            self._taking.forget(key)
            if found.is_told:
                return
            is_unlinked = isinstance(error, NotSignedIn)
            await self._whisper(reply, how_to_link(self._desk.settings.base_url) if is_unlinked else words_for(error))

        return Wish(
            self._taking.again_if_gone(key, post),
            refused,
            tell_of_files,
            lambda tx: inbox.note(tx, self._not_sent(reply)),
        )

    async def _whisper(self, reply: Reply, text: str) -> None:
        try:
            await self._desk.api.whisper(reply.channel, reply.user, text, reply.root)
        except Refused as refusal:
            log.warning("could not tell somebody privately that a reply was not sent: %s", refusal.code)


@dataclass(frozen=True, slots=True)
class _Found:
    user_id: str | None
    is_taken: bool
    is_told: bool
