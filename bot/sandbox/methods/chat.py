"""`chat.*`: posting, editing and deleting, with Slack's refusals and its one silence (an unknown thread)."""

from __future__ import annotations

import secrets

from bot.sandbox.blocks import MAX_MARKDOWN, check_message_blocks
from bot.sandbox.errors import SlackError
from bot.sandbox.methods.call import Call, Handler
from bot.sandbox.models import APP_ID, BOT_ID, BOT_USER_ID, TEAM_DOMAIN, TEAM_ID, Message, Payload
from bot.sandbox.shapes import is_object

MAX_TEXT = 40_000
MAX_UPDATED_TEXT = 4_000
#: Not published by Slack; a metadata payload is meant for ids, and this is what client libraries assume.
MAX_METADATA = 8_000


def post_message(call: Call) -> Payload:
    channel = call.open_channel()
    content = read_content(call, longest=MAX_TEXT)
    message = call.workspace.add_message(
        channel,
        {**author(call), **content},
        thread_ts=call.text("thread_ts"),
        metadata=read_metadata(call) or None,
        is_broadcast=call.flag("reply_broadcast"),
    )
    return {"channel": channel.id, "ts": message.ts, "message": call.workspace.shown(channel, message)}


def post_ephemeral(call: Call) -> Payload:
    channel = call.open_channel()
    user = str(call.args["user"])
    if user not in channel.members:
        raise SlackError("user_not_in_channel")
    body = {**author(call), **read_content(call, longest=MAX_TEXT)}
    shown = call.workspace.show_ephemeral(channel, user, body, call.text("thread_ts"))
    return {"message_ts": shown["ts"]}


def update(call: Call) -> Payload:
    """Only of the app's own messages. Metadata that is not given stays."""
    channel = call.channel()
    message = call.workspace.message(channel, str(call.args["ts"]))
    if not message.is_ours:
        raise SlackError("cant_update_message")
    if message.is_streaming:
        raise SlackError("streaming_state_conflict")
    content = read_content(call, longest=MAX_UPDATED_TEXT)
    # A text alone replaces the old blocks too: else nobody would see it.
    content.setdefault("blocks", [])
    metadata = read_metadata(call)
    if metadata is not None:
        message.metadata = metadata or None
    call.workspace.edit_message(channel, message, content, editor=BOT_USER_ID)
    shown = call.workspace.shown(channel, message)
    return {"channel": channel.id, "ts": message.ts, "text": str(message.body.get("text", "")), "message": shown}


def delete(call: Call) -> Payload:
    channel = call.channel()
    message = call.workspace.message(channel, str(call.args["ts"]))
    if not message.is_ours:
        raise SlackError("cant_delete_message")
    call.workspace.delete_message(channel, message)
    return {"channel": channel.id, "ts": message.ts}


def get_permalink(call: Call) -> Payload:
    channel = call.channel()
    message = call.workspace.message(channel, str(call.args["message_ts"]))
    return {"channel": channel.id, "permalink": permalink(channel.id, message)}


def permalink(channel_id: str, message: Message) -> str:
    link = f"https://{TEAM_DOMAIN}.slack.com/archives/{channel_id}/p{message.ts.replace('.', '')}"
    return f"{link}?thread_ts={message.thread_ts}&cid={channel_id}" if message.is_reply else link


def author(call: Call) -> Payload:
    """Who a post of the app is from. Under a custom name it is a `bot_message`, and there is no `user`."""
    custom = {name: call.text(name) for name in ("username", "icon_url", "icon_emoji") if call.text(name)}
    if not custom:
        profile = {"id": BOT_ID, "app_id": APP_ID, "name": "Cosession", "team_id": TEAM_ID, "deleted": False}
        return {"user": BOT_USER_ID, "bot_id": BOT_ID, "app_id": APP_ID, "bot_profile": profile}
    call.require_scope("chat:write.customize")
    icons: Payload = {}
    if "icon_url" in custom:
        icons = {"image_36": custom["icon_url"], "image_48": custom["icon_url"], "image_72": custom["icon_url"]}
    if "icon_emoji" in custom:
        icons = {"emoji": custom["icon_emoji"]}
    body: Payload = {"subtype": "bot_message", "bot_id": BOT_ID, "app_id": APP_ID}
    return {**body, "username": custom.get("username", "Cosession"), **({"icons": icons} if icons else {})}


def read_content(call: Call, *, longest: int) -> Payload:
    """`text`, `blocks` and `attachments` of a post. Raises `no_text`, `msg_too_long`, `invalid_blocks`, …"""
    text = call.text("text") or ""
    markdown = call.text("markdown_text")
    blocks: list[Payload] | None = call.structure("blocks", "invalid_blocks_format")
    attachments: list[Payload] | None = call.structure("attachments", "invalid_blocks_format")
    if markdown is not None and (text or blocks):
        raise SlackError("markdown_text_conflict")
    if len(text) > longest or len(markdown or "") > MAX_MARKDOWN:
        raise SlackError("msg_too_long")
    if blocks is not None:
        check_message_blocks(blocks)
    if not (text.strip() or (markdown or "").strip() or blocks or attachments):
        raise SlackError("no_text")
    if markdown is not None:
        return {"text": markdown, "blocks": [{"type": "markdown", "text": markdown, "block_id": secrets.token_hex(3)}]}
    content: Payload = {"text": text}
    if blocks is not None:
        content["blocks"] = [{"block_id": secrets.token_hex(3), **block} for block in blocks]
    if attachments is not None:
        content["attachments"] = attachments
    return content


def read_metadata(call: Call) -> Payload | None:
    """Empty: to be removed. Raises `invalid_metadata_format`, `invalid_metadata_schema` or `metadata_too_large`."""
    metadata = call.structure("metadata", "invalid_metadata_format")
    if metadata is None:
        return None
    if not is_object(metadata):
        raise SlackError("invalid_metadata_format")
    known: Payload = metadata
    if not known:
        return known
    if not isinstance(known.get("event_type"), str) or not is_object(known.get("event_payload")):
        raise SlackError("invalid_metadata_schema")
    if len(str(known)) > MAX_METADATA:
        raise SlackError("metadata_too_large")
    return known


HANDLERS: dict[str, Handler] = {
    "chat.postMessage": post_message,
    "chat.postEphemeral": post_ephemeral,
    "chat.update": update,
    "chat.delete": delete,
    "chat.getPermalink": get_permalink,
}
