"""An agent's numbers: counted as it goes, the same as counted from the log afterwards."""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass
from typing import Any

import pytest
from sqlmodel import col, delete, select

from core import counting, health, sessions, tables, turns
from core.access import Actor
from core.clock import system_clock
from core.db import Database, Transaction
from core.engines import open_engine
from core.events import (
    AgentFailed,
    AgentMessage,
    AnyAgentEvent,
    FileChanged,
    PromptSubmitted,
    TokenTotals,
    ToolCallFinished,
    ToolCallStarted,
    TranscriptEnded,
    TurnFinished,
    TurnStarted,
    UsageUpdated,
)
from tests.core.conftest import person
from tests.core.test_search import back_and_forth


@dataclass
class Agent:
    """Reports events under keys of its own."""

    db: Database
    host: Actor
    session_id: str
    reported: int = 0

    async def does(self, *events: AnyAgentEvent) -> tables.AgentStats:
        """The numbers afterwards."""
        reports = [turns.Reported(f"key-{self.reported + number}", event) for number, event in enumerate(events)]
        self.reported += len(events)
        await self.db.write(lambda tx: turns.record(tx, self.host, self.session_id, reports))
        return await self.stats()

    async def stats(self) -> tables.AgentStats:
        found = await self.db.read(lambda tx: tx.sql.get(tables.AgentStats, self.session_id))
        assert found is not None
        return found


@pytest.fixture
async def agent(db: Database) -> Agent:
    host = await person(db, "Alice")
    session_id = await db.write(lambda tx: sessions.start(tx, host, "Fix it").id)
    return Agent(db, host, session_id)


def started(call_id: str, text: str = "pytest", tool: str = "Bash") -> ToolCallStarted:
    return ToolCallStarted(turn_id="t", call_id=call_id, tool=tool, title=text, input=text)


def finished(call_id: str, status: Any = "completed") -> ToolCallFinished:
    return ToolCallFinished(turn_id="t", call_id=call_id, status=status)


def changed(path: str) -> FileChanged:
    return FileChanged(turn_id="t", path=path, change="modified", added=1, removed=0)


def usage(used: int | None, limit: int | None) -> UsageUpdated:
    return UsageUpdated(tokens=TokenTotals(total=10, input=5, output=5), context_used=used, context_limit=limit)


async def test_a_turn_runs_until_it_is_finished(agent: Agent) -> None:
    running = await agent.does(PromptSubmitted(turn_id="t-1", text="go"), TurnStarted(turn_id="t-1", agent="codex"))
    assert (running.turns, running.turn_id) == (1, "t-1")
    over = await agent.does(TurnFinished(turn_id="t-1", status="failed"))
    assert (over.turns, over.turns_failed, over.turn_id) == (1, 1, None)


async def test_a_turn_does_not_run_on_after_the_end_of_its_transcript(agent: Agent) -> None:
    await agent.does(TurnStarted(turn_id="t-1", agent="codex"))
    assert (await agent.does(TranscriptEnded(agent="codex", records=1))).turn_id is None


async def test_calls_and_failures_are_counted_and_people_s_decisions_are_not_failures(agent: Agent) -> None:
    numbers = await agent.does(
        *(started(f"c{n}", f"step {n}") for n in range(4)),
        finished("c0"),
        finished("c1", "failed"),
        finished("c2", "denied"),
        finished("c3", "cancelled"),
    )
    assert (numbers.tool_calls, numbers.tool_failures, numbers.retries) == (4, 1, 0)


async def test_repeating_a_call_that_has_just_failed_is_a_retry(agent: Agent) -> None:
    await agent.does(started("c1"), finished("c1", "failed"))
    assert (await agent.does(started("c2"))).retries == 1
    assert (await agent.does(finished("c2", "failed"), started("c3"))).retries == 2


async def test_the_same_call_after_other_work_or_after_success_is_none(agent: Agent) -> None:
    await agent.does(started("c1"), finished("c1", "failed"), started("c2", "edit"), finished("c2"))
    assert (await agent.does(started("c3"))).retries == 0
    assert (await agent.does(finished("c3"), started("c4"))).retries == 0
    await agent.does(finished("c4", "failed"))
    assert (await agent.does(started("c5", "pytest", tool="Shell"))).retries == 0


async def test_a_file_counts_once_however_often_it_changes_and_whatever_it_is_called(agent: Agent) -> None:
    odd = ['we "quote".py', "100%.py", "a_b.py", "aXb.py", "back\\slash.py", "ünïcode.py", "a/b.py", "A/B.py"]
    numbers = await agent.does(*(changed(path) for path in (*odd, *odd)), changed("a/b.py"))
    assert numbers.files_touched == len(odd)


