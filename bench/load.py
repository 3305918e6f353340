"""The load: many WebSocket clients in one process, counted at C speed so that the server is what is measured.

    echo '{"port": 1, "pid": 2, "paths": ["/ws/session/a"], "window": 32, "seconds": 3}' | python -m bench.load

Raw non-blocking sockets over epoll, an own handshake and masked frames. Every member's deliveries are counted by a
marker in their bytes; the streams of the first and last member of each room are kept, parsed whole after the run, and
compared: nothing lost, nothing doubled, one order. Reads a job on standard input, writes a `Result` to standard output.
"""

from __future__ import annotations

import base64
import json
import os
import resource
import select
import socket
import sys
import time
from collections.abc import Generator
from dataclasses import asdict, dataclass, field
from pathlib import Path

MARK = b"~b"
#: Marker, nanoseconds (19 digits), number (9 digits): what a message's text begins with.
STAMP = len(MARK) + 19
PADDING = "x" * 40
QUIET = 0.3
#: How long nothing may arrive before what is missing counts as lost, seconds.
PATIENCE = 5.0
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass
class Job:
    """What to do. `window` messages outstanding, or else `rate` messages a second; neither: connect only."""

    port: int
    pid: int
    paths: list[str]
    #: The first so many connections are made and closed before anything is measured.
    warm_up: int = 0
    window: int = 0
    rate: float = 0.0
    seconds: float = 3.0
    #: Members of one room stand together in `paths`.
    room_size: int = 0
    #: Whether the server speaks Socket.IO: its packets stand around the same messages.
    is_socketio: bool = False


@dataclass
class Result:
    """Times in milliseconds, CPU in seconds of the server's process, memory in KiB of its resident set."""

    connections: int = 0
    connect_cpu: float = 0.0
    first_frame: list[float] = field(default_factory=list[float])
    kib_per_connection: float = 0.0
    messages: int = 0
    deliveries: int = 0
    expected: int = 0
    cpu: float = 0.0
    seconds: float = 0.0
    p50: float = 0.0
    p99: float = 0.0
    load_cpu_share: float = 0.0
    faults: list[str] = field(default_factory=list[str])


