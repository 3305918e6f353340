"""Files that are to come with a chat message: sent here first, named by the message then."""

from __future__ import annotations

import re
from typing import Annotated

from fastapi import APIRouter, Query, Request

from api.auth import ApiDep, SignedInDep
from core import chat, limits
from core.access import session_for
from core.errors import FileTooLarge
from core.events import MessageFile

router = APIRouter(prefix="/api/sessions/{session_id}", tags=["chat"])

_PATH = re.compile(r"/api/sessions/[^/]+/attachments")
_RAW_BODY = {
    "requestBody": {
        "required": True,
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    }
}


def body_bytes_for(path: str) -> int | None:
    """What the body of a request to `path` may weigh, where it may be more than others."""
    return chat.MAX_FILE_BYTES if _PATH.fullmatch(path) else None


@router.post("/attachments", status_code=201, openapi_extra=_RAW_BODY)
async def keep_attachment(
    session_id: str,
    name: Annotated[str, Query(min_length=1, max_length=255)],
    request: Request,
    api: ApiDep,
    who: SignedInDep,
) -> MessageFile:
    """Keeps a file, at most 10 MiB, for a message that is posted within a day and names it.

    What it is, is read from its bytes: PNG, JPEG, GIF and WebP are pictures, UTF-8 is text, all else is bytes.
    """
    # Nobody's bytes are read before they may write here.
    await api.db.read(lambda tx: session_for(tx, who.actor, session_id, "chat", lock=False))
    await limits.take(api.messages, who.actor.user_id)
    data = bytearray()
    async for piece in request.stream():
        data += piece
        if len(data) > chat.MAX_FILE_BYTES:
            raise FileTooLarge
    content = bytes(data)
    return await api.db.write(lambda tx: chat.keep_file(tx, who.actor, session_id, content, name))
