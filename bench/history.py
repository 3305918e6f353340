"""Does a long history cost those who join? Sessions of a thousand and of a million entries, entered in turn.

    .venv/bin/python -m bench.history [--long 1000000] [--rounds 3]

A session lies in a database of its own, beside it nothing else. Its entries are chat messages that somebody has said
over the years, written straight into the tables: saying a million would take minutes. What is measured in the server's
process is the CPU of `JOINS` connections from the upgrade to the first frame, and of as many pages of history.
"""

from __future__ import annotations

import argparse
import sqlite3
import statistics
import tempfile
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import httpx2

from bench.load import Job, Load, cpu_of, percentile
from bench.servers import Cosession, cosession

PEOPLE, TICKETS = 50, 4
JOINS = PEOPLE * TICKETS
SHORT = 1_000

_FRAME = """json_object('type', 'chat_message', 'seq', n, 'at', :at, 'actor_id', :user, 'message', json_object(
    'id', 'msg_' || printf('%026d', n), 'user_id', :user, 'username', 'User 0', 'content', 'Remark number ' || n,
    'mentions', json_array(), 'mentions_here', json('false'), 'parent_id', NULL, 'code_ref', NULL, 'source', 'web',
    'session_only', json('false'), 'timestamp', :at))"""
_NUMBERS = "WITH RECURSIVE numbers(n) AS (SELECT :first UNION ALL SELECT n + 1 FROM numbers WHERE n < :last)"
_FILL = (
    f"""{_NUMBERS} INSERT INTO events (session_id, seq, type, version, actor_id, "key", at, frame)
    SELECT :session, n, 'chat_message', 1, :user, 'old-' || n, :moment, {_FRAME} FROM numbers""",
    f"""{_NUMBERS} INSERT INTO messages (id, session_id, seq, user_id, content, source, session_only, mentions,
        mentions_here, updated_seq, created_at)
    SELECT 'msg_' || printf('%026d', n), :session, n, :user, 'Remark number ' || n, 'web', 0, '[]', 0, n, :moment
    FROM numbers""",
    "UPDATE sessions SET head = :last, message_count = :last WHERE id = :session",
    "INSERT OR REPLACE INTO search_places (session_id, seq) VALUES (:session, :last)",
)


@dataclass(frozen=True)
class Figures:
    """CPU of the server's process in milliseconds a join and a page; the median wait for a first frame."""

    join_cpu: float
    first_frame: float
    page_cpu: float


def fill(folder: Path, session_id: str, entries: int) -> None:
    """Gives a session a past, while no server runs."""
    with closing(sqlite3.connect(folder / "cosession.db")) as database, database:
        (head, user) = database.execute("SELECT head, host_id FROM sessions WHERE id = ?", [session_id]).fetchone()
        values = {"session": session_id, "user": user, "first": head + 1, "last": entries}
        values |= {"at": "2026-01-01T00:00:00.000Z", "moment": "2026-01-01 00:00:00.000000"}
        for statement in _FILL:
            database.execute(statement, values)


def measure(entries: int, rounds: int) -> list[Figures]:
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        with cosession(folder, is_unlimited=True) as server:
            people = [server.add_user(number) for number in range(PEOPLE)]
            session_id = server.session_with(people)
        fill(folder, session_id, entries)
        with cosession(folder, is_unlimited=True) as server:
            _join(server, session_id, people)
            return [_once(server, session_id, people) for _ in range(rounds)]


def be_quiet(server: Cosession, seconds: float = 120.0) -> None:
    """Returns when the server has nothing to do: its readers of the log have read what was put there."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        before = cpu_of(server.pid)
        time.sleep(1.0)
        if cpu_of(server.pid) - before <= 0.05:
            return
    raise TimeoutError("the server did not come to rest")


def _join(server: Cosession, session_id: str, people: list[dict[str, str]]) -> tuple[float, list[float]]:
    paths = [
        f"/ws/session/{session_id}?token={server.ticket(session_id, person)}"
        for _ in range(TICKETS)
        for person in people
    ]
    be_quiet(server)
    load = Load(Job(server.port, server.pid, paths))
    before = cpu_of(server.pid)
    load.connect(paths)
    spent = cpu_of(server.pid) - before
    load.close()
    return spent, load.result.first_frame


def _once(server: Cosession, session_id: str, people: list[dict[str, str]]) -> Figures:
    spent, waits = _join(server, session_id, people)
    be_quiet(server)
    address = f"http://127.0.0.1:{server.port}/api/sessions/{session_id}/messages?limit=50"
    with httpx2.Client(headers=people[0], timeout=30.0) as client:
        before = cpu_of(server.pid)
        for _ in range(JOINS):
            client.get(address).raise_for_status()
        page = cpu_of(server.pid) - before
    return Figures(spent / JOINS * 1e3, percentile(waits, 0.5), page / JOINS * 1e3)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--long", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    print("| entries | CPU ms a join | first frame p50 ms | CPU ms a page of history |\n|---|---|---|---|")
    found: dict[int, Figures] = {}
    for entries in (SHORT, options.long):
        rounds = measure(entries, options.rounds)
        found[entries] = Figures(
            *(statistics.median(getattr(one, name) for one in rounds) for name in Figures.__dataclass_fields__)
        )
        one = found[entries]
        print(f"| {entries:,} | {one.join_cpu:.2f} | {one.first_frame:.1f} | {one.page_cpu:.2f} |", flush=True)
    short, long = found[SHORT], found[options.long]
    print(f"\njoining: {long.join_cpu / short.join_cpu:.2f}; a page: {long.page_cpu / short.page_cpu:.2f}")


if __name__ == "__main__":
    main()
