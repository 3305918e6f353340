"""Word → what it does. Whatever way a word was said, this is where it is looked up.

A new word: a line in `words.WORDS`, and its deed here. A deed is handed the wish and answers with what to do in the
database, or with nothing once it has told the person what there is to tell.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from bot.commands.asking import Answers, Ask
from bot.commands.starting import Starting
from bot.commands.steering import Steering
from bot.commands.words import help_text
from bot.desk import Desk
from bot.errors import GUEST
from bot.identity import People
from bot.invites.inviting import Inviting
from bot.web import Bot
from bot.worker import Wish
from core.access import Actor
from core.db import Transaction

#: Says how things stand with Slack, naming no channel but the one it is asked in: see `bot.health`.
Doctor = Callable[[str], Awaitable[str]]
Deed = Callable[[Ask], Awaitable[Wish | None]]


class Deeds:
    """Belongs to one workspace. `table` is word → deed; whoever builds the workspace may add to it."""

    def __init__(self, desk: Desk, bot: Bot, people: People, inviting: Inviting, doctor: Doctor) -> None:
        self.answers = Answers(desk, bot)
        self.starting = Starting(desk, bot, self.answers)
        self.steering = Steering(desk, bot)
        self._people = people
        self._inviting = inviting
        self._doctor = doctor
        self.table: dict[str, Deed] = {
            "start": self.starting.by_words,
            "list": self._simply(self.steering.list_live),
            "join": self._simply(self.steering.join),
            "invite": self._invite,
            "mute": self._simply(self.steering.mute),
            "unmute": self._simply(self.steering.unmute),
            "end": self._simply(self.steering.end),
            "link": self._simply(self.steering.link),
            "doctor": self._examine,
            "help": self._help,
        }

    async def do(self, ask: Ask) -> Wish | None:
        """What is wished for; guests and bots wish for nothing."""
        return await self.table[ask.word](ask) if ask.word == "help" or await self.admits(ask) else None

    async def admits(self, ask: Ask) -> bool:
        """Whether somebody may act from Slack at all; who may not is told."""
        profile = await self._people.profile(ask.user)
        if profile.is_outsider:
            await self.answers.tell(ask, GUEST)
        return not profile.is_outsider and not profile.is_bot

    def _simply(self, run: Callable[[Transaction, Actor, Ask], str]) -> Deed:
        async def deed(ask: Ask) -> Wish | None:
            return self.answers.wish(ask, lambda tx, actor: run(tx, actor, ask))

        return deed

    async def _invite(self, ask: Ask) -> Wish | None:
        if ask.root:
            return await self._inviting.in_thread(ask.user, ask.channel, ask.root, ask.raw, ask.key)
        return await self._inviting.in_channel(
            ask.user, ask.channel, ask.raw, lambda text, blocks: self.answers.tell(ask, text, blocks), ask.key
        )

    async def _examine(self, ask: Ask) -> Wish | None:
        words = await self._doctor(ask.channel)
        return self.answers.wish(ask, lambda _tx, _actor: words)

    async def _help(self, ask: Ask) -> Wish | None:
        await self.answers.tell(ask, help_text())
        return None
