"""Much is said on both sides at once, and what must be true afterwards, whatever went wrong meanwhile.

`COSESSION_SLACK_MESSAGES=1000` has so many said each way; without it they are few, so that every run of the tests has
time for them.
"""

from __future__ import annotations

import asyncio
import itertools
import os
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import func
from sqlmodel import select

from core import access, sessions, tables
from core.db import Transaction
from core.limits import TokenBuckets
from core.mirrors import open_mirror
from tests.bot.support.office import Office, Payload, open_office

MESSAGES = int(os.environ.get("COSESSION_SLACK_MESSAGES", "40"))
#: Of patience, in seconds: a slow machine says it later, not otherwise.
PATIENCE = 60.0 + MESSAGES * 0.5

#: What happens before the message of that number is said.
Before = Callable[[int], Awaitable[None]]

IN_BROWSERS = ("alice", "bob")
IN_SLACK = ("bob", "carol")


async def nothing(_number: int) -> None:
    return None


async def settle(is_so: Callable[[], Awaitable[bool]], seconds: float = PATIENCE) -> None:
    """Looks, not too often, until it is so: among thousands of messages a look is work."""
    async with asyncio.timeout(seconds):
        while not await is_so():  # noqa: ASYNC110 - what is in Slack and in the database has no other way to tell
            await asyncio.sleep(0.05)


@asynccontextmanager
async def open_busy_office(database_url: str, **how: Any) -> AsyncGenerator[Office]:
    """An office in which people may say as much as they can type, and whose counters forget nothing."""
    async with open_office(database_url, **how) as office:
        office.budget = TokenBuckets(per_minute=600_000)
        office.engine.web_api.calls = deque()
        office.engine.delivery.attempts = deque()
        await office.restart()
        yield office


@dataclass
class Conversation:
    """A session and its thread, and everything that was said on either side, by its author and in order."""

    office: Office
    session_id: str
    channel: str
    root: str
    in_browsers: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    in_slack: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])

    @classmethod
    async def begin(cls, office: Office, channel: str = "#payments") -> Conversation:
        """Alice's session, open to Bob and Carol, with its card in the channel."""
        place = office.engine.workspace.channel(channel)

        def start(tx: Transaction) -> str:
            session = sessions.start(tx, office.actor("alice"), f"About {channel}")
            for name in ("bob", "carol"):
                access.add_participant(tx, session, office.actor(name).person, "editor", via="invite")
            open_mirror(tx, session.id, realm=office.engine.team_id, channel=place.id, channel_name=place.name)
            return session.id

        session_id = await office.web.write(start)
        root = ""

        async def has_card() -> bool:
            nonlocal root
            mirror = await office.web.read(lambda tx: tx.sql.get_one(tables.Mirror, session_id))
            root = mirror.root or ""
            return bool(root)

        await settle(has_card)
        return cls(office, session_id, channel, root)

    # -- talking

    async def browsers(self, count: int, before: Before = nothing) -> None:
        for number in range(count):
            await before(number)
            name, text = IN_BROWSERS[number % 2], f"web {len(self.in_browsers)}"
            self.in_browsers.append((name, text))
            await self.office.write_in_browser(self.session_id, name, text)

    async def slack(self, count: int, before: Before = nothing) -> None:
        for number in range(count):
            await before(number)
            name, text = IN_SLACK[number % 2], f"slack {len(self.in_slack)}"
            self.in_slack.append((name, text))
            await self.office.engine.say(name, self.channel, text, self.root)
            await asyncio.sleep(0)

    async def both(self, count: int, before: Before = nothing) -> None:
        await asyncio.gather(self.browsers(count, before), self.slack(count, before))

    # -- looking

    def replies(self) -> list[Payload]:
        return self.office.engine.messages(self.channel, self.root)[1:]

    def posted(self) -> list[str]:
        """What the app has posted into the thread."""
        return [message["text"] for message in self.replies() if message.get("bot_id")]

    async def links(self, origin: str) -> int:
        """How many posts of the thread are known to be the session's own ("session"), or taken from it ("thread")."""
        link = tables.MirrorLink
        query = select(func.count()).where(link.session_id == self.session_id, link.origin == origin)
        return await self.office.web.read(lambda tx: tx.sql.exec(query).one())

    async def has_arrived(self) -> bool:
        """Whether as much is there as was said; more of it may be too much."""
        ours, theirs = await self.links("session"), await self.links("thread")
        return ours >= len(self.in_browsers) and theirs >= len(self.in_slack)

    async def arrive(self) -> None:
        await settle(self.has_arrived)

    async def check(self, *, slack_in_order: bool = True) -> None:
        """Nothing is lost and nothing is there twice, on neither side, and the order was kept: in the thread that of
        the session, in the session that of each person in Slack."""
        await self.office.until_quiet(PATIENCE)
        assert self.posted() == [text for _, text in self.in_browsers]
        theirs = [message["text"] for message in self.replies() if not message.get("bot_id")]
        assert theirs == [text for _, text in self.in_slack]
        said = await self.office.said(self.session_id)
        assert [text for _, text, source in said if source == "web"] == [text for _, text in self.in_browsers]
        for name in IN_SLACK:
            whole = self.office.engine.workspace.person(name).real_name
            taken = [text for author, text, source in said if source == "slack" and author == whole]
            typed = [text for author, text in self.in_slack if author == name]
            assert taken == typed if slack_in_order else sorted(taken) == sorted(typed)
        assert len(said) == len(self.in_browsers) + len(self.in_slack)


def waits_between(office: Office, method: str, channel: str) -> list[float]:
    """Seconds between the calls of a method in a channel that ran into a fault, one after the other."""
    place = office.engine.workspace.channel(channel).id
    moments = [met.at for met in office.engine.faults.met if (met.method, met.channel) == (method, place)]
    return [later - earlier for earlier, later in itertools.pairwise(moments)]


def refused(office: Office, channel: str) -> list[str]:
    """Calls about a channel that were not carried out: refused, limited, or met with a fault."""
    place = office.engine.workspace.channel(channel).id
    calls = [call for call in office.engine.calls if call.args.get("channel") == place and call.error]
    met = [one for one in office.engine.faults.met if one.channel == place]
    return [call.method for call in calls] + [one.method for one in met]
