"""`chat.startStream`, `appendStream`, `stopStream`: one message that grows while an agent speaks."""

from __future__ import annotations

import secrets
from typing import Any

from bot.sandbox.blocks import MAX_MARKDOWN, check_message_blocks
from bot.sandbox.errors import SlackError
from bot.sandbox.methods.call import Call, Handler
from bot.sandbox.methods.chat import author, read_metadata
from bot.sandbox.models import TEAM_ID, Channel, Message, Payload
from bot.sandbox.shapes import is_object

#: Streams die after about five minutes, with or without traffic.
STREAM_SECONDS = 300.0


def start(call: Call) -> Payload:
    channel = call.open_channel()
    if channel.kind != "im":
        if not call.text("recipient_user_id"):
            raise SlackError("missing_recipient_user_id")
        if call.text("recipient_team_id") != TEAM_ID:
            raise SlackError("missing_recipient_team_id")
    body: Payload = {**author(call), "text": "", "blocks": []}
    message = call.workspace.add_message(channel, body, thread_ts=call.text("thread_ts"), is_streaming=True)
    _grow(call, channel, message)
    return {"channel": channel.id, "ts": message.ts}


def append(call: Call) -> Payload:
    if call.workspace.message(call.channel(), str(call.args["ts"])).is_stopped:
        raise SlackError("stopped_by_user")
    channel, message = _streaming(call)
    _grow(call, channel, message)
    return {"channel": channel.id, "ts": message.ts}


def stop(call: Call) -> Payload:
    channel, message = _streaming(call)
    blocks: list[Payload] | None = call.structure("blocks", "invalid_blocks")
    if blocks:
        check_message_blocks(blocks)
    metadata = read_metadata(call)
    message.is_streaming = False
    message.metadata = metadata or message.metadata
    _grow(call, channel, message, extra=blocks or [])
    return {"channel": channel.id, "ts": message.ts, "message": call.workspace.shown(channel, message)}


def _streaming(call: Call) -> tuple[Channel, Message]:
    """Raises `message_not_owned_by_app` or `message_not_in_streaming_state`, the latter after five minutes too."""
    channel = call.channel()
    message = call.workspace.message(channel, str(call.args["ts"]))
    if not message.is_ours:
        raise SlackError("message_not_owned_by_app")
    if call.workspace.clock().timestamp() - float(message.ts) > STREAM_SECONDS:
        message.is_streaming = False
    if not message.is_streaming:
        raise SlackError("message_not_in_streaming_state")
    return channel, message


def _grow(call: Call, channel: Channel, message: Message, extra: list[Payload] | None = None) -> None:
    added = call.text("markdown_text") or ""
    chunks: list[Any] = call.structure("chunks", "invalid_chunks") or []
    for chunk in chunks:
        added += _text_of(chunk)
    if len(added) > MAX_MARKDOWN:
        raise SlackError("msg_blocks_too_long")
    if not added and not extra:
        return
    text = str(message.body.get("text", "")) + added
    block_id = message.body["blocks"][0]["block_id"] if message.body.get("blocks") else secrets.token_hex(3)
    blocks: list[Payload] = [{"type": "markdown", "text": text, "block_id": block_id}] if text else []
    call.workspace.edit_message(channel, message, {"text": text, "blocks": blocks + (extra or [])}, editor=None)


def _text_of(chunk: Any) -> str:
    """A chunk's text; task and plan updates are shown as a line each."""
    if not is_object(chunk):
        raise SlackError("invalid_chunks")
    known: Payload = chunk
    if known.get("type") == "markdown_text":
        return str(known.get("text", ""))
    if known.get("type") == "task_update":
        return f"\n- {known.get('title', '')}: {known.get('status', '')}\n"
    if known.get("type") == "plan_update":
        return f"\n**{known.get('title', '')}**\n"
    raise SlackError("invalid_chunks")


HANDLERS: dict[str, Handler] = {"chat.startStream": start, "chat.appendStream": append, "chat.stopStream": stop}
