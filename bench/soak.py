"""An hour in the life of a server: does its memory grow, does it answer as fast at the end as in the beginning?

    .venv/bin/python -m bench.soak [--minutes 60] [--people 50] [--rate 2.0] [--cursors 4.0] [--json FILE]

A real server in a process of its own; the people are in this one, so its cost is counted apart. `--rate` is what they
say, edit and react together, and `--cursors` how often a cursor moves, each a second. Once a minute the server's
resident memory, open files, threads, processor time and queues are read from the system and from `/metrics`, and how
long things took in that minute. At the end everybody must hold a gapless piece of the log.

"Flat" is a claim with bounds, and leaves out the first fifth of the run, in which everything warms up: resident memory
grows by less than `--growth` MiB an hour on a straight line fitted to it, files and threads end at most 10 above where
they began, and the p99 of the last quarter is at most twice that of the first, or 20 ms more. Otherwise it leaves with
code 1.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx2

from api.tokens import Tokens
from bench.crowd import Heard, Someone, feed
from bench.servers import Cosession, cosession
from core.clock import system_clock
from cosession import settings as configuration

#: Of the run, at its beginning: caches fill, everybody comes for the first time.
WARM_UP = 0.2
FILES_MORE = 10
MILLISECONDS_MORE = 20.0


@dataclass
class Minute:
    """What was measured at the end of one."""

    minute: float
    rss_mib: float
    files: int
    threads: int
    cpu_share: float
    client_cpu_share: float
    queued_bytes: float
    connections: float
    delivery_p50_ms: float
    delivery_p99_ms: float
    ack_p50_ms: float
    ack_p99_ms: float
    deliveries: int
    refused: int
    arrivals: int
    agent_events: int
    database_mib: float


class Probe:
    """Reads what the system knows of one process (proc_pid_stat(5))."""

    def __init__(self, pid: int) -> None:
        self._proc = Path(f"/proc/{pid}")
        self._ticks = os.sysconf("SC_CLK_TCK")
        self._last = self._cpu(), time.monotonic()

    def rss_mib(self) -> float:
        return self._status("VmRSS") / 1024

    def threads(self) -> int:
        return self._status("Threads")

    def files(self) -> int:
        return len(list((self._proc / "fd").iterdir()))

    def cpu_share(self) -> float:
        """Of one core, since it was asked last."""
        (before, then), self._last = self._last, (self._cpu(), time.monotonic())
        return (self._last[0] - before) / (self._last[1] - then)

    def _cpu(self) -> float:
        fields = (self._proc / "stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / self._ticks

    def _status(self, name: str) -> int:
        for line in (self._proc / "status").read_text().splitlines():
            if line.startswith(f"{name}:"):
                return int(line.split()[1])
        raise LookupError(name)


def percentile(values: Sequence[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else 0.0


def slope(points: Sequence[tuple[float, float]]) -> float:
    """Of the straight line with the least squares, in y for each x."""
    if len(points) < 2:
        return 0.0
    return statistics.linear_regression([x for x, _ in points], [y for _, y in points]).slope


async def every(seconds: Callable[[], float], act: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """`act`, again and again, at random moments; not waiting for the last one to be done."""
    async with asyncio.TaskGroup() as group:
        while True:
            await asyncio.sleep(seconds())
            group.create_task(act())


async def come_and_go(people: list[Someone], dice: random.Random) -> None:
    """Somebody leaves, is away for a while, and comes back; a fifth of them is away at most."""
    someone = dice.choice(people)
    if someone.is_here and sum(not other.is_here for other in people) < len(people) / 5:
        await someone.go()
        await asyncio.sleep(dice.uniform(1, 30))
        await someone.come()


async def gauge(http: httpx2.AsyncClient, name: str) -> float:
    """The sum of a gauge's values in `/metrics`."""
    text = (await http.get("/metrics")).text
    return sum(float(line.rsplit(" ", 1)[1]) for line in text.splitlines() if line.startswith(name))


def sizes(folder: Path) -> float:
    """MiB of the database and of what belongs to it."""
    return sum(file.stat().st_size for file in folder.glob("cosession.db*")) / 2**20


async def sample(
    started: float, server: Probe, client: Probe, http: httpx2.AsyncClient, heard: Heard, data: Path
) -> Minute:
    taken = heard.take()
    return Minute(
        minute=round((time.monotonic() - started) / 60, 2),
        rss_mib=round(server.rss_mib(), 2),
        files=server.files(),
        threads=server.threads(),
        cpu_share=round(server.cpu_share(), 4),
        client_cpu_share=round(client.cpu_share(), 4),
        queued_bytes=await gauge(http, "cosession_queued_bytes"),
        connections=await gauge(http, "cosession_connections"),
        delivery_p50_ms=round(percentile(taken.delays, 0.5), 2),
        delivery_p99_ms=round(percentile(taken.delays, 0.99), 2),
        ack_p50_ms=round(percentile(taken.acks, 0.5), 2),
        ack_p99_ms=round(percentile(taken.acks, 0.99), 2),
        deliveries=len(taken.delays),
        refused=taken.refused,
        arrivals=taken.arrivals,
        agent_events=taken.agent_events,
        database_mib=round(sizes(data), 2),
    )


