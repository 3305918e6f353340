"""FastAPI's documented loop with one SQLModel commit a message (SQLite, WAL, synchronous=FULL) before it is sent."""

from __future__ import annotations

import json
import sys
from typing import Any

import uvicorn
from fastapi import FastAPI, WebSocket, WebSocketDisconnect
from sqlalchemy import UniqueConstraint, event
from sqlmodel import Field, Session, SQLModel, create_engine

app = FastAPI()
rooms: dict[str, list[WebSocket]] = {}
engine = create_engine(f"sqlite:///{sys.argv[2]}/peer.db", connect_args={"check_same_thread": False})


class Message(SQLModel, table=True):
    __table_args__ = (UniqueConstraint("room", "client_msg_id"),)
    id: int | None = Field(default=None, primary_key=True)
    room: str
    client_msg_id: str
    content: str


@event.listens_for(engine, "connect")
def _durable(connection: Any, _record: object) -> None:
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")


def store(room: str, frame: dict[str, str]) -> int:
    """The row's number."""
    with Session(engine) as session:
        message = Message(room=room, client_msg_id=frame["client_msg_id"], content=frame["content"])
        session.add(message)
        session.commit()
        return message.id or 0


@app.websocket("/ws/session/{session_id}")
async def live(websocket: WebSocket, session_id: str) -> None:
    await websocket.accept()
    room = rooms.setdefault(session_id, [])
    room.append(websocket)
    await websocket.send_text('{"type":"connected"}')
    try:
        while True:
            frame = json.loads(await websocket.receive_text())
            text = json.dumps({**frame, "seq": store(session_id, frame)}, separators=(",", ":"))
            for other in list(room):
                await other.send_text(text)
    except WebSocketDisconnect:
        room.remove(websocket)


if __name__ == "__main__":
    SQLModel.metadata.create_all(engine)
    uvicorn.run(
        app,
        host="127.0.0.1",
        port=int(sys.argv[1]),
        log_level="error",
        ws_per_message_deflate=False,
        ws_ping_interval=None,
    )
