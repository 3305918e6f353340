"""Everybody who wants in at the same moment goes in together: one transaction for all, and what they are told of the
session read once for all of them.

After a restart everybody comes back at once. They are let in group by group, at a pace that leaves room for those who
are here already; each is judged by what the database says in the transaction of their group.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import orjson

from api import views
from core import arrivals, log, tables
from core.access import Seat
from core.arrivals import Answer, Knock, Welcome
from core.db import Database, Transaction

#: Most people in one group, and in one second.
MOST_AT_ONCE = 32
MOST_PER_SECOND = 500
#: For so long, and of so many sessions, what is known is told to newcomers while the log stands still. What no entry
#: tells of changes with time: the agent's health.
KNOWN_FOR = timedelta(seconds=10)
MOST_KNOWN = 256


@dataclass(frozen=True, slots=True)
class Facts:
    """What everybody who comes into a session is told alike, as of entry `head`. `participants` and `context` are JSON,
    `session` is a `SessionView` but for what is one's own."""

    head: int
    read_at: datetime
    epoch: str
    session: Mapping[str, Any]
    participants: bytes
    context: bytes


@dataclass(frozen=True, slots=True)
class Arrived:
    """Somebody who may come in, and what they are told."""

    welcome: Welcome
    facts: Facts


@dataclass(slots=True)
class _Waiting:
    knock: Knock
    done: asyncio.Future[Arrived]


@dataclass(slots=True)
class Arrivals:
    """Belongs to one event loop. `monotonic` counts seconds."""

    db: Database
    monotonic: Callable[[], float] = time.monotonic
    _waiting: list[_Waiting] = field(default_factory=list[_Waiting])
    _known: dict[str, Facts] = field(default_factory=dict[str, Facts])
    _task: asyncio.Task[None] | None = None

    async def knock(self, knock: Knock) -> Arrived:
        """Raises NotSignedIn, SessionNotFound, NotAllowed, NoSeat, StorageUnavailable."""
        done: asyncio.Future[Arrived] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Waiting(knock, done))
        if self._task is None:
            self._task = asyncio.create_task(self._let_in(), name="arrivals")
        return await done

    async def _let_in(self) -> None:
        while self._waiting:
            group, self._waiting = self._waiting[:MOST_AT_ONCE], self._waiting[MOST_AT_ONCE:]
            group = [waiting for waiting in group if not waiting.done.done()]
            began = self.monotonic()
            if group:
                await self._answer(group)
            if self._waiting:
                pause = began + len(group) / MOST_PER_SECOND - self.monotonic()
                await asyncio.sleep(max(0.0, pause))
        self._task = None

    async def _answer(self, group: Sequence[_Waiting]) -> None:
        knocks = [waiting.knock for waiting in group]
        known = {knock.session_id: self._known.get(knock.session_id) for knock in knocks}

        def judge(tx: Transaction) -> tuple[list[Answer], dict[str, Facts]]:
            answers = arrivals.judge(tx, knocks)
            return answers, _facts_of(tx, knocks, answers, known)

        try:
            needs_writing = any(knock.ticket is not None for knock in knocks)
            answers, facts = await (self.db.write(judge) if needs_writing else self.db.read(judge))
        except Exception as error:  # noqa: BLE001 - whatever it is, each of them is told
            for waiting in group:
                if not waiting.done.done():
                    waiting.done.set_exception(error)
            return
        self._keep(facts)
        for waiting, answer in zip(group, answers, strict=True):
            if waiting.done.done():
                continue
            if isinstance(answer, Welcome):
                waiting.done.set_result(Arrived(answer, facts[waiting.knock.session_id]))
            else:
                waiting.done.set_exception(answer)

    def _keep(self, facts: Mapping[str, Facts]) -> None:
        for session_id, found in facts.items():
            self._known.pop(session_id, None)
            self._known[session_id] = found
        for session_id in list(self._known)[: max(0, len(self._known) - MOST_KNOWN)]:
            del self._known[session_id]  # Whoever was asked for longest ago.


def _facts_of(
    tx: Transaction, knocks: Sequence[Knock], answers: Sequence[Answer], known: Mapping[str, Facts | None]
) -> dict[str, Facts]:
    """Of each session that somebody may come into."""
    found: dict[str, Facts] = {}
    for knock, answer in zip(knocks, answers, strict=True):
        if isinstance(answer, Welcome) and knock.session_id not in found:
            kept = known.get(knock.session_id)
            is_current = kept is not None and kept.head == answer.head and abs(tx.now - kept.read_at) < KNOWN_FOR
            found[knock.session_id] = kept if kept is not None and is_current else facts_of(tx, knock.session_id)
    return found


def facts_of(tx: Transaction, session_id: str) -> Facts:
    """Read anew. The caller has authorised the read, and there is such a session."""
    session = tx.sql.get(tables.Session, session_id, populate_existing=True)
    assert session is not None
    # The role stands for anybody's: everybody is told their own.
    view = views.session_view(tx, Seat(session, "viewer"))
    return Facts(
        head=session.head,
        read_at=tx.now,
        epoch=log.epoch(tx),
        session=view.model_dump(mode="json"),
        participants=orjson.dumps(views.roster(tx, session_id)),
        context=views.session_context(tx, session).model_dump_json().encode(),
    )
