"""Fifty people in one session, twenty messages a second: how long from sending until everybody has it.

    .venv/bin/python -m bench.live [--people 50] [--rate 20] [--seconds 15] [--rounds 3] [--json FILE]

Each message is stored by us before anybody sees it; the peer, FastAPI's documented loop, stores nothing. Both are
measured in turn by the same client, in the same run, with the same clock: sender and receivers share a process. The
client's own cost is shown as its share of the processor: it is not the bottleneck as long as it idles.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gc
import json
import resource
import statistics
import tempfile
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path

import websockets

from api.client import Access, LiveSession, LogEntry
from bench.servers import cosession, fastapi_loop


@dataclass
class Figures:
    """One round. Times in milliseconds."""

    server: str
    connect_p50: float
    connect_p99: float
    delivery_p50: float
    delivery_p99: float
    everybody_p99: float
    deliveries: int
    missing: int
    client_cpu: float


@dataclass
class Tally:
    """What the receivers saw: each delivery's delay in nanoseconds, and the last one of each message."""

    delays: list[int] = field(default_factory=list[int])
    last: dict[int, int] = field(default_factory=dict[int, int])
    expected: int = 0
    complete: asyncio.Event = field(default_factory=asyncio.Event)
    sent: dict[int, int] = field(default_factory=dict[int, int])

    def received(self, number: int) -> None:
        delay = time.perf_counter_ns() - self.sent[number]
        self.delays.append(delay)
        self.last[number] = delay
        if len(self.delays) == self.expected:
            self.complete.set()


def percentile(values: list[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else float("nan")


async def receive(socket: websockets.ClientConnection, tally: Tally) -> None:
    marker = '"content":"bench '
    async for frame in socket:
        text = str(frame)
        at = text.find(marker)
        if at >= 0 and '"ack"' not in text[:12]:
            tally.received(int(text[at + len(marker) :].split(" ", 1)[0]))


async def connect(address: str) -> tuple[websockets.ClientConnection, float]:
    """A socket, and the milliseconds until its first frame."""
    started = time.perf_counter()
    socket = await websockets.connect(address, compression=None, max_queue=None)
    await socket.recv()
    return socket, (time.perf_counter() - started) * 1_000


async def wait_for_all(tally: Tally, expected: int) -> None:
    """Returns when everything has arrived, or when nothing did for five seconds."""
    tally.expected = expected
    if len(tally.delays) < expected:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(tally.complete.wait(), 5.0)


async def measure(server: str, addresses: list[str], rate: float, seconds: float) -> Figures:
    connected = [await connect(address) for address in addresses]
    sockets = [socket for socket, _ in connected]
    tally = Tally()
    readers = [asyncio.create_task(receive(socket, tally)) for socket in sockets]
    await asyncio.sleep(0.5)
    gc.collect()
    gc.disable()
    cpu_before, began = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
    total = int(rate * seconds)
    for number in range(total):
        await asyncio.sleep(max(0.0, began + number / rate - time.perf_counter()))
        frame = {"type": "chat_message", "client_msg_id": f"b{number}", "content": f"bench {number} {'x' * 80}"}
        tally.sent[number] = time.perf_counter_ns()
        await sockets[number % len(sockets)].send(json.dumps(frame, separators=(",", ":")))
    await wait_for_all(tally, total * len(sockets))
    cpu_after, ended = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
    gc.enable()
    for socket, reader in zip(sockets, readers, strict=True):
        await socket.close()
        await asyncio.gather(reader, return_exceptions=True)
    delays = [delay / 1e6 for delay in tally.delays]
    return Figures(
        server=server,
        connect_p50=percentile([ms for _, ms in connected], 0.5),
        connect_p99=percentile([ms for _, ms in connected], 0.99),
        delivery_p50=percentile(delays, 0.5),
        delivery_p99=percentile(delays, 0.99),
        everybody_p99=percentile([delay / 1e6 for delay in tally.last.values()], 0.99),
        deliveries=len(delays),
        missing=total * len(sockets) - len(delays),
        client_cpu=(cpu_after.ru_utime + cpu_after.ru_stime - cpu_before.ru_utime - cpu_before.ru_stime)
        / (ended - began),
    )


def ours(people: int, rate: float, seconds: float) -> Figures:
    with tempfile.TemporaryDirectory() as folder, cosession(Path(folder)) as server:
        accounts = [server.add_user(number) for number in range(people)]
        session_id = server.session_with(accounts)
        base = f"ws://127.0.0.1:{server.port}/ws/session/{session_id}?token="
        addresses = [base + server.ticket(session_id, person) for person in accounts]
        figures = asyncio.run(measure("cosession (stored, synchronous=FULL)", addresses, rate, seconds))
        access = Access(f"http://127.0.0.1:{server.port}", accounts[0]["Authorization"].removeprefix("Bearer "))
        asyncio.run(check_stored(access, session_id, int(rate * seconds)))
        return figures


async def check_stored(access: Access, session_id: str, total: int) -> None:
    """Everything that was delivered is in the log: read back from its first entry, as any client would."""
    async with LiveSession(access, session_id, from_start=True) as session, asyncio.timeout(60):
        head = (await session.connected()).seq
        stored = 0
        async for heard in session:
            if isinstance(heard, LogEntry):
                stored += heard.type == "chat_message"
                if heard.seq == head:
                    break
    if stored != total:
        raise SystemExit(f"{total} messages were delivered and {stored} are stored")


def peer(people: int, rate: float, seconds: float) -> Figures:
    with fastapi_loop() as port:
        addresses = [f"ws://127.0.0.1:{port}/ws/session/bench"] * people
        return asyncio.run(measure("FastAPI's documented loop (stores nothing)", addresses, rate, seconds))


def show(rounds: list[Figures]) -> None:
    """The median of each server's rounds, in one table."""
    columns = [name for name in asdict(rounds[0]) if name != "server"]
    print(f"{'':45}" + "".join(f"{name:>15}" for name in columns))
    for server in dict.fromkeys(figures.server for figures in rounds):
        mine = [asdict(figures) for figures in rounds if figures.server == server]
        medians = [statistics.median(figures[name] for figures in mine) for name in columns]
        print(f"{server:45}" + "".join(f"{value:>15.2f}" for value in medians))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--people", type=int, default=50)
    parser.add_argument("--rate", type=float, default=20.0)
    parser.add_argument("--seconds", type=float, default=15.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    rounds: list[Figures] = []
    for _ in range(options.rounds):
        rounds.append(ours(options.people, options.rate, options.seconds))
        rounds.append(peer(options.people, options.rate, options.seconds))
    show(rounds)
    if options.json:
        options.json.write_text(json.dumps([asdict(figures) for figures in rounds], indent=2))


if __name__ == "__main__":
    main()
