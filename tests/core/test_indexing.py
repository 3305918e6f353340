"""What is taken into the index, whatever an agent calls its turns, calls and files."""

from __future__ import annotations

import pytest

from core import search, sessions, turns
from core.db import Database
from core.events import AnyAgentEvent, FileChanged, PromptSubmitted, ToolCallStarted
from core.indexing import MAX_REF
from tests.core.conftest import indexed, person

LONG = "x" * 3_000


@pytest.mark.parametrize(
    "event",
    [
        PromptSubmitted(turn_id=LONG, text="find the needle"),
        ToolCallStarted(turn_id="t", call_id=LONG, tool="Bash", title="find the needle"),
        FileChanged(turn_id="t", path=f"needle/{LONG}", change="added", added=1, removed=0),
    ],
    ids=lambda event: event.type,
)
async def test_an_entry_with_a_very_long_id_is_recorded_and_found(db: Database, event: AnyAgentEvent) -> None:
    alice = await person(db, "Alice")
    session = await db.write(lambda tx: sessions.start(tx, alice, "Anything"))
    (seq,) = await db.write(lambda tx: turns.record(tx, alice, session.id, [turns.Reported("k", event)]))
    await indexed(db)
    page = await db.read(lambda tx: search.in_session(tx, alice, session.id, "needle", before=None, limit=10))
    assert [hit.seq for hit in page.hits] == [seq]
    assert len(page.hits[0].ref_id or "") == MAX_REF
