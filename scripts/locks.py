"""Reads the locked requirements: one package of them with its hashes, or all but one."""

from __future__ import annotations

import re
from pathlib import Path


def block(lock: Path, name: str) -> str:
    """The lines of one package, with its hashes. Raises ValueError when it is not there."""
    match = re.search(_block(name), lock.read_text(), re.MULTILINE)
    if match is None:
        raise ValueError(f"{name} is not in {lock.name}")
    return match[0]


def without(lock: Path, name: str) -> str:
    """The whole lock but one package."""
    return re.sub(_block(name), "", lock.read_text(), flags=re.MULTILINE)


def _block(name: str) -> str:
    return rf"^{re.escape(name)}==.*\n(?:    --hash=.*\n)+"
