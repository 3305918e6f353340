"""What the readers of one workspace share: the database, the Web API, and one pace of posting per channel.

There is one desk per workspace: `desk.api` is the Web API of `desk.realm`. Whoever has no desk at hand asks
`bot.installations.workspaces.Workspaces.of(realm)`.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass

from bot.identity import People
from bot.settings import Pace, SlackSettings
from bot.web import Bot, SlackApi
from core import presence
from core.db import Database
from core.errors import TooMany
from core.limits import TokenBuckets

#: Who is in a session now.
Present = Callable[[str], list[presence.Shown]]

_random = random.SystemRandom()


@dataclass(slots=True)
class Desk:
    """`owner` names this process in leases. `may_customize` is false once Slack refused to post under other names."""

    db: Database
    api: SlackApi
    settings: SlackSettings
    present: Present
    owner: str
    posts: TokenBuckets
    #: Begins and ends of streams, and appends to them.
    streams: TokenBuckets
    appends: TokenBuckets
    may_customize: bool = True
    #: False once Slack refused to tell who does not want to be disturbed.
    may_see_dnd: bool = True
    #: Who its people are; known once the workspace is.
    people: People | None = None
    #: The workspace's id, or its organisation's; empty until Slack has told.
    realm: str = ""
    #: Who we are there; known once the workspace is.
    bot: Bot | None = None
    #: Monotonic time before which answers are posted and edited there, because Slack takes no streams.
    streams_again_at: float = 0.0

    @property
    def pace(self) -> Pace:
        return self.settings.pace

    async def pay_for_post(self, channel: str) -> None:
        """Waits until the channel may get one more post."""
        while True:
            try:
                self.posts.take(channel)
            except TooMany as wait:
                await asyncio.sleep((wait.retry_after_ms or 1_000) / 1_000)
            else:
                return


def backoff(pace: Pace, failures: int) -> float:
    """Seconds to wait after so many failures in a row: full jitter, so that those who failed together part."""
    return _random.uniform(0.0, min(pace.retry_most, pace.retry_base * 2 ** min(failures, 16)))
