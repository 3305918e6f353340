"""What is unread: exact on every device, whatever is said, changed, taken back and read, in whatever order."""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass, field

import pytest
from sqlmodel import select

from core import chat, comments, log, reading, sessions, tables, turns
from core.access import Actor, add_participant, session_for
from core.db import Database, Transaction
from core.events import FileChanged
from tests.core.conftest import person


@dataclass
class Said:
    """A message or comment in the model: where it began, and the entries that call the other person."""

    seq: int
    author: str
    calls: set[int]


@dataclass
class Model:
    """What a person would count by hand."""

    said: dict[str, Said] = field(default_factory=dict[str, Said])
    marks: dict[str, int] = field(default_factory=dict[str, int])

    def unread(self, who: str) -> tuple[int, int]:
        theirs = [said for said in self.said.values() if said.author != who]
        mark = self.marks[who]
        return sum(said.seq > mark for said in theirs), sum(at > mark for said in theirs for at in said.calls)


class Room:
    """Ann and Ben in one session; every call may come from any of their devices."""

    def __init__(self, db: Database, session_id: str, people: dict[str, Actor], dice: random.Random) -> None:
        self.db, self.session_id, self.people, self.dice = db, session_id, people, dice
        self.model = Model()
        self.head = 0

    def other(self, who: str) -> str:
        return next(name for name in self.people if name != who)

    def text(self, who: str) -> tuple[str, bool]:
        calls = self.dice.random() < 0.4
        return f"{self.dice.random()} {'@' + self.other(who) if calls else ''}", calls

    async def say(self, who: str) -> None:
        text, calls = self.text(who)
        actor = self.people[who]
        if self.dice.random() < 0.3:
            draft = comments.Draft(text, file="a.py", line=1, code_snippet="x = 1")
            noted = await self.db.write(lambda tx: comments.add_comment(tx, actor, self.session_id, draft))
            self.head, said_id = noted.seq, noted.comment_id
        else:
            posted = await self.db.write(lambda tx: chat.post_message(tx, actor, self.session_id, chat.Draft(text)))
            self.head, said_id = posted.seq, posted.message_id
        self.model.said[said_id] = Said(self.head, who, {self.head} if calls else set())

    async def change(self, who: str, said_id: str) -> None:
        """An edit calls whom it names first; whom it names no longer stays called."""
        text, calls = self.text(who)
        actor, said = self.people[who], self.model.said[said_id]
        edit = chat.edit_message if said_id.startswith("msg") else comments.edit_comment
        self.head = (await self.db.write(lambda tx: edit(tx, actor, self.session_id, said_id, text))).seq
        if calls and not said.calls:
            said.calls.add(self.head)

    async def take_back(self, who: str, said_id: str) -> None:
        actor = self.people[who]
        delete = chat.delete_message if said_id.startswith("msg") else comments.delete_comment
        self.head = (await self.db.write(lambda tx: delete(tx, actor, self.session_id, said_id))).seq
        del self.model.said[said_id]

    async def read(self, who: str) -> None:
        seq, actor = self.dice.randrange(self.head + 5), self.people[who]
        self.model.marks[who] = max(self.model.marks[who], min(seq, self.head))
        marker = await self.db.write(lambda tx: reading.mark_read(tx, actor, self.session_id, seq))
        assert marker.read_up_to == self.model.marks[who]
        assert (marker.unread, marker.mentions) == self.model.unread(who)

    async def step(self) -> None:
        who = self.dice.choice(list(self.people))
        mine = [said_id for said_id, said in self.model.said.items() if said.author == who]
        wish = self.dice.choice(["say", "say", "read", "change", "take back"] if mine else ["say", "read"])
        if wish == "say":
            await self.say(who)
        elif wish == "read":
            await self.read(who)
        elif wish == "change":
            await self.change(who, self.dice.choice(mine))
        else:
            await self.take_back(who, self.dice.choice(mine))

    async def counts(self, who: str) -> tuple[int, int]:
        actor = self.people[who]

        def count(tx: Transaction) -> reading.Unread:
            session = tx.sql.get_one(tables.Session, self.session_id)
            return reading.unread_in(tx, session, actor.user_id)

        found = await self.db.read(count)
        return found.unread, found.mentions


async def a_room(db: Database, seed: int) -> Room:
    people = {name: await person(db, name) for name in ("Ann", "Ben")}
    session = await db.write(lambda tx: sessions.start(tx, people["Ann"], "Counted"))
    edited = turns.Reported("k", FileChanged(turn_id="t", path="a.py", change="added", added=1, removed=0))
    await db.write(lambda tx: turns.record(tx, people["Ann"], session.id, [edited]))

    def seat_ben(tx: Transaction) -> int:
        locked = session_for(tx, people["Ann"], session.id, "manage").session
        add_participant(tx, locked, people["Ben"].person, "editor", via="invite")
        return log.head(tx, session.id)

    room = Room(db, session.id, people, random.Random(seed))
    room.head = await db.write(seat_ben)
    for name, actor in people.items():
        room.model.marks[name] = await db.read(lambda tx, a=actor: reading.read_up_to(tx, session.id, a.user_id))
    return room


@pytest.mark.parametrize("seed", range(4))
async def test_counts_are_what_one_would_count_by_hand(db: Database, seed: int) -> None:
    room = await a_room(db, seed)
    assert room.model.marks["Ben"] == room.head, "what was there before somebody came is not unread"
    seen_unread = seen_calls = 0
    for _ in range(80):
        await room.step()
        for who in room.people:
            expected = room.model.unread(who)
            assert await room.counts(who) == expected
            seen_unread += expected[0] > 0
            seen_calls += expected[1] > 0
    assert seen_unread > 20
    assert seen_calls > 10


async def test_devices_that_read_at_once_leave_the_farthest_mark(db: Database) -> None:
    room = await a_room(db, 9)
    for _ in range(12):
        await room.say("Ann")
    seqs = list(range(1, room.head + 1)) * 3
    room.dice.shuffle(seqs)
    ben = room.people["Ben"]
    markers = await asyncio.gather(
        *(room.db.write(lambda tx, s=seq: reading.mark_read(tx, ben, room.session_id, s)) for seq in seqs)
    )
    marks = [marker.read_up_to for marker in markers]
    assert marks == sorted(marks), "a mark never goes back"
    assert (marks[-1], await room.counts("Ben")) == (room.head, (0, 0))


async def test_the_list_of_sessions_counts_each_by_itself(db: Database) -> None:
    room = await a_room(db, 1)
    people = room.people
    other = await db.write(lambda tx: sessions.start(tx, people["Ann"], "Another"))
    await room.say("Ann")

    def counts(tx: Transaction) -> dict[str, int]:
        found = tx.sql.exec(select(tables.Session)).all()
        return {key: unread.unread for key, unread in reading.unread_of(tx, found, people["Ben"].user_id).items()}

    assert await db.read(counts) == {room.session_id: 1, other.id: 0}
