"""A program that writes to one session as fast as it can, says so line by line, and is killed in mid-write.

    python scribe.py DATABASE_URL SESSION_ID USER_ID NAME < {"writer": next number, …}

It prints `shown SEQ CONTENT` for what readers are told of, and `ack SEQ CONTENT` for what the writer was told is
stored. Each line is one `write` to a pipe, so it is in the parent's hands even if the next instruction is the last.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from core import chat
from core.access import Actor
from core.clock import system_clock
from core.db import Database
from core.engines import open_engine
from core.events import ChatMessagePosted

if TYPE_CHECKING:
    from core.db import Appended


def tell(what: str, seq: int, content: str) -> None:
    os.write(1, f"{what} {seq} {content}\n".encode())


def show(appended: Sequence[Appended]) -> None:
    for entry in appended:
        if isinstance(entry.event, ChatMessagePosted):
            tell("shown", entry.seq, entry.event.message.content)


async def write_for_ever(db: Database, actor: Actor, session_id: str, writer: str, first: int) -> None:
    for number in itertools.count(first):
        content = f"{writer}-{number}"
        draft = chat.Draft(content)
        posted = await db.write(lambda tx, d=draft: chat.post_message(tx, actor, session_id, d, key=d.content))
        tell("ack", posted.seq, content)


async def main(url: str, session_id: str, user_id: str, name: str) -> None:
    db = Database(open_engine(url), system_clock)
    db.on_commit(show)
    db.start()
    actor = Actor(user_id, name)
    begin: dict[str, int] = json.loads(sys.stdin.readline())
    async with asyncio.TaskGroup() as group:
        for writer, first in begin.items():
            group.create_task(write_for_ever(db, actor, session_id, writer, first))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
