"""A snapshot from any moment and every entry since make the snapshot of now: shown for every kind of entry."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncGenerator, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any, get_args

import orjson
import pytest

from api.client.heard import entry as entry_of
from api.client.replica import Replica
from api.frames import Snapshot
from api.routes.snapshot import take_snapshot
from core import accounts, chat, comments, erasing, files, invites, log, mirrors, sessions, turns
from core.access import Actor
from core.db import Transaction
from core.events import (
    AgentFailed,
    AgentMessage,
    AgentThought,
    AnyAgentEvent,
    AnyEvent,
    FileChanged,
    PromptSubmitted,
    TokenTotals,
    ToolCallFinished,
    ToolCallStarted,
    TranscriptEnded,
    TurnFinished,
    TurnStarted,
    UsageUpdated,
)
from tests.api.support import Place, open_place
from tests.properties.test_interleavings import comparable

Step = Callable[[Transaction], Any]


@pytest.fixture
async def place(database_url: str, tmp_path: Path) -> AsyncGenerator[Place]:
    async with open_place(database_url, tmp_path) as opened:
        yield opened


AGENT: list[AnyAgentEvent] = [
    PromptSubmitted(turn_id="t", text="go"),
    TurnStarted(turn_id="t", agent="codex"),
    AgentThought(turn_id="t", text="hm"),
    AgentMessage(turn_id="t", text="done"),
    ToolCallStarted(turn_id="t", call_id="c", tool="Bash", title="ls"),
    ToolCallFinished(turn_id="t", call_id="c", status="failed", exit_code=1),
    FileChanged(turn_id="t", path="a.py", change="modified", added=1, removed=0),
    UsageUpdated(tokens=TokenTotals(total=9, input=5, output=4), context_used=9, context_limit=100),
    AgentFailed(message="overloaded"),
    TurnFinished(turn_id="t", status="completed"),
    TranscriptEnded(agent="codex", records=1),
]


class Story:
    """Every kind of entry at least once; each step is a transaction of its own."""

    def __init__(self, place: Place) -> None:
        self.session_id = place.session_id
        self.host, self.editor = place.host, place.editor
        self.guest: Actor | None = None
        self.secret = ""
        self.message = self.reply = self.comment = self.answer = ""

    def steps(self) -> list[Step]:
        return [
            self.say,
            lambda tx: chat.edit_message(tx, self.host, self.session_id, self.message, "changed @Bob"),
            self.answer_it,
            lambda tx: chat.add_reaction(tx, self.editor, self.session_id, self.message, "👍"),
            lambda tx: chat.add_reaction(tx, self.host, self.session_id, self.message, "👍"),
            lambda tx: chat.remove_reaction(tx, self.editor, self.session_id, self.message, "👍"),
            lambda tx: chat.delete_message(tx, self.host, self.session_id, self.reply),
            *(self.share(*item) for item in FILES),
            self.remark,
            self.answer_remark,
            lambda tx: comments.edit_comment(tx, self.editor, self.session_id, self.comment, "better"),
            lambda tx: comments.resolve(tx, self.host, self.session_id, self.answer),
            lambda tx: comments.reopen(tx, self.host, self.session_id, self.comment),
            lambda tx: comments.delete_comment(tx, self.host, self.session_id, self.answer),
            *(self.report(number, event) for number, event in enumerate(AGENT)),
            lambda tx: sessions.rename(tx, self.host, self.session_id, "Renamed"),
            self.invite,
            self.accept,
            self.revoke,
            self.knock,
            self.decline,
            self.expire,
            self.link,
            lambda tx: mirrors.resume(tx, self.host, self.session_id),
            lambda tx: sessions.change_role(tx, self.host, self.session_id, self.editor.user_id, "viewer"),
            lambda tx: sessions.hand_over(tx, self.host, self.session_id, self.editor.user_id),
            lambda tx: sessions.remove(tx, self.editor, self.session_id, self.guest_id),
            self.erase_the_guest,
            lambda tx: sessions.end(tx, self.editor, self.session_id),
        ]

    @property
    def guest_id(self) -> str:
        assert self.guest is not None
        return self.guest.user_id

    def erase_the_guest(self, tx: Transaction) -> None:
        erasing.begin_erasing(tx, self.guest_id)
        erasing.erase_name(tx, self.guest_id, self.session_id)

    def say(self, tx: Transaction) -> None:
        self.message = chat.post_message(tx, self.host, self.session_id, chat.Draft("hello @here")).message_id

    def answer_it(self, tx: Transaction) -> None:
        draft = chat.Draft("an answer", parent_id=self.message)
        self.reply = chat.post_message(tx, self.editor, self.session_id, draft).message_id

    def share(self, path: str, change: Any, data: bytes | None, old_path: str | None) -> Step:
        def step(tx: Transaction) -> None:
            sha = None
            if data is not None:
                sha = hashlib.sha256(data).hexdigest()
                files.put_blob(tx, self.host, self.session_id, files.checked(sha, data))
            item = files.Item(
                key=f"{path}-{change}-{str(sha)[:8]}",
                path=path,
                change=change,
                old_path=old_path,
                version=sha,
                size=len(data or b""),
            )
            files.share(tx, self.host, self.session_id, [item])

        return step

    def remark(self, tx: Transaction) -> None:
        draft = comments.Draft("why?", file="src/b.py", line=2)
        self.comment = comments.add_comment(tx, self.editor, self.session_id, draft).comment_id

    def answer_remark(self, tx: Transaction) -> None:
        draft = comments.Draft("because", thread_id=self.comment)
        self.answer = comments.add_comment(tx, self.host, self.session_id, draft).comment_id

    def report(self, number: int, event: AnyAgentEvent) -> Step:
        return lambda tx: turns.record(tx, self.host, self.session_id, [turns.Reported(f"a{number}", event)])

    def invite(self, tx: Transaction) -> None:
        self.secret = invites.create(
            tx, self.host, self.session_id, "editor", expires_in=timedelta(days=1), max_uses=2
        ).secret

    def accept(self, tx: Transaction) -> None:
        self.guest = accounts.actor_for(accounts.add_user(tx, None, "Gil"), "web")
        invites.accept(tx, self.guest, self.secret)

    def revoke(self, tx: Transaction) -> None:
        issued = invites.create(tx, self.host, self.session_id, "viewer", expires_in=timedelta(days=1), max_uses=1)
        invites.revoke(tx, self.host, issued.invite.id)

    def knock(self, tx: Transaction) -> None:
        issued = invites.create(tx, self.host, self.session_id, "viewer", needs_approval=True)
        visitor = accounts.actor_for(accounts.add_user(tx, None, "Vic"), "web")
        invites.accept(tx, visitor, issued.secret)
        invites.answer_knock(tx, self.host, self.session_id, visitor.user_id, is_admitted=False)

    def decline(self, tx: Transaction) -> None:
        invitee = accounts.actor_for(accounts.add_user(tx, None, "Ina"), "web")
        to = invites.Recipient(user_id=invitee.user_id)
        issued = invites.create(tx, self.host, self.session_id, "viewer", to=to)
        invites.decline(tx, invitee, issued.invite.id)

    def expire(self, tx: Transaction) -> None:
        invite = invites.create(tx, self.host, self.session_id, "viewer").invite
        invite.expires_at = tx.now
        tx.sql.add(invite)
        assert invites.expire(tx) == 1

    def link(self, tx: Transaction) -> None:
        """A thread is linked, and then it is gone."""
        mirrors.open_mirror(tx, self.session_id, realm="T1", channel="C1", channel_name="general")
        lease = mirrors.take(tx, self.session_id, "this test", 60.0)
        assert lease is not None
        mirrors.opened(tx, lease, "1.1", url="", card_hash="")
        mirrors.pause(tx, lease, "gone")


FILES: list[tuple[str, str, bytes | None, str | None]] = [
    ("a.py", "modified", b"a\nb\n", None),
    ("a.py", "modified", b"a\nb\nc\n", None),
    ("new.py", "added", b"x\n", None),
    ("src/b.py", "renamed", b"a\nb\nc\n", "a.py"),
    ("a.py", "added", b"another file\n", None),
    ("new.py", "deleted", None, None),
    ("a.py", "modified", b"another file\n2\n", None),
]


async def test_a_snapshot_of_any_moment_and_the_entries_since_are_the_snapshot_of_now(place: Place) -> None:
    story, db = Story(place), place.api.db
    snapshots = [await snapshot_of(place)]
    for step in story.steps():
        await db.write(step)
        snapshots.append(await snapshot_of(place))
    stored = await db.read(lambda tx: log.read_after(tx, place.session_id, 0))
    entries = [entry_of(entry.seq, entry.frame) for entry in stored]
    fresh = comparable(Replica.of(snapshots[-1]))
    for snapshot in snapshots:
        replica = Replica.of(snapshot)
        for entry in entries:
            replica.apply(entry)
        assert comparable(replica) == fresh, f"from entry {snapshot.seq}"
    assert {entry.type for entry in entries} == every_kind(), "a kind of entry that this story leaves out"


def every_kind() -> set[str]:
    models = get_args(get_args(AnyEvent)[0])
    return {get_args(model.model_fields["type"].annotation)[0] for model in models}


async def snapshot_of(place: Place) -> Snapshot:
    taken = await place.api.db.read(lambda tx: take_snapshot(tx, place.host, place.session_id, 1_000))
    # As a client gets it.
    return Snapshot.model_validate_json(orjson.dumps(taken.model_dump(mode="json")))
