"""Another app in the channel, which copies whatever it hears, as a bot that mirrors does."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from typing import Literal

from bot.sandbox.errors import SlackError
from bot.sandbox.models import TEAM_ID, Channel, Payload
from tests.bot.support.office import Office

OTHER_BOT, OTHER_APP = "B0OTHER001", "A0OTHER001"
#: Another bot may post as a bot does, or in a person's name, and then nobody can tell it from that person.
Copies = Literal["nobody", "a bot", "a person"]


@dataclass
class Copycat:
    """Another app in the channel. It repeats whatever it hears in the thread, changes its copies with what they are
    copies of, and adds every reaction that it sees."""

    office: Office
    root: str
    as_whom: Copies
    copies: dict[str, str] = field(default_factory=dict[str, str])
    is_copying: bool = False

    def hear(self, event: Payload, channel: Channel | None) -> None:
        if self.as_whom == "nobody" or channel is None or self.is_copying:
            return
        self.is_copying = True
        try:
            self._copy(event, channel)
        finally:
            self.is_copying = False

    def _copy(self, event: Payload, channel: Channel) -> None:
        workspace = self.office.engine.workspace
        if event["type"] == "message" and "subtype" not in event and event.get("thread_ts") == self.root:
            self.copies[event["ts"]] = workspace.add_message(channel, self._body(event), thread_ts=self.root).ts
        elif event.get("subtype") == "message_changed" and event["message"]["ts"] in self.copies:
            copy = channel.messages.get(self.copies[event["message"]["ts"]])
            if copy is not None:
                text = f"copy: {event['message'].get('text')}"
                workspace.edit_message(channel, copy, {"text": text}, editor=copy.author or "U0OTHERBOT")
        elif event["type"] == "reaction_added":
            message = channel.messages.get(event["item"]["ts"])
            if message is not None:
                with suppress(SlackError):
                    workspace.add_reaction(channel, message, event["reaction"], "U0CAROL001")

    def _body(self, event: Payload) -> Payload:
        text = f"copy: {event.get('text', '')}"
        if self.as_whom == "a person":
            return {"user": "U0CAROL001", "text": text}
        return {"subtype": "bot_message", "bot_id": OTHER_BOT, "app_id": OTHER_APP, "team": TEAM_ID, "text": text}
