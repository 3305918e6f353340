"""Starts a session from Slack, with the thread that mirrors it, whichever way somebody asked for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bot.commands.asking import Answers, Ask, Said
from bot.commands.words import NotUnderstood, Wanted, read_start
from bot.desk import Desk
from bot.web import Bot, Refused
from bot.worker import Wish
from core import accounts, mirrors, sessions, tables
from core.access import Actor
from core.db import Transaction

INVITE_THE_BOT = "Cosession is not in this channel. Type `/invite @Cosession` there, then start the session again."
ARCHIVED = "This channel is archived."


@dataclass(frozen=True, slots=True)
class Place:
    """A channel that a thread can be made in. `is_shared`: the whole workspace may read it."""

    channel: str
    name: str
    is_shared: bool


#: What else is to be done in the transaction that starts a session; returns what its host is told.
Also = Callable[[Transaction, Actor, tables.Session], str | Said]


class Starting:
    """Belongs to one workspace."""

    def __init__(self, desk: Desk, bot: Bot, answers: Answers) -> None:
        self._desk = desk
        self._bot = bot
        self._answers = answers

    async def by_words(self, ask: Ask) -> Wish | None:
        """`start TITLE …`. What the words lack, whoever wrote them is told."""
        try:
            wanted = read_start(ask.rest)
        except NotUnderstood as problem:
            await self._answers.tell(ask, str(problem))
            return None
        return await self.wish(ask, wanted)

    async def wish(self, ask: Ask, wanted: Wanted, also: Also | None = None) -> Wish | None:
        """None, once told why, where no thread can be made in the channel."""
        place = await self.look_at(ask.channel, ask.channel_name)
        if isinstance(place, str):
            await self._answers.tell(ask, place)
            return None

        def start(tx: Transaction, actor: Actor) -> str | Said:
            session = self._start(tx, actor, wanted, place, ask.key)
            return also(tx, actor, session) if also is not None else ""

        return self._answers.wish(ask, start)

    def _start(self, tx: Transaction, actor: Actor, wanted: Wanted, place: Place, key: str) -> tables.Session:
        team = accounts.team_for_realm(tx, self._bot.realm, self._bot.team_name)
        accounts.join_team(tx, team.id, actor.user_id)
        # Only what is said before the whole workspace is open to the whole workspace.
        team_id = team.id if place.is_shared and not wanted.is_private else None
        role = self._desk.settings.team_role
        session = sessions.start(tx, actor, wanted.title, agent=wanted.agent, team_id=team_id, team_role=role, key=key)
        mirrors.open_mirror(tx, session.id, realm=self._bot.realm, channel=place.channel, channel_name=place.name)
        return session

    async def look_at(self, channel: str, name: str = "") -> Place | str:
        """The channel, or why no thread can be made there. Raises Limited, Ambiguous, Refused."""
        try:
            found = await self._desk.api.channel(channel)
        except Refused as refusal:
            if refusal.code == "missing_scope":
                return Place(channel, name, is_shared=False)
            if refusal.code in ("channel_not_found", "method_not_supported_for_channel_type"):
                return INVITE_THE_BOT
            raise
        is_direct = bool(found.get("is_im") or found.get("is_mpim"))
        if found.get("is_archived"):
            return ARCHIVED
        if not is_direct and found.get("is_member") is False:
            return INVITE_THE_BOT
        is_shared = not is_direct and not found.get("is_private") and not found.get("is_ext_shared")
        return Place(channel, str(found.get("name") or ""), is_shared)
