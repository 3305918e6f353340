"""Whatever people do, in whatever order and role: the log, the tables and every client tell the same story."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Generator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from api import entering
from api.client.heard import entry as entry_of
from api.client.replica import Replica
from api.commands import Caller, run
from api.connection import Connection
from api.frames import Ack, Position, Snapshot, client_frame_adapter
from api.hub import Room
from api.routes.snapshot import take_snapshot
from core import accounts, files, log, sessions, turns
from core.access import ROLES, Actor, add_participant, session_for
from core.db import Transaction
from core.errors import CosessionError
from core.events import AgentMessage, Role, TurnFinished, TurnStarted
from tests.api.support import Notes, Place, open_place
from tests.stories.house import check_tables

PEOPLE = ("Alice", "Bob", "Carol", "Dave")
PATHS = ("app.py", "src/util.py", "README.md")
TEXTS = ("one", "two @Bob", "`@Carol` three", "@here four")
#: Mostly those who may do something, or little would ever happen.
who = st.sampled_from([0, 0, 0, 0, 1, 1, 1, 2, 3])
which = st.integers(0, 30)
texts = st.sampled_from(TEXTS)
contents = st.sampled_from([b"a\nb\nc\n", b"a\nb\nb2\nc\n", b"x\na\nb\nc\n", b"c\n"])
roles = st.sampled_from(ROLES)

#: What can happen, and what each needs to know.
STEPS: dict[str, dict[str, st.SearchStrategy[Any]]] = {
    "say": {"person": who, "text": texts, "parent": which, "is_reply": st.booleans()},
    "edit": {"person": who, "message": which, "text": texts},
    "delete": {"person": who, "message": which},
    "react": {"person": who, "message": which, "emoji": st.sampled_from("👍🎉"), "is_added": st.booleans()},
    "mark_read": {"person": who, "seq": which},
    "share": {
        "person": who,
        "path": st.sampled_from(PATHS),
        "old": st.sampled_from(PATHS),
        "data": contents,
        "change": st.sampled_from(["added", "modified", "modified", "deleted", "renamed"]),
    },
    "comment": {
        "person": who,
        "path": st.sampled_from(PATHS),
        "line": st.integers(1, 4),
        "text": texts,
        "thread": which,
        "is_reply": st.booleans(),
    },
    "change_comment": {
        "person": who,
        "comment": which,
        "text": texts,
        "kind": st.sampled_from(["edit_comment", "delete_comment", "resolve_comment", "reopen_comment"]),
    },
    "agent": {"person": who, "kind": st.sampled_from(["start", "say", "finish"])},
    "rename": {"person": who, "title": st.sampled_from(["Under test", "Renamed"])},
    "change_role": {"by": who, "whom": who, "role": roles},
    "hand_over": {"by": who, "whom": who},
    "remove": {"by": who, "whom": who},
    "bring_back": {"whom": who, "role": st.sampled_from(["editor", "viewer"])},
    "join": {"person": who},
    "lose_and_come_back": {"tab": which},
}
_OFTEN = {"say": 5, "react": 6, "edit": 3, "delete": 2, "comment": 5, "change_comment": 5, "share": 4, "bring_back": 2}
KINDS = [kind for kind in STEPS for _ in range(_OFTEN.get(kind, 1))]


@dataclass
class Tab:
    """A client with what it was told: a snapshot, then entries."""

    actor: Actor
    wire: Notes
    room: Room
    connection: Connection
    replica: Replica
    taken: int = 0

    def read(self) -> None:
        """Takes what arrived. A hole or a wrong order raises."""
        for payload in self.wire.payloads[self.taken :]:
            frame = orjson.loads(payload)
            if "seq" in frame and "at" in frame:
                self.replica.apply(entry_of(frame["seq"], orjson.dumps(frame)))
        self.taken = len(self.wire.payloads)


@dataclass
class Stage:
    """One running product for every example; each has a session and people of its own."""

    runner: asyncio.Runner
    place: Place

    def do(self, awaitable: Any) -> Any:
        return self.runner.run(awaitable)


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Generator[Stage]:
    folder: Path = tmp_path_factory.mktemp("interleavings")
    with asyncio.Runner() as runner:
        stack = AsyncExitStack()
        place = runner.run(stack.enter_async_context(open_place(f"sqlite:///{folder}/db.sqlite", folder)))
        yield Stage(runner, place)
        runner.run(stack.aclose())


class Interleaving:
    """One session, in which one thing after the other happens. Each step names a person, and draws what it needs."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.tabs: list[Tab] = []
        self.messages: list[str] = []
        self.comments: list[str] = []
        self.keys = 0

        def people(tx: Transaction) -> tuple[str, list[Actor]]:
            actors = [accounts.actor_for(accounts.add_user(tx, None, name), "web") for name in PEOPLE]
            session = sessions.start(tx, actors[0], "Under test")
            add_participant(tx, session, actors[1].person, "editor", via="invite")
            add_participant(tx, session, actors[2].person, "viewer", via="invite")
            return session.id, actors

        self.session_id, self.people = self.write(people)
        self.join(0)
        self.join(2)

    def write(self, work: Callable[[Transaction], Any]) -> Any:
        return self.stage.do(self.stage.place.api.db.write(work))

    def read(self, work: Callable[[Transaction], Any]) -> Any:
        return self.stage.do(self.stage.place.api.db.read(work))

    def attempt(self, work: Callable[[Transaction], Any]) -> Any:
        """A refusal is as good as a success: nothing may have changed."""
        try:
            return self.write(work)
        except CosessionError:
            return None

    def command(self, person: int, kind: str, **fields: Any) -> int | None:
        """As a request would run it. Returns the seq of its entry, None for a refusal."""
        actor = self.people[person]
        self.keys += 1
        frame = client_frame_adapter.validate_python({"type": kind, "client_msg_id": f"k{self.keys}", **fields})

        async def carried_out() -> int | None:
            api = self.stage.place.api
            try:
                role: Role = await api.db.read(
                    lambda tx: session_for(tx, actor, self.session_id, "read", lock=False).role
                )
                answer = await run(Caller(api, self.session_id, actor, role), frame)
            except CosessionError:
                return None
            return answer.seq if isinstance(answer, Ack) else None

        return self.stage.do(carried_out())

    def entry(self, seq: int | None) -> Any:
        if seq is None:
            return None
        (stored,) = self.read(lambda tx: log.read_after(tx, self.session_id, seq - 1, 1))
        return orjson.loads(stored.frame)

    # ── Chat ──────────────────────────────────────────────────────────────────────────────────────────────────────────

    def say(self, person: int, text: str, parent: int, is_reply: bool) -> None:
        fields = {"parent_id": self.messages[parent % len(self.messages)]} if is_reply and self.messages else {}
        entry = self.entry(self.command(person, "chat_message", content=text, **fields))
        if entry is not None:
            self.messages.append(entry["message"]["id"])

    def edit(self, person: int, message: int, text: str) -> None:
        if self.messages:
            self.command(
                person, "edit_message", message_id=self.messages[-1 - message % len(self.messages)], content=text
            )

    def delete(self, person: int, message: int) -> None:
        if self.messages:
            self.command(person, "delete_message", message_id=self.messages[-1 - message % len(self.messages)])

    def react(self, person: int, message: int, emoji: str, is_added: bool) -> None:
        kind = "add_reaction" if is_added else "remove_reaction"
        if self.messages:
            self.command(person, kind, message_id=self.messages[-1 - message % min(3, len(self.messages))], emoji=emoji)

    def mark_read(self, person: int, seq: int) -> None:
        self.command(person, "read_up_to", seq=seq)

    # ── Files and comments ────────────────────────────────────────────────────────────────────────────────────────────

    def share(self, person: int, path: str, old: str, data: bytes, change: Any) -> None:
        actor, sha = self.people[person], hashlib.sha256(data).hexdigest()
        self.keys += 1
        item = files.Item(
            key=f"k{self.keys}",
            path=path,
            change=change,
            old_path=old if change == "renamed" else None,
            version=None if change == "deleted" else sha,
            size=0 if change == "deleted" else len(data),
        )
        self.attempt(lambda tx: files.put_blob(tx, actor, self.session_id, files.checked(sha, data)))
        self.attempt(lambda tx: files.share(tx, actor, self.session_id, [item]))

    def comment(self, person: int, path: str, line: int, text: str, thread: int, is_reply: bool) -> None:
        place = {"thread_id": self.comments[thread % len(self.comments)]} if is_reply and self.comments else {}
        place = place or {"file": path, "line": line}
        entry = self.entry(self.command(person, "add_comment", content=text, **place))
        if entry is not None:
            self.comments.append(entry["comment"]["id"])

    def change_comment(self, person: int, comment: int, text: str, kind: str) -> None:
        fields = {"content": text} if kind == "edit_comment" else {}
        if self.comments:
            self.command(person, kind, comment_id=self.comments[-1 - comment % len(self.comments)], **fields)

    # ── The agent, the session and its people ─────────────────────────────────────────────────────────────────────────

    def agent(self, person: int, kind: str) -> None:
        actor = self.people[person]
        self.keys += 1
        event = {
            "start": TurnStarted(turn_id="t", agent="codex"),
            "say": AgentMessage(turn_id="t", text="done"),
            "finish": TurnFinished(turn_id="t", status="completed"),
        }[kind]
        self.attempt(lambda tx: turns.record(tx, actor, self.session_id, [turns.Reported(f"k{self.keys}", event)]))

    def rename(self, person: int, title: str) -> None:
        self.attempt(lambda tx: sessions.rename(tx, self.people[person], self.session_id, title))

    def change_role(self, by: int, whom: int, role: Role) -> None:
        self.attempt(
            lambda tx: sessions.change_role(tx, self.people[by], self.session_id, self.people[whom].user_id, role)
        )

    def hand_over(self, by: int, whom: int) -> None:
        self.attempt(lambda tx: sessions.hand_over(tx, self.people[by], self.session_id, self.people[whom].user_id))

    def remove(self, by: int, whom: int) -> None:
        self.attempt(lambda tx: sessions.remove(tx, self.people[by], self.session_id, self.people[whom].user_id))
        for tab in self.tabs:
            tab.read()

    def bring_back(self, whom: int, role: Role) -> None:
        """By an invite, whose own rules are tested elsewhere."""
        actor = self.people[whom]

        def seat(tx: Transaction) -> None:
            try:
                session_for(tx, actor, self.session_id, "read", lock=False)
            except CosessionError:
                host = next(p for p in self.people if _is_host(tx, p, self.session_id))
                session = session_for(tx, host, self.session_id, "manage").session
                add_participant(tx, session, actor.person, role, via="invite")

        self.write(seat)

    # ── Clients ───────────────────────────────────────────────────────────────────────────────────────────────────────

    def join(self, person: int) -> None:
        actor = self.people[person]
        snapshot = self.snapshot(actor)
        if snapshot is not None and len(self.tabs) < 8:
            self.tabs.append(self.enter(actor, Replica.of(snapshot), snapshot.epoch))

    def lose_and_come_back(self, tab: int) -> None:
        """The connection breaks; what was missed meanwhile is resumed later."""
        if not self.tabs:
            return
        held = self.tabs.pop(tab % len(self.tabs))
        held.read()
        self.leave(held)
        snapshot = self.snapshot(held.actor)
        if snapshot is not None:
            self.tabs.append(self.enter(held.actor, held.replica, snapshot.epoch))

    def enter(self, actor: Actor, replica: Replica, epoch: str) -> Tab:
        async def come_in() -> Tab:
            api, wire = self.stage.place.api, Notes()
            prove = entering.show_token(api, self.session_id, self.stage.place.token(actor))
            since = Position(epoch=epoch, seq=replica.seq)
            with api.hub.arriving(self.session_id) as room:
                entry = await entering.enter(api, self.session_id, prove)
                start = await entering.start_of(api, room, entry, since)
                connection = entering.admit(api, room, wire, "websocket", entry, start)
            if connection.catch_up is not None:
                await connection.catch_up
            return Tab(actor, wire, room, connection, replica)

        return self.stage.do(come_in())

    def leave(self, tab: Tab) -> None:
        async def go() -> None:
            self.stage.place.api.hub.leave(tab.room, tab.connection)

        self.stage.do(go())

    def snapshot(self, actor: Actor) -> Snapshot | None:
        try:
            return self.read(lambda tx: take_snapshot(tx, actor, self.session_id, 1_000))
        except CosessionError:
            return None

    def check(self) -> None:
        entries = [
            orjson.loads(stored.frame) for stored in self.read(lambda tx: log.read_after(tx, self.session_id, 0))
        ]
        assert [entry["seq"] for entry in entries] == list(range(1, len(entries) + 1))
        self.read(lambda tx: check_tables(tx, self.session_id, entries))
        for tab in self.tabs:
            tab.read()
            fresh = self.snapshot(tab.actor)
            if tab.wire.closed is not None:
                self.check_cut_off(tab, entries)
            else:
                assert fresh is not None, "somebody who was removed is still connected"
                assert comparable(tab.replica) == comparable(Replica.of(fresh))
            self.leave(tab)

    def check_cut_off(self, tab: Tab, entries: list[Any]) -> None:
        removals = [
            entry["seq"]
            for entry in entries
            if entry["type"] == "participant_removed" and entry["user_id"] == tab.actor.user_id
        ]
        assert tab.replica.seq in removals, "the last that somebody hears is that they were removed"


