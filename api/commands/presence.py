"""Commands about where one is and what one does, none of which is stored."""

from __future__ import annotations

from api.commands.caller import Answer, Caller, Command, CommandTable
from api.frames import ClientPing, ClientPong, Cursor, CursorUpdate, Pong, Typing, TypingNotice, UpdatePresence
from core import log
from core.clock import iso

#: Seconds between two notices that somebody types.
TYPING_EVERY = 1.0


async def _move_cursor(caller: Caller, frame: CursorUpdate) -> Answer:
    where = Cursor(file=frame.file, line=frame.line, column=frame.column, selection=frame.selection)
    return _update(caller, cursor=where)


async def _show_oneself(caller: Caller, frame: UpdatePresence) -> Answer:
    return _update(caller, status=frame.status, viewport=frame.viewport)


def _update(caller: Caller, **state: object) -> Answer:
    room, connection = caller.place()
    hub = caller.api.hub
    room.presence.update(connection.id, caller.actor.user_id, hub.now(), **state)
    hub.presence_changed(room)
    return None


async def _type(caller: Caller, frame: Typing) -> Answer:
    room, connection = caller.place()
    hub = caller.api.hub
    now = hub.now()
    is_here = room.presence.type(connection.id, caller.actor.user_id, now, is_typing=frame.is_typing)
    hub.presence_changed(room)
    if not is_here or (frame.is_typing and now - connection.typed_at < TYPING_EVERY):
        return None
    connection.typed_at = now if frame.is_typing else 0.0
    notice = TypingNotice(user_id=caller.actor.user_id, username=caller.actor.name, is_typing=frame.is_typing)
    hub.broadcast(room, notice, besides=connection.id)
    return None


async def _ping(caller: Caller, _frame: ClientPing) -> Answer:
    if caller.room is not None:
        head = caller.room.head
    else:
        head = await caller.api.db.read(lambda tx: log.head(tx, caller.session_id))
    return Pong(now=iso(caller.api.clock()), seq=head)


async def _pong(_caller: Caller, _frame: ClientPong) -> Answer:
    return None  # Any frame renews the lease.


COMMANDS: CommandTable = {
    CursorUpdate: Command("present", _move_cursor),
    UpdatePresence: Command("present", _show_oneself),
    Typing: Command("chat", _type),
    ClientPing: Command("read", _ping),
    ClientPong: Command("read", _pong),
}
