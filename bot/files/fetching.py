"""From the thread into the session: the files of a reply are fetched and kept before the reply itself is taken.

Each file is kept by itself, so that no more than one is in memory for a message; what no message takes in the end, the
session throws away. A reply whose files take long steps aside, and whatever others write goes on; what was fetched by
then stays fetched. A file that Slack does not hand out is asked for again for ten minutes, and is named then.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bot.desk import Desk
from bot.failures import Ambiguous, Limited, Refused
from bot.files import calls
from bot.files.facts import LeftOut, SlackFile, Why, read_file
from bot.files.transfer import FOREIGN, SIGN_IN, TOO_LARGE, Fetched, fetch
from core import chat
from core.access import Actor
from core.chat import MAX_FILE_BYTES, MAX_FILES, Attached
from core.clock import Clock
from core.errors import BodyEmpty, FileTooLarge, TooMany

log = logging.getLogger(__name__)

#: How long a file is asked for that Slack does not hand out.
PATIENCE = timedelta(minutes=10)
#: Files that are fetched at once for one workspace, so many bytes at most are in memory.
AT_ONCE = 3
#: How soon a reply that stepped aside is looked at again.
LOOK_AGAIN_MS = 300
#: A file may take as long as so many calls of the Web API.
CALLS_LONG = 6
#: Replies whose files are known; the oldest are forgotten first, and fetched again should anybody ask.
MOST_TRIPS = 500


@dataclass(frozen=True, slots=True)
class Carried:
    """What came of the files of one message, in its order. `stay` says that the session has one that was deleted in
    Slack."""

    files: tuple[Attached, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    stay: bool = False


@dataclass(slots=True)
class _Trip:
    """The files of one message on their way, since `began_at`."""

    began_at: datetime
    done: dict[int, Attached | LeftOut] = field(default_factory=dict[int, Attached | LeftOut])
    task: asyncio.Task[None] | None = None
    #: It took long, and whoever asks again is not kept waiting.
    is_slow: bool = False


class Fetching:
    """The files that are on their way from one workspace. Belongs to one event loop."""

    def __init__(self, desk: Desk, clock: Clock) -> None:
        self._desk = desk
        self._clock = clock
        self._trips: dict[str, _Trip] = {}
        self._slots = asyncio.Semaphore(AT_ONCE)

    def is_under_way(self, key: str) -> bool:
        """Whether the files of a message were asked for already."""
        return key in self._trips

    def forget(self, key: str) -> None:
        """The message is settled, or its files have to be fetched once more."""
        self._trips.pop(key, None)

    async def carry(self, key: str, files: list[SlackFile], actor: Actor, session_id: str) -> Carried:
        """Fetches and keeps the files of message `key`.

        Raises TooMany while they are under way, Limited, Ambiguous, and what `chat.keep_file` raises besides.
        """
        if not files:
            return Carried()
        while len(self._trips) >= MOST_TRIPS and key not in self._trips:
            self._trips.pop(next(iter(self._trips)))
        trip = self._trips.setdefault(key, _Trip(self._clock()))
        if trip.task is None:
            trip.task = self._desk.api.beside(self._go(trip, files, actor, session_id))
        done, _ = await asyncio.wait({trip.task}, timeout=0.0 if trip.is_slow else self._desk.pace.ack_within)
        if not done:
            trip.is_slow = True
            raise TooMany(retry_after_ms=LOOK_AGAIN_MS)
        task, trip.task = trip.task, None
        task.result()
        ends = [trip.done[at] for at in range(len(files))]
        return Carried(
            tuple(one for one in ends if isinstance(one, Attached)),
            tuple(one for one in ends if isinstance(one, LeftOut)),
        )

    async def _go(self, trip: _Trip, files: list[SlackFile], actor: Actor, session_id: str) -> None:
        for at, file in enumerate(files):
            if at in trip.done:
                continue
            kept = sum(isinstance(one, Attached) for one in trip.done.values())
            if file.why is not None or kept >= MAX_FILES:
                trip.done[at] = LeftOut(file.name, file.size, file.why or Why.TOO_MANY)
                continue
            async with self._slots:
                trip.done[at] = await self._one(trip, file, actor, session_id)

    async def _one(self, trip: _Trip, file: SlackFile, actor: Actor, session_id: str) -> Attached | LeftOut:
        try:
            found = await self._described(file) if file.must_ask else file
            if found.why is not None:
                return LeftOut(found.name, found.size, found.why)
            seconds = CALLS_LONG * self._desk.pace.call_timeout
            fetched = await fetch(self._desk.api, found.url, MAX_FILE_BYTES, seconds)
        except (Limited, Ambiguous) as failure:
            if self._clock() - trip.began_at < PATIENCE:
                raise
            log.warning("a file from Slack is given up: %s", failure)
            return LeftOut(file.name, file.size, Why.UNREACHABLE)
        except Refused as refusal:
            return LeftOut(file.name, file.size, _why(refusal))
        if _is_sign_in(found, fetched):
            # Where it is the token that is refused, this raises, and the message waits for a new one.
            await self._desk.api.standing()
            log.warning("Slack does not let us read a file: is files:read granted?")
            return LeftOut(found.name, found.size, Why.NO_ACCESS)
        return await self._kept(found, fetched.data, actor, session_id)

    async def _described(self, file: SlackFile) -> SlackFile:
        described = read_file(await calls.describe(self._desk.api, file.id))
        return described if not described.must_ask else SlackFile(file.id, file.name, file.size, why=Why.NO_ACCESS)

    async def _kept(self, file: SlackFile, data: bytes, actor: Actor, session_id: str) -> Attached | LeftOut:
        try:
            kept = await self._desk.db.write(lambda tx: chat.keep_file(tx, actor, session_id, data, file.name))
        except BodyEmpty:
            return LeftOut(file.name, 0, Why.EMPTY)
        except FileTooLarge:
            return LeftOut(file.name, len(data), Why.FULL)
        return Attached(kept.sha256, kept.name)


def _is_sign_in(file: SlackFile, fetched: Fetched) -> bool:
    """Whether Slack has answered with a page of its own: for a file that is a page itself, its length tells."""
    return fetched.is_page and (file.mimetype != "text/html" or len(fetched.data) != file.size)


#: Refusals → what they mean for the file.
_MEANINGS = {
    TOO_LARGE: Why.TOO_LARGE,
    FOREIGN: Why.ELSEWHERE,
    **dict.fromkeys((SIGN_IN, "missing_scope", "access_denied", "not_visible", "no_permission"), Why.NO_ACCESS),
    **dict.fromkeys(("file_deleted", "file_not_found", "status 404", "status 410"), Why.DELETED),
}


def _why(refusal: Refused) -> Why:
    log.warning("Slack does not give a file to us: %s", refusal.code)
    return _MEANINGS.get(refusal.code, Why.UNREACHABLE)