def _is_host(tx: Transaction, actor: Actor, session_id: str) -> bool:
    try:
        return session_for(tx, actor, session_id, "manage", lock=False).role == "host"
    except CosessionError:
        return False


def comparable(replica: Replica) -> dict[str, Any]:
    """Without what depends on who asks or on the time of day."""
    session = replica.session.model_dump(exclude={"role", "unread_count", "mention_count", "health_score"})
    return {
        "seq": replica.seq,
        "session": session,
        "participants": {k: v.model_dump() for k, v in replica.participants.items()},
        "messages": {k: v.model_dump() for k, v in replica.messages.items()},
        "threads": {k: v.model_dump() for k, v in replica.threads.items()},
        "files": {k: v.model_dump() for k, v in replica.files.items()},
    }


@st.composite
def steps(draw: st.DrawFn) -> list[tuple[str, dict[str, Any]]]:
    """Some seventy things that happen; chat and comments more often than the rest."""
    kinds = draw(st.lists(st.sampled_from(KINDS), min_size=50, max_size=90))
    return [(kind, {name: draw(strategy) for name, strategy in STEPS[kind].items()}) for kind in kinds]


@pytest.mark.timeout(300)
def test_log_tables_and_clients_agree_after_any_interleaving_by_any_roles(stage: Stage) -> None:
    @given(steps())
    @settings(
        max_examples=40,
        derandomize=True,
        database=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
    )
    def holds(happening: list[tuple[str, dict[str, Any]]]) -> None:
        interleaving = Interleaving(stage)
        for kind, details in happening:
            getattr(interleaving, kind)(**details)
        interleaving.check()

    holds()
