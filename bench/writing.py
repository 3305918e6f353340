"""What storing one chat message costs, without any door: `chat.post_message` through `Database.write`.

    .venv/bin/python -m bench.writing [--messages 2000] [--groups 1,8,64,256] [--postgres URL] [--json FILE]

`--postgres` is the address of an empty database. Group n means that n people post at once and wait for their answers
before they post again. The peer, one commit for each message through SQLModel, is measured in the same run on the same
kind of database. CPU is that of this process: loop and writer share it, and one lock on the interpreter.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import uvloop
from sqlalchemy import BigInteger, Column, MetaData, Text, UniqueConstraint, create_engine, event, make_url
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlmodel import Field, SQLModel
from sqlmodel import Session as SqlSession

from core import accounts, chat, sessions
from core.access import Actor, add_participant
from core.clock import system_clock
from core.db import Database, Transaction
from core.engines import open_engine
from core.migrations import upgrade

TEXT = "bench " + "x" * 80
#: Stores message number n; returns when it is on disk.
Store = Callable[[int], Awaitable[object]]


class PeerMessage(SQLModel, table=True):
    """The peer's only table, which the product knows nothing of."""

    metadata = MetaData()
    __tablename__ = "peer_messages"  # pyright: ignore[reportAssignmentType] - SQLModel's own idiom
    __table_args__ = (UniqueConstraint("room", "client_msg_id"),)
    id: int = Field(sa_column=Column(BigInteger, primary_key=True))
    room: str
    client_msg_id: str
    content: str = Field(sa_column=Column(Text, nullable=False))


@dataclass(frozen=True)
class Figures:
    """One case. `cpu_us` is CPU of the whole process for each message; latency in milliseconds."""

    server: str
    database: str
    group: int
    per_second: float
    cpu_us: float
    p50_ms: float


async def measured(server: str, database: str, group: int, messages: int, store: Store) -> Figures:
    rounds = max(1, messages // group)
    delays: list[float] = []

    async def one(number: int) -> None:
        began = time.perf_counter()
        await store(number)
        delays.append((time.perf_counter() - began) * 1_000)

    began, cpu = time.perf_counter(), time.process_time()
    for number in range(rounds):
        await asyncio.gather(*(one(number * group + place) for place in range(group)))
    took, spent = time.perf_counter() - began, time.process_time() - cpu
    count = rounds * group
    return Figures(server, database, group, count / took, spent / count * 1e6, statistics.median(delays))


def _add_people(tx: Transaction, count: int) -> tuple[str, list[Actor]]:
    people = [accounts.actor_for(accounts.add_user(tx, f"{n}@example.com", f"Person {n}"), "web") for n in range(count)]
    session = sessions.start(tx, people[0], "Bench")
    for person in people[1:]:
        add_participant(tx, session, person.person, "editor", via="invite")
    return session.id, people


async def ours(url: str, groups: list[int], messages: int, people: int) -> list[Figures]:
    await asyncio.to_thread(upgrade, url)
    db = Database(open_engine(url), system_clock)
    db.start()
    session_id, actors = await db.write(lambda tx: _add_people(tx, people))
    found: list[Figures] = []
    for group in groups:

        def store(number: int, group: int = group) -> Awaitable[object]:
            actor, key = actors[number % len(actors)], f"{group}-{number}"
            draft = chat.Draft(f"{TEXT} {number}")
            return db.write(lambda tx: chat.post_message(tx, actor, session_id, draft, key=key))

        for number in range(50):
            await store(-1 - number)
        found.append(await measured("cosession", make_url(url).get_backend_name(), group, messages, store))
    await db.close()
    return found


async def peer_on_sqlite(path: Path, messages: int) -> Figures:
    engine = create_engine(f"sqlite:///{path}", connect_args={"check_same_thread": False})

    def prepare(connection: Any, _record: Any) -> None:
        for pragma in ("journal_mode=WAL", "synchronous=FULL"):
            connection.execute(f"PRAGMA {pragma}").close()

    event.listen(engine, "connect", prepare)
    PeerMessage.metadata.create_all(engine)

    async def store(number: int) -> None:
        with SqlSession(engine) as sql:
            sql.add(PeerMessage(id=number + 1, room="r", client_msg_id=str(number), content=f"{TEXT} {number}"))
            sql.commit()

    return await measured("one commit a message", "sqlite", 1, messages, store)


async def peer_on_postgres(url: str, messages: int) -> Figures:
    engine = create_async_engine(url)
    async with engine.begin() as connection:
        await connection.run_sync(PeerMessage.metadata.create_all)

    async def store(number: int) -> None:
        async with AsyncSession(engine) as sql:
            sql.add(PeerMessage(id=number + 1, room="r", client_msg_id=str(number), content=f"{TEXT} {number}"))
            await sql.commit()

    figures = await measured("one commit a message", "postgresql", 1, messages, store)
    await engine.dispose()
    return figures


async def run(arguments: argparse.Namespace) -> list[Figures]:
    groups = [int(part) for part in arguments.groups.split(",")]
    found: list[Figures] = []
    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
        found.append(await peer_on_sqlite(Path(folder) / "peer.db", arguments.messages))
        found += await ours(f"sqlite:///{folder}/ours.db", groups, arguments.messages, arguments.people)
    if arguments.postgres:
        found.append(await peer_on_postgres(arguments.postgres, arguments.messages))
        found += await ours(arguments.postgres, groups, arguments.messages, arguments.people)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=2_000)
    parser.add_argument("--groups", default="1,8,64,256")
    parser.add_argument("--people", type=int, default=50)
    parser.add_argument("--postgres")
    parser.add_argument("--folder", help="where the SQLite files are put: a folder on a disk, not in memory")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    found = uvloop.run(run(arguments))
    peers = {figures.database: figures for figures in found if figures.group == 1 and figures.server != "cosession"}
    print(f"{'':22}{'database':12}{'group':>6}{'msg/s':>9}{'ratio':>8}{'CPU µs':>9}{'ratio':>8}{'p50 ms':>9}")
    for figures in found:
        peer = peers[figures.database]
        print(
            f"{figures.server:22}{figures.database:12}{figures.group:6}{figures.per_second:9.0f}"
            f"{figures.per_second / peer.per_second:8.2f}{figures.cpu_us:9.0f}"
            f"{figures.cpu_us / peer.cpu_us:8.2f}{figures.p50_ms:9.2f}"
        )
    if arguments.json:
        arguments.json.write_text(json.dumps([asdict(figures) for figures in found], indent=2))


if __name__ == "__main__":
    main()
