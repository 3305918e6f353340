"""The database: `write` and `read`. The one place that commits, then pokes.

A unit of work is a plain function of a transaction. It cannot await, so nothing can talk to the network while rows are
locked, and it may run twice, so it keeps no state of its own.

Writers queue for one connection and are committed in groups: whoever arrives while a commit is under way shares the
next one. A refusal undoes its own work only: see `core.transaction`. Nobody is told anything before the commit is on
disk. On SQLite this connection is the only one that ever writes or checkpoints, because versions before
3.51.3 can corrupt a WAL under two writers (https://sqlite.org/wal.html#walresetbug).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlmodel import Session as SqlSession

from core.clock import Clock
from core.errors import StorageUnavailable
from core.transaction import Appended, GrantedBefore, Group, Transaction
from core.unit import ConnectionUnit, SessionUnit, Unit

__all__ = ["Appended", "Database", "Engine", "Poke", "ThreadEngine", "Transaction", "Work"]

T = TypeVar("T")
log = logging.getLogger(__name__)

#: Most commands in one commit: bounds how long the first of them waits for the last.
MAX_GROUP = 256
#: Most facts that are kept between commits: a session is two, a seat in it one more.
MAX_FACTS = 50_000
#: Times that a command is run anew after the database broke off its transaction (a deadlock, a serialisation failure).
MAX_ATTEMPTS = 4


Work = Callable[[Transaction], T]
#: Called on the event loop after each commit with what it added, in the order of the log.
Poke = Callable[[Sequence[Appended]], None]


class Engine(Protocol):
    """One of the two kinds of database, ready to run groups of work."""

    #: Whether nothing changes but by `write_group`.
    is_only_writer: bool

    async def write_group(self, run: Callable[[Unit], T]) -> T:
        """Runs and commits in the one writing transaction of this process."""
        ...

    async def read(self, run: Callable[[Unit], T]) -> T:
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
        #: What commits have read and still holds, where nobody else can write.
        self._facts: dict[Hashable, object] = {}
        self._wake = asyncio.Event()
        self._pokes: list[Poke] = []
        self._writer: asyncio.Task[None] | None = None
        self._is_closing = self._is_closed = False

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
        return await self.submit(work)

    def submit(self, work: Work[T]) -> asyncio.Future[T]:
        """The same for a caller that does not wait itself: what was submitted first is carried out first."""
        done: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        if self._is_closed:
            done.set_exception(StorageUnavailable())  # Nobody would ever come for it.
            return done
        self._queue.append(_Pending(work, done))
        self._wake.set()
        return done

    async def read(self, work: Work[T]) -> T:
        """Runs `work` on a consistent snapshot. What it would change is refused or forgotten."""
        try:
            return await self._engine.read(lambda unit: work(Transaction(unit, self._clock())))
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
        self._is_closed = True

    async def _commit(self, group: list[_Pending]) -> None:
        if not group:
            return
        try:
            outcomes = await self._write_group([pending.work for pending in group])
        except StorageUnavailable as error:
            self._refuse(group, error)
        except DBAPIError:
            # One of them, or another process, broke the whole transaction: each gets a transaction of its own.
            await self._commit_one_by_one(group)
        except Exception as error:  # noqa: BLE001 - whatever it is, each caller is told; the writer goes on
            unavailable = _as_unavailable(error)
            self._settle(group, [_Outcome(error=unavailable) for _ in group])
        else:
            self._settle(group, outcomes)

    async def _commit_one_by_one(self, group: list[_Pending]) -> None:
        for place, pending in enumerate(group):
            try:
                outcome = await self._commit_alone(pending)
            except StorageUnavailable as error:
                self._refuse(group[place:], error)
                return
            self._settle([pending], [outcome])

    async def _commit_alone(self, pending: _Pending) -> _Outcome:
        for attempt in range(1, MAX_ATTEMPTS + 1):
            try:
                return (await self._write_group([pending.work]))[0]
            except StorageUnavailable:
                raise
            except Exception as error:  # noqa: BLE001 - as above
                if attempt == MAX_ATTEMPTS or not isinstance(error, DBAPIError):
                    return _Outcome(error=_as_unavailable(error))
        raise AssertionError("the last attempt returns or raises")

    def _refuse(self, group: list[_Pending], error: StorageUnavailable) -> None:
        """The server is away. Whoever has queued meanwhile does not wait until it is found away once more."""
        refused, self._queue = group + self._queue, []
        self._settle(refused, [_Outcome(error=error) for _ in refused])

    async def _write_group(self, works: list[Work[Any]]) -> list[_Outcome]:
        if not self._engine.is_only_writer or len(self._facts) > MAX_FACTS:
            self._facts = {}
        try:
            return await self._engine.write_group(lambda unit: self._run(unit, works))
        except BaseException:
            self._facts = {}
            raise

    def _run(self, unit: Unit, works: list[Work[Any]]) -> list[_Outcome]:
        now, is_shared = self._clock(), len(works) > 1
        try:
            return _run_group(Group(unit, now, self._facts, is_shared=is_shared, asks_first=False), works)
        except GrantedBefore:
            unit.roll_back()
            self._facts.clear()
            return _run_group(Group(unit, now, self._facts, is_shared=is_shared, asks_first=True), works)

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


def _run_group(group: Group, works: list[Work[Any]]) -> list[_Outcome]:
    outcomes = [_attempt(group, work) for work in works]
    group.settle()
    return outcomes


def _attempt(group: Group, work: Work[Any], *, asks_first: bool = False) -> _Outcome:
    tx = Transaction(group.unit, group.now, group)
    tx.asks_first |= asks_first
    try:
        value = work(tx)
        tx.finish()
    except (DBAPIError, OSError, GrantedBefore):
        # Not the work's own: Postgres has given its transaction up or is away, or a wish was no new one.
        raise
    except Exception as error:  # noqa: BLE001 - a command's own refusal or bug goes to its caller alone
        tx.undo()
        if tx.collected.unasked:
            # What was granted before is granted again, whatever would be refused now.
            return _attempt(group, work, asks_first=True)
        return _Outcome(error=error)
    return _Outcome(value, appended=tx.appended)


def _as_unavailable(error: Exception) -> Exception:
    if isinstance(error, SQLAlchemyError):
        log.error("the database refused a commit", exc_info=error)
        return StorageUnavailable()
    return error


class ThreadEngine:
    """SQLite: one writing connection on a thread of its own, readers on a few others."""

    is_only_writer = True

    def __init__(self, connect_writer: Callable[[], Connection], new_reader: Callable[[], SqlSession]) -> None:
        self._connect_writer = connect_writer
        self._new_reader = new_reader
        self._writer: Connection | None = None
        self._write_thread = ThreadPoolExecutor(1, "sqlite-writer")
        self._read_threads = ThreadPoolExecutor(4, "sqlite-reader")

    async def write_group(self, run: Callable[[Unit], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._write_thread, self._commit, run)

    def _commit(self, run: Callable[[Unit], T]) -> T:
        if self._writer is None:
            self._writer = self._connect_writer()
        unit = ConnectionUnit(self._writer)
        try:
            result = run(unit)
            unit.commit()
        except BaseException:
            unit.roll_back()
            raise
        return result

    async def read(self, run: Callable[[Unit], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._read_threads, self._read, run)

    def _read(self, run: Callable[[Unit], T]) -> T:
        with self._new_reader() as sql:
            return run(SessionUnit(sql))

    async def close(self) -> None:
        self._write_thread.submit(self._disconnect)
        self._write_thread.shutdown()
        self._read_threads.shutdown()

    def _disconnect(self) -> None:
        if self._writer is not None:
            self._writer.close()
