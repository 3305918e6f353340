"""How the processes of this deployment hear of each other: chosen by the settings, and said in words."""

from __future__ import annotations

from core.clock import Clock
from core.ids import new_id
from core.signals import NoSignals, PollingOnly, Signals
from cosession.settings import Settings


def signals_for(settings: Settings, clock: Clock) -> Signals:
    """One process on SQLite is alone. On Postgres there may be others: they share a Redis, or only the log."""
    process_id = new_id("prc")
    if settings.is_sqlite:
        return NoSignals(process_id)
    if settings.redis_url:
        from integrations.redis.signals import RedisSignals  # The client takes a tenth of a second to load.

        return RedisSignals(settings.redis_url, settings.jwt_key(), process_id, clock)
    return PollingOnly(process_id)


def in_words(signals: Signals) -> str:
    """What `/readyz` says of them. None of it keeps a process from serving."""
    if isinstance(signals, PollingOnly):
        return "polling"
    return "ok" if signals.is_healthy else "degraded: signals are not carried, the log is polled instead"
