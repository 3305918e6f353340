"""How an agent's session is doing: a score from 0 to 100 and the reasons that it is not higher.

Pure of everything but `stats_of`: the score is a function of what was counted, of the session's status and of the time.
What counts, how much and why stands in docs/session-health.md, which is made true by a test.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from core import counting, tables
from core.db import Transaction

Status = Literal["waiting", "working", "idle", "ended"]
ReasonCode = Literal["context_used", "error_rate", "retries", "age", "idleness"]

#: A turn that runs without a sign for this long is called idle; and so is an agent that nobody has asked anything.
QUIET_TURN = timedelta(minutes=5)
QUIET_SESSION = timedelta(minutes=15)
#: Calls below which a rate says nothing.
ENOUGH_CALLS = 5


@dataclass(frozen=True, slots=True)
class Ramp:
    """Costs nothing up to `start`, `points` from `end` on, and in a straight line between them."""

    points: int
    start: float
    end: float

    def cost(self, value: float) -> int:
        share = (value - self.start) / (self.end - self.start)
        return round(self.points * min(1.0, max(0.0, share)))


#: Shares of the context and of the calls; hours since the first event; minutes since the last one.
RAMPS: dict[ReasonCode, Ramp] = {
    "context_used": Ramp(40, 0.50, 1.00),
    "error_rate": Ramp(25, 0.10, 0.50),
    "retries": Ramp(15, 0.0, 0.20),
    "age": Ramp(10, 4.0, 12.0),
    "idleness": Ramp(20, 5.0, 30.0),
}


@dataclass(frozen=True, slots=True)
class Reason:
    """What a part of the missing points is for. `text` is a sentence for people."""

    code: ReasonCode
    points: int
    text: str


@dataclass(frozen=True, slots=True)
class Health:
    """`score` is 100 less the points of every reason, and never below 0."""

    score: int
    reasons: tuple[Reason, ...]


def status_of(stats: tables.AgentStats | None, *, ended_at: datetime | None, now: datetime) -> Status:
    """Ended; working (a turn runs and shows signs of life); idle (it shows none, or nothing was asked of the agent for
    long); else waiting for somebody to ask something, or for an agent."""
    if ended_at is not None:
        return "ended"
    if stats is None:
        return "waiting"
    quiet = now - stats.last_at
    if stats.turn_id is not None:
        return "working" if quiet < QUIET_TURN else "idle"
    return "waiting" if quiet < QUIET_SESSION else "idle"


def score(stats: tables.AgentStats | None, *, ended_at: datetime | None, now: datetime) -> Health | None:
    """None before the agent has done anything. An ended session keeps the score that it ended with."""
    if stats is None:
        return None
    moment = ended_at or now
    reasons = [reason for reason in _measure(stats, moment, is_live=ended_at is None) if reason.points > 0]
    return Health(max(0, 100 - sum(reason.points for reason in reasons)), tuple(reasons))


def _measure(stats: tables.AgentStats, now: datetime, *, is_live: bool) -> list[Reason]:
    measured: list[Reason] = []

    def measure(code: ReasonCode, value: float, text: str) -> None:
        measured.append(Reason(code, RAMPS[code].cost(value), text))

    if stats.context_used is not None and stats.context_limit:
        used = stats.context_used / stats.context_limit
        measure("context_used", used, f"Context is {_percent(used)} full")
    if stats.tool_calls >= ENOUGH_CALLS:
        failed, repeated = stats.tool_failures / stats.tool_calls, stats.retries / stats.tool_calls
        measure("error_rate", failed, f"{_percent(failed)} of tool calls failed")
        measure("retries", repeated, f"{_count(stats.retries, 'call')} only repeated one that had just failed")
    hours = (now - stats.first_at) / timedelta(hours=1)
    measure("age", hours, f"The agent has been at it for {int(hours)} hours")
    if is_live and stats.turn_id is not None:
        minutes = (now - stats.last_at) / timedelta(minutes=1)
        measure("idleness", minutes, f"No sign of the running turn for {int(minutes)} minutes")
    return measured


def _percent(share: float) -> str:
    return f"{round(100 * share)} %"


def _count(number: int, noun: str) -> str:
    return f"1 {noun}" if number == 1 else f"{number} {noun}s"


def stats_of(tx: Transaction, session: tables.Session) -> tables.AgentStats | None:
    """What the agent has done so far, None before it has done anything.

    Sessions from before this was counted are counted from their log; that is stored with the agent's next event.
    """
    stored = tx.sql.get(tables.AgentStats, session.id)
    if stored is not None or not counting.may_have_history(session):
        return stored
    return counting.count_log(tx, session.id)
