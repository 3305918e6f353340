"""Who and what is there: people, channels and messages, how they are found, shown and kept."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from bot.sandbox.errors import SlackError
from bot.sandbox.files import Files
from bot.sandbox.installs import Installs
from bot.sandbox.interactions import ResponseUrls, Triggers, Views
from bot.sandbox.models import (
    TEAM_ID,
    Channel,
    Message,
    Payload,
    Person,
    default_channels,
    default_people,
    dump_channel,
    load_channel,
)
from bot.sandbox.openid import SignIns


class Directory:
    """The state of the workspace "Acme", with the clock that stamps it. Reading only; `Workspace` changes it."""

    def __init__(self, clock: Callable[[], datetime], trigger_lifetime: float, bot_token: str) -> None:
        self.clock = clock
        self.people: dict[str, Person] = {person.id: person for person in default_people()}
        self.channels: dict[str, Channel] = {one.id: one for one in default_channels(list(self.people.values()))}
        self.agent_sessions: dict[str, Payload] = {}
        self.triggers = Triggers(clock, trigger_lifetime)
        self.response_urls = ResponseUrls(clock)
        self.views = Views()
        self.files = Files(clock)
        self.sign_ins = SignIns(clock)
        self.installs = Installs(clock, bot_token, self.sign_ins.client_secret)
        self._last_micros = 0

    # -- looking up

    def channel(self, channel_id: str) -> Channel:
        """By id, by `#name` or, as Slack allows for posting, by the id of a user (their DM)."""
        found = self.channels.get(channel_id) or self.channel_named(channel_id)
        if found is None and channel_id in self.people:
            found = next(
                (one for one in self.channels.values() if one.kind == "im" and channel_id in one.members), None
            )
        if found is None:
            raise SlackError("channel_not_found")
        return found

    def channel_named(self, name: str) -> Channel | None:
        wanted = name.lstrip("#")
        return next((one for one in self.channels.values() if one.kind != "im" and one.name == wanted), None)

    def person(self, who: str) -> Person:
        """By id or by name. Raises `user_not_found`."""
        found = self.people.get(who) or next((one for one in self.people.values() if one.name == who.lower()), None)
        if found is None:
            raise SlackError("user_not_found")
        return found

    def message(self, channel: Channel, ts: str) -> Message:
        """Raises `message_not_found`, for a deleted root too."""
        found = channel.messages.get(ts)
        if found is None or found.is_tombstone:
            raise SlackError("message_not_found")
        return found

    def next_ts(self) -> str:
        """Seconds and microseconds of now, never twice the same."""
        micros = max(int(self.clock().timestamp() * 1_000_000), self._last_micros + 1)
        self._last_micros = micros
        return f"{micros // 1_000_000}.{micros % 1_000_000:06d}"

    # -- showing

    def shown(self, channel: Channel, message: Message, *, with_metadata: bool = True) -> Payload:
        """A message as the Web API and events show it."""
        shown: Payload = {"type": "message", "ts": message.ts, "team": TEAM_ID, **message.body}
        if "files" in shown:
            known = self.files.by_id
            shown["files"] = [self.files.shown(one["id"]) if one.get("id") in known else one for one in shown["files"]]
        if message.client_msg_id:
            shown["client_msg_id"] = message.client_msg_id
        if message.metadata is not None and with_metadata:
            shown["metadata"] = message.metadata
        if message.thread_ts:
            shown["thread_ts"] = message.thread_ts
        if message.is_reply and message.thread_ts in channel.messages:
            shown["parent_user_id"] = channel.messages[str(message.thread_ts)].author
        if not message.is_reply:
            shown.update(_thread_summary(channel, message))
        if message.reactions:
            shown["reactions"] = [
                {"name": name, "users": list(users), "count": len(users)} for name, users in message.reactions.items()
            ]
        return shown

    # -- keeping

    def snapshot(self) -> Payload:
        """Everything worth keeping over a restart, as JSON."""
        return {
            "version": 1,
            "people": [vars(person) for person in self.people.values()],
            "channels": [dump_channel(channel) for channel in self.channels.values()],
            "homes": self.views.homes,
            "files": self.files.snapshot(),
            "agent_sessions": self.agent_sessions,
            "last_micros": self._last_micros,
        }

    def restore(self, raw: Payload) -> None:
        """Takes it up again, whole or not at all. Raises `KeyError` or `TypeError` for anything but a snapshot."""
        people = {one["id"]: Person(**one) for one in raw["people"]}
        channels = {one["id"]: load_channel(one) for one in raw["channels"]}
        homes, sessions, micros = raw["homes"], raw["agent_sessions"], int(raw["last_micros"])
        self.files.restore(raw.get("files", []))
        self.people, self.channels, self.views.homes = people, channels, homes
        self.agent_sessions, self._last_micros = sessions, micros


def _thread_summary(channel: Channel, root: Message) -> dict[str, Any]:
    """What a root says about its replies; nothing when there are none."""
    if root.thread_ts is None:
        return {}
    replies = channel.thread(root.ts)
    if not replies:
        return {}
    users = list(dict.fromkeys(str(reply.author or reply.body.get("bot_id")) for reply in replies))
    return {
        "reply_count": len(replies),
        "reply_users": users,
        "reply_users_count": len(users),
        "latest_reply": replies[-1].ts,
    }
