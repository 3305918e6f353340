"""The buttons of a session's card and of an offer to start one. Who may is decided by the roles, as everywhere; who may
not is told privately."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import quote

from bot.blocks import END, JOIN, MUTE, UNMUTE
from bot.commands.asking import Ask
from bot.commands.deeds import Deeds
from bot.commands.offers import START_HERE
from bot.commands.words import Wanted
from bot.interactions.payloads import Payload, action_id_of, channel_of, payload_of, thread_of, user_of, value_of
from bot.mrkdwn import escape
from bot.worker import Wish
from core import sessions
from core.access import Actor
from core.db import Transaction
from core.inbox import Item

#: Does what a button is for, in the session of that id; returns what the person is told.
Press = Callable[[Transaction, Actor, str], str]


class Buttons:
    """Belongs to one workspace."""

    def __init__(self, deeds: Deeds) -> None:
        steering = deeds.steering
        self._deeds = deeds
        self._presses: dict[str, Press] = {
            JOIN: steering.take_in,
            MUTE: lambda tx, actor, session_id: steering.set_muted(tx, actor, session_id, is_muted=True),
            UNMUTE: lambda tx, actor, session_id: steering.set_muted(tx, actor, session_id, is_muted=False),
            END: _end,
        }

    def concerns(self, payload: Payload) -> bool:
        return action_id_of(payload) in (*self._presses, START_HERE)

    async def handle(self, item: Item) -> Wish | None:
        payload = payload_of(item)
        action_id, value = action_id_of(payload), value_of(payload)
        ask = Ask(
            user=user_of(payload),
            channel=channel_of(payload),
            word=action_id,
            rest=value,
            raw="",
            key=item.id,
            root=thread_of(payload),
            response_url=str(payload.get("response_url") or ""),
        )
        if not await self._deeds.admits(ask):
            return None
        if action_id == START_HERE:
            return await self._start(payload, ask)
        press = self._presses[action_id]
        return self._deeds.answers.wish(ask, lambda tx, actor: press(tx, actor, value))

    async def _start(self, payload: Payload, ask: Ask) -> Wish | None:
        """One offer starts one session, however often it is pressed."""
        offer = str((payload.get("container") or {}).get("message_ts") or ask.key)
        where = quote(f"{ask.channel}:{offer}", safe=":")
        made = Ask(ask.user, ask.channel, "start", ask.rest, "", f"offer:{where}", response_url=ask.response_url)
        starting = f"Starting *{escape(ask.rest)}* …"
        return await self._deeds.starting.wish(made, Wanted(ask.rest), lambda _tx, _actor, _session: starting)


def _end(tx: Transaction, actor: Actor, session_id: str) -> str:
    title = sessions.end(tx, actor, session_id).session.title
    return f"*{escape(title)}* has ended."
