"""What an app answers to an interaction, in the body of its ack or through a `response_url`."""

from __future__ import annotations

import secrets
from typing import Any

from bot.sandbox.blocks import check_message_blocks
from bot.sandbox.errors import SlackError
from bot.sandbox.models import APP_ID, BOT_ID, BOT_USER_ID, Channel, Payload
from bot.sandbox.workspace import Workspace


def answer_interaction(workspace: Workspace, channel: Channel, user: str, answer: Payload) -> Payload | None:
    """Shows the answer: to everybody when it says `in_channel`, else to that person alone.

    Raises `no_text` or `invalid_blocks`.
    """
    body = _body(answer)
    thread_ts = answer.get("thread_ts")
    if answer.get("response_type") == "in_channel":
        return workspace.shown(channel, workspace.add_message(channel, body, thread_ts=thread_ts))
    return workspace.show_ephemeral(channel, user, body, thread_ts)


def use_response_url(workspace: Workspace, url_id: str, answer: Payload) -> None:
    """Carries out a post to a response URL. Raises `invalid_url`, `used_url`, `expired_url`, `no_text`, …"""
    url = workspace.response_urls.use(url_id)
    channel = workspace.channel(url.channel)
    source = channel.messages.get(url.message_ts or "")
    if answer.get("delete_original"):
        if url.is_ephemeral_source and url.message_ts:
            workspace.drop_ephemeral(url.user, url.message_ts)
        elif source is not None:
            workspace.delete_message(channel, source)
    elif answer.get("replace_original") and url.message_ts:
        if url.is_ephemeral_source:
            body = _body(answer)
            workspace.drop_ephemeral(url.user, url.message_ts)
            workspace.show_ephemeral(channel, url.user, body)
        elif source is not None:
            workspace.edit_message(channel, source, {"blocks": [], **_content(answer)}, editor=BOT_USER_ID)
    else:
        answer_interaction(workspace, channel, url.user, answer)


def _body(answer: Payload) -> Payload:
    return {"user": BOT_USER_ID, "bot_id": BOT_ID, "app_id": APP_ID, **_content(answer)}


def _content(answer: Payload) -> Payload:
    text = str(answer.get("text") or "")
    blocks: Any = answer.get("blocks")
    if blocks:
        check_message_blocks(blocks)
    if not text.strip() and not blocks:
        raise SlackError("no_text")
    content: Payload = {"text": text}
    if blocks:
        content["blocks"] = [{"block_id": secrets.token_hex(3), **block} for block in blocks]
    return content
