"""What the buttons of invites do: Accept, Decline, Withdraw, and the form's way in and out.

Who clicks is what Slack has signed. Whoever accepts is told privately how they come in: a link that signs their own
browser in, once and for minutes, made for them alone. Somebody whose Slack account belongs to nobody here signs in with
Slack first, and finds the invite there; to say no they need no account.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, cast
from urllib.parse import parse_qs, quote

import orjson

from bot import identity
from bot.desk import Desk
from bot.identity import People
from bot.invites import form
from bot.invites.cards import ACCEPT, DECLINE, WITHDRAW
from bot.invites.inviting import Inviting, account_of
from bot.mrkdwn import escape
from bot.web import Bot, Refused
from bot.worker import Lane, Wish
from core import access, invites, tables
from core.db import Transaction
from core.errors import CosessionError, NotSignedIn
from core.inbox import Item

Payload = Mapping[str, Any]


def payload_of(item: Item) -> Payload:
    """A click or a form as Slack sent it. Raises ValueError, KeyError for anything else."""
    [text] = parse_qs(item.body.decode())["payload"]
    return cast("Payload", orjson.loads(text))


class Answering:
    """Handles what people do with invites. Belongs to one workspace."""

    def __init__(self, desk: Desk, bot: Bot, people: People, inviting: Inviting) -> None:
        self._desk = desk
        self._bot = bot
        self._people = people
        self._inviting = inviting
        self._deeds: dict[str, Callable[[Payload, str], Awaitable[Wish | None]]] = {
            ACCEPT: self._accept,
            DECLINE: self._decline,
            WITHDRAW: self._withdraw,
            form.OPEN: self._open_form,
        }

    def lane(self, item: Item) -> Lane:
        user = str((payload_of(item).get("user") or {}).get("id") or "")
        return Lane(f"invites of {user}", user)

    def concerns(self, payload: Payload) -> bool:
        """Whether this is about invites at all."""
        if payload.get("type") == "view_submission":
            return (payload.get("view") or {}).get("callback_id") == form.CALLBACK
        return payload.get("type") == "block_actions" and _action(payload).get("action_id") in self._deeds

    async def handle(self, item: Item) -> Wish | None:
        payload = payload_of(item)
        if not self.concerns(payload):
            return None
        if payload["type"] == "view_submission":
            wanted = form.read(payload["view"])
            return await self._inviting.by_form(
                _user(payload), wanted, str(payload["view"]["private_metadata"]), item.id
            )
        action = _action(payload)
        # To say no is everybody's right.
        if action["action_id"] != DECLINE and (await self._people.profile(_user(payload))).is_outsider:
            await self._tell(payload, "Guests and people of other workspaces cannot come in from Slack.")
            return None
        return await self._deeds[str(action["action_id"])](payload, str(action.get("value") or ""))

    # -- the deeds

    async def _accept(self, payload: Payload, invite_id: str) -> Wish | None:
        user, base = _user(payload), self._desk.settings.base_url.rstrip("/")

        def effect(tx: Transaction) -> str:
            actor = account_of(tx, self._bot.realm, user)
            taken = invites.accept(tx, actor, invite_id)
            secret = invites.hand_over(tx, actor.user_id)
            there = f"/s/{taken.session_id}" if taken.outcome == "accepted" else f"/invite/{taken.invite_id}"
            link = f"{base}/sign-in?next={quote(there, safe='')}#{secret}"
            if taken.outcome == "accepted":
                return f"You are in. <{link}|Open the session> signs your browser in, once, within five minutes."
            return f"A host has been asked to let you in. <{link}|Wait there>, or here: this message tells you."

        async def refused(error: CosessionError) -> None:
            if not isinstance(error, NotSignedIn):
                await self._tell(payload, escape(error.message))
            elif self._desk.settings.can_sign_in:
                url = f"{base}/slack/sign_in?next={quote(f'/invite/{invite_id}', safe='')}"
                await self._tell(payload, f"<{url}|Sign in with Slack> in your browser: there you accept the invite.")
            else:
                await self._tell(payload, "Your Slack account is not connected here. Ask for an invite link instead.")

        return Wish(effect, refused, lambda text: self._tell(payload, text))

    async def _decline(self, payload: Payload, invite_id: str) -> Wish | None:
        user = _user(payload)

        def effect(tx: Transaction) -> None:
            actor = identity.actor_for(tx, self._bot.realm, user)
            if actor is None:
                invites.decline_unlinked(tx, invite_id, self._bot.realm, user)
            else:
                invites.decline(tx, actor, invite_id)

        # The direct message itself tells that it was done.
        return Wish(effect, self._refusal(payload))

    async def _withdraw(self, payload: Payload, invite_id: str) -> Wish | None:
        user = _user(payload)

        def effect(tx: Transaction) -> str:
            invites.revoke(tx, account_of(tx, self._bot.realm, user), invite_id)
            invite = tx.sql.get(tables.Invite, invite_id)
            return f"The invite for *{escape(invite.name if invite else '')}* is withdrawn."

        return Wish(effect, self._refusal(payload), lambda text: self._tell(payload, text))

    async def _open_form(self, payload: Payload, session_id: str) -> Wish | None:
        user, realm = _user(payload), self._bot.realm

        def look(tx: Transaction) -> str:
            actor = account_of(tx, realm, user)
            return access.session_for(tx, actor, session_id, "invite", lock=False).session.title

        try:
            title = await self._desk.db.read(look)
        except CosessionError as error:
            await self._refusal(payload)(error)
            return None
        try:
            await self._desk.api.open_view(str(payload.get("trigger_id")), form.view(session_id, title))
        except Refused as refusal:
            if refusal.code not in ("expired_trigger_id", "exchanged_trigger_id", "invalid_trigger_id"):
                raise
            await self._tell(payload, "That took too long for Slack to show a form. Press the button once more.")
        return None

    # -- answers

    def _refusal(self, payload: Payload) -> Callable[[CosessionError], Awaitable[None]]:
        async def refused(error: CosessionError) -> None:
            if isinstance(error, NotSignedIn):
                url = f"{self._desk.settings.base_url.rstrip('/')}/slack/sign_in"
                await self._tell(payload, f"Your Slack account is not connected here yet: <{url}|connect it> first.")
            else:
                await self._tell(payload, escape(error.message))

        return refused

    async def _tell(self, payload: Payload, text: str) -> None:
        """Privately, under the message whose button it was."""
        try:
            await self._desk.api.respond(str(payload.get("response_url") or ""), text)
        except Refused:
            channel = str((payload.get("channel") or {}).get("id") or "")
            if channel:
                await self._desk.api.whisper(channel, _user(payload), text)
            else:
                # The button was on the app's home tab.
                note = {"id": f"note:{_action(payload).get('action_ts')}"}
                metadata = {"event_type": "cosession_note", "event_payload": note}
                await self._desk.api.post(await self._desk.api.direct_with(_user(payload)), text, metadata=metadata)


def _user(payload: Payload) -> str:
    return str(payload["user"]["id"])


def _action(payload: Payload) -> Payload:
    actions = payload.get("actions") or [{}]
    return cast("Payload", actions[0])
