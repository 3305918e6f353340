"""What the signals between processes count, for `/metrics`."""

from __future__ import annotations

from prometheus_client import Counter, Gauge

SIGNALS = Counter(
    "cosession_signals_total",
    "Signals between processes: published, received, dropped (not carried), forged, repeated (an old one, again).",
    ["outcome"],
)
HEALTHY = Gauge("cosession_signals_healthy", "1 while signals are carried through Redis; 0 while not.")
for _outcome in ("published", "received", "dropped", "forged", "repeated"):
    SIGNALS.labels(_outcome)
