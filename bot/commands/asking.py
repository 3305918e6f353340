"""One wish in words, however it was said, and the private answer to it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bot import identity
from bot.blocks import Block
from bot.desk import Desk
from bot.errors import how_to_link
from bot.mrkdwn import escape
from bot.web import Bot, Refused
from bot.worker import Wish
from core.access import Actor
from core.db import Transaction
from core.errors import CosessionError, NotSignedIn

#: The kind of post that answers a direct message.
NOTE = "cosession_note"


@dataclass(frozen=True, slots=True)
class Ask:
    """Who wants what, and where. `rest` is plain text, `raw` the same with Slack's own marks for people; `root` is the
    thread it was said in; `key` is the same for every delivery of the same wish."""

    user: str
    channel: str
    word: str
    rest: str
    raw: str
    key: str
    root: str = ""
    channel_name: str = ""
    response_url: str = ""
    #: It was not said in the channel that it is about: the answer is a direct message.
    is_answered_alone: bool = False

    @property
    def is_direct(self) -> bool:
        """Said to the bot alone."""
        return self.channel.startswith("D")


@dataclass(frozen=True, slots=True)
class Said:
    """What somebody is told."""

    text: str
    blocks: Sequence[Block] = ()


class Answers:
    """Tells people privately what came of their wish. Belongs to one workspace."""

    def __init__(self, desk: Desk, bot: Bot) -> None:
        self._desk = desk
        self._bot = bot

    async def tell(self, ask: Ask, text: str, blocks: Sequence[Block] = ()) -> None:
        """Raises Limited, Ambiguous, Refused."""
        if ask.response_url:
            try:
                await self._desk.api.respond(ask.response_url, text, blocks)
            except Refused:
                # A response URL lives half an hour; the person has long gone on.
                pass
            else:
                return
        if ask.is_direct or ask.is_answered_alone or not ask.channel:
            await self.write(ask.user, text, blocks, key=ask.key, thread_ts=ask.root)
        else:
            await self._whisper(ask, text, blocks)

    async def write(self, user: str, text: str, blocks: Sequence[Block] = (), *, key: str, thread_ts: str = "") -> None:
        """The same as a direct message, which stays. Raises Limited, Ambiguous, Refused."""
        channel = await self._desk.api.direct_with(user)
        metadata = {"event_type": NOTE, "event_payload": {"id": f"note:{key}"}}
        fields = {**({"blocks": list(blocks)} if blocks else {}), **({"thread_ts": thread_ts} if thread_ts else {})}
        await self._desk.api.post(channel, text, metadata=metadata, **fields)

    async def _whisper(self, ask: Ask, text: str, blocks: Sequence[Block]) -> None:
        try:
            await self._desk.api.whisper(ask.channel, ask.user, text, ask.root or None, blocks)
        except Refused as refusal:
            if refusal.code not in ("user_not_in_channel", "channel_not_found", "not_in_channel"):
                raise
            await self.write(ask.user, text, blocks, key=ask.key)

    def wish(self, ask: Ask, run: Callable[[Transaction, Actor], str | Said]) -> Wish:
        """`run` as whoever asks, with its answer told to them; no words, no answer."""

        def effect(tx: Transaction) -> str | Said:
            actor = identity.actor_for(tx, self._bot.realm, ask.user)
            if actor is None:
                raise NotSignedIn
            return run(tx, actor)

        async def refused(error: CosessionError) -> None:
            is_unlinked = isinstance(error, NotSignedIn)
            await self.tell(ask, how_to_link(self._desk.settings.base_url) if is_unlinked else escape(error.message))

        async def then(answer: str | Said) -> None:
            said = answer if isinstance(answer, Said) else Said(answer)
            if said.text:
                await self.tell(ask, said.text, said.blocks)

        return Wish(effect, refused, then)
