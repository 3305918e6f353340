"""What people do in the workspace: speak, edit, react, command, click, fill in. Each returns what they would see."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bot.sandbox import payloads
from bot.sandbox.attaching import Attaching
from bot.sandbox.blocks import check_view
from bot.sandbox.delivery import Ack, Delivery
from bot.sandbox.errors import SlackError
from bot.sandbox.models import BOT_USER_ID, Channel, Payload, Person
from bot.sandbox.responses import answer_interaction
from bot.sandbox.text import compose, escape_command
from bot.sandbox.workspace import Workspace, new_client_msg_id

DEFAULT_COMMANDS = {"/cosession": "start [title] | list | invite @user [viewer|editor] | mute | end | help"}


@dataclass
class Outcome:
    """What a person sees after a command, a click or a form.

    `error` is the client's own complaint (`operation_timeout`, `dispatch_failed`, …), `errors` are those of a form by
    block id, `message` is the immediate answer if there was one, `view` the modal that is in front of them now.
    """

    ok: bool = True
    error: str | None = None
    message: Payload | None = None
    view: Payload | None = None
    errors: dict[str, str] = field(default_factory=dict)


class Humans(Attaching):
    """The human side. People and channels are named by id or by name (`alice`, `#payments`).

    Raises `SlackError` for what a person's screen would not let them do (`not_in_channel`, `message_not_found`, …).
    """

    def __init__(self, workspace: Workspace, delivery: Delivery, base_url: str) -> None:
        super().__init__(workspace)
        self.delivery = delivery
        #: The public base of `/response/…`, such as `http://127.0.0.1:8000/sandbox/slack`.
        self.base_url = base_url.rstrip("/")
        #: Slash commands of the app, with the hint that the composer shows.
        self.commands = dict(DEFAULT_COMMANDS)
        #: Its shortcuts, as its manifest has them.
        self.shortcuts: list[Mapping[str, str]] = []

    async def say(
        self, user: str, channel: str, text: str, thread_ts: str | None = None, files: Sequence[str] = ()
    ) -> Payload:
        """Posts as a person, with files that they attached before; returns the message as the channel shows it."""
        person, place = self._at(user, channel)
        if not text.strip() and not files:
            raise SlackError("no_text")
        if place.is_archived:
            raise SlackError("is_archived")
        body: Payload = {"user": person.id, **(self._composed(text) if text.strip() else {"text": ""})}
        if files:
            body |= {"subtype": "file_share", "upload": True, "files": self.attached(person, files)}
        message = self.workspace.add_message(place, body, thread_ts=thread_ts, client_msg_id=new_client_msg_id())
        return self.workspace.shown(place, message)

    async def edit(self, user: str, channel: str, ts: str, text: str) -> Payload:
        """Only one's own: raises `cant_update_message`."""
        person, place = self._at(user, channel)
        message = self.workspace.message(place, ts)
        if message.author != person.id:
            raise SlackError("cant_update_message")
        self.workspace.edit_message(place, message, self._composed(text), editor=person.id)
        return self.workspace.shown(place, message)

    async def delete(self, user: str, channel: str, ts: str) -> None:
        """Only one's own: raises `cant_delete_message`."""
        person, place = self._at(user, channel)
        message = self.workspace.message(place, ts)
        if message.author != person.id:
            raise SlackError("cant_delete_message")
        self.workspace.delete_message(place, message)

    async def react(self, user: str, channel: str, ts: str, name: str, *, remove: bool = False) -> Payload:
        person, place = self._at(user, channel)
        message = self.workspace.message(place, ts)
        change = self.workspace.remove_reaction if remove else self.workspace.add_reaction
        change(place, message, name.strip(":"), person.id)
        return self.workspace.shown(place, message)

    async def unfurl(self, channel: str, ts: str, attachment: Payload) -> Payload:
        """Slack adds a preview to a message: a `message_changed` that is nobody's edit."""
        place = self.workspace.channel(channel)
        message = self.workspace.message(place, ts)
        self.workspace.edit_message(place, message, {"attachments": [attachment]}, editor=None)
        return self.workspace.shown(place, message)

    async def slash(self, user: str, channel: str, command: str, text: str = "") -> Outcome:
        """Runs a slash command and waits for the app's answer, at most three seconds."""
        person, place = self._at(user, channel)
        if command not in self.commands:
            return self._complain(person, place, f"{command} is not a valid command.", "invalid_command")
        url = self._response_url(person, place)
        trigger_id = self.workspace.triggers.issue(person.id)
        form = payloads.slash_form(
            person, place, command, escape_command(text.strip(), *self._names()), trigger_id, url
        )
        ack = await self.delivery.form("slash_command", form)
        if not ack.is_ok:
            return self._failed(person, place, f"{command} failed", ack)
        answer = ack.json()
        if not answer and ack.body.strip() and "json" not in ack.content_type:
            answer = {"text": ack.body.decode(errors="replace")}
        shown = answer_interaction(self.workspace, place, person.id, answer) if answer else None
        return Outcome(message=shown, view=self.workspace.views.current(person.id))

    async def click(
        self, user: str, channel: str, ts: str, action_id: str, value: Any = None, *, block_id: str | None = None
    ) -> Outcome:
        """Uses a button or a menu of a message, an ephemeral one included."""
        person, place = self._at(user, channel)
        shown, is_ephemeral = self._message_on_screen(person, place, ts)
        block, element = payloads.find_element(shown.get("blocks", []), action_id, block_id)
        payload = payloads.interaction("block_actions", person, self.workspace.triggers.issue(person.id))
        container = {"type": "message", "message_ts": ts, "channel_id": place.id, "is_ephemeral": is_ephemeral}
        if "thread_ts" in shown:
            container["thread_ts"] = shown["thread_ts"]
        payload |= {
            "container": container,
            "channel": {"id": place.id, "name": "directmessage" if place.kind == "im" else place.name},
            "message": shown,
            "state": {"values": {}},
            "response_url": self._response_url(person, place, ts, is_ephemeral=is_ephemeral),
            "actions": [payloads.action(block, element, value, self.workspace.next_ts())],
        }
        return await self._interact(person, payload)

    async def click_in_view(
        self, user: str, view_id: str, action_id: str, value: Any = None, *, block_id: str | None = None
    ) -> Outcome:
        """Uses a button or a menu of the home tab or of the open modal."""
        person = self.workspace.person(user)
        home = self.workspace.views.homes.get(person.id)
        view = home if home and home["id"] == view_id else self.workspace.views.find(view_id=view_id)[1]
        block, element = payloads.find_element(view["blocks"], action_id, block_id)
        payload = payloads.interaction("block_actions", person, self.workspace.triggers.issue(person.id))
        payload |= {
            "container": {"type": "view", "view_id": view_id},
            "view": view,
            "actions": [payloads.action(block, element, value, self.workspace.next_ts())],
        }
        return await self._interact(person, payload)

    async def shortcut(self, user: str, callback_id: str, channel: str | None = None, ts: str | None = None) -> Outcome:
        """Runs a global shortcut, or a message shortcut when a message is named."""
        person = self.workspace.person(user)
        trigger_id = self.workspace.triggers.issue(person.id)
        if channel is None or ts is None:
            payload = payloads.interaction("shortcut", person, trigger_id)
            extra: Payload = {}
        else:
            person, place = self._at(user, channel)
            payload = payloads.interaction("message_action", person, trigger_id)
            extra = {
                "message_ts": ts,
                "message": self.workspace.shown(place, self.workspace.message(place, ts)),
                "channel": {"id": place.id, "name": place.name},
                "response_url": self._response_url(person, place),
            }
        payload |= {"callback_id": callback_id, "action_ts": self.workspace.next_ts(), **extra}
        return await self._interact(person, payload)

    async def submit_view(self, user: str, view_id: str, values: Mapping[str, Any]) -> Outcome:
        """Sends the modal in front of the person; `values` by action id or block id."""
        person = self.workspace.person(user)
        owner, view = self.workspace.views.find(view_id=view_id)
        if owner != person.id:
            raise SlackError("not_found")
        state = payloads.view_state(view, values)
        missing = payloads.missing_inputs(view, state)
        if missing:
            return Outcome(ok=False, view=view, errors=missing)
        view["state"] = state
        payload = payloads.interaction("view_submission", person, self.workspace.triggers.issue(person.id))
        ack = await self.delivery.form(
            "view_submission", {"payload": json.dumps({**payload, "view": view, "response_urls": []})}
        )
        if not ack.is_ok:
            return Outcome(ok=False, error=self._word(ack), view=view)
        return self._after_submit(person, view, ack.json())

    async def close_view(self, user: str, view_id: str) -> Outcome:
        """Closes the modal; the app hears of it only when it asked to (`notify_on_close`)."""
        person = self.workspace.person(user)
        _, view = self.workspace.views.find(view_id=view_id)
        self.workspace.views.close(person.id)
        self.workspace.views_changed(person.id)
        if view["notify_on_close"]:
            payload = payloads.interaction("view_closed", person, "")
            del payload["trigger_id"]
            await self.delivery.form(
                "view_closed", {"payload": json.dumps({**payload, "view": view, "is_cleared": False})}
            )
        return Outcome(view=self.workspace.views.current(person.id))

    async def open_home(self, user: str, tab: str = "home") -> Payload | None:
        """Opens the app's home; returns the home tab that is published at that moment."""
        person = self.workspace.person(user)
        home = self.workspace.views.homes.get(person.id)
        event: Payload = {
            "type": "app_home_opened",
            "user": person.id,
            "channel": self.workspace.channel(person.id).id,
            "tab": tab,
            "event_ts": self.workspace.next_ts(),
        }
        self.workspace.tell_app({**event, **({"view": home} if home else {})})
        return home

    # -- inside

    def _at(self, user: str, channel: str) -> tuple[Person, Channel]:
        """The person in the channel. Raises `not_in_channel`."""
        person = self.workspace.person(user)
        place = self.workspace.channel(
            person.id if channel == "@" + self.workspace.people[BOT_USER_ID].name else channel
        )
        if person.id not in place.members:
            raise SlackError("not_in_channel")
        return person, place

    def _names(self) -> tuple[dict[str, str], dict[str, str]]:
        users = {person.name: person.id for person in self.workspace.people.values()}
        places = {one.name: one.id for one in self.workspace.channels.values() if one.kind == "channel"}
        return users, places

    def _composed(self, typed: str) -> Payload:
        users, places = self._names()
        text, blocks = compose(typed, users, places, secrets.token_hex(3))
        return {"text": text, "blocks": blocks}

    def _response_url(
        self, person: Person, channel: Channel, ts: str | None = None, *, is_ephemeral: bool = False
    ) -> str:
        url_id = self.workspace.response_urls.issue(person.id, channel.id, ts, is_ephemeral=is_ephemeral)
        return f"{self.base_url}/response/{url_id}"

    def _message_on_screen(self, person: Person, channel: Channel, ts: str) -> tuple[Payload, bool]:
        for entry in self.workspace.ephemerals:
            if entry["user"] == person.id and entry["message"]["ts"] == ts:
                return entry["message"], True
        return self.workspace.shown(channel, self.workspace.message(channel, ts)), False

    async def _interact(self, person: Person, payload: Payload) -> Outcome:
        ack = await self.delivery.form(str(payload["type"]), {"payload": json.dumps(payload)})
        view = self.workspace.views.current(person.id)
        return Outcome(view=view) if ack.is_ok else Outcome(ok=False, error=self._word(ack), view=view)

    def _after_submit(self, person: Person, view: Payload, answer: Payload) -> Outcome:
        """What the app wants to happen to the modal; without a wish it closes. An unusable wish is an error."""
        views = self.workspace.views
        wish = answer.get("response_action")
        try:
            if wish == "errors":
                return Outcome(ok=False, view=view, errors=dict(answer["errors"]))
            if wish in ("update", "push"):
                check_view(answer["view"])
                if wish == "update":
                    views.update((person.id, view), answer["view"], None)
                else:
                    views.push(person.id, answer["view"])
            elif wish in (None, "clear"):
                views.close(person.id, everything=wish == "clear")
            else:
                return Outcome(ok=False, error="invalid_response_action", view=view)
        except SlackError as refusal:
            return Outcome(ok=False, error=refusal.code, view=view)
        self.workspace.views_changed(person.id)
        return Outcome(view=views.current(person.id))

    def _word(self, ack: Ack) -> str:
        """How Slack's client words it when the app did not answer, or not with a 2xx."""
        return "operation_timeout" if ack.reason == "http_timeout" else "dispatch_failed"

    def _failed(self, person: Person, channel: Channel, what: str, ack: Ack) -> Outcome:
        word = self._word(ack)
        return self._complain(person, channel, f'{what} with the error "{word}"', word)

    def _complain(self, person: Person, channel: Channel, text: str, error: str) -> Outcome:
        shown = self.workspace.show_ephemeral(
            channel, person.id, {"user": "USLACKBOT", "username": "Slackbot", "text": text}
        )
        return Outcome(ok=False, error=error, message=shown)
