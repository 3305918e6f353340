"""A session with three people in it, a clock that can be moved, and the reader that tells them what concerns them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from sqlmodel import select

from core import chat, invites, outbox, sessions, tables
from core.access import Actor
from core.chat import Draft
from core.db import Database
from core.events import Role
from core.ids import new_id
from core.notifications import inbox
from core.notifications.delivering import Looking
from core.notifications.showing import Item
from core.outbox import Mail
from jobs.notify import Notifier
from tests.core.conftest import person

#: A Monday, in the forenoon everywhere in Europe.
START = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


@dataclass
class HandClock:
    """Stands still until it is moved."""

    now: datetime = START

    def __call__(self) -> datetime:
        return self.now

    def move(self, **by: float) -> None:
        self.now += timedelta(**by)


@dataclass
class Stage:
    """A session of Ann's in which Ben and Cid have a seat. `here` are those who have it before their eyes."""

    db: Database
    clock: HandClock
    session_id: str
    ann: Actor
    ben: Actor
    cid: Actor
    here: set[str] = field(default_factory=set[str])

    async def say(self, who: Actor, text: str, parent_id: str | None = None, *, session_only: bool = False) -> str:
        draft = Draft(text, parent_id=parent_id, session_only=session_only)
        posted = await self.db.write(lambda tx: chat.post_message(tx, who, self.session_id, draft, key=new_id("key")))
        return posted.message_id

    def notifier(self, process: str = "one", *, is_only_process: bool = True) -> Notifier:
        async def looking(_session_id: str) -> Collection[str]:
            return self.here

        def changed(_people: Collection[str], _is_feed_new: bool) -> None: ...

        return Notifier(self.db, self.clock, looking, changed, process, is_only_process=is_only_process)

    async def notify(self) -> None:
        """Everything that is new is told, and what is due by mail goes into the outbox."""
        await self.notifier().step()

    def looking(self) -> Looking:
        return {self.session_id: self.here}

    async def inbox(self, who: Actor) -> list[Item]:
        found, _ = await self.db.read(lambda tx: inbox.page(tx, who, before=None, limit=50))
        return list(found)

    async def headings(self, who: Actor) -> list[str]:
        return [item.heading for item in await self.inbox(who)]

    async def unread(self, who: Actor) -> int:
        return await self.db.read(lambda tx: inbox.unread(tx, who))

    async def deliveries(self, who: Actor) -> list[tuple[str, str]]:
        """Channel and outcome of each; the outcome is empty while it is on its way."""
        row = tables.NotificationDelivery
        found = await self.db.read(lambda tx: tx.sql.exec(select(row).where(row.user_id == who.user_id)).all())
        return sorted((one.channel, one.outcome) for one in found)

    async def mails(self) -> list[Mail]:
        """Everything that was ever put into the outbox and is not sent."""
        return list(await self.db.read(lambda tx: outbox.due(tx, 1_000)))


async def stage_on(db: Database, clock: HandClock) -> Stage:
    ann, ben, cid = [await person(db, name) for name in ("Ann", "Ben", "Cid")]
    session_id = (await db.write(lambda tx: sessions.start(tx, ann, "Fix the login bug"))).id
    stage = Stage(db, clock, session_id, ann, ben, cid)
    for who in (ben, cid):
        await seat(stage, who, "editor")
    await stage.notify()
    return stage


async def seat(stage: Stage, who: Actor, role: Role) -> None:
    issued = await stage.db.write(lambda tx: invites.create(tx, stage.ann, stage.session_id, role))
    await stage.db.write(lambda tx: invites.accept(tx, who, issued.secret))
