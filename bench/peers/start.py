"""Starts a peer by its name, and says where its rooms are; a peer whose tools are not on this machine is left out."""

from __future__ import annotations

import contextlib
import hashlib
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Generator
from pathlib import Path

from bench.servers import free_port, process

HERE = Path(__file__).parent
OUT = HERE.parent / "out"

#: Name → what it is; those of STORED write each message to disk first.
PEERS = {
    "fastapi": "FastAPI's documented loop",
    "websockets": "websockets broadcast()",
    "socketio": "python-socketio",
    "channels-uvicorn": "Django Channels in memory, uvicorn",
    "channels-daphne": "Django Channels in memory, Daphne",
    "node-ws": "Node ws",
    "node-socketio": "Node Socket.IO",
    "raw-c": "C, one send() per message and member",
    "fastapi-commit": "FastAPI, one SQLModel commit per message",
}
STORED = frozenset({"fastapi-commit"})
#: Those that speak Socket.IO over WebSocket.
SOCKETIO = frozenset({"socketio", "node-socketio"})
#: Packages that nothing but these peers needs stand in an environment of their own, see scripts/lock.sh.
LOCK = HERE.parent / "requirements.lock"
VENV = OUT / "venv"


class NotHere(Exception):
    """What this peer needs is not on this machine."""


def command(name: str, port: int, folder: Path) -> list[str]:
    """Builds or installs what is missing. Raises NotHere."""
    if name == "raw-c":
        return [str(_compiled()), str(port)]
    if name in {"node-ws", "node-socketio"}:
        script = "server.js" if name == "node-ws" else "socketio.js"
        return [_node(), str(HERE / "node" / script), str(port)]
    if name == "socketio":
        return [_python(), str(HERE / "socketio_rooms.py"), str(port)]
    if name.startswith("channels-"):
        return [_python(), str(HERE / "channels_groups.py"), str(port), name.removeprefix("channels-")]
    module = {"fastapi": "fastapi_loop", "websockets": "websockets_broadcast", "fastapi-commit": "fastapi_commit"}[name]
    return [sys.executable, "-m", f"bench.peers.{module}", str(port), str(folder)]


def _compiled() -> Path:
    source, program = HERE / "raw.c", OUT / "raw"
    if program.exists() and program.stat().st_mtime >= source.stat().st_mtime:
        return program
    if (compiler := shutil.which("gcc")) is None:
        raise NotHere("gcc is not here")
    OUT.mkdir(exist_ok=True)
    subprocess.run([compiler, "-O2", "-o", str(program), str(source)], check=True, timeout=60)
    return program


def _python() -> str:
    """The Python of the environment with the peers' locked packages, which is made when it is missing or outdated."""
    python, stamp = VENV / "bin" / "python", VENV / ".installed"
    wanted = hashlib.sha256(LOCK.read_bytes()).hexdigest()
    if stamp.exists() and stamp.read_text() == wanted:
        return str(python)
    install = [str(Path(sys.executable).with_name("uv")), "pip", "install", "-q", "--require-hashes"]
    try:
        subprocess.run([sys.executable, "-m", "venv", "--clear", "--without-pip", str(VENV)], check=True, timeout=60)
        command = [*install, "--python", str(python), "-r", str(LOCK)]
        subprocess.run(command, check=True, timeout=300, capture_output=True)
    except (subprocess.SubprocessError, FileNotFoundError) as error:
        raise NotHere(f"its packages could not be installed ({error})") from error
    stamp.write_text(wanted)
    return str(python)


def _node() -> str:
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        raise NotHere("node is not here")
    if not (HERE / "node" / "node_modules" / "socket.io").exists():
        install = [npm, "ci", "--no-audit", "--no-fund"]
        if subprocess.run(install, check=False, cwd=HERE / "node", timeout=120, capture_output=True).returncode:
            raise NotHere("npm could not install it")
    return node


@contextlib.contextmanager
def peer(name: str, folder: Path) -> Generator[tuple[int, int]]:
    """Its port and process id. Raises NotHere, and TimeoutError when it does not listen."""
    port = free_port()
    with process(command(name, port, folder), {}) as child:
        deadline = time.monotonic() + 20
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1.0):
                break
            if time.monotonic() > deadline:
                raise TimeoutError(f"{name} does not listen")
            time.sleep(0.05)
        yield port, child.pid
