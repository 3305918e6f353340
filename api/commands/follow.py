"""Commands about going along with somebody. The client does the going: here it is only known who goes with whom.

What the one ahead looks at reaches the others as their presence, which only this session's participants are sent, by
the same rights as everything else in the room.
"""

from __future__ import annotations

from api.commands.caller import Answer, Caller, Command, CommandTable
from api.frames import Follow, Summon, Unfollow


async def _follow(caller: Caller, frame: Follow) -> Answer:
    room, connection = caller.place()
    hub = caller.api.hub
    room.presence.follow(connection.id, caller.actor.user_id, frame.user_id, hub.now())
    hub.presence_changed(room)
    return None


async def _unfollow(caller: Caller, _frame: Unfollow) -> Answer:
    room, connection = caller.place()
    hub = caller.api.hub
    room.presence.unfollow(connection.id, caller.actor.user_id, hub.now())
    hub.presence_changed(room)
    return None


async def _summon(caller: Caller, _frame: Summon) -> Answer:
    room, _ = caller.place()
    hub = caller.api.hub
    room.presence.summon(hub.now())
    hub.summon(room, caller.actor.person)
    return None


COMMANDS: CommandTable = {
    Follow: Command("present", _follow),
    Unfollow: Command("present", _unfollow),
    Summon: Command("summon", _summon),
}
