"""A process that writes a thousand entries a second is killed in mid-write, over and over."""

from __future__ import annotations

import asyncio
import itertools
import json
import logging
import random
import signal
import subprocess
import sys
import threading
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from core import accounts, log, sessions
from core.access import Actor
from core.clock import system_clock
from core.db import Database
from core.engines import open_engine
from core.events import ChatMessagePosted
from cosession.compose import ensure_epoch
from tests.faults.rounds import rounds, seconds
from tests.support.schema import bring_up

note = logging.getLogger(__name__)

SCRIBE = Path(__file__).with_name("scribe.py")
WRITERS = 12


@dataclass
class Witness:
    """What the scribes said before they died."""

    acknowledged: dict[str, int] = field(default_factory=dict[str, int])
    shown: dict[str, int] = field(default_factory=dict[str, int])
    #: For each writer, the first number that is not acknowledged yet: the next scribe says it again.
    next: dict[str, int] = field(default_factory=lambda: {f"w{number}": 0 for number in range(WRITERS)})

    def take(self, line: str) -> None:
        what, seq, content = line.split(" ", 2)
        told = self.acknowledged if what == "ack" else self.shown
        assert told.setdefault(content, int(seq)) == int(seq), f"{content} got two numbers"
        if what == "ack":
            writer, number = content.rsplit("-", 1)
            self.next[writer] = int(number) + 1


def write_and_die(url: str, session_id: str, actor: Actor, witness: Witness, patience: float) -> None:
    """One life of a scribe: it dies `patience` seconds after it has begun to write."""
    command = [sys.executable, str(SCRIBE), url, session_id, actor.user_id, actor.name]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True) as scribe:
        assert scribe.stdin is not None
        assert scribe.stdout is not None
        killer = threading.Timer(patience, scribe.kill)
        try:
            scribe.stdin.write(json.dumps(witness.next).encode() + b"\n")
            scribe.stdin.flush()
            first = scribe.stdout.readline()
            assert first, "the scribe wrote nothing at all"
            killer.start()
            for line in itertools.chain([first], scribe.stdout):
                if line.endswith(b"\n"):
                    witness.take(line.decode().strip())
        finally:
            killer.cancel()
            scribe.kill()
    assert scribe.returncode == -signal.SIGKILL, "it ended by itself"


@pytest.fixture
async def desk(database_url: str) -> tuple[str, Actor]:
    """A session and somebody who writes in it."""
    await asyncio.to_thread(bring_up, database_url)
    db = Database(open_engine(database_url), system_clock)
    db.start()
    await db.write(ensure_epoch)
    user = await db.write(lambda tx: accounts.add_user(tx, "ann@example.com", "Ann"))
    actor = accounts.actor_for(user, "web")
    session = await db.write(lambda tx: sessions.start(tx, actor, "Written"))
    await db.close()
    return session.id, actor


async def messages_of(url: str, session_id: str) -> dict[int, str]:
    """By seq; the log must be dense."""
    db = Database(open_engine(url), system_clock)
    found: dict[int, str] = {}
    seq = 0
    while page := await db.read(lambda tx, after=seq: log.read_after(tx, session_id, after)):
        for entry in page:
            seq += 1
            assert entry.seq == seq, "the log has a hole"
            event = entry.event()
            if isinstance(event, ChatMessagePosted):
                found[seq] = event.message.content
    assert await db.read(lambda tx: log.head(tx, session_id)) == seq
    await db.close()
    return found


@pytest.mark.timeout(seconds(120))
async def test_what_a_killed_writer_was_told_is_stored_is_stored_once(
    database_url: str, desk: tuple[str, Actor]
) -> None:
    session_id, actor = desk
    chance, witness, times = random.Random(4711), Witness(), rounds(6, 0.5)
    for _ in range(times):
        await asyncio.to_thread(write_and_die, database_url, session_id, actor, witness, chance.uniform(0.01, 0.4))
    messages = await messages_of(database_url, session_id)
    assert max(Counter(messages.values()).values()) == 1, "a message is in the log twice"
    lost = [content for content, seq in witness.acknowledged.items() if messages.get(seq) != content]
    assert lost == [], "acknowledged, and not there"
    forged = [content for content, seq in witness.shown.items() if messages.get(seq) != content]
    assert forged == [], "shown, and not there"
    assert len(witness.acknowledged) >= times * WRITERS, "there was hardly anything to lose"
    note.info("%s kills, %s acknowledged, %s stored", times, len(witness.acknowledged), len(messages))
