"""App Home: one's own live sessions, a way to start one, how the account is linked, and what others plug in.

The tab is made anew whenever it is opened, and after each button that is pressed in it. **A part of it** is a function
from the transaction and the actor to blocks: see `Home`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import orjson

from bot import identity
from bot.blocks import Block, count, moment
from bot.commands.asking import Answers, Ask
from bot.commands.offers import START_FORM
from bot.desk import Desk
from bot.errors import GUEST
from bot.identity import People
from bot.interactions.payloads import Payload, action_id_of, payload_of, user_of
from bot.invites.cards import ACCEPT, DECLINE
from bot.mrkdwn import escape
from bot.web import Bot, Refused
from bot.worker import Handler, Lane, Wish
from core import access, identities, invites, sessions, tables
from core.access import Actor
from core.db import Transaction
from core.inbox import Item

log = logging.getLogger(__name__)

#: The button that parts the Slack account from the one here.
DISCONNECT = "disconnect_account"
MAX_SESSIONS, MAX_INVITES = 20, 10
#: A view takes so many blocks.
MAX_BLOCKS = 100

#: A part of the tab, for somebody who is linked.
Part = Callable[[Transaction, Actor], Sequence[Block]]


class Home:
    """Publishes the tab, and handles its own button; every other event goes to `others`. `parts` are what is shown
    below the sessions, in that order. Belongs to one workspace."""

    def __init__(self, desk: Desk, bot: Bot, people: People, others: Handler, parts: Sequence[Part] = ()) -> None:
        self._desk = desk
        self._bot = bot
        self._people = people
        self._others = others
        self._parts = (invitations, *parts)
        self._answers = Answers(desk, bot)

    # -- events

    def lane(self, item: Item) -> Lane:
        return self._others.lane(item)

    async def handle(self, item: Item) -> Wish | None:
        event: Mapping[str, Any] = orjson.loads(item.body).get("event") or {}
        if event.get("type") != "app_home_opened":
            return await self._others.handle(item)
        if event.get("tab") == "home":
            await self.publish(str(event["user"]))
        return None

    # -- the tab

    async def publish(self, user: str) -> None:
        """Makes the tab anew. Raises Limited, Ambiguous; a workspace that has switched it off gets none."""
        is_outsider = (await self._people.profile(user)).is_outsider
        blocks = _for_an_outsider() if is_outsider else await self._desk.db.read(lambda tx: self._blocks(tx, user))
        try:
            await self._desk.api.publish_home(user, {"type": "home", "blocks": blocks[:MAX_BLOCKS]})
        except Refused as refusal:
            if refusal.code != "not_enabled":
                raise
            log.warning("the app's home tab is switched off: paste the newest manifest")

    def _blocks(self, tx: Transaction, user: str) -> list[Block]:
        actor = identity.actor_for(tx, self._bot.realm, user)
        if actor is None:
            return self._for_a_stranger()
        blocks = [_header("Your live sessions"), *self._sessions(tx, actor), _actions(_start())]
        for part in self._parts:
            blocks += part(tx, actor)
        return [*blocks, {"type": "divider"}, *_account(tx, actor)]

    def _for_a_stranger(self) -> list[Block]:
        base = self._desk.settings.base_url.rstrip("/")
        text = "Your Slack account is not linked to an account in Cosession yet."
        connect = {
            "type": "button",
            "action_id": "open_link",
            "text": _plain("Connect"),
            "url": f"{base}/slack/sign_in",
        }
        what = "Live, shared AI coding sessions: a thread here, the whole session in your browser."
        return [_header("Cosession"), _section(what), _section(text), _actions({**connect, "style": "primary"})]

    def _sessions(self, tx: Transaction, actor: Actor) -> list[Block]:
        live = [seat for seat in access.visible_sessions(tx, actor) if seat.session.status == "live"]
        if not live:
            return [_section("None is open to you just now. Start one, and everybody can watch it and take part.")]
        shown = [self._session(tx, seat) for seat in live[:MAX_SESSIONS]]
        more = len(live) - MAX_SESSIONS
        return [*shown, *([_context(f"and {more} more, in your browser")] if more > 0 else [])]

    def _session(self, tx: Transaction, seat: access.Seat) -> Block:
        session = seat.session
        host = escape(sessions.host_of(tx, session).username)
        facts = [f"{host} hosts", f"you are *{seat.role}*", count(session.message_count, "message")]
        text = f"*{escape(session.title)}*\n{' · '.join([*facts, moment(session.last_activity_at)])}"
        url = self._desk.settings.session_url(session.id)
        button = {"type": "button", "action_id": f"open_session:{session.id}", "text": _plain("Open"), "url": url}
        return {**_section(text), "accessory": button}

    # -- its own button

    def concerns(self, payload: Payload) -> bool:
        return action_id_of(payload) == DISCONNECT

    async def press(self, item: Item) -> Wish | None:
        payload = payload_of(item)
        ask = Ask(user_of(payload), "", DISCONNECT, "", "", item.id)

        def part(tx: Transaction, actor: Actor) -> str:
            identities.unlink(tx, actor.user_id, identity.PROVIDER)
            return (
                "Your Slack account is no longer linked to Cosession. What you write in threads is not sent any more."
            )

        return self.refreshing(payload, self._answers.wish(ask, part))

    def refreshing(self, payload: Payload, wish: Wish | None) -> Wish | None:
        """The wish, with the tab made anew after it where its button was in the tab."""
        if wish is None or (payload.get("view") or {}).get("type") != "home":
            return wish
        granted = wish.then

        async def then(result: Any) -> None:
            await granted(result)
            await self.publish(user_of(payload))

        return replace(wish, then=then)


def invitations(tx: Transaction, actor: Actor) -> list[Block]:
    """The invites that wait for one's answer."""
    waiting = [look for look in invites.mine(tx, actor) if look.status == "live"][:MAX_INVITES]
    return [_header("Invitations"), *[block for look in waiting for block in _invitation(look)]] if waiting else []


