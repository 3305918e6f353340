"""What is asked of Slack about a part of an answer: begin it, append to it, stop it, rewrite it, and find it.

`chat.startStream` takes no metadata, so a stream that was begun without our having heard of it is known by being ours
and having none: all other posts of ours carry some. It gets its own when it is stopped or rewritten. Sources:
https://docs.slack.dev/reference/methods/chat.startStream, …/chat.appendStream and …/chat.stopStream.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bot.blocks import Block, Shown
from bot.web import Bot, Limited, Payload, Refused, SlackApi

MESSAGE = "cosession_message"


@dataclass(frozen=True, slots=True)
class Recipient:
    """Somebody in Slack, and the workspace that they belong to."""

    user: str
    team: str


@dataclass(frozen=True, slots=True)
class Found:
    """Posts of a thread that may be a part: the one under its id, and streams that nobody knows of, oldest first."""

    posted: str | None
    streams: Sequence[str]


async def start(api: SlackApi, channel: str, root: str, text: str, recipient: Recipient) -> str:
    """Begins a stream with its first words; its ts."""
    answer = await api.call(
        "chat.startStream",
        {
            "channel": channel,
            "thread_ts": root,
            "markdown_text": text,
            "recipient_user_id": recipient.user,
            "recipient_team_id": recipient.team,
        },
    )
    return str(answer["ts"])


async def append(api: SlackApi, channel: str, ts: str, text: str) -> None:
    _unless_unwelcome(api, "chat.appendStream")
    await api.call("chat.appendStream", {"channel": channel, "ts": ts, "markdown_text": text})


async def stop(api: SlackApi, channel: str, ts: str, message_id: str, blocks: Sequence[Block] = ()) -> None:
    """Ends a stream, with blocks under what it says, and under our own id from now on."""
    _unless_unwelcome(api, "chat.stopStream")
    shown = {"blocks": list(blocks)} if blocks else {}
    await api.call("chat.stopStream", {"channel": channel, "ts": ts, "metadata": _metadata(message_id), **shown})


async def rewrite(api: SlackApi, channel: str, ts: str, message_id: str, shown: Shown) -> None:
    """Has a post of ours, streamed or not, say this and nothing else."""
    _unless_unwelcome(api, "chat.update")
    what = {"text": shown.text, "blocks": list(shown.blocks), "metadata": _metadata(message_id)}
    await api.call("chat.update", {"channel": channel, "ts": ts, **what})


async def take_out(api: SlackApi, channel: str, ts: str) -> None:
    """Deletes a post of ours, whether it is still a stream or not; that it is gone is just as well."""
    try:
        await api.call("chat.stopStream", {"channel": channel, "ts": ts})
    except Refused as refusal:
        if refusal.code not in ("message_not_in_streaming_state", "message_not_found"):
            raise
    try:
        await api.delete(channel, ts)
    except Refused as refusal:
        if refusal.code != "message_not_found":
            raise


async def in_thread(api: SlackApi, channel: str, root: str, bot: Bot, message_id: str, oldest: str) -> Found:
    """What may be the part of this id, among what was posted after `oldest`."""
    return await _find(api, "conversations.replies", {"channel": channel, "ts": root}, bot, message_id, oldest)


async def in_channel(api: SlackApi, channel: str, bot: Bot, message_id: str, oldest: str) -> Found:
    """The same outside of threads, where a reply to a thread that is gone lands."""
    return await _find(api, "conversations.history", {"channel": channel}, bot, message_id, oldest)


async def _find(api: SlackApi, method: str, where: Payload, bot: Bot, message_id: str, oldest: str) -> Found:
    posted: str | None = None
    streams: list[str] = []
    args = {**where, "include_all_metadata": True, "limit": 200, "oldest": oldest}
    while True:
        answer = await api.call(method, args, is_get=True)
        for message in answer["messages"]:
            ts = str(message["ts"])
            payload: Payload = (message.get("metadata") or {}).get("event_payload") or {}
            if payload.get("id") == message_id:
                posted = posted or ts
            elif _is_unknown_stream(message, bot) and ts != where.get("ts") and ts not in streams:
                streams.append(ts)
        cursor = (answer.get("response_metadata") or {}).get("next_cursor")
        if not cursor:
            return Found(posted, sorted(streams))
        args = {**args, "cursor": cursor}


def _is_unknown_stream(message: Payload, bot: Bot) -> bool:
    is_ours = message.get("bot_id") == bot.bot_id if bot.bot_id else message.get("user") == bot.user_id
    return is_ours and not message.get("metadata") and not message.get("files") and "subtype" not in message


def _unless_unwelcome(api: SlackApi, method: str) -> None:
    """A call would wait as long as Slack has asked for, and hold up what people say: it is made later instead."""
    left = api.waits().get(method)
    if left is not None:
        raise Limited(left)


def _metadata(message_id: str) -> Payload:
    return {"event_type": MESSAGE, "event_payload": {"id": message_id}}
