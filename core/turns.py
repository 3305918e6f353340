"""The agent's side of a session: what its operator's machine reports goes into the log, each record once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from core import log, tables
from core.access import Actor, session_for
from core.counting import Counter, counter_for
from core.db import Transaction
from core.events import AnyAgentEvent, TurnStarted, UsageUpdated


@dataclass(frozen=True, slots=True)
class Reported:
    """One record of the agent under the key that names it for ever."""

    key: str
    event: AnyAgentEvent


def record(tx: Transaction, actor: Actor, session_id: str, reports: Sequence[Reported]) -> list[int]:
    """Appends what the agent did and returns the seq of each report; one that is there already keeps its seq.

    Its effect on the agent's numbers, see `core.counting`, is stored in the same transaction.
    """
    session = session_for(tx, actor, session_id, "feed_agent").session
    counter: Counter | None = None
    numbers: list[int] = []
    for report in reports:
        granted = log.find(tx, session.id, actor.user_id, report.key)
        if granted is None:
            counter = counter or counter_for(tx, session)
            granted = _record_one(tx, actor, session, report, counter)
        numbers.append(granted)
    return numbers


def _record_one(tx: Transaction, actor: Actor, session: tables.Session, report: Reported, counter: Counter) -> int:
    event = report.event
    counter.count(event, tx.now)
    if isinstance(event, UsageUpdated) and event.tokens.total != session.token_count:
        session.token_count = event.tokens.total
        tx.sql.add(session)
    if isinstance(event, TurnStarted) and session.agent != event.agent:
        session.agent = event.agent
        tx.sql.add(session)
    return log.append(tx, session, event, actor_id=actor.user_id, key=report.key).seq
