"""`make cluster`: three processes with doors, one that works, Redis, Postgres and nginx, on loopback.

For trying what a deployment does: kill a process by its pid, and look. Cosession's processes and nginx are started
again a moment after they ended; Redis and Postgres are not. What is stored is thrown away at the end; Ctrl-C ends all.
"""

from __future__ import annotations

import argparse
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.support.ports import free_port  # noqa: E402
from tests.support.postgres import running_postgres  # noqa: E402
from tests.support.processes import stop, wait_until  # noqa: E402
from tests.support.server import OURS  # noqa: E402
from tests.support.valkey import running_valkey  # noqa: E402

COSESSION = Path(sys.executable).with_name("cosession")
NGINX = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
#: Seconds before a program that ended is started again: doubled each time, and short again after a good while.
FIRST_WAIT, LONGEST_WAIT, GOOD_WHILE = 0.5, 15.0, 30.0


@dataclass
class Program:
    """One child that is kept running."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    log: Path
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    wait: float = FIRST_WAIT
    next_try: float = field(default=0.0)

    def start(self) -> None:
        with self.log.open("ab") as output:
            self.process = subprocess.Popen(
                self.command,
                env=dict(self.environment),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=self.log.parent,
                start_new_session=True,
            )
        self.started_at = time.monotonic()

    def look_after(self) -> None:
        """Starts it again where it has ended, after a wait that grows as long as it does not stay up."""
        assert self.process is not None
        now = time.monotonic()
        if self.process.poll() is None:
            if now - self.started_at > GOOD_WHILE:
                self.wait = FIRST_WAIT
            return
        if not self.next_try:
            self.next_try = now + self.wait
            self.wait = min(LONGEST_WAIT, self.wait * 2)
            self._end_children()
            print(f"  {self.name} ended ({self.process.returncode}); it is started again", flush=True)
        elif now >= self.next_try:
            self.next_try = 0.0
            self.start()
            print(f"  {self.name} runs again (pid {self.process.pid})", flush=True)

    def end(self) -> None:
        if self.process is not None:
            stop(self.process, seconds=30.0)
            self._end_children()

    def _end_children(self) -> None:
        """What a program that was killed has left behind, such as the workers of nginx, still holds its port."""
        assert self.process is not None
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)


def environment_of(port: int, common: Mapping[str, str]) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not OURS.search(name)}
    return {**kept, **common, "PORT": str(port), "HOST": "127.0.0.1"}


def nginx_config(folder: Path, listen: int, ports: Sequence[int]) -> Path:
    """The deployment's own configuration, with this machine's names in it."""
    text = (ROOT / "deploy" / "nginx.conf").read_text()
    names = {
        "folder": str(folder),
        "log": str(folder / "nginx.log"),
        "access_log": str(folder / "access.log"),
        "servers": " ".join(f"server 127.0.0.1:{port};" for port in ports),
        "listen": f"127.0.0.1:{listen}",
    }
    for name, value in names.items():
        text = text.replace(f"{{{name}}}", value)
    config = folder / "nginx.conf"
    config.write_text(text)
    return config


def programs(folder: Path, port: int, database_url: str, redis_url: str, doors: int) -> list[Program]:
    ports = [free_port() for _ in range(doors + 1)]
    common = {
        "COSESSION_DATA_DIR": str(folder / "data"),
        "COSESSION_BASE_URL": f"http://localhost:{port}",
        "COSESSION_TRUSTED_PROXIES": "127.0.0.1",
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "JWT_SECRET_KEY": secrets.token_hex(32),
    }
    found = [
        Program(
            f"door {n}", [str(COSESSION), "serve", "--no-work"], environment_of(p, common), folder / f"door-{n}.log"
        )
        for n, p in enumerate(ports[:doors], 1)
    ]
    found.append(Program("work", [str(COSESSION), "work"], environment_of(ports[-1], common), folder / "work.log"))
    assert NGINX is not None
    config = nginx_config(folder, port, ports[:doors])
    command = [NGINX, "-c", str(config), "-g", "daemon off;", "-e", str(folder / "nginx.log")]
    # nginx begins as root and would hand its folders to another user, who may not enter this one.
    command[4] += " user root;" if os.geteuid() == 0 else ""
    found.append(Program("nginx", command, os.environ, folder / "nginx-out.log"))
    return found


def sign_in_link(environment: Mapping[str, str]) -> str:
    """A first account, and its way in."""

    def cosession(*words: str) -> str:
        done = subprocess.run([COSESSION, *words], env=dict(environment), capture_output=True, text=True, check=False)
        return done.stdout.strip() or done.stderr.strip()

    cosession("user", "add", "host@localhost", "--name", "Host", "--admin")
    return cosession("user", "sign-in", "host@localhost")


def environment_file(door: Program) -> Path:
    """The settings of the cluster, for `cosession user add` and the like. The key is in it: for this person only."""
    path = door.log.parent / "env"
    path.touch(0o600)
    path.write_text("".join(f"{name}={value}\n" for name, value in door.environment.items() if OURS.search(name)))
    return path


def is_listening(port: int) -> bool:
    import socket

    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, default=int(os.environ.get("PORT", "8000")))
    parser.add_argument("--doors", type=int, default=3, help="processes that serve browsers")
    options = parser.parse_args()
    if NGINX is None:
        print("cluster: nginx is missing. On Debian and Ubuntu: apt-get install nginx-light", file=sys.stderr)
        return 1
    if is_listening(options.port):
        print(f"cluster: port {options.port} is taken. Stop what is there, or set PORT.", file=sys.stderr)
        return 1
    # A plain SIGTERM ends the cluster as Ctrl-C does.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="cosession-cluster-")))
        postgres = stack.enter_context(running_postgres())
        database_url = stack.enter_context(postgres.fresh_database())
        redis_url = stack.enter_context(running_valkey())
        run(stack, programs(folder, options.port, database_url, redis_url, options.doors), options.port)
    return 0


def run(stack: ExitStack, children: list[Program], port: int) -> None:
    try:
        for child in children:
            child.start()
            stack.callback(child.end)
            if child.name != "nginx":
                inner = int(child.environment["PORT"])
                assert child.process is not None
                wait_until(lambda p=inner: is_listening(p), child.process, child.log)
        link = sign_in_link(children[0].environment)
        env = environment_file(children[0])
        print(f"\n  Cosession runs at http://localhost:{port}, in {len(children) - 2} processes\n")
        print(f"  Sign in (works once):  {link}")
        for child in children:
            assert child.process is not None
            print(f"  {child.name:8} pid {child.process.pid:<8} {child.log}")
        print(f"\n  For the command line:  set -a; . {env}; set +a")
        print("  Stop with Ctrl-C; what it stored is thrown away then.\n", flush=True)
        while True:
            time.sleep(0.2)
            for child in children:
                child.look_after()
    except KeyboardInterrupt:
        print("\n  stopping …", flush=True)


if __name__ == "__main__":
    sys.exit(main())
