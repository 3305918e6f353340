"""Works that share a commit: each sees what went before it, and what it leaves is as if it had been alone."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Sequence
from typing import Any

import orjson
import pytest

from core import chat, log, sessions
from core.access import Actor, add_participant, session_for
from core.db import Appended, Database, Transaction
from core.errors import BodyEmpty, CosessionError, NotAllowed, ParentNotFound, SessionHasEnded, SessionNotFound
from core.events import Role
from core.ids import derived_id
from tests.core.conftest import person

Work = Callable[[Transaction], Any]


class Refused(Exception):
    """A work's own failure, after it has written."""


async def together(db: Database, *works: Work) -> list[Any]:
    """All in one commit: they are queued before the writer wakes."""
    return await asyncio.gather(*(db.submit(work) for work in works), return_exceptions=True)


async def room(db: Database, *people: Actor) -> str:
    def start(tx: Transaction) -> str:
        session = sessions.start(tx, people[0], "Room")
        for someone in people[1:]:
            add_participant(tx, session, someone.person, "editor", via="invite")
        return session.id

    return await db.write(start)


def says(actor: Actor, session_id: str, text: str, key: str | None = None, parent_id: str | None = None) -> Work:
    return lambda tx: chat.post_message(tx, actor, session_id, chat.Draft(text, parent_id), key=key)


async def texts(db: Database, session_id: str) -> list[str]:
    """What stands there, and the log beneath it: dense, and the same."""
    entries = await db.read(lambda tx: log.read_after(tx, session_id, 0))
    assert [entry.seq for entry in entries] == list(range(1, len(entries) + 1))
    assert await db.read(lambda tx: log.head(tx, session_id)) == len(entries)
    page = await db.read(lambda tx: chat.history(tx, session_id, before=None, limit=1_000))
    said = {entry.seq for entry in entries if entry.type == "chat_message"}
    assert {view.seq for view in page} == said
    return [view.message.content for view in page]


async def test_a_wish_that_was_granted_is_granted_again_amid_new_ones(db: Database) -> None:
    alice, bob = await person(db, "Alice"), await person(db, "Bob")
    here = await room(db, alice, bob)
    first = await db.write(says(alice, here, "first", "k1"))
    answers = await together(
        db,
        says(bob, here, "new"),
        says(alice, here, "first", "k1"),
        says(bob, here, "first", "k1"),
        says(alice, here, "", "k1"),
        says(bob, here, "twice", "k2"),
        says(bob, here, "twice", "k2"),
    )
    assert [answer.is_new for answer in answers] == [True, False, True, False, True, False]
    assert answers[1].seq == answers[3].seq == first.seq
    assert answers[4].seq == answers[5].seq
    assert await texts(db, here) == ["first", "new", "first", "twice"]


async def test_what_an_earlier_work_of_the_commit_decided_holds_for_the_later_ones(db: Database) -> None:
    alice, bob, carol = await person(db, "Alice"), await person(db, "Bob"), await person(db, "Carol")
    here, ended = await room(db, alice, bob, carol), await room(db, alice, bob)
    answers = await together(
        db,
        says(bob, here, "still here"),
        says(carol, here, "I too"),
        lambda tx: sessions.remove(tx, alice, here, bob.user_id),
        says(bob, here, "too late"),
        lambda tx: sessions.change_role(tx, alice, here, carol.user_id, "viewer"),
        says(carol, here, "only watching"),
        says(bob, ended, "one"),
        lambda tx: sessions.end(tx, alice, ended),
        says(bob, ended, "two"),
    )
    kinds = [type(answer) for answer in answers if isinstance(answer, BaseException)]
    assert kinds == [SessionNotFound, NotAllowed, SessionHasEnded]
    assert await texts(db, here) == ["still here", "I too"]
    assert await texts(db, ended) == ["one"]


async def test_a_work_that_fails_after_it_wrote_takes_back_its_own_and_nothing_else(db: Database) -> None:
    alice, bob = await person(db, "Alice"), await person(db, "Bob")
    here = await room(db, alice, bob)

    def says_and_fails(tx: Transaction) -> None:
        says(bob, here, "never said")(tx)
        raise Refused

    def writes_and_fails(tx: Transaction) -> None:
        says(bob, here, "never said either")(tx)
        sessions.rename(tx, alice, here, "Never called")
        says(bob, here, "nor this", "k")(tx)
        raise Refused

    answers = await together(
        db,
        says(alice, here, "one"),
        says_and_fails,
        says(bob, here, "two"),
        writes_and_fails,
        says(bob, here, "three", "k"),
        lambda tx: sessions.rename(tx, alice, here, "Called"),
    )
    assert [isinstance(answer, Refused) for answer in answers] == [False, True, False, True, False, False]
    assert await texts(db, here) == ["one", "two", "three"]
    assert (await db.read(lambda tx: session_for(tx, alice, here, "read", lock=False))).session.title == "Called"
    for alone in (says_and_fails, writes_and_fails):
        with pytest.raises(Refused):
            await db.write(alone)
    assert await texts(db, here) == ["one", "two", "three"]


