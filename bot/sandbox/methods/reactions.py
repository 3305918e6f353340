"""`reactions.*`: the bot's own reactions; it has one of each kind on a message."""

from __future__ import annotations

import re

from bot.sandbox.errors import SlackError
from bot.sandbox.methods.call import Call, Handler
from bot.sandbox.models import BOT_USER_ID, Channel, Message, Payload

_NAME = re.compile(r"^[a-z0-9_+'\-]+(::skin-tone-[2-6])?$")


def add(call: Call) -> Payload:
    channel, message = _target(call)
    call.workspace.add_reaction(channel, message, _name(call), BOT_USER_ID)
    return {}


def remove(call: Call) -> Payload:
    channel, message = _target(call)
    call.workspace.remove_reaction(channel, message, _name(call), BOT_USER_ID)
    return {}


def get(call: Call) -> Payload:
    channel, message = _target(call)
    return {"type": "message", "channel": channel.id, "message": call.workspace.shown(channel, message)}


def _target(call: Call) -> tuple[Channel, Message]:
    if not call.text("channel") or not call.text("timestamp"):
        raise SlackError("no_item_specified")
    channel = call.channel()
    return channel, call.workspace.message(channel, str(call.args["timestamp"]))


def _name(call: Call) -> str:
    name = str(call.args["name"])
    if not _NAME.match(name):
        raise SlackError("invalid_name")
    return name


HANDLERS: dict[str, Handler] = {"reactions.add": add, "reactions.remove": remove, "reactions.get": get}
