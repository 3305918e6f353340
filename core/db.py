"""The database: `write` and `read`. The one place that commits, then pokes.

A unit of work is a plain function of a transaction. It cannot await, so nothing can talk to the network while rows are
locked, and it may run twice, so it keeps no state of its own.

Writers queue for one connection and are committed in groups: whoever arrives while a commit is under way shares the
next one. Each runs in a savepoint, so that a refusal undoes its own work only. Nobody is told anything before the
commit is on disk. On SQLite this connection is the only one that ever writes or checkpoints, because versions before
3.51.3 can corrupt a WAL under two writers (https://sqlite.org/wal.html#walresetbug).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol, TypeVar

from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlmodel import Session as SqlSession

from core.clock import Clock
from core.errors import CosessionError, StorageUnavailable
from core.events import Event

T = TypeVar("T")
log = logging.getLogger(__name__)

#: Most commands in one commit: bounds how long the first of them waits for the last.
MAX_GROUP = 256
#: Times that a command is run anew after the database broke off its transaction (a deadlock, a serialisation failure).
MAX_ATTEMPTS = 4


@dataclass(frozen=True, slots=True)
class Appended:
    """A log entry that was written. `frame` is what every reader gets."""

    session_id: str
    seq: int
    event: Event
    actor_id: str | None
    frame: bytes


@dataclass(slots=True)
class Transaction:
    """What a command works on: the rows, the time, and what it has appended so far."""

    sql: SqlSession
    now: datetime
    appended: list[Appended] = field(default_factory=list[Appended])


Work = Callable[[Transaction], T]
#: Called on the event loop after each commit with what it added, in the order of the log.
Poke = Callable[[Sequence[Appended]], None]


class Engine(Protocol):
    """One of the two kinds of database, ready to run groups of work."""

    async def write_group(self, run: Callable[[SqlSession], T]) -> T:
        """Runs and commits in the one writing transaction of this process."""
        ...

    async def read(self, run: Callable[[SqlSession], T]) -> T:
        """Runs in a read-only snapshot."""
        ...

    async def close(self) -> None: ...


@dataclass(slots=True)
class _Pending:
    work: Work[Any]
    done: asyncio.Future[Any]


@dataclass(slots=True)
class _Outcome:
    value: Any = None
    error: BaseException | None = None
    appended: Sequence[Appended] = ()


class Database:
    """Group commit and pokes over one `Engine`. Belongs to the event loop that `start` ran on."""

    def __init__(self, engine: Engine, clock: Clock) -> None:
        self._engine = engine
        self._clock = clock
        self._queue: list[_Pending] = []
        self._wake = asyncio.Event()
        self._pokes: list[Poke] = []
        self._writer: asyncio.Task[None] | None = None
        self._is_closing = False

    def on_commit(self, poke: Poke) -> None:
        self._pokes.append(poke)

    def start(self) -> None:
        self._writer = asyncio.create_task(self._write_forever(), name="database writer")

    async def close(self) -> None:
        """Stops taking work; what is queued is still committed."""
        if self._writer is not None:
            self._is_closing = True
            self._wake.set()
            await self._writer
        await self._engine.close()

    async def write(self, work: Work[T]) -> T:
        """Runs `work` and returns its result once that is on disk.

        Raises whatever `work` raises, with its changes undone; `StorageUnavailable` where nothing could be committed.
        """
        done: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._queue.append(_Pending(work, done))
        self._wake.set()
        return await done

    async def read(self, work: Work[T]) -> T:
        """Runs `work` on a consistent snapshot. What it would change is refused or forgotten."""
        try:
            return await self._engine.read(lambda sql: work(Transaction(sql, self._clock())))
        except SQLAlchemyError as error:
            log.exception("a read failed")
            raise StorageUnavailable from error

    async def _write_forever(self) -> None:
        while not self._is_closing:
            await self._wake.wait()
            self._wake.clear()
            while self._queue:
                group, self._queue = self._queue[:MAX_GROUP], self._queue[MAX_GROUP:]
                await self._commit([pending for pending in group if not pending.done.cancelled()])

    async def _commit(self, group: list[_Pending]) -> None:
        if not group:
            return
        try:
            outcomes = await self._engine.write_group(lambda sql: self._run(sql, [p.work for p in group]))
        except Exception as error:  # noqa: BLE001 - whatever it is, each caller is told; the writer goes on
            if isinstance(error, DBAPIError):
                # One of them, or another process, broke the whole transaction: each gets a transaction of its own.
                for pending in group:
                    await self._commit_alone(pending)
                return
            outcomes = [_Outcome(error=_as_unavailable(error)) for _ in group]
        self._settle(group, outcomes)

    async def _commit_alone(self, pending: _Pending) -> None:
        for attempt in range(1, MAX_ATTEMPTS + 1):
            try:
                outcomes = await self._engine.write_group(lambda sql: self._run(sql, [pending.work]))
            except Exception as error:  # noqa: BLE001 - as above
                if attempt < MAX_ATTEMPTS and isinstance(error, DBAPIError):
                    continue
                outcomes = [_Outcome(error=_as_unavailable(error))]
            self._settle([pending], outcomes)
            return

    def _run(self, sql: SqlSession, works: list[Work[Any]]) -> list[_Outcome]:
        now = self._clock()
        if len(works) == 1:
            # A refusal rolls the whole transaction back through the engine: no savepoint is needed.
            tx = Transaction(sql, now)
            try:
                value = works[0](tx)
                sql.flush()
            except CosessionError as error:
                sql.rollback()
                return [_Outcome(error=error)]
            return [_Outcome(value, appended=tx.appended)]
        return [_run_in_savepoint(sql, work, now) for work in works]

    def _settle(self, group: list[_Pending], outcomes: list[_Outcome]) -> None:
        """Readers first: whoever is told "stored" may rely on it being on its way to everyone."""
        appended = [entry for outcome in outcomes for entry in outcome.appended]
        if appended:
            for poke in self._pokes:
                poke(appended)
        for pending, outcome in zip(group, outcomes, strict=True):
            if pending.done.cancelled():
                continue
            if outcome.error is not None:
                pending.done.set_exception(outcome.error)
            else:
                pending.done.set_result(outcome.value)


def _run_in_savepoint(sql: SqlSession, work: Work[Any], now: datetime) -> _Outcome:
    tx = Transaction(sql, now)
    savepoint = sql.begin_nested()
    try:
        value = work(tx)
        sql.flush()
    except DBAPIError:
        raise  # Postgres has given the transaction up: the whole group is run anew, one by one.
    except Exception as error:  # noqa: BLE001 - a command's own refusal or bug goes to its caller alone
        savepoint.rollback()
        return _Outcome(error=error)
    savepoint.commit()
    return _Outcome(value, appended=tx.appended)


def _as_unavailable(error: Exception) -> Exception:
    if isinstance(error, SQLAlchemyError):
        log.error("the database refused a commit", exc_info=error)
        return StorageUnavailable()
    return error


class ThreadEngine:
    """SQLite: one writing connection on a thread of its own, readers on a few others."""

    def __init__(self, new_writer: Callable[[], SqlSession], new_reader: Callable[[], SqlSession]) -> None:
        self._new_writer = new_writer
        self._new_reader = new_reader
        self._write_thread = ThreadPoolExecutor(1, "sqlite-writer")
        self._read_threads = ThreadPoolExecutor(4, "sqlite-reader")

    async def write_group(self, run: Callable[[SqlSession], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._write_thread, self._commit, run)

    def _commit(self, run: Callable[[SqlSession], T]) -> T:
        with self._new_writer() as sql:
            result = run(sql)
            sql.commit()
            return result

    async def read(self, run: Callable[[SqlSession], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._read_threads, self._read, run)

    def _read(self, run: Callable[[SqlSession], T]) -> T:
        with self._new_reader() as sql:
            return run(sql)

    async def close(self) -> None:
        self._write_thread.shutdown()
        self._read_threads.shutdown()
