"""What this door counts, for `/metrics`."""

from __future__ import annotations

from prometheus_client import Counter, Gauge

CONNECTIONS = Gauge("cosession_connections", "Sockets that are in a session now.")
ROOMS = Gauge("cosession_live_sessions", "Sessions that somebody has open now.")
ENTRIES = Counter("cosession_entries_total", "Log entries published to sockets, by type.", ["type"])
REFUSALS = Counter("cosession_refusals_total", "Frames and requests that were refused, by code.", ["code"])
CUTS = Counter("cosession_cuts_total", "Connections cut because they read too slowly.")
RESUMES = Counter("cosession_joins_total", "Connections, by whether they resumed.", ["kind"])
