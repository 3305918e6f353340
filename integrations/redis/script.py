"""A Lua script in Redis: called by its hash, and sent whole only where the server has not got it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from redis.asyncio import Redis
from redis.exceptions import NoScriptError


class Script:
    """A server forgets its scripts when it restarts; then the next call sends the text again."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._hash = hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()

    async def run(self, client: Redis, keys: Sequence[str], arguments: Sequence[float | str]) -> list[int]:
        """Raises RedisError, OSError."""
        parts = [repr(part) if isinstance(part, float) else str(part) for part in arguments]
        try:
            return await client.evalsha(self._hash, len(keys), *keys, *parts)
        except NoScriptError:
            return await client.eval(self._text, len(keys), *keys, *parts)