async def test_a_path_that_is_only_spoken_of_is_no_touched_file(agent: Agent) -> None:
    talk = FileChanged(
        turn_id="t", path="x.json", change="added", added=1, removed=0, diff='+{"path":"new.py","call_id":"c1"}'
    )
    assert (await agent.does(talk, changed("new.py"))).files_touched == 2


async def test_the_context_is_what_was_last_heard_of_it(agent: Agent) -> None:
    await agent.does(usage(100, 200))
    numbers = await agent.does(usage(150, None), usage(None, None))
    assert (numbers.context_used, numbers.context_limit) == (150, 200)


async def test_a_record_that_is_reported_again_counts_once(agent: Agent) -> None:
    report = turns.Reported("same", started("c1"))
    for _ in range(3):
        await agent.db.write(lambda tx: turns.record(tx, agent.host, agent.session_id, [report, report]))
    assert (await agent.stats()).tool_calls == 1


async def test_a_refused_batch_counts_nothing(agent: Agent) -> None:
    before = (await agent.does(started("c1"))).model_dump()

    def refused(tx: Transaction) -> None:
        turns.record(tx, agent.host, agent.session_id, [turns.Reported("new", started("c2"))])
        sessions.remove(tx, agent.host, agent.session_id, agent.host.user_id)  # The last host: all is undone.

    with pytest.raises(Exception, match="needs a host"):
        await agent.db.write(refused)
    assert (await agent.stats()).model_dump() == before


def some_event(dice: random.Random) -> AnyAgentEvent:
    call_id = f"c{dice.randint(0, 9)}"
    return dice.choice(
        [
            TurnStarted(turn_id="t", agent="codex"),
            TurnFinished(turn_id="t", status=dice.choice(["completed", "failed"])),
            started(call_id, dice.choice(["pytest", "ls"])),
            started(call_id, "pytest"),
            finished(call_id, dice.choice(["completed", "failed", "failed", "denied"])),
            changed(dice.choice(["a.py", "b.py", "A.py"])),
            AgentMessage(turn_id="t", text="hm"),
            AgentFailed(message="overloaded"),
            usage(dice.randint(0, 100), dice.choice([None, 100])),
        ]
    )


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_counting_the_log_anew_gives_the_same_numbers(agent: Agent, seed: int) -> None:
    dice = random.Random(seed)
    numbers = (await agent.does(*(some_event(dice) for _ in range(80)))).model_dump()
    recounted = await agent.db.read(lambda tx: counting.count_log(tx, agent.session_id))
    assert recounted is not None
    assert recounted.model_dump() == numbers


async def test_a_session_from_before_the_counting_is_counted_when_looked_at_and_stored_when_it_goes_on(
    agent: Agent,
) -> None:
    await agent.does(TurnStarted(turn_id="t", agent="codex"), started("c1"), changed("a.py"))

    def look(tx: Transaction) -> tables.AgentStats | None:
        session = tx.sql.get(tables.Session, agent.session_id)
        assert session is not None
        return health.stats_of(tx, session)

    def forget(tx: Transaction) -> None:
        tx.sql.exec(delete(tables.AgentStats))

    await agent.db.write(forget)
    seen = await agent.db.read(look)
    assert seen is not None
    assert (seen.turns, seen.tool_calls, seen.files_touched) == (1, 1, 1)
    numbers = await agent.does(changed("a.py"), changed("b.py"), finished("c1", "failed"), started("c2"))
    assert (numbers.tool_calls, numbers.files_touched, numbers.retries) == (2, 2, 1)


async def test_a_session_in_which_people_only_talked_has_no_numbers(db: Database) -> None:
    host = await person(db, "Alice")
    session = await db.write(lambda tx: sessions.start(tx, host, "Talk", agent="codex"))
    assert await db.read(lambda tx: health.stats_of(tx, session)) is None


async def test_what_an_agent_did_before_there_were_marks_is_still_known(agent: Agent, database_url: str) -> None:
    await agent.does(changed("a.py"), started("c1", "old"), started("c1", "pytest"))
    marks = select(tables.AgentMark).order_by(col(tables.AgentMark.name))
    before = [row.model_dump() for row in await agent.db.read(lambda tx: tx.sql.exec(marks).all())]
    assert len(before) == 2
    await asyncio.to_thread(back_and_forth, database_url)
    again = Agent(Database(open_engine(database_url), system_clock), agent.host, agent.session_id, agent.reported)
    again.db.start()
    after = [row.model_dump() for row in await again.db.read(lambda tx: tx.sql.exec(marks).all())]
    assert after == before
    numbers = await again.does(changed("a.py"), changed("b.py"), finished("c1", "failed"), started("c2", "pytest"))
    assert (numbers.files_touched, numbers.retries) == (2, 1)
    await again.db.close()
