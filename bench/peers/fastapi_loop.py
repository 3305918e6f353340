"""The connection manager of FastAPI's documentation on uvicorn's default WebSocket: a loop that awaits every send.

It stores nothing, checks nobody, and forgets everything: the least that a broadcast can be in this framework. See
https://fastapi.tiangolo.com/advanced/websockets/#handling-disconnections-and-multiple-clients
"""

from __future__ import annotations

import sys

import uvicorn
from fastapi import FastAPI, WebSocket, WebSocketDisconnect

app = FastAPI()
rooms: dict[str, list[WebSocket]] = {}


@app.websocket("/ws/session/{session_id}")
async def live(websocket: WebSocket, session_id: str) -> None:
    await websocket.accept()
    room = rooms.setdefault(session_id, [])
    room.append(websocket)
    await websocket.send_text('{"type":"connected"}')
    try:
        while True:
            text = await websocket.receive_text()
            for other in list(room):
                await other.send_text(text)
    except WebSocketDisconnect:
        room.remove(websocket)


if __name__ == "__main__":
    port = int(sys.argv[1])
    uvicorn.run(
        app, host="127.0.0.1", port=port, log_level="error", ws_per_message_deflate=False, ws_ping_interval=None
    )
