"""The form that starts a session was sent: the session, its thread, its first message and its invites, all or nothing.

The form's own id is the key, so that sending it twice starts one session.
"""

from __future__ import annotations

from bot.blocks import Block
from bot.commands.asking import Ask, Said
from bot.commands.deeds import Deeds
from bot.commands.words import Wanted
from bot.desk import Desk
from bot.identity import People
from bot.interactions.context import context_of
from bot.interactions.payloads import Payload, payload_of, user_of
from bot.invites.inviting import Inviting
from bot.invites.words import Wanted as Invited
from bot.modals import start
from bot.mrkdwn import escape
from bot.worker import Wish
from core import chat, tables
from core.access import Actor
from core.db import Transaction
from core.inbox import Item


class StartForm:
    """Belongs to one workspace."""

    def __init__(self, desk: Desk, people: People, deeds: Deeds, inviting: Inviting) -> None:
        self._desk = desk
        self._people = people
        self._deeds = deeds
        self._inviting = inviting

    def concerns(self, payload: Payload) -> bool:
        is_form = (payload.get("view") or {}).get("callback_id") == start.CALLBACK
        return is_form and payload.get("type") == "view_submission"

    async def handle(self, item: Item) -> Wish | None:
        payload = payload_of(item)
        filled = start.read(payload["view"])
        if start.problems(filled):
            return None  # They were shown in the form.
        user, key = user_of(payload), f"form:{payload['view']['id']}"
        ask = Ask(user, filled.channel, "start", filled.title, "", key, is_answered_alone=True)
        if not await self._deeds.admits(ask):
            return None
        context = await context_of(self._desk, self._people, filled.source) if filled.source is not None else ""
        started: list[str] = []

        async def tell(text: str, blocks: list[Block]) -> None:
            await self._deeds.answers.tell(ask, text, blocks)

        invited = None
        if filled.people:
            wanted = Invited(filled.people, filled.role)
            invited = await self._inviting.wish(user, wanted, lambda _tx, _actor: started[-1], tell, key)

        def also(tx: Transaction, actor: Actor, session: tables.Session) -> Said:
            started.append(session.id)
            if context:
                draft = chat.Draft(context)
                chat.post_message(tx, actor, session.id, draft, key=f"{key}:context")
            url = self._desk.settings.session_url(session.id)
            text = f"*<{url}|{escape(session.title).replace('|', '¦')}>* is live."
            answer = invited.effect(tx) if invited is not None else None
            if answer is None or not answer.lines:
                return Said(text)
            first: Block = {"type": "section", "text": {"type": "mrkdwn", "text": text}}
            return Said("\n".join([text, *answer.lines]), [first, *answer.blocks])

        return await self._deeds.starting.wish(ask, Wanted(filled.title, filled.agent, filled.is_private), also)
