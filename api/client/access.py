"""Where a server is, and the token to show it: both may change while a client lives."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import httpx2

from api.client.line import LineLost


@dataclass(frozen=True, slots=True)
class Access:
    """`url` has no trailing slash; `token` is an API token."""

    url: str
    token: str


#: Asked before each connection. True asks for another token than the last, if there is one. Raises LineLost where the
#: server cannot be found just now; whatever else it raises ends the session.
AccessSource = Callable[[bool], Awaitable[Access]]


class Reception:
    """The client's HTTP connection, made anew when the way to the server changes."""

    def __init__(self, source: AccessSource | Access) -> None:
        self._source = source
        self._access: Access | None = None
        self._http: httpx2.AsyncClient | None = None
        self._wants_another = False

    @property
    def http(self) -> httpx2.AsyncClient:
        """Raises LineLost before `open`."""
        if self._http is None:
            raise LineLost("not connected yet")
        return self._http

    async def open(self) -> httpx2.AsyncClient:
        """The connection to use now. Raises LineLost."""
        access = await self._ask(self._wants_another)
        if access != self._access or self._http is None:
            await self.aclose()
            headers = {"Authorization": f"Bearer {access.token}", "Content-Type": "application/json"}
            self._http = httpx2.AsyncClient(base_url=access.url, headers=headers, timeout=15.0)
            self._access = access
        return self._http

    def ask_for_another(self) -> bool:
        """The token was refused. False when that was another one already, or none can be had."""
        if self._wants_another or isinstance(self._source, Access):
            return False
        self._wants_another = True
        return True

    def was_good(self) -> None:
        """The server took the token."""
        self._wants_another = False

    async def another_token(self) -> str | None:
        """A token to go on with, or None where this one is all there is."""
        if isinstance(self._source, Access):
            return None
        try:
            return (await self._source(True)).token
        except LineLost:
            return None

    async def aclose(self) -> None:
        http, self._http = self._http, None
        if http is not None:
            await http.aclose()

    async def _ask(self, wants_another: bool) -> Access:
        return self._source if isinstance(self._source, Access) else await self._source(wants_another)
