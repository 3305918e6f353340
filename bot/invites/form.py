"""The modal in which people are invited: whom, as what, for how long. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from bot.blocks import INVITE, Block
from bot.invites.words import MOST, Wanted
from core.events import Role

CALLBACK = "invite_people"
#: The card's button that opens it; its value is the session's id.
OPEN = INVITE

_ROLES: dict[Role, str] = {
    "editor": "Editor: sees everything, chats, invites others",
    "viewer": "Viewer: sees everything, writes nothing",
    "host": "Host: manages the session and its people",
}
_LIFETIMES = {"30m": timedelta(minutes=30), "2h": timedelta(hours=2), "1d": timedelta(days=1), "7d": timedelta(days=7)}
_NAMES = {"30m": "30 minutes", "2h": "2 hours", "1d": "1 day", "7d": "7 days"}


def view(session_id: str, title: str) -> Block:
    return {
        "type": "modal",
        "callback_id": CALLBACK,
        "private_metadata": session_id,
        "title": _plain("Invite people"),
        "submit": _plain("Invite"),
        "close": _plain("Cancel"),
        "blocks": [
            {"type": "context", "elements": [_plain(f"To “{title[:200]}”. Each gets a direct message.")]},
            {
                "type": "input",
                "block_id": "people",
                "label": _plain("Whom"),
                "element": {"type": "multi_users_select", "action_id": "people", "max_selected_items": MOST},
            },
            _choice("role", "As", _ROLES, "editor"),
            _choice("lifetime", "The invite holds for", _NAMES, "7d"),
        ],
    }


def read(view: Mapping[str, Any]) -> Wanted:
    """What was filled in. Raises KeyError, TypeError for what is not this form."""
    values: Mapping[str, Any] = view["state"]["values"]
    role = values["role"]["role"]["selected_option"]["value"]
    users: list[str] = values["people"]["people"]["selected_users"]
    lifetime = _LIFETIMES[values["lifetime"]["lifetime"]["selected_option"]["value"]]
    return Wanted(tuple(dict.fromkeys(users))[:MOST], next(one for one in _ROLES if one == role), lifetime)


def _choice(name: str, label: str, options: Mapping[Any, str], chosen: str) -> Block:
    shown = {value: {"text": _plain(text), "value": value} for value, text in options.items()}
    element = {
        "type": "static_select",
        "action_id": name,
        "options": list(shown.values()),
        "initial_option": shown[chosen],
    }
    return {"type": "input", "block_id": name, "label": _plain(label), "element": element}


def _plain(text: str) -> Block:
    return {"type": "plain_text", "text": text}
