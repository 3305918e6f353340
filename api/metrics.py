"""What this door counts, for `/metrics`."""

from __future__ import annotations

from prometheus_client import Counter, Gauge

CONNECTIONS = Gauge("cosession_connections", "Connections that are in a session now, by transport.", ["transport"])
ROOMS = Gauge("cosession_live_sessions", "Sessions that somebody has open now.")
ENTRIES = Counter("cosession_entries_total", "Log entries published to sockets, by type.", ["type"])
REFUSALS = Counter("cosession_refusals_total", "Frames and requests that were refused, by code.", ["code"])
CUTS = Counter("cosession_cuts_total", "Connections cut because they read too slowly.")
RESUMES = Counter(
    "cosession_joins_total",
    "Arrivals, by how they began: resumed where they were, with a gap to be read over HTTP, or fresh.",
    ["kind"],
)
DIVERGENCES = Counter("cosession_divergences_total", "Times that a client held something else than the log.")
GHOSTS = Counter("cosession_ghosts_total", "Connections that have not answered for the length of a presence lease.")
QUEUED = Gauge("cosession_queued_bytes", "Bytes that wait for readers, over all connections; measured every second.")
HOLES = Counter("cosession_holes_total", "Pages of a log that were read because nobody told of their entries.")
POLLS = Counter("cosession_polls_total", "Looks at how far the logs of the open sessions have come.")
