"""What all connections of one running server share: its limits, and how much of them is used."""

from __future__ import annotations

import asyncio

from api.door.address import AddressRules
from api.door.limits import Connections, Gauge, Overflow, Slot
from api.door.outbox import Flusher
from api.door.settings import DoorSettings

MAX_LINGERING = 200


class Door:
    """One per server. Must be made inside the event loop that serves."""

    def __init__(self, settings: DoorSettings, *, max_connections: int | None = None) -> None:
        """`max_connections` overrides the setting, where the system allows fewer descriptors."""
        self.settings = settings
        self.addresses = AddressRules(trusted_proxies=settings.trusted_proxies, uncapped=settings.uncapped_networks)
        self.connections = Connections(
            total=settings.max_connections if max_connections is None else max_connections,
            per_address=settings.max_connections_per_address,
        )
        self.overflow: Overflow[asyncio.Protocol] = Overflow(settings.reserved_connections)
        self.lingering = Gauge(MAX_LINGERING)
        self.newcomers = Gauge(settings.max_newcomers)
        self.flusher = Flusher(asyncio.get_running_loop())

    def enter(self, peer: str) -> Slot | None:
        """A slot for a connection from `peer`, or None where there are too many."""
        # A proxy of ours speaks for many; its clients are counted when they ask for a WebSocket.
        return self.connections.enter(None if self.addresses.is_trusted(peer) else self.addresses.counted_as(peer))
