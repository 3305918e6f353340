"""One process and three, behind nginx, over Redis and Postgres: what it costs that people sit in different processes.

    .venv/bin/python -m bench.cluster [--rounds 3] [--seconds 5]

A room of 50 people, 20 messages a second: the time from sending to hearing. Then rooms of 10 with as much said as gets
through, for throughput. All of it is on this machine's cores: processes can only show what those give them.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from pathlib import Path
from urllib.parse import urlsplit

import httpx2

from api.client import Access
from bench.__main__ import load
from bench.cases import Case
from bench.load import Result
from tests.support.cluster import Cluster, running_cluster

DELIVERY = Case("delivery", "one room of 50, 20 messages a second", 50, rate=20)
#: Below what the product lets people say, so that no limit has to be raised: 100 a minute each.
THROUGHPUT = Case("throughput", "20 rooms of 10, 300 messages a second", 200, rate=300, room_size=10)


def paths(cluster: Cluster, case: Case, name: str) -> list[str]:
    size = case.room_size or case.members
    found: list[str] = []
    for room in range(case.members // size):
        people = [cluster.person(f"{name}{room}x{number}") for number in range(size)]
        session_id = cluster.session_with(people)
        found += [f"/ws/session/{session_id}?token={ticket(cluster, session_id, person)}" for person in people]
    return found


def ticket(cluster: Cluster, session_id: str, person: Access) -> str:
    answer = httpx2.post(
        f"{cluster.url}/api/sessions/{session_id}/tickets",
        json={},
        headers={"Authorization": f"Bearer {person.token}"},
        timeout=20.0,
    )
    answer.raise_for_status()
    return str(answer.json()["ticket"])


def measure(doors: int, case: Case, rounds: int, seconds: float) -> list[Result]:
    with tempfile.TemporaryDirectory() as folder, running_cluster(Path(folder), doors=doors) as cluster:
        port = urlsplit(cluster.url).port
        assert port is not None
        return [
            load(case, port, cluster.pids["door 1"], paths(cluster, case, f"{case.name}{number}"), seconds)
            for number in range(rounds)
        ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=5.0)
    options = parser.parse_args()
    print("| case | processes | messages/s | p50 ms | p99 ms | faults |\n|---|---|---|---|---|---|")
    for case in (DELIVERY, THROUGHPUT):
        for doors in (1, 3):
            found = measure(doors, case, options.rounds, options.seconds)
            said = statistics.median(one.messages / one.seconds for one in found)
            p50, p99 = (statistics.median(getattr(one, name) for one in found) for name in ("p50", "p99"))
            faults = sum(len(one.faults) for one in found)
            print(f"| {case.says} | {doors} | {said:.0f} | {p50:.2f} | {p99:.2f} | {faults} |", flush=True)


if __name__ == "__main__":
    main()
