"""The seal on every signal that goes through Redis: who sent it, when, and that nobody else wrote or repeats it.

Redis is shared and often without a password, so whoever can reach it could speak for a process. A sealed signal is an
HMAC-SHA256 (RFC 2104) under a key that only the processes have, over the topic and all that follows; then the sender's
count, which never goes back and says the microseconds of its clock; then the sender's name; then the payload.
"""

from __future__ import annotations

import hmac
import struct
from datetime import timedelta
from typing import Literal

from core.clock import Clock

_MAC = 32
_HEAD = struct.Struct(">QB")
#: What was sealed longer ago than this by a sender that is not known is refused: it may be a repetition. Clocks of one
#: deployment differ by less.
MOST_AGE = timedelta(seconds=60)
#: Senders that are remembered before the silent ones among them are forgotten.
MOST_SENDERS = 256

Reason = Literal["forged", "repeated"]


class Refused(Exception):
    """A signal that no process of this deployment has just sent."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason)
        self.reason: Reason = reason


def signing_key(secret: str) -> bytes:
    """The key of signals, from the secret that all processes of a deployment share."""
    return hmac.digest(secret.encode(), b"cosession: signals between processes", "sha256")


class Seal:
    """Seals what this process says and opens what others say. They must be opened in the order in which they came."""

    def __init__(self, key: bytes, process_id: str, clock: Clock) -> None:
        self._key = key
        self._sender = process_id.encode()
        self._clock = clock
        self._count = 0
        self._counts: dict[bytes, int] = {}

    def seal(self, topic: str, payload: bytes) -> bytes:
        self._count = max(self._count + 1, self._now())
        body = _HEAD.pack(self._count, len(self._sender)) + self._sender + payload
        return self._mac(topic, body) + body

    def open(self, topic: str, sealed: bytes) -> bytes | None:
        """The payload; None for what this process said itself. Raises Refused."""
        mac, body = sealed[:_MAC], sealed[_MAC:]
        if len(body) < _HEAD.size:
            raise Refused("forged")
        count, length = _HEAD.unpack_from(body)
        start = _HEAD.size + length
        sender = body[_HEAD.size : start]
        if not hmac.compare_digest(mac, self._mac(topic, body)):
            raise Refused("forged")
        if sender == self._sender:
            return None
        self._check_count(sender, count)
        return body[start:]

    def _check_count(self, sender: bytes, count: int) -> None:
        oldest = self._now() - int(MOST_AGE.total_seconds() * 1_000_000)
        if count <= max(self._counts.get(sender, 0), oldest):
            raise Refused("repeated")
        self._counts[sender] = count
        if len(self._counts) > MOST_SENDERS:
            self._counts = {name: last for name, last in self._counts.items() if last > oldest}

    def _now(self) -> int:
        return int(self._clock().timestamp() * 1_000_000)

    def _mac(self, topic: str, body: bytes) -> bytes:
        name = topic.encode()
        return hmac.digest(self._key, len(name).to_bytes(2, "big") + name + body, "sha256")
