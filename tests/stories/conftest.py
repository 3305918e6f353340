"""Fixtures of the stories: the house, and the cast."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.stories.house import House, Someone, open_house
from tests.stories.lines import Transport
from tests.stories.processes import Opener, processes_on


@pytest.fixture
def transport() -> Transport:
    """What the tabs of a story are opened with. Modules whose stories hold over both override this."""
    return "websocket"


@pytest.fixture
async def house(database_url: str, tmp_path: Path, transport: Transport) -> AsyncGenerator[House]:
    """The running product; after the story, the log must equal the tables and what every client was shown."""
    async with open_house(database_url, tmp_path / "data") as opened:
        opened.transport = transport
        yield opened
        await opened.check()


@dataclass
class Cast:
    """Alice hosts, Bob edits, Carol watches, Mallory was removed yesterday."""

    house: House
    session_id: str
    alice: Someone
    bob: Someone
    carol: Someone
    mallory: Someone


@pytest.fixture
async def cast(house: House) -> Cast:
    alice, bob, carol, mallory = [await house.someone(name) for name in ("Alice", "Bob", "Carol", "Mallory")]
    session_id = await alice.start()
    for guest, role in ((bob, "editor"), (carol, "viewer"), (mallory, "editor")):
        answer = await guest.accept(await alice.invite(session_id, role))
        assert answer.status_code == 200, answer.text
    removed = await alice.call("DELETE", f"/api/sessions/{session_id}/participants/{mallory.id}")
    assert removed.status_code == 204
    return Cast(house, session_id, alice, bob, carol, mallory)


@pytest.fixture
async def open_cluster(postgres_url: str, tmp_path: Path) -> AsyncGenerator[Opener]:
    """Opens several processes on one Postgres."""
    async with processes_on(postgres_url, tmp_path) as opener:
        yield opener
