"""What somebody wants to be told of, as a part of App Home: boxes to tick for each kind, and quiet hours.

Plugged into `bot.home.Home` (`part`) and `bot.interactions.dispatch.Interactions` (`Choices`). Every press sets what is
ticked at that moment, so a repeated one changes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bot.blocks import Block
from bot.commands.asking import Answers, Ask
from bot.desk import Desk
from bot.interactions.payloads import Payload, action_id_of, action_of, payload_of, user_of
from bot.mrkdwn import escape
from bot.web import Bot
from bot.worker import Wish
from core.access import Actor
from core.accounts import get_user
from core.db import Transaction
from core.inbox import Item
from core.notifications import CHANNELS, KINDS, Channel, Kind, preferences
from core.notifications.deciding import as_kind

#: The actions: one for each kind, with its name behind the colon; and those of the quiet hours.
TELL = "told_of:"
QUIET_FROM, QUIET_TO, QUIET_OFF, QUIET_ON = "quiet_from", "quiet_to", "quiet_off", "quiet_on"
#: What quiet hours begin with: ten in the evening to eight in the morning.
USUAL = (22 * 60, 8 * 60)

_KINDS: dict[Kind, str] = {
    "mention": "*Mentions*\nSomebody calls you by name",
    "reply": "*Replies*\nSomebody answers where you wrote",
    "invite": "*Invites*\nSomebody asks you to join a session",
    "needs_me": "*A session needs me*\nSomebody waits at the door, or the agent failed",
    "session_ended": "*A session ended*\nOne that you take part in",
}
_CHANNELS: dict[Channel, str] = {
    "web": "Inbox in the browser",
    "push": "Push to your browsers",
    "slack_dm": "Direct message here",
    "email": "E-mail",
}


def part(tx: Transaction, actor: Actor) -> Sequence[Block]:
    """The blocks for somebody who is linked."""
    wishes = preferences.wishes_of(tx, [actor.user_id]).get(actor.user_id)
    if wishes is None:
        return []
    quiet = wishes.quiet
    zone = get_user(tx, actor.user_id).time_zone or "UTC"
    kinds = [_kind(kind, [channel for channel in CHANNELS if (kind, channel) in wishes.wanted]) for kind in KINDS]
    hours = (
        [_time(QUIET_FROM, "From", quiet.start), _time(QUIET_TO, "To", quiet.end), _button(QUIET_OFF, "No quiet hours")]
        if quiet is not None
        else [_button(QUIET_ON, "Leave me alone at night")]
    )
    about = f"Nothing is sent to you in your quiet hours ({escape(zone)}); what has waited comes in one message."
    return [
        {"type": "header", "text": _plain("What you are told of")},
        *kinds,
        {"type": "actions", "elements": hours},
        {"type": "context", "elements": [{"type": "mrkdwn", "text": about}]},
    ]


class Choices:
    """What is pressed in there. Belongs to one workspace."""

    def __init__(self, desk: Desk, bot: Bot) -> None:
        self._answers = Answers(desk, bot)

    def concerns(self, payload: Payload) -> bool:
        action_id = action_id_of(payload)
        return action_id.startswith(TELL) or action_id in (QUIET_FROM, QUIET_TO, QUIET_OFF, QUIET_ON)

    async def handle(self, item: Item) -> Wish | None:
        payload = payload_of(item)
        action = action_of(payload)
        ask = Ask(user_of(payload), "", action_id_of(payload), "", "", item.id)

        def run(tx: Transaction, actor: Actor) -> str:
            _choose(tx, actor.user_id, action)
            return ""

        return self._answers.wish(ask, run)


def _choose(tx: Transaction, user_id: str, action: Payload) -> None:
    """Raises Invalid, in words for the person."""
    action_id = str(action["action_id"])
    if action_id.startswith(TELL):
        ticked = {str(option["value"]) for option in action.get("selected_options") or []}
        for channel in CHANNELS:
            kind = as_kind(action_id.removeprefix(TELL))
            preferences.set_preference(tx, user_id, kind, channel, is_on=channel in ticked)
    elif action_id == QUIET_OFF:
        preferences.set_quiet_hours(tx, user_id, None, None)
    else:
        quiet = preferences.wishes_of(tx, [user_id])[user_id].quiet
        start, end = (quiet.start, quiet.end) if quiet is not None else USUAL
        chosen = action.get("selected_time")
        if chosen and action_id in (QUIET_FROM, QUIET_TO):
            hours, minutes = str(chosen).split(":")
            at = int(hours) * 60 + int(minutes)
            start, end = (at, end) if action_id == QUIET_FROM else (start, at)
        preferences.set_quiet_hours(tx, user_id, start, end)


def _kind(kind: Kind, chosen: Sequence[Channel]) -> Block:
    boxes: dict[str, Any] = {
        "type": "checkboxes",
        "action_id": TELL + kind,
        "options": [_option(channel) for channel in CHANNELS],
    }
    if chosen:
        boxes["initial_options"] = [_option(channel) for channel in chosen]
    return {"type": "section", "text": {"type": "mrkdwn", "text": _KINDS[kind]}, "accessory": boxes}


def _option(channel: Channel) -> Block:
    return {"text": _plain(_CHANNELS[channel]), "value": channel}


def _time(action_id: str, label: str, minutes: int) -> Block:
    at = f"{minutes // 60:02}:{minutes % 60:02}"
    return {"type": "timepicker", "action_id": action_id, "initial_time": at, "placeholder": _plain(label)}


def _button(action_id: str, label: str) -> Block:
    return {"type": "button", "action_id": action_id, "text": _plain(label)}


def _plain(text: str) -> Block:
    return {"type": "plain_text", "text": text}
