"""What one process tells the others about what it has committed: the entries themselves where they are small.

One signal is a line of JSON and a line for each entry, exactly as it is stored, so that what goes out in another
process is the same to the byte. Signals are signed by whoever carries them; their shape is checked all the same,
because while a deployment is renewed two versions of it talk.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import orjson

from core.db import Appended
from core.log import Stored

#: Bytes of entries in one signal; of an entry that is larger only the number is told.
MOST_BYTES = 32 * 1024
#: Entries in one signal.
MOST_ENTRIES = 256


@dataclass(frozen=True, slots=True)
class Bulletin:
    """A log goes up to `head` at least. `epoch` names the history that this is about."""

    epoch: str
    head: int
    entries: tuple[Stored, ...]


def write(epoch: str, entries: Sequence[Appended]) -> Iterator[bytes]:
    """As many signals as it takes for entries of one session."""
    waiting: list[Appended] = []
    size = 0
    for entry in entries:
        weight = len(entry.frame)
        if waiting and (size + weight > MOST_BYTES or len(waiting) == MOST_ENTRIES):
            yield _write(epoch, waiting)
            waiting, size = [], 0
        waiting.append(entry)
        size += weight
    yield _write(epoch, waiting)


def _write(epoch: str, entries: Sequence[Appended]) -> bytes:
    told = [entry for entry in entries if len(entry.frame) <= MOST_BYTES]
    first = {
        "epoch": epoch,
        "head": entries[-1].seq,
        "entries": [(entry.seq, entry.event.type, entry.actor_id) for entry in told],
    }
    return b"\n".join([orjson.dumps(first), *(entry.frame for entry in told)])


def read(payload: bytes) -> Bulletin:
    """Raises ValueError for what is none."""
    first, *frames = payload.split(b"\n")
    told = orjson.loads(first)
    try:
        entries = tuple(
            Stored(int(seq), str(kind), actor if actor is None else str(actor), frame)
            for (seq, kind, actor), frame in zip(told["entries"], frames, strict=True)
        )
        return Bulletin(str(told["epoch"]), int(told["head"]), entries)
    except (KeyError, TypeError) as error:
        raise ValueError("not a bulletin") from error