def _invitation(look: invites.Look) -> list[Block]:
    text = f"*{escape(look.inviter_name)}* invites you to *{escape(look.title)}* as *{look.invite.role}*"
    buttons = [
        {**_button(ACCEPT, "Accept", look.invite.id), "style": "primary"},
        _button(DECLINE, "Decline", look.invite.id),
    ]
    return [_section(text), _actions(*buttons)]


def _account(tx: Transaction, actor: Actor) -> list[Block]:
    user = tx.sql.get(tables.User, actor.user_id)
    address = f" ({escape(user.email)})" if user is not None and user.email else ""
    confirm = {
        "title": _plain("Disconnect?"),
        "text": _plain("You can connect again at any time, in your browser."),
        "confirm": _plain("Disconnect"),
        "deny": _plain("Stay"),
    }
    button = {**_button(DISCONNECT, "Disconnect", ""), "confirm": confirm}
    return [{**_section(f"Connected as *{escape(actor.name)}*{address}."), "accessory": button}]


def _start() -> Block:
    return {**_button(START_FORM, "Start a session…", ""), "style": "primary"}


def _for_an_outsider() -> list[Block]:
    """Whoever became a guest, or is of another workspace, sees nothing here, linked or not."""
    return [_header("Cosession"), _section(GUEST)]


def _button(action_id: str, label: str, value: str) -> Block:
    button: Block = {"type": "button", "action_id": action_id, "text": _plain(label)}
    return {**button, **({"value": value} if value else {})}


def _actions(*elements: Block) -> Block:
    return {"type": "actions", "elements": list(elements)}


def _header(text: str) -> Block:
    return {"type": "header", "text": _plain(text)}


def _section(text: str) -> Block:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}}


def _context(text: str) -> Block:
    return {"type": "context", "elements": [{"type": "mrkdwn", "text": text}]}


def _plain(text: str) -> Block:
    return {"type": "plain_text", "text": text}
