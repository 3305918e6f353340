"""What people change in the thread afterwards becomes a change of the session: edits, deletions, reactions.

Slack's events may come twice, late, and in any order. So an edit is not taken from its event, which only says that
there is something to look at: the message is read as it stands now. What was edited on both sides ends as whoever was
later has it, by the times of the edits and not by those of the events: a late event, or one that tells of a preview,
does not undo what somebody has changed in the session since. A deletion that comes before the words it takes
back leaves a mark, so that they are not taken any more.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from bot import identity
from bot.desk import Desk
from bot.emoji_names import character
from bot.identity import People
from bot.web import Bot
from bot.worker import Wish
from core import accounts, chat, comments, mirrors, tables
from core import log as log_of_session
from core.access import Actor
from core.chat.changing import message_of
from core.clock import Clock
from core.db import Transaction
from core.errors import CosessionError, NotFound, NotSignedIn, TooMany
from core.events import CommentEdited, MessageEdited
from core.inbox import Item

log = logging.getLogger(__name__)

Event = Mapping[str, Any]

#: The message of a link whose words were deleted before they were taken.
NEVER_TAKEN = ""
#: A reaction may overtake the words that it is about: it waits for them this long, looking so often.
OVERTAKES_BY = timedelta(seconds=5)
LOOK_AGAIN_MS = 500


@dataclass(frozen=True, slots=True)
class Place:
    """One message in a channel."""

    channel: str
    ts: str


def edited(event: Event) -> tuple[Place, str] | None:
    """The reply that a person has edited, and its thread. A preview or another reply under it is no edit of it, but
    that is for whoever compares the texts to see."""
    message: Event = event.get("message") or {}
    if event.get("type") != "message" or event.get("subtype") != "message_changed" or message.get("bot_id"):
        return None
    root, ts = message.get("thread_ts"), message.get("ts")
    if not root or not ts or root == ts or message.get("subtype") == "tombstone":
        return None
    return Place(str(event["channel"]), str(ts)), str(root)


def edited_at(message: Event) -> datetime | None:
    """When its author last edited a message; None where they never did."""
    ts = (message.get("edited") or {}).get("ts")
    return datetime.fromtimestamp(float(ts), UTC) if ts else None


def deleted(event: Event) -> tuple[Place, str] | None:
    """The message that was deleted, and the thread that it stood in, "" where that is not told."""
    if event.get("type") != "message" or event.get("subtype") != "message_deleted":
        return None
    before: Event = event.get("previous_message") or {}
    return Place(str(event["channel"]), str(event["deleted_ts"])), str(before.get("thread_ts") or "")


def _author(tx: Transaction, link: tables.MirrorLink) -> Actor:
    """Whoever wrote a message or a comment, acting in Slack. Raises MessageNotFound, UserNotFound."""
    said = tx.sql.get(tables.Comment, link.message_id) or message_of(tx, link.session_id, link.message_id)
    return accounts.actor_for(accounts.get_user(tx, said.user_id), "slack")


def say_otherwise(
    tx: Transaction,
    actor: Actor,
    link: tables.MirrorLink,
    text: str,
    mentions: tuple[str, ...],
    edited: datetime | None,
) -> None:
    """Another text for what somebody said in Slack, last edited there at `edited`, unless it was changed in the session
    since then. Raises what `chat.edit_message` and `comments.edit_comment` do."""
    comment = tx.sql.get(tables.Comment, link.message_id)
    said = comment or message_of(tx, link.session_id, link.message_id)
    here = _changed_here(tx, said)
    if here is not None and (edited is None or edited <= here):
        return
    if comment is not None:
        comments.edit_comment(tx, actor, link.session_id, link.message_id, text, mentions)
    else:
        chat.edit_message(tx, actor, link.session_id, link.message_id, text, picked=mentions)


def _changed_here(tx: Transaction, said: tables.Message | tables.Comment) -> datetime | None:
    """When the words were last changed, if that was in the session and not in Slack."""
    if said.edited_at is None:
        return None
    edits = [stored.event() for stored in log_of_session.holding(tx, said.session_id, said.id, since=said.seq)]
    last = next((one for one in reversed(edits) if isinstance(one, MessageEdited | CommentEdited)), None)
    return said.edited_at if last is not None and last.source != "slack" else None


def take_back(tx: Transaction, link: tables.MirrorLink) -> None:
    """What somebody said in Slack is deleted, in their own name."""
    is_comment = tx.sql.get(tables.Comment, link.message_id) is not None
    delete = comments.delete_comment if is_comment else chat.delete_message
    delete(tx, _author(tx, link), link.session_id, link.message_id)


class Changes:
    """The changes that concern what was said already. Whatever concerns nothing of ours is no wish."""

    def __init__(self, desk: Desk, bot: Bot, people: People, clock: Clock) -> None:
        self._desk = desk
        self._bot = bot
        self._people = people
        self._clock = clock

    def delete(self, place: Place, root: str) -> Wish:
        """Takes back what somebody took back in Slack; Slack does not say who, so it counts as the author."""
        realm = self._bot.team_id

        def delete(tx: Transaction) -> None:
            link = tx.sql.get(tables.MirrorLink, (realm, place.channel, place.ts))
            mirror = mirrors.by_thread(tx, realm, place.channel, root) if root else None
            if link is None:
                if mirror is not None:
                    mirrors.link(tx, mirror, place.ts, NEVER_TAKEN, "thread")
            elif link.origin == "thread" and link.message_id != NEVER_TAKEN:
                take_back(tx, link)

        return Wish(delete, self._quietly)

    async def react(self, event: Event, item: Item) -> Wish | None:
        """Somebody has put a reaction on a message of the thread, or taken theirs away."""
        about: Event = event.get("item") or {}
        user = str(event.get("user") or "")
        if about.get("type") != "message" or user in ("", self._bot.user_id):
            return None
        place, realm = Place(str(about["channel"]), str(about["ts"])), self._bot.team_id
        if not await self._desk.db.read(lambda tx: self._is_ours(tx, place, item)):
            return None
        profile = await self._people.profile(user)
        if profile.is_outsider or profile.is_bot:
            return None
        change = chat.add_reaction if event["type"] == "reaction_added" else chat.remove_reaction
        shown = character(str(event["reaction"]))

        def react(tx: Transaction) -> None:
            actor = identity.actor_for(tx, realm, user)
            link = tx.sql.get(tables.MirrorLink, (realm, place.channel, place.ts))
            if actor is None or link is None:
                raise NotSignedIn
            change(tx, actor, link.session_id, link.message_id, shown)

        return Wish(react, self._quietly)

    def _is_ours(self, tx: Transaction, place: Place, item: Item) -> bool:
        """Whether the message is in a session. Raises TooMany, to be asked again, while it may still come."""
        link = tx.sql.get(tables.MirrorLink, (self._bot.team_id, place.channel, place.ts))
        if link is not None:
            return link.message_id != NEVER_TAKEN
        is_young = self._clock() - item.received_at < OVERTAKES_BY
        if is_young and mirrors.in_channel(tx, self._bot.team_id, place.channel):
            raise TooMany(retry_after_ms=LOOK_AGAIN_MS)
        return False

    async def _quietly(self, error: CosessionError) -> None:
        """A reaction or a deletion that the session does not take is not worth a private message."""
        if not isinstance(error, NotFound):
            log.info("a change in Slack was not taken: %s", error.code)
