"""The only way to change the workspace: every change tells those who listen.

Two kinds of listeners: `on_event` hears what Slack's Events API would tell the app; `on_change` hears what the screen
of a person would show. Neither may fail or block: they only queue.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from datetime import datetime
from uuid import uuid4

from bot.sandbox.directory import Directory
from bot.sandbox.errors import SlackError
from bot.sandbox.files import File
from bot.sandbox.links import link_shared, links_in
from bot.sandbox.models import BOT_USER_ID, SLACKBOT, TEAM_ID, Channel, Message, Payload

EventListener = Callable[[Payload, Channel | None], None]
ChangeListener = Callable[[Payload], None]

#: Ephemeral messages are not history; so many are kept for the screens that are open.
_EPHEMERALS_KEPT = 200


class Workspace(Directory):
    """The workspace "Acme" as people and the app change it."""

    def __init__(self, clock: Callable[[], datetime], trigger_lifetime: float, bot_token: str) -> None:
        super().__init__(clock, trigger_lifetime, bot_token)
        self.ephemerals: deque[Payload] = deque(maxlen=_EPHEMERALS_KEPT)
        self.on_event: list[EventListener] = []
        self.on_change: list[ChangeListener] = []
        #: Domains of the app: whoever posts a link to one, the app is told (`link_shared`).
        self.unfurl_domains: set[str] = set()
        #: Shares of files that Slack has promised and not made yet; None: it makes them at once.
        self.late_shares: list[Callable[[], object]] | None = None

    # -- changing

    def add_message(
        self,
        channel: Channel,
        body: Payload,
        *,
        thread_ts: str | None = None,
        metadata: Payload | None = None,
        is_streaming: bool = False,
        is_broadcast: bool = False,
        client_msg_id: str | None = None,
    ) -> Message:
        """Stores a message and tells of it.

        A `thread_ts` that names no living message is ignored, silently: the message lands at the channel's root, as in
        Slack. That of a reply counts as that of its root.
        """
        root = channel.messages.get(thread_ts) if thread_ts else None
        if root is not None and root.is_reply and root.thread_ts:
            root = channel.messages.get(root.thread_ts)
        if root is not None and root.is_tombstone:
            root = None
        if root is not None and is_broadcast:
            body = {**body, "subtype": "thread_broadcast"}
        message = Message(
            self.next_ts(),
            body,
            thread_ts=root.ts if root else None,
            metadata=metadata,
            is_streaming=is_streaming,
            client_msg_id=client_msg_id,
        )
        channel.messages[message.ts] = message
        if root is not None:
            root.thread_ts = root.ts
            self._screen(channel, root)
        self._screen(channel, message)
        event = self._event_of(channel, message)
        self._tell(event, channel)
        if not message.is_ours and channel.kind != "im" and f"<@{BOT_USER_ID}>" in str(body.get("text", "")):
            self._tell({**event, "type": "app_mention", "channel_type": None}, channel)
        links = [] if message.is_ours else links_in(str(body.get("text", "")), self.unfurl_domains)
        if links:
            self._tell(link_shared(channel, message, links), channel)
        return message

    def edit_message(self, channel: Channel, message: Message, changes: Payload, *, editor: str | None) -> None:
        """Changes what a message shows. Without an `editor` it is Slack's own doing, an unfurl: not "edited"."""
        before = self.shown(channel, message)
        message.body = {**message.body, **changes}
        if editor is not None:
            message.body["edited"] = {"user": editor, "ts": self.next_ts()}
        self._screen(channel, message)
        self._tell(_changed_event(self.shown(channel, message), before), channel)

    def delete_message(self, channel: Channel, message: Message) -> None:
        """Removes a message; a root that has replies stays behind as a tombstone."""
        before = self.shown(channel, message)
        files = [str(one.get("id")) for one in message.body.get("files", [])]
        if not message.is_reply and channel.thread(message.ts):
            message.is_tombstone = True
            message.body = {"user": SLACKBOT, "subtype": "tombstone", "text": "This message was deleted."}
            message.metadata, message.reactions = None, {}
            self._screen(channel, message)
            event: Payload = {
                "type": "message",
                "subtype": "message_changed",
                "hidden": True,
                "message": {**self.shown(channel, message), "hidden": True},
                "previous_message": before,
            }
        else:
            del channel.messages[message.ts]
            self._changed({"kind": "deleted", "channel": channel.id, "ts": message.ts})
            root = channel.messages.get(message.thread_ts or "")
            if root is not None:
                self._screen(channel, root)
            event = {
                "type": "message",
                "subtype": "message_deleted",
                "hidden": True,
                "deleted_ts": message.ts,
                "previous_message": before,
            }
        self._tell(event, channel)
        for file in [self.files.by_id[one] for one in files if one in self.files.by_id]:
            # Whoever deletes their message takes what they have put up with it.
            if not message.is_ours and not self.shares_of(file.id):
                self.files.forget(file)

    # -- files

    def share_files(self, channel: Channel, files: Sequence[File], body: Payload, thread_ts: str | None) -> None:
        """Makes the message that shares files of the app, now or later: who asked for it was answered before."""
        for file in files:
            file.is_shared = True
        whole = {**body, "files": [{"id": file.id} for file in files]}
        if self.late_shares is None:
            self.add_message(channel, whole, thread_ts=thread_ts)
        else:
            self.late_shares.append(lambda: self.add_message(channel, whole, thread_ts=thread_ts))

    def make_late_shares(self) -> None:
        """What Slack owes, it makes now; and what comes from now on, at once."""
        late, self.late_shares = self.late_shares or [], None
        for make in late:
            make()

    def shares_of(self, file_id: str) -> list[tuple[Channel, Message]]:
        """The messages that share a file."""
        return [
            (channel, message)
            for channel in self.channels.values()
            for message in channel.in_order()
            if any(one.get("id") == file_id for one in message.body.get("files", []))
        ]

    def delete_file(self, file: File) -> None:
        """Takes a file out of every message that shares it: there only a sign stays that there was one."""
        shares = self.shares_of(file.id)
        before = [self.shown(channel, message) for channel, message in shares]
        self.files.forget(file)
        for (channel, message), earlier in zip(shares, before, strict=True):
            self._screen(channel, message)
            self._tell(_changed_event(self.shown(channel, message), earlier), channel)
        channels = [channel.id for channel, _ in shares]
        self._tell({"type": "file_deleted", "file_id": file.id, "channel_ids": channels}, None)

    def add_reaction(self, channel: Channel, message: Message, name: str, user: str) -> None:
        """Raises `already_reacted`."""
        users = message.reactions.setdefault(name, [])
        if user in users:
            raise SlackError("already_reacted")
        users.append(user)
        self._reaction(channel, message, name, user, "reaction_added")

    def remove_reaction(self, channel: Channel, message: Message, name: str, user: str) -> None:
        """Raises `no_reaction`."""
        users = message.reactions.get(name, [])
        if user not in users:
            raise SlackError("no_reaction")
        users.remove(user)
        if not users:
            del message.reactions[name]
        self._reaction(channel, message, name, user, "reaction_removed")

    def join(self, channel: Channel, user: str, inviter: str | None = None) -> None:
        """Makes `user` a member; tells of it and leaves the line in the channel that Slack leaves."""
        if user in channel.members:
            return
        channel.members.append(user)
        event: Payload = {
            "type": "member_joined_channel",
            "user": user,
            "channel": channel.id,
            "channel_type": "G" if channel.kind == "group" else "C",
            "team": TEAM_ID,
            "event_ts": self.next_ts(),
        }
        self._tell({**event, **({"inviter": inviter} if inviter else {})}, channel)
        text = f"<@{user}> has joined the channel"
        self.add_message(channel, {"user": user, "subtype": "channel_join", "text": text})
        self.channel_changed(channel)

    def leave(self, channel: Channel, user: str) -> None:
        """Takes `user` out. An app that was removed hears of it, and of nothing afterwards."""
        if user not in channel.members:
            return
        event = {
            "type": "member_left_channel",
            "user": user,
            "channel": channel.id,
            "channel_type": "G" if channel.kind == "group" else "C",
            "team": TEAM_ID,
            "event_ts": self.next_ts(),
        }
        self._tell(event, channel)
        channel.members.remove(user)
        self.channel_changed(channel)

    def archive(self, channel: Channel, by: str) -> None:
        channel.is_archived = True
        self._tell({"type": "channel_archive", "channel": channel.id, "user": by}, channel)
        self.channel_changed(channel)

    def show_ephemeral(self, channel: Channel, user: str, body: Payload, thread_ts: str | None = None) -> Payload:
        """Puts a message on one person's screen. It is in nobody's history."""
        shown = {**body, "type": "message", "ts": self.next_ts(), "is_ephemeral": True}
        if thread_ts and thread_ts in channel.messages:
            shown["thread_ts"] = thread_ts
        self.ephemerals.append({"user": user, "channel": channel.id, "message": shown})
        self._changed({"kind": "ephemeral", "channel": channel.id, "user": user, "message": shown})
        return shown

    def drop_ephemeral(self, user: str, ts: str) -> None:
        for entry in [one for one in self.ephemerals if one["user"] == user and one["message"]["ts"] == ts]:
            self.ephemerals.remove(entry)
            self._changed({"kind": "deleted", "channel": entry["channel"], "user": user, "ts": ts})

    def tell_app(self, event: Payload) -> None:
        """An event that belongs to no channel (app home, …)."""
        self._tell(event, None)

    def views_changed(self, user: str) -> None:
        self._changed({"kind": "views", "user": user})

    def channel_changed(self, channel: Channel) -> None:
        self._changed({"kind": "channel", "channel": channel.id})

    # -- telling

    def _event_of(self, channel: Channel, message: Message) -> Payload:
        shown = self.shown(channel, message)
        for derived in ("reply_count", "reply_users", "reply_users_count", "latest_reply"):
            shown.pop(derived, None)
        return shown

    def _reaction(self, channel: Channel, message: Message, name: str, user: str, kind: str) -> None:
        self._screen(channel, message)
        event: Payload = {
            "type": kind,
            "user": user,
            "reaction": name,
            "item": {"type": "message", "channel": channel.id, "ts": message.ts},
            "event_ts": self.next_ts(),
        }
        self._tell({**event, **({"item_user": message.author} if message.author else {})}, channel)

    def _tell(self, event: Payload, channel: Channel | None) -> None:
        """The app hears of what happens where it is a member, and of what concerns no channel."""
        if channel is not None and BOT_USER_ID not in channel.members:
            return
        if event["type"] in ("message", "app_mention") and channel is not None:
            stamp = event.get("ts") or self.next_ts()
            event = {**event, "ts": stamp, "event_ts": stamp, "channel": channel.id, "channel_type": channel.kind}
            if event["type"] == "app_mention":
                del event["channel_type"]
        for listener in self.on_event:
            listener(event, channel)

    def _screen(self, channel: Channel, message: Message) -> None:
        self._changed({"kind": "message", "channel": channel.id, "message": self.shown(channel, message)})

    def _changed(self, change: Payload) -> None:
        for listener in self.on_change:
            listener(change)


def _changed_event(now: Payload, before: Payload) -> Payload:
    changed = {"type": "message", "subtype": "message_changed", "hidden": True}
    return {**changed, "message": now, "previous_message": before}


def new_client_msg_id() -> str:
    """As Slack's clients make one."""
    return str(uuid4())
