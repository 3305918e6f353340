"""Postgres through asyncpg: one connection that writes, a few that read.

Nobody waits long for a server that is away. A connection that the server has closed is replaced before it is used; one
that does not answer within `PATIENCE` is given up, and whoever queued behind it is told at once. The next that asks
connects anew, so all goes on by itself when the server is back.

Units of work run on SQLAlchemy's own bridge from plain functions to coroutines.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from sqlalchemy import event
from sqlalchemy.exc import DBAPIError, DisconnectionError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine
from sqlmodel import Session as SqlSession

from core.errors import StorageUnavailable
from core.unit import SessionUnit, Unit

T = TypeVar("T")
log = logging.getLogger(__name__)

#: Seconds that connecting or one statement may take: a server that is up answers in a fraction of it.
PATIENCE = 2.5
#: Connections that read.
READERS = 10
#: What a server says that is going down, is not up yet or takes no more connections:
#: https://www.postgresql.org/docs/current/errcodes-appendix.html
_AWAY = ("08", "57P", "53300")
#: How a reader's transaction begins.
_SNAPSHOT = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}


class PostgresEngine:
    """Raises StorageUnavailable where the server is away; whether a commit was stored is then unknown."""

    is_only_writer = False

    def __init__(self, url: str) -> None:
        self._writer = _open(url, 1)
        self._reader = _open(url, READERS)
        self._turns = Turns(READERS)

    async def write_group(self, run: Callable[[Unit], T]) -> T:
        async with _session(self._writer) as session:
            result = await session.run_sync(lambda sql: run(SessionUnit(sql)))  # type: ignore[arg-type]
            await session.commit()
            return result

    async def read(self, run: Callable[[Unit], T]) -> T:
        async with self._turns.one():
            try:
                async with _session(
                    self._reader, isolation_level="REPEATABLE READ", postgresql_readonly=True
                ) as session:
                    return await session.run_sync(lambda sql: run(SessionUnit(sql)))  # type: ignore[arg-type]
            except StorageUnavailable:
                self._turns.refuse()
                raise

    async def close(self) -> None:
        await self._writer.dispose()
        await self._reader.dispose()


def _open(url: str, connections: int) -> AsyncEngine:
    engine = create_async_engine(
        url,
        pool_size=connections,
        max_overflow=0,
        connect_args={"timeout": PATIENCE, "command_timeout": PATIENCE},
    )
    event.listen(engine.sync_engine, "checkout", _replace_closed)
    return engine


def _replace_closed(connection: Any, _record: Any, _proxy: Any) -> None:
    # Costs nothing, unlike asking the server: the driver has heard of it when the server closed the connection.
    if connection.driver_connection.is_closed():
        raise DisconnectionError


@asynccontextmanager
async def _session(engine: AsyncEngine, **options: object) -> AsyncGenerator[AsyncSession]:
    try:
        async with AsyncSession(engine, sync_session_class=SqlSession, expire_on_commit=False) as session:
            connection = await session.connection(execution_options=options or None)
            driver: Any = connection.sync_connection.connection.driver_connection  # pyright: ignore[reportOptionalMemberAccess]
            try:
                yield session
            except Exception as error:
                if _is_away(error):
                    # Asked to close politely, it would be waited for once more.
                    driver.terminate()
                    await session.invalidate()
                raise
    except Exception as error:
        if not _is_away(error):
            raise
        log.warning("the database does not answer: %s", type(error).__name__)
        raise StorageUnavailable from error


def _is_away(error: Exception) -> bool:
    """The operating system's own errors are handed on by the driver; a timeout is one of them."""
    if isinstance(error, OSError):
        return True
    if isinstance(error, DBAPIError) and error.connection_invalidated:
        return True
    state = getattr(error.orig if isinstance(error, DBAPIError) else error, "sqlstate", None)
    return isinstance(state, str) and state.startswith(_AWAY)


class Turns:
    """Lets so many in at a time, in order. `refuse` sends away whoever waits."""

    def __init__(self, free: int) -> None:
        self._free = free
        self._waiting: deque[asyncio.Future[None]] = deque()

    @asynccontextmanager
    async def one(self) -> AsyncGenerator[None]:
        """Raises StorageUnavailable when it was sent away."""
        await self._enter()
        try:
            yield
        finally:
            self._leave()

    def refuse(self) -> None:
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_exception(StorageUnavailable())

    async def _enter(self) -> None:
        if self._free > 0:
            self._free -= 1
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled() and turn.exception() is None:
                self._leave()  # It was given a turn in the moment in which it gave up.
            raise

    def _leave(self) -> None:
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                return
        self._free += 1
