"""A live session as a program sees it: entries in order, each once, and commands until they are answered."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

import httpx2
import orjson

from api.client.access import Access, AccessSource, Reception
from api.client.heard import Heard, Offline, Refused, Restarted, Stopped, entry, parsed
from api.client.line import Closed, Line, LineLost, Transport, WebSocket
from api.client.place import Place
from api.frames import (
    Ack,
    ClientFrame,
    ClientPong,
    Connected,
    Digest,
    ErrorFrame,
    Gap,
    JoinSession,
    Ping,
    Pong,
    PostChatMessage,
    RefreshToken,
    TokenExpiring,
)
from core.blanking import Redaction
from core.ids import new_id

#: Seconds: the shortest and the longest ceiling of the random wait before another try.
FIRST_WAIT = 0.5
LONGEST_WAIT = 20.0
#: Entries in one page of history.
PAGE = 500
#: The close code of a token that does not hold, or no more.
NOT_SIGNED_IN = 4401


@dataclass(slots=True)
class _Pending:
    frame: dict[str, Any]
    answered: asyncio.Future[int]


@dataclass(slots=True, kw_only=True)
class _State:
    place: Place = field(default_factory=Place)
    connected: Connected | None = None
    pending: dict[str, _Pending] = field(default_factory=dict[str, _Pending])
    heard: asyncio.Queue[Heard | BaseException] = field(default_factory=asyncio.Queue)
    line: Line | None = None
    stopped: Exception | None = None


class LiveSession:
    """One person in one session, as an async context. Iterating it gives what is heard: `LogEntry`, the server's other
    frames as their models, and `Restarted`. It ends by raising `Stopped` when the server does not want us back.

    `access` tells where the server is and with which token, anew for each connection; a plain pair will do where
    neither ever changes. `since` is (epoch, seq) to go on from; without it, only what is new is heard. `from_start`
    begins at entry 1.
    """

    def __init__(
        self,
        access: AccessSource | Access,
        session_id: str,
        *,
        transport: Transport | None = None,
        since: tuple[str, int] | None = None,
        from_start: bool = False,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._access = Reception(access)
        self._session_id = session_id
        self._transport: Transport = transport or WebSocket()
        self._since = since if since is not None else ("", 0) if from_start else None
        self._sleep = sleep
        self._state = _State()
        self._is_connected = asyncio.Event()
        self._running: asyncio.Task[None] | None = None
        self._later: set[asyncio.Task[None]] = set()

    # ── Coming and going ──────────────────────────────────────────────────────────────────────────────────────────────

    async def __aenter__(self) -> Self:
        self._running = asyncio.create_task(self._run(), name="live session")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        tasks = [*self._later, *([self._running] if self._running is not None else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for pending in self._state.pending.values():
            pending.answered.cancel()
        await self._access.aclose()

    async def connected(self) -> Connected:
        """What the server said on arrival; waits for it. Raises Stopped."""
        waiting = asyncio.create_task(self._is_connected.wait())
        assert self._running is not None, "enter the session first"
        await asyncio.wait({waiting, self._running}, return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        if self._state.stopped is not None:
            raise self._state.stopped
        if self._state.connected is None:
            self._running.result()
        assert self._state.connected is not None
        return self._state.connected

    @property
    def position(self) -> tuple[str, int]:
        """(epoch, seq) of the last entry that was heard: what `since` takes."""
        return self._state.place.epoch, self._state.place.seq

    def __aiter__(self) -> AsyncIterator[Heard]:
        return self._hear()

    async def _hear(self) -> AsyncIterator[Heard]:
        while True:
            heard = await self._state.heard.get()
            if isinstance(heard, BaseException):
                raise heard
            yield heard

    # ── Commands ──────────────────────────────────────────────────────────────────────────────────────────────────────

    async def say(self, content: str, **fields: Any) -> int:
        """Posts a message and returns its seq. Raises Refused, Stopped."""
        return await self.ask(PostChatMessage(type="chat_message", content=content, **fields))

    async def ask(self, command: ClientFrame) -> int:
        """Sends a durable command, again after every loss of connection, until it is answered: the seq of its entry.

        Raises Refused, Stopped.
        """
        frame = command.model_dump(mode="json", exclude_none=True)
        key = str(frame.setdefault("client_msg_id", new_id("cmi")))
        pending = self._state.pending.get(key)
        if pending is None:
            pending = _Pending(frame, asyncio.get_running_loop().create_future())
            self._state.pending[key] = pending
            if self._state.line is not None and self._is_connected.is_set():
                await self._hand_on(self._state.line, frame)
        try:
            return await asyncio.shield(pending.answered)
        finally:
            self._state.pending.pop(key, None)

    async def tell(self, frame: ClientFrame) -> None:
        """Sends something that is not stored. Dropped while there is no connection: the next one says it again."""
        if self._state.line is not None and self._is_connected.is_set():
            await self._hand_on(self._state.line, frame.model_dump(mode="json", exclude_none=True))

    async def _hand_on(self, line: Line, frame: dict[str, Any]) -> None:
        try:
            for answer in await line.send(frame):
                await self._take_frame(answer)
        except LineLost:
            return  # The reader of the line notices too, and whatever must arrive is sent again.
        except Closed as closed:
            if closed.is_final:
                raise Stopped(closed) from closed

    # ── The line ──────────────────────────────────────────────────────────────────────────────────────────────────────

    async def _run(self) -> None:
        attempt = 0
        while True:
            try:
                if await self._follow_one_line():
                    attempt = 0
            except Closed as closed:
                # The token may have run out: one more try with another.
                if closed.is_final and not (closed.code == NOT_SIGNED_IN and self._access.ask_for_another()):
                    self._stop(Stopped(closed))
                    return
            except LineLost:
                pass
            except Exception as error:  # noqa: BLE001 - whoever listens is told, whatever it is
                self._stop(error)
                return
            finally:
                if self._is_connected.is_set():
                    self._state.heard.put_nowait(Offline())
                self._is_connected.clear()
                self._state.line = None
            ceiling = min(LONGEST_WAIT, FIRST_WAIT * 2**attempt)
            attempt += 1
            await self._sleep(random.uniform(0, ceiling))  # noqa: S311 - jitter, not a secret

    def _stop(self, stopped: Exception) -> None:
        """The session is over for everybody who waits for something of it."""
        self._state.stopped = stopped
        self._state.heard.put_nowait(stopped)
        for pending in self._state.pending.values():
            if not pending.answered.done():
                pending.answered.set_exception(stopped)

    async def _follow_one_line(self) -> bool:
        """Reads one connection to its end. True when it got as far as `connected`."""
        place = self._state.place
        since = (place.epoch, place.seq) if place.epoch else self._since
        http = await self._access.open()
        line = await self._transport.open(http, self._session_id, since)
        self._state.line = line
        try:
            async for frame in line.frames():
                if frame.get("type") == "connected":
                    await self._arrive(line, Connected.model_validate(frame))
                elif await self._take_frame(frame) or place.has_hole:
                    await self._repair()
        except (LineLost, Closed) as error:
            if isinstance(error, Closed) and error.is_final:
                raise
        finally:
            await line.close()
        return self._is_connected.is_set()

    async def _arrive(self, line: Line, connected: Connected) -> None:
        state = self._state
        place, since = state.place, self._since
        is_first = not place.epoch
        state.connected = connected
        if is_first and since is None:
            place.begin(connected.epoch, connected.seq)
        elif is_first and since is not None and connected.is_resumed:
            place.begin(connected.epoch, since[1])
        elif not connected.is_resumed:
            place.begin(connected.epoch, 0)
            state.heard.put_nowait(Restarted(connected.epoch))
        place.spoken_of(connected.seq)
        self._is_connected.set()
        self._access.was_good()
        state.heard.put_nowait(connected)
        if not connected.is_resumed:
            await self._repair()
        for pending in list(state.pending.values()):
            await self._hand_on(line, pending.frame)

    async def _take_frame(self, frame: dict[str, Any]) -> bool:
        """True when something is missing that this line will not bring."""
        if "seq" in frame and "at" in frame:
            self._take_entry(frame)
            return False
        known = parsed(frame)
        match known:
            case Ack():
                self._settle(known.client_msg_id, known)
            case ErrorFrame() if known.re in self._state.pending:
                self._settle(known.re, known)
            case Ping() | Pong():
                self._state.place.spoken_of(known.seq)
                if isinstance(known, Ping):
                    await self.tell(ClientPong(type="pong"))
                return self._state.place.is_behind
            case TokenExpiring():
                self._soon(self._renew())
            case Gap():
                return True
            case Digest():
                await self._compare(known)
            case _:
                pass
        if known is not None:
            self._state.heard.put_nowait(known)
        return False

    async def _compare(self, digest: Digest) -> None:
        """What differs from the log is forgotten and read anew."""
        place, line = self._state.place, self._state.line
        if line is not None and place.agrees(digest.from_seq, digest.to_seq, digest.crc32) is False:
            await line.send(JoinSession(type="join_session", reason="diverged").model_dump(exclude_none=True))

    def _settle(self, key: str | None, answer: Ack | ErrorFrame) -> None:
        pending = self._state.pending.get(key or "")
        if pending is None or pending.answered.done():
            return
        if isinstance(answer, Ack):
            pending.answered.set_result(answer.seq)
        elif answer.retryable:
            wait = (answer.retry_after_ms or 1_000) / 1_000
            self._soon(self._send_again(pending, wait))
        else:
            pending.answered.set_exception(Refused(answer))

    def _soon(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._later.add(task)
        task.add_done_callback(self._later.discard)

    async def _renew(self) -> None:
        """Shows another token on the line that is open. Without one, the line ends when this one does."""
        token = await self._access.another_token()
        if token is not None:
            await self.tell(RefreshToken(type="refresh_token", auth_token=token))

    async def _send_again(self, pending: _Pending, wait: float) -> None:
        await self._sleep(wait)
        if not pending.answered.done() and self._state.line is not None and self._is_connected.is_set():
            await self._hand_on(self._state.line, pending.frame)

    def _take_entry(self, frame: dict[str, Any]) -> None:
        for seq, text in self._state.place.take(frame["seq"], orjson.dumps(frame)):
            taken = entry(seq, text)
            if isinstance(taken.event, Redaction):
                self._state.place.forget_text_of(taken.event)
            self._state.heard.put_nowait(taken)

    async def _repair(self) -> None:
        """Reads from the log what the line did not bring."""
        place = self._state.place
        while place.is_behind:
            try:
                response = await self._access.http.get(
                    f"/api/sessions/{self._session_id}/events", params={"after": place.seq, "limit": PAGE}
                )
            except httpx2.HTTPError as error:
                raise LineLost(str(error)) from error
            if response.status_code != 200:
                raise LineLost(f"the log could not be read: {response.status_code}")
            items = response.json()["items"]
            if not items:
                return
            for item in items:
                self._take_entry(item)
