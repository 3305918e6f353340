"""Commands about the connection itself."""

from __future__ import annotations

from api.commands.caller import Answer, Caller, Command, CommandTable
from api.entering import refresh
from api.frames import RefreshToken, TokenRefreshed
from core.clock import iso


async def _refresh(caller: Caller, frame: RefreshToken) -> Answer:
    room, connection = caller.place()
    await refresh(caller.api, room, connection, frame.auth_token)
    return TokenRefreshed(expires_at=iso(connection.until))


COMMANDS: CommandTable = {RefreshToken: Command("present", _refresh)}
