"""`conversations.*` and `users.conversations`: channels, their members, their messages."""

from __future__ import annotations

from bot.sandbox.errors import SlackError
from bot.sandbox.methods.call import Call, Handler, page
from bot.sandbox.models import BOT_USER_ID, Channel, Message, Payload

_TYPES = {"public_channel": "channel", "private_channel": "group", "im": "im", "mpim": "mpim"}


def replies(call: Call) -> Payload:
    """The root, then its replies, oldest first. The root leads every page, as in Slack: callers must know it by ts."""
    channel = call.channel()
    wanted = channel.messages.get(str(call.args["ts"]))
    if wanted is None:
        raise SlackError("thread_not_found")
    root = channel.messages.get(wanted.thread_ts or wanted.ts, wanted)
    found, more = page(call, _between(call, channel.thread(root.ts)), default=1000)
    messages = [_shown(call, channel, message) for message in [root, *found]]
    return {"messages": messages, "has_more": bool(more["response_metadata"]["next_cursor"]), **more}


def history(call: Call) -> Payload:
    """What stands at the channel's root, newest first."""
    channel = call.channel()
    if BOT_USER_ID not in channel.members:
        raise SlackError("not_in_channel")
    at_root = [one for one in channel.in_order() if not one.is_reply or one.body.get("subtype") == "thread_broadcast"]
    found, more = page(call, list(reversed(_between(call, at_root))), default=100)
    messages = [_shown(call, channel, message) for message in found]
    return {"messages": messages, "has_more": bool(more["response_metadata"]["next_cursor"]), "pin_count": 0, **more}


def info(call: Call) -> Payload:
    described = call.channel().object()
    if not call.flag("include_num_members"):
        described.pop("num_members", None)
    return {"channel": described}


def list_all(call: Call) -> Payload:
    return _listing(call, None)


def of_user(call: Call) -> Payload:
    return _listing(call, call.text("user") or BOT_USER_ID)


def members(call: Call) -> Payload:
    found, more = page(call, call.channel().members, default=100)
    return {"members": found, **more}


def open_direct(call: Call) -> Payload:
    """The direct message of the bot with one person; group messages are beyond the sandbox."""
    if call.text("channel"):
        return {"channel": {"id": call.channel().id}}
    users = [user for user in (call.text("users") or "").split(",") if user]
    if not users:
        raise SlackError("users_list_not_supplied")
    if len(users) > 1:
        raise SlackError("method_not_supported_for_channel_type")
    person = call.workspace.people.get(users[0])
    if person is None or person.is_bot:
        raise SlackError("user_not_found")
    if person.deleted:
        raise SlackError("user_disabled")
    channel = call.workspace.channel(person.id)
    return {
        "no_op": True,
        "already_open": True,
        "channel": channel.object() if call.flag("return_im") else {"id": channel.id},
    }


def join(call: Call) -> Payload:
    channel = call.workspace.channel(str(call.args["channel"]))
    if channel.kind != "channel":
        raise SlackError("method_not_supported_for_channel_type")
    if channel.is_archived:
        raise SlackError("is_archived")
    call.workspace.join(channel, BOT_USER_ID)
    return {"channel": channel.object()}


def invite(call: Call) -> Payload:
    channel = call.channel()
    if channel.is_archived:
        raise SlackError("is_archived")
    if BOT_USER_ID not in channel.members:
        raise SlackError("not_in_channel")
    for user in str(call.args["users"]).split(","):
        if user == BOT_USER_ID:
            raise SlackError("cant_invite_self")
        if user not in call.workspace.people:
            raise SlackError("user_not_found")
        if user in channel.members:
            raise SlackError("already_in_channel")
        call.workspace.join(channel, user, inviter=BOT_USER_ID)
    return {"channel": channel.object()}


def _listing(call: Call, member: str | None) -> Payload:
    kinds: list[str] = []
    for name in (call.text("types") or "public_channel").split(","):
        if name.strip() not in _TYPES:
            raise SlackError("invalid_types")
        kinds.append(_TYPES[name.strip()])
    found = [
        channel
        for channel in call.workspace.channels.values()
        if channel.kind in kinds
        and (channel.kind == "channel" or BOT_USER_ID in channel.members)
        and (member is None or member in channel.members)
        and not (channel.is_archived and call.flag("exclude_archived"))
    ]
    shown, more = page(call, found, default=100)
    return {"channels": [channel.object() for channel in shown], **more}


def _between(call: Call, messages: list[Message]) -> list[Message]:
    """Those after `oldest` and before `latest`; on the borders only when `inclusive`."""
    bounds: dict[str, float] = {}
    for name in ("oldest", "latest"):
        value = call.text(name)
        if value:
            try:
                bounds[name] = float(value)
            except ValueError as broken:
                raise SlackError(f"invalid_ts_{name}") from broken
    inclusive = call.flag("inclusive")

    def is_within(ts: float) -> bool:
        after = "oldest" not in bounds or ts > bounds["oldest"] or (inclusive and ts == bounds["oldest"])
        before = "latest" not in bounds or ts < bounds["latest"] or (inclusive and ts == bounds["latest"])
        return after and before

    return [message for message in messages if is_within(float(message.ts))]


def _shown(call: Call, channel: Channel, message: Message) -> Payload:
    return call.workspace.shown(channel, message, with_metadata=call.flag("include_all_metadata"))


HANDLERS: dict[str, Handler] = {
    "conversations.replies": replies,
    "conversations.history": history,
    "conversations.info": info,
    "conversations.list": list_all,
    "conversations.members": members,
    "conversations.open": open_direct,
    "conversations.join": join,
    "conversations.invite": invite,
    "users.conversations": of_user,
}
