"""Who is watching a shared session, as the session tells it to whoever shares: and that the sharing is over.

It looks on as the person who shares, shown as away, and needs nothing of the log: a lost connection costs a moment of
not knowing who is there.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NoReturn

from api.client import Access, Heard, LineLost, LiveSession, LogEntry, Offline, Stopped
from api.frames import Connected, PresenceUpdate, UpdatePresence, UserJoined, UserLeft
from core.events import ParticipantRemoved, RoleChanged, SessionEnded
from integrations.agents.live.delivery import Door, NoServer, ended

#: The refusals that a close code stands for, in the words of the HTTP interface.
_FINAL = {4401: "not_signed_in", 4403: "session_not_found", 4404: "session_not_found"}


@dataclass
class Audience:
    """Call `changed` when `names` has. `run` ends by raising ShareEnded when a host ended the session, or when whoever
    shares is no host any more."""

    door: Door
    session_id: str
    changed: Callable[[], None]
    _present: dict[str, str] = field(default_factory=dict[str, str])
    _me: str = ""

    @property
    def names(self) -> list[str] | None:
        """Everybody who is there, except whoever shares; None while that is not known."""
        if not self._me:
            return None
        return sorted(name for user_id, name in self._present.items() if user_id != self._me)

    async def run(self) -> NoReturn:
        try:
            async with LiveSession(self._access, self.session_id) as session:
                async for heard in session:
                    if isinstance(heard, Connected):
                        await session.tell(UpdatePresence(type="presence_update", status="away"))
                    before = self.names
                    self._take(heard)
                    if self.names != before:
                        self.changed()
        except Stopped as stopped:
            raise ended(_FINAL.get(stopped.close_code, "session_not_found")) from stopped
        raise AssertionError("a session is heard until it stops")

    async def _access(self, wants_another: bool) -> Access:
        try:
            reached = await self.door.reach(renew=wants_another)
        except NoServer as problem:
            raise LineLost(str(problem)) from problem
        return Access(reached.url, reached.token)

    def _take(self, heard: Heard) -> None:
        match heard:
            case Connected():
                self._me = heard.you.user_id
                self._present = {one.user_id: one.username for one in heard.presence}
                if heard.session.status == "ended":
                    raise ended("session_has_ended")
                if heard.role != "host":
                    raise ended("not_allowed")
            case Offline():
                self._present.clear()
                self._me = ""
            case UserJoined():
                self._present[heard.user.user_id] = heard.user.username
            case UserLeft():
                self._present.pop(heard.user_id, None)
            case PresenceUpdate():
                self._present |= {one.user_id: one.username for one in heard.users}
            case LogEntry():
                self._take_entry(heard)
            case _:
                pass

    def _take_entry(self, entry: LogEntry) -> None:
        match entry.event:
            case ParticipantRemoved() as event:
                self._present.pop(event.user_id, None)
                if event.user_id == self._me:
                    raise ended("session_not_found")
            case RoleChanged() as event if event.user_id == self._me and event.role != "host":
                raise ended("not_allowed")
            case SessionEnded():
                raise ended("session_has_ended")
            case _:
                pass
