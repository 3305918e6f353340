"""A history as an earlier version left it: its schema, and sessions full of what people and agents did."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy.engine import Connection
from sqlalchemy.ext.asyncio import create_async_engine

from core import indexing, log, migrations
from core.clock import iso
from core.engines import sqlite_writer
from core.events import (
    AgentMessage,
    ChatMessage,
    ChatMessagePosted,
    Event,
    FileChanged,
    ParticipantAdded,
    Person,
    SessionStarted,
    ToolCallFinished,
    ToolCallStarted,
)
from core.ids import derived_id

T = TypeVar("T")
Row = dict[str, object]
SCRIPTS = Path(migrations.__file__).parent
ANN, SESSION = derived_id("usr", "ann"), derived_id("ses", "old")
BEGAN = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def released() -> list[str]:
    """Every schema but the newest, the oldest first."""
    config = Config()
    config.set_main_option("script_location", str(SCRIPTS))
    revisions = [script.revision for script in ScriptDirectory.from_config(config).walk_revisions()]
    return revisions[:0:-1]


def on_connection(url: str, run: Callable[[Connection], T]) -> T:
    """Runs and commits on a connection without any of the product around it."""
    if url.startswith("sqlite"):
        writer = sqlite_writer(url)
        try:
            with writer.begin() as connection:
                return run(connection)
        finally:
            writer.dispose()

    async def on_postgres() -> T:
        engine = create_async_engine(url)
        try:
            async with engine.begin() as connection:
                return await connection.run_sync(run)
        finally:
            await engine.dispose()

    return asyncio.run(on_postgres())


def bring_to(connection: Connection, revision: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(SCRIPTS))
    config.attributes["connection"] = connection
    command.upgrade(config, revision)


def events(count: int) -> Iterator[Event]:
    """What happened, in order."""
    ann = Person(user_id=ANN, username="Ann")
    yield SessionStarted(title="Old", host=ann)
    yield ParticipantAdded(user=ann, role="host", via="start")
    for number in range(count - 2):
        turn, call = f"turn-{number // 20}", f"call-{number // 5}"
        match number % 5:
            case 0:
                tool, said = "Bash", f"make test{number}"
                yield ToolCallStarted(turn_id=turn, call_id=call, tool=tool, kind="execute", title=said, input=said)
            case 1:
                yield ToolCallFinished(turn_id=turn, call_id=call, status="completed", output=f"{number} passed\n" * 5)
            case 2:
                yield FileChanged(turn_id=turn, path=f"src/f{number % 50}.py", change="modified", added=1, removed=1)
            case 3:
                yield AgentMessage(turn_id=turn, text=f"That was number {number}: grün.")
            case _:
                message_id, at = f"msg_{number}", iso(BEGAN)
                content = f"remark {number} on the wording of paragraph{number}"
                yield ChatMessagePosted(
                    message=ChatMessage(id=message_id, user_id=ANN, username="Ann", content=content, timestamp=at)
                )


def stored(seq: int, event: Event) -> log.Stored:
    frame = log.encode(event, seq=seq, at=iso(BEGAN + timedelta(seconds=seq)), actor_id=ANN)
    return log.Stored(seq, event.type, ANN, frame)


def fill(connection: Connection, count: int) -> None:
    """Writes a session of so many entries into the tables as they are in this schema."""
    tables = sa.MetaData()
    tables.reflect(connection)
    entries, messages = list[Row](), list[Row]()
    for seq, event in enumerate(events(count), 1):
        at, frame = BEGAN + timedelta(seconds=seq), stored(seq, event).frame.decode()
        entry: Row = {"session_id": SESSION, "seq": seq, "type": event.type, "version": 1, "at": at, "frame": frame}
        entries.append({**entry, "actor_id": ANN, "key": f"key-{seq}"})
        if isinstance(event, ChatMessagePosted):
            message: Row = {"id": event.message.id, "session_id": SESSION, "seq": seq, "user_id": ANN}
            message |= {"content": event.message.content, "source": "web", "session_only": False, "created_at": at}
            messages.append({**message, "updated_seq": seq})
    ann: Row = {"id": ANN, "email": "ann@example.com", "name": "Ann", "color": 1, "is_active": True}
    session: Row = {"id": SESSION, "title": "Old", "status": "live", "host_id": ANN, "head": count}
    session |= {"participant_count": 1, "message_count": len(messages), "created_at": BEGAN}
    rows: dict[str, list[Row]] = {
        "meta": [{"key": "epoch", "value": "epo_old"}],
        "users": [{**ann, "token_version": 0, "created_at": BEGAN}],
        "sessions": [{**session, "last_activity_at": BEGAN + timedelta(seconds=count)}],
        "participants": [{"session_id": SESSION, "user_id": ANN, "role": "host", "joined_at": BEGAN}],
        "events": entries,
        "messages": messages,
    }
    for name, values in rows.items():
        table = tables.tables[name]
        known = [{column: value for column, value in row.items() if column in table.c} for row in values]
        connection.execute(table.insert(), known)
    if "search_entries" in tables.tables:
        said = [(SESSION, stored(seq, event)) for seq, event in enumerate(events(count), 1)]
        indexing.record(connection, said)
    if "search_places" in tables.tables:
        connection.execute(tables.tables["search_places"].insert(), {"session_id": SESSION, "seq": len(entries)})
