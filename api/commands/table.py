"""Every command and the permission that it needs, in one table. What is not here is refused."""

from __future__ import annotations

from api.commands import chat, comments, follow, presence, reading, session
from api.commands.caller import Answer, Caller, Command, CommandTable
from api.errors import BadFrame
from api.frames import ClientFrame
from core.access import allows
from core.errors import NotAllowed

COMMANDS: CommandTable = {
    **chat.COMMANDS,
    **comments.COMMANDS,
    **reading.COMMANDS,
    **presence.COMMANDS,
    **follow.COMMANDS,
    **session.COMMANDS,
}


async def run(caller: Caller, frame: ClientFrame) -> Answer:
    """Carries a frame out. Raises CosessionError, having changed nothing."""
    return await permitted(caller, frame).run(caller, frame)


def permitted(caller: Caller, frame: ClientFrame) -> Command:
    """The command that a frame stands for. Raises BadFrame where there is none, NotAllowed for the wrong role."""
    command = COMMANDS.get(type(frame))
    if command is None:
        raise BadFrame("This frame cannot be sent here.")
    if not allows(caller.role, command.permission):
        raise NotAllowed(f"As {caller.role} you can read this session, not do that in it.")
    return command
