"""Ten thousand sockets of strangers who say nothing: what those notice who are inside, and what stays of it.

    .venv/bin/python -m bench.strangers [--strangers 10000] [--seconds 12]

A room of 20 people talks, 20 messages a second, three times for so many seconds: before, while strangers open sockets
without a ticket as fast as they can and say nothing, and afterwards. The strangers are another process.
"""

from __future__ import annotations

import argparse
import resource
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path

from bench.__main__ import load
from bench.cases import Case
from bench.load import Result, rss_of
from bench.servers import cosession

ROOM = Case("room", "20 people, 20 messages a second", 20, rate=20)
#: Seconds without a ticket after which a socket is sent away, and some more.
HELLO = 5.0 + 3.0
#: Seconds by which the strangers come later than the people: while they wait to be sent away, nobody else comes in.
LATER = 2.0


def be_strangers(port: int, count: int, seconds: float) -> None:
    """Opens sockets, and holds each until the server ends it; prints what became of them."""
    fates: Counter[str] = Counter()
    held: list[socket.socket] = []
    request = (
        f"GET /ws/session/ses_x HTTP/1.1\r\nHost: localhost:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    ).encode()
    time.sleep(LATER)
    ends = time.monotonic() + seconds - LATER
    for _ in range(count):
        if time.monotonic() > ends:
            break
        try:
            stranger = socket.create_connection(("127.0.0.1", port), timeout=1.0)
            stranger.sendall(request)
            held.append(stranger)
        except OSError as error:
            fates[type(error).__name__] += 1
    time.sleep(max(0.0, ends - time.monotonic()))
    for stranger in held:
        with suppress(OSError):
            stranger.settimeout(0.01)
            fates[stranger.recv(12).decode(errors="replace")[9:12] or "closed"] += 1
        stranger.close()
    print(dict(fates))


def more_files() -> None:
    """As many open files as this process may have."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def shown(name: str, result: Result, kib: int) -> None:
    faults = "; ".join(result.faults) or "0"
    print(f"| {name} | {result.p50:.2f} | {result.p99:.2f} | {kib / 1024:.1f} | {faults} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--strangers", type=int, default=10_000)
    parser.add_argument("--seconds", type=float, default=12.0)
    parser.add_argument("--port", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    more_files()
    if options.port:
        be_strangers(options.port, options.strangers, options.seconds)
        return
    with tempfile.TemporaryDirectory() as folder, cosession(Path(folder), is_unlimited=True) as server:
        print("| | p50 ms | p99 ms | server's MiB | faults |\n|---|---|---|---|---|")

        people = [server.add_user(number) for number in range(ROOM.members)]

        def talk(name: str) -> None:
            session_id = server.session_with(people)
            paths = [f"/ws/session/{session_id}?token={server.ticket(session_id, person)}" for person in people]
            result = load(ROOM, server.port, server.pid, paths, options.seconds)
            shown(name, result, rss_of(server.pid))

        talk("before")
        command = [sys.executable, "-m", "bench.strangers", "--port", str(server.port)]
        command += ["--strangers", str(options.strangers), "--seconds", str(options.seconds)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as strangers:
            talk("with strangers")
            fates, _ = strangers.communicate(timeout=options.seconds + 60)
        time.sleep(HELLO)
        talk("afterwards")
        print(f"\nwhat became of the strangers: {fates.strip()}")


if __name__ == "__main__":
    main()
