"""Who is watching a shared session, as its socket tells it to whoever shares: and that the sharing is over.

It looks on as the person who shares, shown as away, and needs nothing of the log: a lost connection costs a moment of
not knowing who is there.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, NoReturn

import orjson
import websockets

from integrations.agents.live.delivery import Door, NoServer, ShareEnded, ended

Frame = dict[str, Any]

#: Seconds: bounds of the wait between two tries; the longest silence of a server that speaks every 20 s.
FIRST_WAIT = 0.5
LONGEST_WAIT = 20.0
SILENCE = 30.0


@dataclass
class Audience:
    """Call `changed` when `names` has. `run` ends by raising ShareEnded when a host ended the session, or when whoever
    shares is no host any more."""

    door: Door
    session_id: str
    changed: Callable[[], None]
    _present: dict[str, str] = field(default_factory=dict[str, str])
    _me: str = ""
    _is_renewing: bool = False

    @property
    def names(self) -> list[str] | None:
        """Everybody who is there, except whoever shares; None while that is not known."""
        if not self._me:
            return None
        return sorted(name for user_id, name in self._present.items() if user_id != self._me)

    async def run(self) -> NoReturn:
        attempt = 0
        while True:
            try:
                reached = await self.door.reach(renew=self._is_renewing)
                async with websockets.connect(_address(reached.url, self.session_id), max_size=None) as socket:
                    await socket.send(_text(type="join_session", auth_token=reached.token))
                    await self._listen(socket)
            except NoServer:
                pass
            except websockets.ConnectionClosed as closed:
                attempt = 0 if self._me else attempt
                self._judge(closed)
            except (OSError, TimeoutError, websockets.WebSocketException):
                pass  # The network: delivery tells of it.
            self._leave()
            await asyncio.sleep(random.uniform(0, min(LONGEST_WAIT, FIRST_WAIT * 2 ** min(attempt, 10))))  # noqa: S311
            attempt += 1

    async def _listen(self, socket: websockets.ClientConnection) -> None:
        while True:
            async with asyncio.timeout(SILENCE):
                text = await socket.recv()
            frame: Frame = orjson.loads(text)
            match frame.get("type"):
                case "connected":
                    self._is_renewing = False
                    await socket.send(_text(type="presence_update", status="away"))
                case "ping":
                    await socket.send(_text(type="pong"))
                case "token_expiring":
                    with suppress(ShareEnded):  # There is no other: this one holds for a while yet.
                        reached = await self.door.reach(renew=True)
                        await socket.send(_text(type="refresh_token", auth_token=reached.token))
                case _:
                    pass
            self._take(frame)

    def _take(self, frame: Frame) -> None:
        before = self.names
        match frame.get("type"):
            case "connected":
                self._me = frame["you"]["user_id"]
                self._present = {one["user_id"]: one["username"] for one in frame["presence"]}
                if frame["session"]["status"] == "ended":
                    raise ended("session_has_ended")
                if frame["role"] != "host":
                    raise ended("not_allowed")
            case "user_joined":
                self._present[frame["user"]["user_id"]] = frame["user"]["username"]
            case "user_left" | "participant_removed":
                self._present.pop(frame["user_id"], None)
                if frame["type"] == "participant_removed" and frame["user_id"] == self._me:
                    raise ended("session_not_found")
            case "presence_update":
                self._present |= {one["user_id"]: one["username"] for one in frame["users"]}
            case "role_changed" if frame["user_id"] == self._me and frame["role"] != "host":
                raise ended("not_allowed")
            case "session_ended":
                raise ended("session_has_ended")
            case _:
                pass
        if self.names != before:
            self.changed()

    def _judge(self, closed: websockets.ConnectionClosed) -> None:
        """Raises ShareEnded where the server closed for good."""
        code = closed.rcvd.code if closed.rcvd is not None else 1006
        if code == 4401 and not self._is_renewing:
            self._is_renewing = True  # The token may have expired: one more try with another.
            return
        final = {4401: "not_signed_in", 4403: "session_not_found", 4404: "session_not_found"}
        if code in final:
            raise ended(final[code])

    def _leave(self) -> None:
        self._present.clear()
        self._me = ""
        self.changed()


def _address(url: str, session_id: str) -> str:
    return f"{url.replace('http', 'ws', 1)}/ws/session/{session_id}"


def _text(**frame: Any) -> str:
    return orjson.dumps(frame).decode()
