"""The same words by a mention of the bot, or in a direct message to it; whatever else is said there gets an offer.

A mention in a channel comes twice, as `app_mention` and as `message`: only the first is worked off here. In a direct
message there is but `message`. In the thread of a session people talk to each other, so only what is a command as it
stands is taken for one there, a word alone or `invite` with somebody; all the rest is said to the session.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from bot.blocks import Shown
from bot.commands.asking import Ask
from bot.commands.deeds import Deeds
from bot.commands.offers import offer, welcome
from bot.commands.words import WORDS, names_somebody, nearest, split, unknown, unmarked
from bot.desk import Desk
from bot.web import Bot
from bot.worker import Handler, Lane, Wish
from core import mirrors, tables
from core.inbox import Item

Event = Mapping[str, Any]

#: Words that are a command in a thread only where nothing follows.
ALONE = frozenset({"list", "join", "end", "mute", "unmute", "link", "doctor", "help"})
GREETINGS = frozenset({"", "hi", "hello", "hey", "hallo"})
#: Kinds of `message` that people write; no subtype is the usual one.
_WRITTEN = (None, "file_share", "me_message", "thread_broadcast")
#: Somebody who misspells a command says little more than that.
_MOST_WORDS_OF_A_SLIP = 3


@dataclass(frozen=True, slots=True)
class Spoken:
    """Something that somebody said to the bot. `text` is what follows the mention, with Slack's own marks."""

    channel: str
    root: str
    ts: str
    user: str
    text: str
    is_direct: bool
    #: It is the copy of the event that is worked off.
    is_first: bool


def read_spoken(event: Event, bot: Bot, app_id: str) -> Spoken | None:
    """None for whatever nobody said to the bot, and for what a bot said. Pure."""
    kind, user, ts = event.get("type"), event.get("user"), event.get("ts")
    if kind not in ("message", "app_mention") or event.get("subtype") not in _WRITTEN or not user or not ts:
        return None
    if (
        event.get("bot_id")
        or event.get("app_id") == app_id
        or event.get("hidden")
        or user in (bot.user_id, "USLACKBOT")
    ):
        return None
    channel, root = str(event.get("channel") or ""), event.get("thread_ts")
    mention = re.compile(rf"\s*<@{re.escape(bot.user_id)}(?:\|[^>]*)?>[\s,:]*")
    text, is_direct = str(event.get("text") or ""), channel.startswith("D")
    found = mention.match(text)
    # In the middle of a sentence it is a command in no thread, but still said to the bot.
    if found is None and not is_direct and (kind != "app_mention" or root):
        return None
    said = text[found.end() :] if found is not None else mention.sub(" ", text)
    return Spoken(
        channel, str(root or ""), str(ts), str(user), said.strip(), is_direct, is_direct == (kind == "message")
    )


def is_command_in_thread(text: str) -> bool:
    """Whether something that was said to the bot in the thread of a session is meant for the bot. Pure."""
    word, rest = split(text)
    return (word in ALONE and not rest) or (word == "invite" and names_somebody(rest))


class Mentions:
    """Handles what is said to the bot; everything else goes to `others`. Belongs to one workspace."""

    def __init__(self, desk: Desk, bot: Bot, deeds: Deeds, others: Handler) -> None:
        self._desk = desk
        self._bot = bot
        self._deeds = deeds
        self._others = others

    def lane(self, item: Item) -> Lane:
        return self._others.lane(item)

    async def handle(self, item: Item) -> Wish | None:
        body: Event = orjson.loads(item.body)
        event, app_id = body.get("event") or {}, str(body.get("api_app_id"))
        spoken = read_spoken(event, self._bot, app_id)
        if spoken is None:
            is_told = event.get("subtype") == "message_changed" and await self._was_a_command(event, app_id)
            return None if is_told else await self._others.handle(item)
        is_of_session = bool(spoken.root) and await self._is_of_session(spoken)
        if is_of_session and not is_command_in_thread(spoken.text):
            return await self._others.handle(item)
        return await self._answer(spoken) if spoken.is_first else None

    async def _was_a_command(self, event: Event, app_id: str) -> bool:
        """Whether a message that was changed is a command in a thread: it does not become something said by that."""
        now = {**(event.get("message") or {}), "channel": event.get("channel"), "type": "message"}
        spoken = read_spoken(now, self._bot, app_id)
        if spoken is None or not spoken.root or not is_command_in_thread(spoken.text):
            return False
        place = (self._bot.realm, spoken.channel, spoken.ts)
        return await self._desk.db.read(lambda tx: tx.sql.get(tables.MirrorLink, place) is None)

    async def _is_of_session(self, spoken: Spoken) -> bool:
        realm, channel, root = self._bot.realm, spoken.channel, spoken.root
        return await self._desk.db.read(lambda tx: mirrors.by_thread(tx, realm, channel, root) is not None)

    async def _answer(self, spoken: Spoken) -> Wish | None:
        word, raw = split(spoken.text)
        ask = Ask(
            user=spoken.user,
            channel=spoken.channel,
            word=word,
            rest=unmarked(raw),
            raw=raw,
            key=f"slack:{spoken.channel}:{spoken.ts}",
            root=spoken.root,
        )
        if word in WORDS and (word != "start" or ask.rest):
            return await self._deeds.do(ask)
        if not await self._deeds.admits(ask):
            return None
        said = unmarked(spoken.text)
        is_short = len(said.split()) <= _MOST_WORDS_OF_A_SLIP
        if word == "start" or said.lower().strip(".!? ") in GREETINGS:
            shown = welcome()
        elif is_short and nearest(word, WORDS):
            shown = Shown(unknown(word), ())
        else:
            shown = offer(said)
        await self._deeds.answers.tell(ask, shown.text, shown.blocks)
        return None