def cpu_of(pid: int) -> float:
    """User and system seconds of a process with its threads."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def rss_of(pid: int) -> int:
    """KiB."""
    line = next(line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1])


def percentile(values: list[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else 0.0


def masked(payload: bytes) -> bytes:
    """A text frame with the mask 0, which leaves the payload as it is."""
    size = len(payload)
    head = bytes([0x81, 0x80 | size]) if size < 126 else bytes([0x81, 0x80 | 126]) + size.to_bytes(2, "big")
    return head + b"\0\0\0\0" + payload


def frames_in(stream: bytes) -> Generator[bytes]:
    """The payloads of the text frames in what a server sent. Servers that fragment are not supported."""
    at = 0
    while at + 2 <= len(stream):
        opcode, size, head = stream[at] & 15, stream[at + 1], 2
        if size == 126:
            size, head = int.from_bytes(stream[at + 2 : at + 4], "big"), 4
        elif size == 127:
            size, head = int.from_bytes(stream[at + 2 : at + 10], "big"), 10
        if at + head + size > len(stream):
            return
        if opcode == 1:
            yield stream[at + head : at + head + size]
        at += head + size


class Member:
    """One connection."""

    __slots__ = ("born", "is_joining", "kept", "sock", "tail")

    def __init__(self, port: int, path: str, *, is_socketio: bool = False) -> None:
        #: A Socket.IO server opens with a packet 0, waits for the client's packet 40, and answers it.
        self.is_joining = is_socketio
        self.born = time.perf_counter()
        self.sock = socket.create_connection(("127.0.0.1", port))
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.tail = b""
        self.kept: list[bytes] | None = None
        key = base64.b64encode(os.urandom(16)).decode()
        self.sock.sendall(
            f"GET {path} HTTP/1.1\r\nHost: localhost:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
        )
        self.sock.setblocking(False)

    def has_first_frame(self, data: bytes) -> bool:
        """Raises ConnectionError when the server did not upgrade, or refused in its first frame."""
        self.tail += data
        head, found, rest = self.tail.partition(b"\r\n\r\n")
        if found and b" 101 " not in head.split(b"\r\n", 1)[0] + b" ":
            raise ConnectionError(self.tail[:200].decode(errors="replace"))
        if found and self.is_joining:
            if not (opened := next(frames_in(rest), b"")):
                return False
            if not opened.startswith(b"0{"):
                raise ConnectionError(opened[:200].decode(errors="replace"))
            self.is_joining = False
            self.sock.send(masked(b"40"))
        packets = (
            (packet for packet in frames_in(rest) if not packet.startswith((b"0{", b"40{"))) if found else iter(())
        )
        first = next(packets, b"")
        if first and b'"connected"' not in first:
            raise ConnectionError(first[:200].decode(errors="replace"))
        return bool(first)


class Load:
    """All the members."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self.result = Result()
        self.members: dict[int, Member] = {}
        self.order: list[Member] = []
        self.delays: list[int] = []
        self.deliveries = 0
        self._epoll = select.epoll()

    def connect(self, paths: list[str], at_once: int = 32) -> None:
        waiting = iter(paths)
        opening: set[int] = set()
        done = 0
        deadline = time.monotonic() + 60
        while done < len(paths):
            while len(opening) < at_once and (path := next(waiting, None)) is not None:
                member = Member(self.job.port, path, is_socketio=self.job.is_socketio)
                number = member.sock.fileno()
                self.members[number] = member
                self.order.append(member)
                opening.add(number)
                self._epoll.register(number, select.EPOLLIN)
            if time.monotonic() > deadline:
                raise TimeoutError(f"{done} of {len(paths)} connected")
            for number, _ in self._epoll.poll(1.0):
                member = self.members[number]
                data = member.sock.recv(1 << 18)
                if not data:
                    raise ConnectionError(f"closed: {member.tail[:200]!r}")
                if number in opening and member.has_first_frame(data):
                    self.result.first_frame.append((time.perf_counter() - member.born) * 1_000)
                    opening.discard(number)
                    done += 1

    def settle(self) -> None:
        """Reads until nothing has come for a moment; from here on streams are counted."""
        while ready := self._epoll.poll(QUIET):
            for number, _ in ready:
                member = self.members[number]
                data = member.sock.recv(1 << 18)
                if not data:
                    raise ConnectionError("the server closed a connection")
        for member in self.order:
            member.tail = b""
        size = self.job.room_size or len(self.order)
        for first in range(0, len(self.order), size):
            for member in (self.order[first], self.order[min(first + size, len(self.order)) - 1]):
                member.kept = []

    def close(self) -> None:
        for member in self.order:
            self._epoll.unregister(member.sock.fileno())
            member.sock.close()
        self.members.clear()
        self.order.clear()

    def read(self, timeout: float) -> bool:
        """Takes what has arrived; False when nothing has."""
        ready = self._epoll.poll(timeout)
        now = time.perf_counter_ns()
        for number, _ in ready:
            member = self.members[number]
            try:
                data = member.sock.recv(1 << 18)
            except BlockingIOError:
                continue
            if not data:
                raise ConnectionError("the server closed a connection")
            if member.kept is not None:
                member.kept.append(data)
            data = member.tail + data
            if count := data.count(MARK):
                self.deliveries += count
                at = data.find(MARK)
                if len(data) >= at + STAMP:
                    self.delays.append(now - int(data[at + 2 : at + STAMP]))
                rest = data[data.rfind(MARK) + 2 :]
            else:
                rest = data
            member.tail = rest[-1:] if rest.endswith(MARK[:1]) else b""
        return bool(ready)

    def send(self, number: int) -> None:
        """Each message from another member; members of one room stand together, so rooms take turns too."""
        size = self.job.room_size or len(self.order)
        rooms = len(self.order) // size
        member = self.order[(number % rooms) * size + (number // rooms) % size]
        text = f"~b{time.perf_counter_ns():019d}{number:09d}{PADDING}"
        message = f'{{"type":"chat_message","client_msg_id":"m{number}","content":"{text}"}}'
        member.sock.send(masked((f'42["chat_message",{message}]' if self.job.is_socketio else message).encode()))

    def run(self) -> None:
        job = self.job
        size = job.room_size or len(self.order)
        sent = 0
        own, cpu, began = _own_cpu(), cpu_of(job.pid), time.perf_counter()
        last = began
        while True:
            now = time.perf_counter()
            is_sending = now - began < job.seconds
            if is_sending and job.window:
                while sent - self.deliveries // size < job.window:
                    self.send(sent)
                    sent += 1
            elif is_sending:
                while sent < (now - began) * job.rate:
                    self.send(sent)
                    sent += 1
            elif self.deliveries >= sent * size or now - last > PATIENCE:
                break
            wait = 0.2 if job.window or not is_sending else max(0.0, began + sent / job.rate - time.perf_counter())
            if self.read(wait):
                last = time.perf_counter()
            elif is_sending and job.window and now - last > PATIENCE:
                break
        elapsed = last - began
        self.result.cpu = cpu_of(job.pid) - cpu
        self.result.load_cpu_share = (_own_cpu() - own) / elapsed
        self.result.seconds = elapsed
        self.result.messages, self.result.deliveries, self.result.expected = sent, self.deliveries, sent * size
        self.result.p50 = percentile([delay / 1e6 for delay in self.delays], 0.5)
        self.result.p99 = percentile([delay / 1e6 for delay in self.delays], 0.99)
        self.check(sent, size)

    def check(self, sent: int, size: int) -> None:
        """Holds the kept streams against what was sent, and against each other."""
        faults = self.result.faults
        if self.deliveries != sent * size:
            faults.append(f"{sent * size} deliveries expected, {self.deliveries} counted")
        rooms = len(self.order) // size
        for room in range(rooms):
            pair = (self.order[room * size], self.order[(room + 1) * size - 1])
            first, last = ([n for n in map(_number, frames_in(b"".join(m.kept or []))) if n is not None] for m in pair)
            if first != last:
                faults.append(f"room {room}: two members saw different orders")
            if sorted(first) != list(range(room, sent, rooms)):
                faults.append(f"room {room}: {len(first)} messages, {len(set(first))} different")


def _number(payload: bytes) -> int | None:
    """The number in a message; None for any other frame. Raises ValueError for what is not whole."""
    if MARK not in payload:
        return None
    json.loads(payload.removeprefix(b"42"))
    at = payload.index(MARK) + STAMP
    return int(payload[at : at + 9])


def _own_cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def work(job: Job) -> Result:
    load = Load(job)
    if job.warm_up:
        load.connect(job.paths[: job.warm_up])
        load.settle()
        load.close()
        time.sleep(QUIET)
    load.result = Result()
    paths = job.paths[job.warm_up :]
    memory, cpu = rss_of(job.pid), cpu_of(job.pid)
    load.connect(paths)
    load.result.connect_cpu = cpu_of(job.pid) - cpu
    load.settle()
    load.result.connections = len(paths)
    load.result.kib_per_connection = (rss_of(job.pid) - memory) / len(paths)
    if job.window or job.rate:
        load.run()
    load.close()
    return load.result


if __name__ == "__main__":
    json.dump(asdict(work(Job(**json.load(sys.stdin)))), sys.stdout)