async def test_a_work_sees_what_the_works_before_it_will_store(db: Database) -> None:
    alice = await person(db, "Alice")
    here = await room(db, alice)
    said = derived_id("msg", here, alice.user_id, "k")

    def counts(tx: Transaction) -> int:
        return len(chat.history(tx, here, before=None, limit=10))

    def says_and_counts(tx: Transaction) -> int:
        says(alice, here, "three")(tx)
        return counts(tx)

    answers = await together(
        db,
        says(alice, here, "one", "k"),
        says(alice, here, "reply", parent_id=said),
        says(alice, here, "astray", parent_id=derived_id("msg", "nowhere")),
        counts,
        says_and_counts,
        lambda tx: chat.edit_message(tx, alice, here, said, "uno"),
        lambda tx: chat.add_reaction(tx, alice, here, said, "🎉"),
    )
    assert isinstance(answers[2], ParentNotFound)
    assert answers[3:5] == [2, 3]
    assert await texts(db, here) == ["uno", "reply", "three"]
    thread = await db.read(lambda tx: chat.thread(tx, here, said))
    assert [view.message.content for view in thread] == ["uno", "reply"]
    assert [reaction.emoji for reaction in thread[0].reactions] == ["🎉"]


async def test_pokes_of_one_commit_are_in_the_order_of_the_log_and_hold_what_is_stored(db: Database) -> None:
    alice, bob = await person(db, "Alice"), await person(db, "Bob")
    here, there = await room(db, alice, bob), await room(db, bob, alice)
    poked: dict[str, list[tuple[int, bytes]]] = {here: [], there: []}

    def poke(entries: Sequence[Appended]) -> None:
        for entry in entries:
            poked[entry.session_id].append((entry.seq, entry.frame))

    db.on_commit(poke)
    works = [
        says((alice, bob)[n % 2], (here, there)[n % 3 == 0], f"{n} äöü 🎉 \u2028" if n % 5 else "") for n in range(40)
    ]
    answers = await together(db, *works, lambda tx: sessions.rename(tx, bob, there, "Elsewhere"))
    assert sum(isinstance(answer, BodyEmpty) for answer in answers) == 8
    for session_id, seen in poked.items():
        entries = await db.read(lambda tx, s=session_id: log.read_after(tx, s, 0))
        assert [(entry.seq, entry.frame) for entry in entries][-len(seen) :] == seen


def some_works(dice: random.Random, people: list[Actor], here: str) -> list[Work]:
    """What people may want of one session, refusals and repetitions among it."""

    def one() -> Work:
        who, key = dice.choice(people), dice.choice([None, *"abcdef"])
        said = derived_id("msg", here, dice.choice(people).user_id, dice.choice("abcdef"))
        role: Role = dice.choice(["viewer", "editor"])
        text = dice.choice(["hello", "@Bob look", "@here", "", "x" * 20])

        def fails(tx: Transaction) -> None:
            says(who, here, "gone", key)(tx)
            if text:
                sessions.rename(tx, people[0], here, "Gone")
            raise Refused

        return dice.choice(
            [
                says(who, here, text, key),
                says(who, here, text, key),
                says(who, here, text, key, said),
                lambda tx: chat.edit_message(tx, who, here, said, text, key=key),
                lambda tx: chat.delete_message(tx, who, here, said),
                lambda tx: chat.add_reaction(tx, who, here, said, "🎉"),
                lambda tx: sessions.rename(tx, who, here, text),
                lambda tx: sessions.change_role(tx, people[0], here, people[1].user_id, role),
                fails,
            ]
        )

    return [one() for _ in range(60)]


def outline(entries: list[log.Stored], people: list[Actor]) -> list[tuple[str, object, object]]:
    bodies = [orjson.loads(entry.frame) for entry in entries]
    names = {someone.user_id: someone.name for someone in people}
    return [
        (body["type"], names.get(body["actor_id"]), body.get("content") or body.get("message", {}).get("content"))
        for body in bodies
    ]


@pytest.mark.parametrize("seed", range(4))
async def test_works_together_leave_what_they_leave_one_by_one(db: Database, seed: int) -> None:
    people = [await person(db, name) for name in ("Alice", "Bob", "Carol")]
    shared, alone = await room(db, *people), await room(db, *people)

    async def one_by_one() -> list[Any]:
        answers: list[Any] = []
        for work in some_works(random.Random(seed), people, alone):
            answers += await together(db, work)
        return answers

    in_groups: list[Any] = []
    works = some_works(random.Random(seed), people, shared)
    for start in range(0, 60, 20):
        in_groups += await together(db, *works[start : start + 20])
    others = await one_by_one()
    assert [type(answer) for answer in in_groups] == [type(answer) for answer in others]
    assert any(isinstance(answer, CosessionError) for answer in others)
    assert await texts(db, shared) == await texts(db, alone)
    logs = [list(await db.read(lambda tx, s=s: log.read_after(tx, s, 0))) for s in (shared, alone)]
    assert outline(logs[0], people) == outline(logs[1], people)
