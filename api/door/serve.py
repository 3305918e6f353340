"""Runs an ASGI application behind the hardened door, until it is told to stop."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import socket
import threading
from collections.abc import Callable, Generator, Sequence
from types import FrameType
from typing import Any, cast

import uvicorn

from api.door.acceptor import Acceptor
from api.door.front import front_class
from api.door.settings import DoorSettings
from api.door.state import Door
from api.door.websocket import websocket_class

__all__ = ["DoorSettings", "event_loop_factory", "serve"]

logger = logging.getLogger(__name__)

SPARE_DESCRIPTORS = 150  # for the database, files, other services, and connections that are being refused


async def serve(
    app: Any,
    *,
    sockets: Sequence[socket.socket],
    settings: DoorSettings,
    on_started: Callable[[], None] | None = None,
    on_stopping: Callable[[], None] | None = None,
    should_stop: asyncio.Event | None = None,
    handle_signals: bool = True,
) -> None:
    """Serves `app` on `sockets` (see `listening_socket`), and closes them in the end.

    Returns after SIGTERM, SIGINT or `should_stop`, once requests are answered and WebSockets closed with 4550, or after
    `graceful_timeout`. `on_started` is called when connections are accepted, `on_stopping` before any is closed: the
    last moment to say goodbye, and to end streams that would never end by themselves. Raises SystemExit if the lifespan
    refuses to start. Signals are handled in the main thread only.
    """
    door = Door(settings, max_connections=_affordable(settings))
    config = uvicorn.Config(
        app,
        interface="asgi3",
        http=front_class(door),
        ws=websocket_class(door),
        ws_max_size=settings.message_bytes,
        ws_ping_interval=settings.ping_interval,
        ws_ping_timeout=settings.ping_timeout,
        ws_per_message_deflate=False,
        lifespan="on",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        date_header=True,
        h11_max_incomplete_event_size=settings.head_bytes,
        timeout_keep_alive=settings.keep_alive_timeout,
        timeout_graceful_shutdown=settings.graceful_timeout,
    )
    server = DoorServer(config, on_started, on_stopping, handle_signals=handle_signals)
    watch = asyncio.create_task(_stop_when(should_stop, server)) if should_stop is not None else None
    try:
        await server.serve(sockets=list(sockets))
    finally:
        if watch is not None:
            watch.cancel()
        for sock in sockets:
            sock.close()


class DoorServer(uvicorn.Server):
    """uvicorn's server, which says when it has started, and returns after a signal instead of raising it again."""

    def __init__(
        self,
        config: uvicorn.Config,
        on_started: Callable[[], None] | None,
        on_stopping: Callable[[], None] | None,
        *,
        handle_signals: bool,
    ) -> None:
        super().__init__(config)
        self._on_started = on_started
        self._on_stopping = on_stopping
        self._handle_signals = handle_signals

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup([])
        acceptors = [Acceptor(sock, self._protocol) for sock in sockets or ()]
        self.servers = cast(Any, acceptors)
        if self._on_started is not None:
            self._on_started()

    def _protocol(self) -> asyncio.Protocol:
        make = cast(Callable[..., asyncio.Protocol], self.config.http_protocol_class)
        return make(config=self.config, server_state=self.server_state, app_state=self.lifespan.state)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        if self._on_stopping is not None:
            self._on_stopping()
        await super().shutdown(sockets)

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """The caller has things to put away after us; a second SIGINT still forces the way out."""
        if not self._handle_signals or threading.current_thread() is not threading.main_thread():
            yield
            return

        def stop(number: int, frame: FrameType | None) -> None:
            self.handle_exit(number, frame)

        before = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGINT)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


async def _stop_when(event: asyncio.Event, server: uvicorn.Server) -> None:
    await event.wait()
    server.should_exit = True


def _affordable(settings: DoorSettings) -> int:
    """As many connections as the settings and the system allow; raises our own soft limit of descriptors if it may."""
    try:
        import resource  # not on Windows
    except ImportError:
        return settings.max_connections
    beside = settings.reserved_connections + SPARE_DESCRIPTORS
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return settings.max_connections
    wanted = settings.max_connections + beside
    if soft < wanted:
        allowed = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        with contextlib.suppress(ValueError, OSError):  # macOS caps it below `hard`; then the soft limit stands
            resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
        soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    affordable = max(1, min(settings.max_connections, soft - beside))
    if affordable < settings.max_connections:
        logger.warning(
            "this process may open %d files, enough for %d connections instead of %d: raise its limit (ulimit -n)",
            soft,
            affordable,
            settings.max_connections,
        )
    return affordable


def event_loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """uvloop's where it is installed, for `asyncio.Runner(loop_factory=…)`; None means asyncio's own."""
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop
