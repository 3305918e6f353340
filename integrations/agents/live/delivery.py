"""From the spool to the server, in order, each entry until it is acknowledged: however long the network is away.

A failure that may pass is waited out, with full jitter. An answer that is none of a Cosession server (of a proxy, of a
hotel's login page) counts as no answer. What the server refuses for good ends the sharing where it concerns the person
or the session, and is set aside where it concerns one entry, so that the rest goes on.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any, NoReturn, Protocol

import httpx2
import orjson

from core.errors import Conflict, Unavailable
from integrations.agents.live.spool import Spool, Waiting

#: Most entries, and bytes of JSON, in one request.
BATCH_ITEMS = 100
BATCH_BYTES = 200 * 1024
#: Seconds: bounds of the wait between two tries; how long one request may take.
FIRST_WAIT = 0.5
LONGEST_WAIT = 20.0
TIMEOUT = 20.0

Sleep = Callable[[float], Awaitable[None]]


class NoServer(Unavailable):
    """The server does not answer."""

    code = "no_server"

    def __init__(self, detail: str | None = None, *, wait: float = 0.0) -> None:
        super().__init__(detail)
        #: Seconds that the server asks for.
        self.wait = wait


class ShareEnded(Conflict):
    """Nothing more can be shared into this session."""

    code = "share_ended"

    def __init__(self, detail: str | None = None, *, is_over: bool = False) -> None:
        super().__init__(detail)
        #: The session itself has ended, for everybody.
        self.is_over = is_over


@dataclass(frozen=True, slots=True)
class Reached:
    """A server, and the token of whoever shares."""

    url: str
    token: str


class Door(Protocol):
    """The way to the server; it may lead elsewhere after a restart."""

    async def reach(self, *, renew: bool = False) -> Reached:
        """`renew`: the token was refused, bring another if there is one. Raises NoServer; or anything final."""
        ...


@dataclass(frozen=True, slots=True)
class NewSession:
    """What to start, unless the spool has a session already. The same `key` starts one session."""

    title: str
    key: str


class Delivery:
    """Empties a spool, for ever. `changed` is called whenever one of the public fields has another value."""

    def __init__(
        self,
        spool: Spool,
        door: Door,
        *,
        session: Callable[[], NewSession],
        changed: Callable[[], None] = lambda: None,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self._spool = spool
        self._door = door
        self._session = session
        self._changed = changed
        self._sleep = sleep
        self._news = asyncio.Event()
        self._http: httpx2.AsyncClient | None = None
        self._reached: Reached | None = None
        self.session_id = spool.note("session")
        #: Why nothing gets through just now; None while it does.
        self.problem: str | None = None
        #: What the server said of the entry that it refused last.
        self.refusal = ""
        self.is_idle = False

    def poke(self) -> None:
        """There is something new in the spool. Call it on the event loop."""
        self.is_idle = False
        self._news.set()

    async def run(self) -> NoReturn:
        """Raises ShareEnded, and what `Door.reach` raises beside NoServer."""
        attempt = 0
        try:
            while True:
                self._news.clear()
                try:
                    while await self._deliver_some():
                        self._say(None)
                        attempt = 0
                    self._say(None)
                    attempt = 0
                except NoServer as error:
                    await self._wait(error, attempt)
                    attempt += 1
                    continue
                if not self._news.is_set():
                    self.is_idle = True
                    self._changed()
                await self._news.wait()
        finally:
            await self._forget_connection()

    async def _wait(self, error: NoServer, attempt: int) -> None:
        self._say(error.message)
        await self._forget_connection()
        jittered = random.uniform(0, min(LONGEST_WAIT, FIRST_WAIT * 2 ** min(attempt, 10)))  # noqa: S311 - no secret
        await self._sleep(max(error.wait, jittered))

    def _say(self, problem: str | None) -> None:
        if problem != self.problem:
            self.problem = problem
            self._changed()

    async def _deliver_some(self) -> bool:
        """Sends what comes next; False when nothing waits."""
        if self.session_id is None:
            await self._start_session()
        batch = await asyncio.to_thread(self._spool.waiting, BATCH_ITEMS, BATCH_BYTES)
        if batch:
            await self._deliver(batch)
            self._changed()
        return bool(batch)

    async def _start_session(self) -> None:
        wish = self._session()
        answer = await self._call("POST", "/api/sessions", orjson.dumps({"title": wish.title, "key": wish.key}))
        if not answer.is_success:
            raise ShareEnded(f"The server did not start a session: {_detail(answer)}")
        found = _body(answer).get("id")
        if answer.status_code != 201 or not isinstance(found, str) or not found:
            raise NoServer(_STRANGER)
        await asyncio.to_thread(self._spool.set_notes, {"session": found})
        self.session_id = found
        self._changed()

    async def _deliver(self, batch: list[Waiting]) -> None:
        kind, path = batch[0].kind, f"/api/sessions/{self.session_id}"
        if kind == "blob":
            version = batch[0].key.removeprefix("blob-")
            answer = await self._call("PUT", f"{path}/blobs/{version}", batch[0].body, "application/octet-stream")
        else:
            body = b'{"items":[' + b",".join(entry.body for entry in batch) + b"]}"
            answer = await self._call("POST", f"{path}/{'agent-events' if kind == 'event' else 'files'}", body)
        if answer.is_success:
            seqs = _stored(answer, batch[0]) if kind == "blob" else _seqs(answer, batch)
            await asyncio.to_thread(self._spool.settle, seqs)
        elif len(batch) > 1:
            for entry in batch:  # One of them is refused: which?
                await self._deliver([entry])
        elif kind == "file" and (plain := _without_content(batch[0])) is not None:
            await self._deliver([plain])  # The server did not take the content: what happened is told all the same.
        else:
            self.refusal = _detail(answer)
            await asyncio.to_thread(self._spool.settle, {batch[0].number: None}, "refused")

    async def _call(
        self, method: str, path: str, body: bytes, content_type: str = "application/json"
    ) -> httpx2.Response:
        """A success, or a refusal of this very request. Raises NoServer, ShareEnded."""
        answer = await self._answer(method, path, body, content_type)
        if answer.status_code == 401:
            self._reached = await self._door.reach(renew=True)
            answer = await self._answer(method, path, body, content_type)
        code = _body(answer).get("error_code") if not answer.is_success else ""
        if answer.is_success or (400 <= answer.status_code < 500 and code and answer.status_code not in (408, 429)):
            if code in FINAL:
                raise ended(code)
            return answer
        raise NoServer(_detail(answer), wait=_retry_after(answer))

    async def _answer(self, method: str, path: str, body: bytes, content_type: str) -> httpx2.Response:
        if self._reached is None:
            self._reached = await self._door.reach()
        if self._http is None:
            self._http = httpx2.AsyncClient(timeout=TIMEOUT)
        headers = {"Authorization": f"Bearer {self._reached.token}", "Content-Type": content_type}
        try:
            return await self._http.request(method, self._reached.url + path, content=body, headers=headers)
        except httpx2.TransportError as error:
            raise NoServer(f"{self._reached.url} does not answer ({type(error).__name__})") from error

    async def _forget_connection(self) -> None:
        http, self._http, self._reached = self._http, None, None
        if http is not None:
            await http.aclose()


_STRANGER = "what answers there is not a Cosession server"
#: What the server says when nothing more can come of trying → what it means for whoever shares.
FINAL = {
    "not_signed_in": "The server does not know you any more: your token has expired, or you were signed out.",
    "not_allowed": "Your role in this session does not allow sharing any more: only a host shares an agent.",
    "session_not_found": "This session is gone, or you were removed from it.",
    "session_has_ended": "The session has ended.",
}


def ended(code: str) -> ShareEnded:
    """The end for one of the reasons of FINAL."""
    return ShareEnded(FINAL[code], is_over=code == "session_has_ended")


def _body(answer: httpx2.Response) -> dict[str, Any]:
    try:
        body = orjson.loads(answer.content)
    except orjson.JSONDecodeError:
        return {}
    return body if isinstance(body, dict) else {}


def _without_content(entry: Waiting) -> Waiting | None:
    """The state of a file without its content; None where there is none in it."""
    item = orjson.loads(entry.body)
    if item.get("version") is None:
        return None
    item |= {"version": None, "reason": "The server does not take its content."}
    return replace(entry, body=orjson.dumps(item))


def _stored(answer: httpx2.Response, entry: Waiting) -> dict[int, int | None]:
    if answer.status_code not in (201, 204):
        raise NoServer(_STRANGER)
    return {entry.number: None}


def _seqs(answer: httpx2.Response, batch: list[Waiting]) -> dict[int, int | None]:
    """Number of each entry → its seq. Raises NoServer where the answer does not name all of them."""
    try:
        given = {str(one["key"]): int(one["seq"]) for one in _body(answer)["items"]}
        return {entry.number: given[entry.key] for entry in batch}
    except (KeyError, TypeError, ValueError) as error:
        raise NoServer(_STRANGER) from error


def _detail(answer: httpx2.Response) -> str:
    found = _body(answer).get("detail")
    return str(found)[:300] if found else f"the server answered {answer.status_code}"


def _retry_after(answer: httpx2.Response) -> float:
    """Seconds that the server asks for, an hour at most; a date, which HTTP allows too, is left to our patience."""
    given = answer.headers.get("Retry-After", "")
    return min(3600.0, float(given)) if given.isascii() and given.isdigit() else 0.0
