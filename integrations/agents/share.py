"""Sends what an agent did to a server, each record once, however often the network breaks in between."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx2
import orjson

from core.clock import as_utc
from core.errors import Invalid, Unavailable
from integrations.agents.redact import Redactor
from integrations.agents.transcript import Item, TranscriptReader

#: Most items, and bytes of JSON, in one request; one event always goes.
BATCH_ITEMS = 100
BATCH_BYTES = 200 * 1024
#: Seconds: the shortest and longest wait between two tries, and how long is tried before giving up.
FIRST_WAIT = 0.5
LONGEST_WAIT = 20.0
GIVE_UP_AFTER = 300.0
#: Seconds: the longest pause that a replay keeps, before it is divided by the speed.
LONGEST_GAP = 3.0

Sleep = Callable[[float], Awaitable[None]]


class ShareRefused(Invalid):
    """The server does not take these records. Nothing of this batch was stored."""

    code = "share_refused"


class ShareInterrupted(Unavailable):
    """The server could not be reached for too long. What it has taken is safe: send the rest again later."""

    code = "share_interrupted"


class ShareClient:
    """One session on one server, fed with items. Sending an item twice has one effect. Used as a context, it keeps its
    connection from one `send` to the next."""

    def __init__(
        self,
        base_url: str,
        token: str,
        *,
        session_id: str,
        sleep: Sleep = asyncio.sleep,
        give_up_after: float = GIVE_UP_AFTER,
    ) -> None:
        self._url = f"{base_url}/api/sessions/{session_id}/agent-events"
        self._headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        self._sleep = sleep
        self._give_up_after = give_up_after
        self._http: httpx2.AsyncClient | None = None

    async def __aenter__(self) -> Self:
        self._http = self._connection()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        http, self._http = self._http, None
        if http is not None:
            await http.aclose()

    def _connection(self) -> httpx2.AsyncClient:
        return httpx2.AsyncClient(headers=self._headers, timeout=15.0)

    async def send(self, items: Sequence[Item]) -> dict[str, int]:
        """Sends all of them, in order; key → seq. Raises ShareRefused, ShareInterrupted."""
        if self._http is None:
            async with self:
                return await self.send(items)
        numbers: dict[str, int] = {}
        for body in _batches(items):
            answer = await self._post(self._http, body)
            numbers.update({recorded["key"]: recorded["seq"] for recorded in answer["items"]})
        return numbers

    async def _post(self, http: httpx2.AsyncClient, body: bytes) -> Any:
        waited, attempt = 0.0, 0
        while True:
            wait = random.uniform(0, min(LONGEST_WAIT, FIRST_WAIT * 2**attempt))  # noqa: S311 - jitter, not a secret
            try:
                response = await http.post(self._url, content=body)
            except httpx2.TransportError as error:
                problem = str(error) or type(error).__name__
            else:
                if response.is_success:
                    return response.json()
                if response.status_code != 429 and response.status_code < 500:
                    raise ShareRefused(_detail(response))
                problem = _detail(response)
                wait = max(wait, _retry_after(response))
            if waited + wait > self._give_up_after:
                raise ShareInterrupted(problem)
            await self._sleep(wait)
            waited, attempt = waited + wait, attempt + 1


def _batches(items: Sequence[Item]) -> list[bytes]:
    """Request bodies, each within the limits of one request."""
    bodies: list[bytes] = []
    batch: list[bytes] = []
    size = 0
    for item in items:
        encoded = orjson.dumps({"key": item.key, "event": item.event.model_dump(mode="json")})
        if batch and (len(batch) >= BATCH_ITEMS or size + len(encoded) > BATCH_BYTES):
            bodies.append(_body(batch))
            batch, size = [], 0
        batch.append(encoded)
        size += len(encoded)
    return [*bodies, _body(batch)] if batch else bodies


def _body(batch: list[bytes]) -> bytes:
    return b'{"items":[' + b",".join(batch) + b"]}"


def _detail(response: httpx2.Response) -> str:
    try:
        return str(response.json()["detail"])
    except (ValueError, KeyError, TypeError):
        return f"the server answered {response.status_code}"


def _retry_after(response: httpx2.Response) -> float:
    """Seconds that the server asks for; a date, which HTTP allows too, is left to our own patience."""
    given = response.headers.get("Retry-After", "")
    return float(given) if given.isascii() and given.isdigit() else 0.0


async def play(
    path: Path,
    client: ShareClient,
    *,
    speed: float,
    redactor: Redactor,
    progress: Callable[[Item], None],
    sleep: Sleep = asyncio.sleep,
) -> None:
    """Sends a transcript with the pauses that it had, divided by `speed` (0: none), as if it happened now.

    Raises TranscriptUnknown, ShareRefused, ShareInterrupted.
    """
    reader = TranscriptReader(redactor)
    before: datetime | None = None
    waiting: list[Item] = []

    async def pass_on() -> None:
        await client.send(waiting)
        for item in waiting:
            progress(item)
        waiting.clear()

    async with client:
        with path.open("rb") as lines:
            for line in lines:
                items = reader.feed(line)
                moment = _moment(items)
                gap = (moment - before).total_seconds() if before is not None and moment is not None else 0.0
                if speed > 0 and gap > 0:
                    await pass_on()
                    await sleep(min(gap, LONGEST_GAP) / speed)
                elif len(waiting) >= BATCH_ITEMS:
                    await pass_on()
                before = moment or before
                waiting += items
        waiting += reader.finish()
        await pass_on()


def _moment(items: list[Item]) -> datetime | None:
    """When the first of them happened, by the agent's own record."""
    for item in items:
        if item.event.occurred_at:
            try:
                return as_utc(datetime.fromisoformat(item.event.occurred_at))
            except ValueError:
                return None
    return None
