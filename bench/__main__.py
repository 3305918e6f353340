"""Us beside peers, in the same run: `python -m bench [CASE…] [--rounds 3] [--seconds 3] [--peers fastapi,node-ws]`.

Every round starts each server anew, one after another, so that what else the machine does falls on all of them alike.
The table holds the medians; the figure to trust is deliveries per CPU-second of the server. See docs/performance.md.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

from bench.cases import CASES, Case
from bench.load import Job, Result
from bench.peers.start import OUT, PEERS, SOCKETIO, STORED, NotHere, peer
from bench.servers import Cosession, cosession
from bench.table import markdown

OURS = "cosession"


def paths_on(server: Cosession, case: Case) -> list[str]:
    """Addresses with tickets of a person each: a room's stand together, those for warming up first."""
    size = case.room_size or case.members
    paths: list[str] = []
    for first in range(0, case.members + case.warm_up, size):
        people = [server.add_user(first + number) for number in range(size)]
        room = server.session_with(people)
        paths += [f"/ws/session/{room}?token={server.ticket(room, person)}" for person in people]
    return paths


def peer_paths(case: Case, *, is_socketio: bool) -> list[str]:
    size = case.room_size or case.members
    path = "/socket.io/?EIO=4&transport=websocket&room=" if is_socketio else "/ws/session/room"
    return [f"{path}{number // size}" for number in range(case.members + case.warm_up)]


def load(case: Case, port: int, pid: int, paths: list[str], seconds: float, *, is_socketio: bool = False) -> Result:
    """Runs the load in a process of its own. Raises RuntimeError with what it said when it fails."""
    job = Job(port, pid, paths, case.warm_up, case.window, case.rate, seconds, case.room_size, is_socketio)
    done = subprocess.run(
        [sys.executable, "-m", "bench.load"],
        check=False,
        input=json.dumps(asdict(job)),
        capture_output=True,
        text=True,
        timeout=180,
    )
    if done.returncode:
        raise RuntimeError(f"{case.name}: {done.stderr[-800:]}")
    return Result(**json.loads(done.stdout))


def once(name: str, case: Case, seconds: float) -> Result:
    """Raises NotHere."""
    with tempfile.TemporaryDirectory(dir=OUT) as folder:
        if name == OURS:
            with cosession(Path(folder), is_unlimited=True) as server:
                return load(case, server.port, server.pid, paths_on(server, case), seconds)
        with peer(name, Path(folder)) as (port, pid):
            is_socketio = name in SOCKETIO
            paths = peer_paths(case, is_socketio=is_socketio)
            return load(case, port, pid, paths, seconds, is_socketio=is_socketio)


def measure(case: Case, names: list[str], rounds: int, seconds: float) -> dict[str, list[Result]]:
    found: dict[str, list[Result]] = {}
    missing: set[str] = set()
    for number in range(rounds):
        for name in names:
            if name in missing or (name != OURS and (name in STORED) != case.is_stored):
                continue
            try:
                result = once(name, case, seconds)
            except NotHere as error:
                print(f"{name}: left out, {error}", file=sys.stderr)
                missing.add(name)
                continue
            found.setdefault(name, []).append(result)
            print(f"{case.name} {number + 1}/{rounds} {name}: {'; '.join(result.faults) or 'ok'}", file=sys.stderr)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cases", nargs="*", metavar="CASE", help=", ".join(CASES))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--peers", default=",".join(PEERS))
    options = parser.parse_args()
    names = [OURS, *filter(None, options.peers.split(","))]
    if unknown := [*(set(options.cases) - set(CASES)), *(set(names) - set(PEERS) - {OURS})]:
        parser.error(f"unknown: {', '.join(unknown)}")
    OUT.mkdir(exist_ok=True)
    has_faults = False
    for case in [CASES[name] for name in options.cases or CASES]:
        found = measure(case, names, options.rounds, options.seconds)
        (OUT / f"{case.name}.json").write_text(
            json.dumps({name: [asdict(result) for result in results] for name, results in found.items()}, indent=1)
        )
        table = markdown(case, found, {OURS: "Cosession (stored, FULL)", **PEERS})
        (OUT / f"{case.name}.md").write_text(table)
        print(table, flush=True)
        has_faults = has_faults or any(result.faults for result in found.get(OURS, []))
    if has_faults:
        raise SystemExit("a message of ours was lost, doubled or out of order: see above")


if __name__ == "__main__":
    main()
