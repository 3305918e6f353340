"""What a client may ask of an open socket: each frame, after its shape was checked, becomes one effect."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from api.connection import Connection
from api.context import Api
from api.frames import (
    Ack,
    ClientFrames,
    ClientPing,
    Cursor,
    CursorUpdate,
    Pong,
    PostChatMessage,
    Typing,
    TypingNotice,
    UpdatePresence,
)
from api.hub import Room
from core import chat
from core.access import Actor, allows
from core.clock import iso
from core.errors import NotAllowed, TooMany
from core.ids import new_id
from core.limits import TokenBuckets

#: Frames of any kind that one connection may send each minute, and at once.
FRAMES_PER_MINUTE = 3_000
FRAMES_AT_ONCE = 200
#: Seconds between two notices that somebody types.
TYPING_EVERY = 1.0


@dataclass(slots=True)
class Commands:
    """The commands of one connection."""

    api: Api
    room: Room
    connection: Connection
    actor: Actor
    _frames: TokenBuckets = field(default_factory=lambda: TokenBuckets(FRAMES_PER_MINUTE, FRAMES_AT_ONCE))
    _typed_at: float = 0.0
    _complained_at: float = 0.0

    def has_pace(self) -> bool:
        """False for a frame to be dropped. Raises TooMany instead at most once a second, so that a flood is told."""
        try:
            self._frames.take("")
        except TooMany:
            now = time.monotonic()
            if now - self._complained_at < 1.0:
                return False
            self._complained_at = now
            raise
        return True

    async def handle(self, frame: ClientFrames) -> None:
        match frame:
            case PostChatMessage():
                await self._post(frame)
            case CursorUpdate():
                where = Cursor(file=frame.file, line=frame.line, column=frame.column, selection=frame.selection)
                self._update(cursor=where)
            case UpdatePresence():
                self._update(status=frame.status, viewport=frame.viewport)
            case Typing():
                self._type(frame)
            case ClientPing():
                pong = Pong(now=iso(self.api.clock()), seq=self.room.head)
                self.connection.write(pong.model_dump_json().encode())
            case _:
                pass  # A pong: any frame renews the lease.

    async def _post(self, frame: PostChatMessage) -> None:
        if not allows(self.connection.role, "chat"):
            raise NotAllowed(f"As {self.connection.role} you can read this session, not write in it.")
        self.api.messages.take(self.actor.user_id)
        key = frame.client_msg_id or new_id("cmi")
        draft = chat.Draft(
            frame.content, frame.parent_id, frame.code_ref, tuple(frame.mentions), session_only=frame.session_only
        )
        session_id = self.room.session_id
        posted = await self.api.db.write(lambda tx: chat.post_message(tx, self.actor, session_id, draft, key=key))
        self.connection.write(Ack(client_msg_id=key, seq=posted.seq).model_dump_json().encode())

    def _update(self, **state: object) -> None:
        now = self.api.hub.now()
        self.room.presence.update(self.connection.id, self.actor.user_id, now, **state)
        self.api.hub.presence_changed(self.room)

    def _type(self, frame: Typing) -> None:
        if not allows(self.connection.role, "chat"):
            raise NotAllowed
        now = time.monotonic()
        if self.connection.id not in self.room.connections:
            return
        if frame.is_typing and now - self._typed_at < TYPING_EVERY:
            return
        self._typed_at = now if frame.is_typing else 0.0
        notice = TypingNotice(user_id=self.actor.user_id, username=self.actor.name, is_typing=frame.is_typing)
        self.api.hub.broadcast(self.room, notice, besides=self.connection.id)
