"""The calls of Slack's Web API that are about files.

An upload has three steps (https://docs.slack.dev/messaging/working-with-files#upload): an address is asked for, the
bytes are sent there, and what came is shared in one message, whose `ts` Slack does not tell.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bot.calling import Caller, Payload
from bot.failures import Refused

#: Refusals to delete that mean that it is gone, or was never whole.
_GONE = frozenset({"file_not_found", "file_deleted"})


@dataclass(frozen=True, slots=True)
class Slot:
    """Where the bytes of one file go, and the id that it has then. The address is a secret of its own."""

    url: str
    file_id: str


@dataclass(frozen=True, slots=True)
class Share:
    """A message that shows files of ours."""

    ts: str
    thread_ts: str | None


async def reserve(api: Caller, name: str, size: int, alt_txt: str) -> Slot:
    """An address for a file that is to come. `alt_txt` is read out to whoever cannot see a picture."""
    args = {"filename": name, "length": str(size), **({"alt_txt": alt_txt} if alt_txt else {})}
    # This one takes no JSON body.
    answer = await api.call("files.getUploadURLExternal", args, is_form=True)
    return Slot(str(answer["upload_url"]), str(answer["file_id"]))


async def complete(api: Caller, channel: str, root: str, file_ids: tuple[str, ...], **fields: Any) -> None:
    """Shares uploaded files in a thread, as one message."""
    files = [{"id": file_id} for file_id in file_ids]
    await api.call("files.completeUploadExternal", {"files": files, "channel_id": channel, "thread_ts": root, **fields})


async def delete(api: Caller, file_id: str) -> None:
    """A file of ours goes, wherever it is shared; gone already is just as well."""
    try:
        await api.call("files.delete", {"file": file_id})
    except Refused as refusal:
        if refusal.code not in _GONE:
            raise


async def describe(api: Caller, file_id: str) -> Payload:
    """What a file is, where its message does not tell."""
    return (await api.call("files.info", {"file": file_id}, is_get=True))["file"]


async def share_in_thread(
    api: Caller, channel: str, root: str, file_ids: tuple[str, ...], after: str | None
) -> Share | None:
    """The message of a thread that shows one of these files; only later ones than `after` are looked at."""
    return await _share(api, "conversations.replies", {"channel": channel, "ts": root}, file_ids, after)


async def share_in_channel(api: Caller, channel: str, file_ids: tuple[str, ...], after: str | None) -> Share | None:
    """The same at the channel's root."""
    return await _share(api, "conversations.history", {"channel": channel}, file_ids, after)


async def _share(
    api: Caller, method: str, where: Payload, file_ids: tuple[str, ...], after: str | None
) -> Share | None:
    args = {**where, "limit": 200, **({"oldest": after} if after else {})}
    while True:
        answer = await api.call(method, args, is_get=True)
        for message in answer["messages"]:
            if any(str(file.get("id")) in file_ids for file in message.get("files") or []):
                return Share(str(message["ts"]), message.get("thread_ts"))
        cursor = (answer.get("response_metadata") or {}).get("next_cursor")
        if not cursor:
            return None
        args = {**args, "cursor": cursor}
