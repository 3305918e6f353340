"""A request's body, with a limit in bytes and a deadline: an ASGI `receive` around uvicorn's."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

Receive = Callable[[], Awaitable[Any]]


def bounded(receive: Receive, *, limit: int, deadline: float, refuse: Callable[[int], None]) -> Receive:
    """Calls `refuse` with 413 beyond `limit` bytes, with 408 if the body is not whole at `deadline` (the loop's time).

    The application then sees that its client is gone, as it is.
    """
    seen = 0
    is_whole = False

    async def receive_bounded() -> Any:
        nonlocal seen, is_whole
        timeout = asyncio.timeout_at(None if is_whole else deadline)
        try:
            async with timeout:
                message = await receive()
        except TimeoutError:
            if not timeout.expired():
                raise
            refuse(408)
            return {"type": "http.disconnect"}
        if message["type"] == "http.request":
            seen += len(message["body"])
            is_whole = not message["more_body"]
            if seen > limit:
                refuse(413)
                return {"type": "http.disconnect"}
        return message

    return receive_bounded
