"""Commands about a connection that another process holds: whatever needs it is passed on there."""

from __future__ import annotations

from dataclasses import dataclass, field

from api.commands import Caller
from api.entering import prove_again
from api.frames import (
    ClientFrames,
    CursorUpdate,
    Follow,
    JoinSession,
    RefreshToken,
    Summon,
    TokenRefreshed,
    Typing,
    Unfollow,
    UpdatePresence,
)
from api.incoming import carry_out, message_id, parse, refusal
from api.others import Others
from core.clock import iso
from core.errors import CosessionError

#: Frames about where somebody is and what they do there: each is answered, if at all, on its connection.
_PLACED = (CursorUpdate, UpdatePresence, Typing, Follow, Unfollow, Summon, JoinSession)


@dataclass(slots=True)
class HeldElsewhere:
    """The connection that a request names, and the frames that its process is to carry out."""

    others: Others
    connection_id: str
    _frames: list[str] = field(default_factory=list[str])

    async def answer(self, caller: Caller, text: str) -> bytes | None:
        """Carries out what needs no connection, and keeps the rest for `pass_on`."""
        try:
            return await self._carry_out(caller, text, parse(text))
        except CosessionError as error:
            return refusal(error, re=message_id(text))

    async def _carry_out(self, caller: Caller, text: str, frame: ClientFrames) -> bytes | None:
        if isinstance(frame, _PLACED):
            self._frames.append(text)
            return None
        if isinstance(frame, RefreshToken):
            # A token is shown to this process alone; the other one is told what it proved.
            api = caller.api
            who = await prove_again(api, caller.session_id, caller.actor.user_id, frame.auth_token)
            self.others.renew(caller.session_id, self.connection_id, who, api.clock())
            return TokenRefreshed(expires_at=iso(who.expires_at)).model_dump_json().encode()
        return await carry_out(caller, frame)

    def pass_on(self, caller: Caller) -> None:
        """Even where no frame is kept: the person was heard, and the other process has to know."""
        self.others.forward(caller.session_id, self.connection_id, caller.actor.user_id, self._frames)
