"""How an agent's session is doing: a score from 0 to 100 and the reasons that it is not higher."""

from __future__ import annotations

from core import tables
from core.db import Transaction


def stats_of(tx: Transaction, session_id: str) -> tables.AgentStats | None:
    """What the agent has done so far, None before it has done anything."""
    return tx.sql.get(tables.AgentStats, session_id)
