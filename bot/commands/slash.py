"""`/cosession`: the word is understood at once, the work is done from the inbox."""

from __future__ import annotations

from bot.commands.asking import Ask
from bot.commands.deeds import Deeds
from bot.commands.words import WORDS, NotUnderstood, parse, read_start
from bot.worker import Lane, Wish
from core.inbox import Item


class Commands:
    """Handles slash commands from the inbox."""

    def __init__(self, deeds: Deeds) -> None:
        self._deeds = deeds

    def lane(self, item: Item) -> Lane:
        command = parse(item.body)
        return Lane(f"{command.channel}:commands", command.user)

    async def handle(self, item: Item) -> Wish | None:
        command = parse(item.body)
        if command.word not in WORDS or command.word == "help" or command.wants_form:
            return None  # The acknowledgement has said it all, or the form is open.
        if command.word == "start":
            try:
                read_start(command.rest)
            except NotUnderstood:
                return None  # That too.
        ask = Ask(
            user=command.user,
            channel=command.channel,
            word=command.word,
            rest=command.rest,
            raw=command.raw,
            key=item.id,
            channel_name=command.channel_name,
            response_url=command.response_url,
        )
        return await self._deeds.do(ask)
