"""python-socketio on uvicorn: `emit` to a room, over WebSocket alone. It stores nothing and checks nobody."""

from __future__ import annotations

import sys
from typing import Any
from urllib.parse import parse_qs

import socketio
import uvicorn

server = socketio.AsyncServer(async_mode="asgi", transports=["websocket"], http_compression=False)
app = socketio.ASGIApp(server)
rooms: dict[str, str] = {}


@server.event
async def connect(sid: str, environ: dict[str, Any]) -> None:
    rooms[sid] = parse_qs(environ["QUERY_STRING"])["room"][0]
    await server.enter_room(sid, rooms[sid])
    await server.emit("connected", to=sid)


@server.event
async def chat_message(sid: str, message: dict[str, Any]) -> None:
    await server.emit("chat_message", message, room=rooms[sid])


@server.event
async def disconnect(sid: str) -> None:
    rooms.pop(sid, None)


if __name__ == "__main__":
    port = int(sys.argv[1])
    uvicorn.run(
        app, host="127.0.0.1", port=port, log_level="error", ws_per_message_deflate=False, ws_ping_interval=None
    )
