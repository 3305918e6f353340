"""`websockets` with its own `broadcast()`, which does not wait for anybody. It stores nothing and checks nobody."""

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
        async for message in connection:
            broadcast(room, message)
    finally:
        room.discard(connection)


async def main() -> None:
    async with serve(live, "127.0.0.1", int(sys.argv[1]), compression=None, ping_interval=None):
        await asyncio.get_running_loop().create_future()


if __name__ == "__main__":
    asyncio.run(main())
