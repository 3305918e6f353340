"""The other end of the wire: a typed client of one live session, for programs.

    async with LiveSession(Access(url, token), session_id) as session:
        await session.say("Hello")
        async for heard in session:
            ...

It keeps what every client must keep: its place in the log over any loss of connection, commands until they are
answered, and the difference between "come back" and "stop". `share`, the tests and the benchmarks use it.
Reading order: `access`, `line` (one connection), `place` (which entry comes next), `heard`, `session` (all together),
`replica` (what it adds up to).
"""

from __future__ import annotations

from api.client.access import Access, AccessSource
from api.client.heard import Heard, LogEntry, Offline, Refused, Restarted, Stopped
from api.client.line import Closed, LineLost, Sse, Transport, WebSocket
from api.client.place import Place
from api.client.session import LiveSession

__all__ = [
    "Access",
    "AccessSource",
    "Closed",
    "Heard",
    "LineLost",
    "LiveSession",
    "LogEntry",
    "Offline",
    "Place",
    "Refused",
    "Restarted",
    "Sse",
    "Stopped",
    "Transport",
    "WebSocket",
]
