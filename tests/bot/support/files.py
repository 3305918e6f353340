"""Files in the stories: what people share in the thread, and what the session and Slack have of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core import chat
from core.chat import Attached
from core.events import ChatMessage
from core.files import blob
from tests.bot.support.office import CHANNEL, Office, Payload

#: One pixel, as PNG.
PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de0000000c4944415408d763f8cfc000000301010018dd8db0"
    "0000000049454e44ae426082"
)


async def share(office: Office, name: str, text: str, files: Mapping[str, bytes], **fields: Any) -> Payload:
    """Somebody shares files in the thread, with what they say. `fields` are those of the sandbox's files."""
    [card] = office.cards()
    ids = [office.engine.attach(name, file, data, **fields) for file, data in files.items()]
    return await office.engine.say(name, CHANNEL, text, card["ts"], files=ids)


async def messages(office: Office, session_id: str) -> list[ChatMessage]:
    """The messages of the session, as they were posted."""
    return [event.message for event in await office.log(session_id) if event.type == "chat_message"]


async def contents(office: Office, session_id: str, message: ChatMessage) -> dict[str, bytes]:
    """Name → bytes of the files of a message."""
    found: dict[str, bytes] = {}
    for file in message.files:
        found[file.name] = (await office.web.read(lambda tx, one=file: blob(tx, session_id, one.sha256))).data
    return found


async def post_files(
    office: Office, session_id: str, name: str, text: str, files: Mapping[str, bytes], **fields: Any
) -> int:
    """Somebody writes in the browser, with files."""
    actor = office.actor(name)
    attached: list[Attached] = []
    for file, data in files.items():
        kept = await office.web.write(
            lambda tx, file=file, data=data: chat.keep_file(tx, actor, session_id, data, file)
        )
        attached.append(Attached(kept.sha256, kept.name))
    return await office.write_in_browser(session_id, name, text, files=tuple(attached), **fields)


def shares(office: Office) -> list[Payload]:
    """The messages of the thread that show files of ours."""
    return [one for one in office.thread() if one.get("files") and one.get("bot_id") == office.engine.bot_id]


def fetched(office: Office, share: Payload) -> dict[str, bytes]:
    """Name → bytes of the files of a message in Slack."""
    data = office.engine.workspace.files.data
    return {file["name"]: data[file["id"]] for file in share["files"]}
