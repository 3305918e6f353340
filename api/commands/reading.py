"""Commands about how far one has read."""

from __future__ import annotations

from api import views
from api.commands.caller import Answer, Caller, Command, CommandTable
from api.frames import ReadUpTo
from core import reading


async def _read(caller: Caller, frame: ReadUpTo) -> Answer:
    """Every tab of this person is told, this one among them."""
    unread = await caller.api.db.write(lambda tx: reading.mark_read(tx, caller.actor, caller.session_id, frame.seq))
    caller.api.hub.tell(caller.session_id, caller.actor.user_id, views.read_marker(unread))
    if unread.is_inbox_changed:
        caller.api.bells.ring([caller.actor.user_id])
    return None


COMMANDS: CommandTable = {ReadUpTo: Command("read", _read)}
