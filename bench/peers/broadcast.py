"""`websockets.broadcast()`, as its documentation shows it: the least that the library itself can do."""

from __future__ import annotations

import asyncio
import sys

from websockets.asyncio.server import ServerConnection, broadcast, serve

rooms: dict[str, set[ServerConnection]] = {}


async def live(connection: ServerConnection) -> None:
    assert connection.request is not None
    room = rooms.setdefault(connection.request.path, set())
    room.add(connection)
    await connection.send('{"type":"connected"}')
    try:
        async for text in connection:
            broadcast(room, text)
    finally:
        room.discard(connection)


async def main() -> None:
    import uvloop  # noqa: F401 - installed: the loop factory below is its

    async with serve(live, "127.0.0.1", int(sys.argv[1]), compression=None, ping_interval=None) as server:
        await server.serve_forever()


if __name__ == "__main__":
    import uvloop

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main())
