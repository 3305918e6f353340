"""What a crowd that comes back costs the database, as after a restart: they arrive together and are asked together."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import Engine, event

from core.hot import Hot
from tests.stories.conftest import Cast

#: Most statements for each who comes back.
MOST = 3
CROWD = 18
#: What begins and ends a transaction, and who reads for themselves meanwhile.
NOT_THEIRS = ("BEGIN", "SAVEPOINT", "RELEASE", "push_messages", "outgoing_mails", "notification_deliveries", "search_")


@contextmanager
def statements(monkeypatch: pytest.MonkeyPatch) -> Generator[list[str]]:
    """Every statement that a database is given, by SQLAlchemy or past it."""
    given: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if not any(words in statement for words in NOT_THEIRS):
            given.append(statement)

    def counted(ask: Callable[..., Any]) -> Callable[..., Any]:
        def past(*values: Any) -> Any:
            given.append("past SQLAlchemy")
            return ask(*values)

        return past

    monkeypatch.setattr(Hot, "rows", counted(Hot.rows))
    monkeypatch.setattr(Hot, "run", counted(Hot.run))
    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield given
    finally:
        event.remove(Engine, "before_cursor_execute", note)


@pytest.mark.parametrize("missed", [0, 10])
async def test_a_crowd_that_comes_back_costs_at_most_three_statements_each(
    missed: int, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    bob = await cast.bob.open(cast.session_id)
    since = last = (await bob.say("I was here"))["seq"]
    for number in range(missed):
        last = (await bob.say(f"{number}"))["seq"]
    people = [cast.alice, cast.bob, cast.carol] * (CROWD // 3)
    tickets = [await who.ticket(cast.session_id) for who in people]
    with statements(monkeypatch) as given:
        clients = await asyncio.gather(
            *(cast.house.connect(cast.session_id, token=ticket, since=since) for ticket in tickets)
        )
        for client in clients:
            await client.until(lambda frame: frame["type"] == "connected")
            await client.until(lambda frame: frame.get("seq") == last) if missed else None
    assert 0 < len(given) <= MOST * CROWD, given
