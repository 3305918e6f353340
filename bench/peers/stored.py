"""FastAPI's loop, with each message stored before it is sent: one SQLModel commit a message, `synchronous=FULL`."""

from __future__ import annotations

import asyncio
import json
import sys

import uvicorn
from fastapi import FastAPI, WebSocket, WebSocketDisconnect
from sqlalchemy import event
from sqlmodel import Field, Session, SQLModel, UniqueConstraint, create_engine

app = FastAPI()
rooms: dict[str, list[WebSocket]] = {}
engine = create_engine(f"sqlite:///{sys.argv[2]}", connect_args={"check_same_thread": False})


class Stored(SQLModel, table=True):
    __table_args__ = (UniqueConstraint("room", "client_msg_id"),)
    id: int | None = Field(default=None, primary_key=True)
    room: str
    client_msg_id: str
    content: str


@event.listens_for(engine, "connect")
def prepare(connection: object, _record: object) -> None:
    for pragma in ("journal_mode=WAL", "synchronous=FULL"):
        connection.execute(f"PRAGMA {pragma}").close()  # type: ignore[attr-defined]


def store(room: str, text: str) -> None:
    told = json.loads(text)
    with Session(engine) as session:
        session.add(Stored(room=room, client_msg_id=told["client_msg_id"], content=told["content"]))
        session.commit()


@app.websocket("/ws/session/{session_id}")
async def live(websocket: WebSocket, session_id: str) -> None:
    await websocket.accept()
    room = rooms.setdefault(session_id, [])
    room.append(websocket)
    await websocket.send_text('{"type":"connected"}')
    try:
        while True:
            text = await websocket.receive_text()
            await asyncio.to_thread(store, session_id, text)
            for other in list(room):
                await other.send_text(text)
    except WebSocketDisconnect:
        room.remove(websocket)


if __name__ == "__main__":
    SQLModel.metadata.create_all(engine)
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_level="error")
