"""What an answer that never ends may know of its connection: how much the peer has not read, and how to cut it.

An application finds it in the ASGI scope of its request: `outlet_of(scope)`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

EXTENSION = "cosession.outlet"


class Outlet:
    """The side of one HTTP connection that is written to."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport

    @property
    def buffered(self) -> int:
        """Bytes that the kernel has not taken yet."""
        return 0 if self._transport.is_closing() else self._transport.get_write_buffer_size()

    def abort(self) -> None:
        """Ends the connection now, with whatever is still unread."""
        self._transport.abort()


def outlet_of(scope: Mapping[str, Any]) -> Outlet:
    """The outlet of an HTTP request's ASGI scope. Raises KeyError under a server that is not ours."""
    outlet = scope["extensions"][EXTENSION]
    assert isinstance(outlet, Outlet)
    return outlet