async def live(options: argparse.Namespace, server: Cosession, data: Path) -> tuple[list[Minute], list[str]]:
    """The run itself: a measurement for each minute, and what was wrong with what people hold at the end."""
    dice = random.Random(options.seed)
    tokens = Tokens(configuration.load(_env_file=None, COSESSION_DATA_DIR=data).jwt_key(), system_clock)
    accounts = [server.add_user(number) for number in range(options.people)]
    session_id = server.session_with(accounts)
    url, heard = f"http://127.0.0.1:{server.port}", Heard()
    ids = [tokens.check("api", account["Authorization"].removeprefix("Bearer ")).user_id for account in accounts]
    people = [
        # Ten minutes: every sign-in runs out a few times, and is renewed on the open socket.
        Someone(url, session_id, lambda who=who: tokens.issue("api", who, 0, timedelta(minutes=10)), heard, dice)
        for who in ids
    ]
    agent = {"Authorization": f"Bearer {tokens.issue('api', ids[0], 0, timedelta(minutes=options.minutes + 60))}"}
    for person in people:
        await person.come()
    async with httpx2.AsyncClient(base_url=url, headers=agent, timeout=30.0) as http:
        minutes = await measured(options, server.pid, data, people, heard, session_id, http)
        wrong = await complaints(people, session_id, http)
    for person in people:
        await person.go()
    return minutes, wrong


async def measured(
    options: argparse.Namespace,
    pid: int,
    data: Path,
    people: list[Someone],
    heard: Heard,
    session_id: str,
    http: httpx2.AsyncClient,
) -> list[Minute]:
    """Lets everybody live for so many minutes. Raises what goes wrong in it."""
    dice, minutes = random.Random(options.seed), list[Minute]()
    server, client, started = Probe(pid), Probe(os.getpid()), time.monotonic()
    async with asyncio.TaskGroup() as group:
        busy = [
            group.create_task(every(lambda: dice.expovariate(options.rate), lambda: dice.choice(people).act())),
            group.create_task(every(lambda: dice.expovariate(options.cursors), lambda: dice.choice(people).move())),
            group.create_task(every(lambda: dice.expovariate(1 / 10), lambda: come_and_go(people, dice))),
            group.create_task(feed(http, session_id, heard, lambda: dice.expovariate(1 / 10))),
        ]
        while time.monotonic() < started + options.minutes * 60:
            await asyncio.sleep(min(60.0, started + options.minutes * 60 - time.monotonic()))
            minutes.append(await sample(started, server, client, http, heard, data))
            print(json.dumps(asdict(minutes[-1])), flush=True)
        for task in busy:
            task.cancel()
    return minutes


async def complaints(people: list[Someone], session_id: str, http: httpx2.AsyncClient) -> list[str]:
    """What people hold at the end that is not a gapless piece of the log up to its end."""
    head = (await http.get(f"/api/sessions/{session_id}")).json()["seq"]
    wrong: list[str] = []
    for number, person in enumerate(people):
        if not person.is_here:
            await person.come()
        try:
            async with asyncio.timeout(20):
                await person.until(head)
        except TimeoutError:
            wrong.append(f"person {number} is at {person.last_seq} of {head}")
        if person.entries != person.last_seq - person.first_seq:
            wrong.append(f"person {number} heard {person.entries} entries from {person.first_seq} to {person.last_seq}")
    return wrong


@dataclass
class Verdict:
    """What is claimed of the run, by the bounds in this module's first lines."""

    is_flat: bool
    rss_begin_mib: float
    rss_end_mib: float
    rss_mib_an_hour: float
    p99_first_quarter_ms: float
    p99_last_quarter_ms: float
    files: tuple[int, int]
    threads: tuple[int, int]
    wrong: list[str]


def verdict(minutes: list[Minute], wrong: list[str], growth: float) -> Verdict:
    warm = minutes[int(len(minutes) * WARM_UP) :]
    quarter = max(1, len(warm) // 4)
    first = statistics.median(minute.delivery_p99_ms for minute in warm[:quarter])
    last = statistics.median(minute.delivery_p99_ms for minute in warm[-quarter:])
    files, threads = (warm[0].files, warm[-1].files), (warm[0].threads, warm[-1].threads)
    an_hour = slope([(minute.minute / 60, minute.rss_mib) for minute in warm])
    is_flat = (
        not wrong
        and an_hour < growth
        and files[1] <= files[0] + FILES_MORE
        and threads[1] <= threads[0] + FILES_MORE
        and last <= max(2 * first, first + MILLISECONDS_MORE)
    )
    begin, end = warm[0].rss_mib, warm[-1].rss_mib
    return Verdict(is_flat, begin, end, round(an_hour, 2), round(first, 2), round(last, 2), files, threads, wrong)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--people", type=int, default=50)
    parser.add_argument("--rate", type=float, default=2.0)
    parser.add_argument("--cursors", type=float, default=4.0)
    parser.add_argument("--growth", type=float, default=8.0, help="MiB an hour that count as flat")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, cosession(Path(folder)) as server:
        minutes, wrong = asyncio.run(live(options, server, Path(folder)))
    found = verdict(minutes, wrong, options.growth)
    print(json.dumps(asdict(found), indent=2))
    if options.json:
        told = {"verdict": asdict(found), "minutes": [asdict(minute) for minute in minutes]}
        options.json.write_text(json.dumps(told, indent=2))
    raise SystemExit(0 if found.is_flat else 1)


if __name__ == "__main__":
    main()
