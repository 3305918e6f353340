"""What Slack lends to an app for a short while: trigger ids, response URLs, and the views that are open."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from bot.sandbox.errors import SlackError
from bot.sandbox.models import APP_ID, BOT_ID, TEAM_ID

Payload = dict[str, Any]

RESPONSE_URL_USES = 5
RESPONSE_URL_SECONDS = 30 * 60

#: A modal may have two more on top of it.
MAX_STACK = 3


@dataclass
class _Trigger:
    user: str
    issued_at: datetime
    is_used: bool = False


class Triggers:
    """Trigger ids: each opens one view, within `lifetime` seconds of the action it belongs to."""

    def __init__(self, clock: Callable[[], datetime], lifetime: float) -> None:
        self._clock = clock
        self._lifetime = lifetime
        self._issued: dict[str, _Trigger] = {}

    def issue(self, user: str) -> str:
        trigger_id = f"{secrets.randbelow(10**13)}.{secrets.randbelow(10**12)}.{secrets.token_hex(16)}"
        self._issued[trigger_id] = _Trigger(user, self._clock())
        return trigger_id

    def redeem(self, trigger_id: str) -> str:
        """The user whose action it was. Raises `invalid_`, `exchanged_` or `expired_trigger_id`."""
        trigger = self._issued.get(trigger_id)
        if trigger is None:
            raise SlackError("invalid_trigger_id")
        if trigger.is_used:
            raise SlackError("exchanged_trigger_id")
        if (self._clock() - trigger.issued_at).total_seconds() > self._lifetime:
            raise SlackError("expired_trigger_id")
        trigger.is_used = True
        return trigger.user


@dataclass
class ResponseUrl:
    """Where an app may answer an interaction, `RESPONSE_URL_USES` times within half an hour."""

    id: str
    user: str
    channel: str
    message_ts: str | None
    issued_at: datetime
    is_ephemeral_source: bool = False
    uses: int = 0


class ResponseUrls:
    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._issued: dict[str, ResponseUrl] = {}

    def issue(self, user: str, channel: str, message_ts: str | None = None, *, is_ephemeral: bool = False) -> str:
        """The secret last part of the URL."""
        url_id = secrets.token_urlsafe(24)
        self._issued[url_id] = ResponseUrl(url_id, user, channel, message_ts, self._clock(), is_ephemeral)
        return url_id

    def use(self, url_id: str) -> ResponseUrl:
        """Raises `invalid_url`, `expired_url` or `used_url`, as Slack words them."""
        found = self._issued.get(url_id)
        if found is None:
            raise SlackError("invalid_url")
        if (self._clock() - found.issued_at).total_seconds() > RESPONSE_URL_SECONDS:
            raise SlackError("expired_url")
        if found.uses >= RESPONSE_URL_USES:
            raise SlackError("used_url")
        found.uses += 1
        return found


@dataclass
class Views:
    """The stack of modals in front of each user, the home tab of each, and every view by its id."""

    stacks: dict[str, list[Payload]] = field(default_factory=dict)
    homes: dict[str, Payload] = field(default_factory=dict)

    def open(self, user: str, definition: Payload) -> Payload:
        view = self._create(definition)
        self.stacks[user] = [view]
        return view

    def push(self, user: str, definition: Payload) -> Payload:
        """Raises `push_limit_reached` above three views, `not_found` when no modal is open."""
        stack = self.stacks.get(user)
        if not stack:
            raise SlackError("not_found")
        if len(stack) >= MAX_STACK:
            raise SlackError("push_limit_reached")
        view = self._create(definition, root=stack[0], previous=stack[-1])
        stack.append(view)
        return view

    def publish(self, user: str, definition: Payload, expected_hash: str | None) -> Payload:
        """Raises `hash_conflict` when `expected_hash` is not that of the home tab as it is."""
        current = self.homes.get(user)
        if expected_hash and current is not None and current["hash"] != expected_hash:
            raise SlackError("hash_conflict")
        view = self._create(definition)
        if current is not None:
            view["id"] = view["root_view_id"] = current["id"]
        self.homes[user] = view
        return view

    def update(self, found: tuple[str, Payload], definition: Payload, expected_hash: str | None) -> Payload:
        """Replaces an open modal in place. Raises `hash_conflict`."""
        user, old = found
        if expected_hash and old["hash"] != expected_hash:
            raise SlackError("hash_conflict")
        view = self._create(definition)
        for kept in ("id", "root_view_id", "previous_view_id"):
            view[kept] = old[kept]
        stack = self.stacks[user]
        stack[stack.index(old)] = view
        return view

    def find(self, *, view_id: str | None = None, external_id: str | None = None) -> tuple[str, Payload]:
        """The user and the modal. Raises `not_found`."""
        for user, stack in self.stacks.items():
            for view in stack:
                if (view_id and view["id"] == view_id) or (external_id and view["external_id"] == external_id):
                    return user, view
        raise SlackError("not_found")

    def close(self, user: str, *, everything: bool = False) -> None:
        """Takes the uppermost modal away, or all of them."""
        stack = self.stacks.get(user, [])
        if stack:
            stack.pop()
        if everything or not stack:
            self.stacks.pop(user, None)

    def current(self, user: str) -> Payload | None:
        """The modal in front of the user."""
        stack = self.stacks.get(user)
        return stack[-1] if stack else None

    def _create(self, definition: Payload, *, root: Payload | None = None, previous: Payload | None = None) -> Payload:
        view_id = "V0" + secrets.token_hex(5).upper()
        blocks = [{"block_id": secrets.token_hex(3), **block} for block in definition.get("blocks", [])]
        return {
            "submit": None,
            "close": None,
            "private_metadata": "",
            "callback_id": "",
            "external_id": "",
            "clear_on_close": False,
            "notify_on_close": False,
            **definition,
            "blocks": blocks,
            "id": view_id,
            "team_id": TEAM_ID,
            "app_id": APP_ID,
            "bot_id": BOT_ID,
            "app_installed_team_id": TEAM_ID,
            "hash": secrets.token_hex(8),
            "root_view_id": root["id"] if root else view_id,
            "previous_view_id": previous["id"] if previous else None,
            "state": {"values": {}},
        }
