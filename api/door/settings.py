"""Every limit of the door, in one frozen value. Sizes are bytes, times are seconds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DoorSettings:
    """What a stranger may cost us. The defaults suit a server that stands bare on the internet."""

    head_timeout: float = 10.0
    """For a whole request head, from connecting or from the first byte of a further request."""
    head_bytes: int = 64 * 1024
    keep_alive_timeout: int = 30
    """How long a connection may stay idle between two requests."""

    body_bytes: int = 1024 * 1024
    body_timeout: float = 60.0
    """For a whole request body, from the end of its head."""
    body_bytes_for: Callable[[str], int | None] | None = None
    """Another body limit for a path, or None to keep `body_bytes`."""

    max_connections: int = 10_000
    reserved_connections: int = 50
    """Connections beyond `max_connections` that are heard out, so that a health check is always answered."""
    overflow_head_timeout: float = 2.0
    health_paths: frozenset[str] = frozenset({"/healthz", "/readyz"})
    max_connections_per_address: int = 200
    """Per IPv4 address, or per IPv6 /64 (the smallest block that one subscriber gets)."""
    uncapped_networks: tuple[str, ...] = ("127.0.0.0/8", "::1/128")
    """Not counted per address. Loopback by default: a proxy there, not yet configured as trusted, carries everybody."""
    trusted_proxies: tuple[str, ...] = ()
    """Networks whose `X-Forwarded-For` and `X-Forwarded-Proto` are believed. Nobody's, by default."""
    retry_after: float = 5.0
    linger: float = 1.0
    """How long a refused client may go on sending, so that it reads our answer instead of a reset."""

    handshake_line_bytes: int = 8 * 1024
    message_bytes: int = 64 * 1024
    message_fragments: int = 1_024
    control_frames_per_second: int = 100
    max_newcomers: int = 500
    """WebSockets whose handshake (or login, see `Wire.expect_login`) is not through yet."""
    ping_interval: float = 20.0
    ping_timeout: float = 20.0
    close_timeout: float = 10.0
    """For a peer to read what is queued and answer our close frame; then its connection is cut."""

    graceful_timeout: int = 10
    drain_patience: float = 2.0
    """While shutting down, for a WebSocket's peer to answer our close frame."""
