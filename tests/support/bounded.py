"""No test waits for ever: one that has not ended in its time fails, and the others go on.

The event loop of production swallows what a signal handler raises, so an alarm does not end an `async` test: its time
is kept by the loop itself. A fixture, or a call that holds the thread, is ended by `pytest-timeout`'s thread, which
takes the whole process with it; that comes later, so that it is the exception.
"""

from __future__ import annotations

import asyncio
import functools
import inspect
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

#: Seconds between the failure of a test and the end of its process, if it cannot be made to end.
GRACE = 30.0


def bound(item: pytest.Item) -> None:
    """Gives an `async` test a time of its own, shorter by `GRACE` than what `pytest-timeout` leaves it."""
    test = getattr(item, "obj", None)
    if not inspect.iscoroutinefunction(test) or not isinstance(item, pytest.Function):
        return
    marker = item.get_closest_marker("timeout")
    allowed = float(marker.args[0] if marker is not None else item.config.getini("timeout"))
    item.obj = _bounded(test, max(1.0, allowed - GRACE))


def _bounded(test: Callable[..., Awaitable[Any]], seconds: float) -> Callable[..., Awaitable[Any]]:
    @functools.wraps(test)
    async def bounded(*args: Any, **fixtures: Any) -> Any:
        limit = asyncio.timeout(seconds)
        try:
            async with limit:
                return await test(*args, **fixtures)
        except TimeoutError as error:
            if limit.expired():
                raise AssertionError(f"not done after {seconds:.0f} s") from error
            raise

    return bounded
