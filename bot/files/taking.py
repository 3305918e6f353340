"""What becomes of the files of a reply: fetched for one that is new, compared for one that was edited."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from bot import identity
from bot.answers import read_answer
from bot.desk import Desk
from bot.files.facts import LeftOut, SlackFile, Why, read_files
from bot.files.fetching import Carried, Fetching
from core import log, mirrors, tables
from core.access import Actor, session_for
from core.clock import Clock
from core.db import Transaction
from core.errors import AttachmentNotFound, CosessionError, TooMany
from core.events import ChatMessagePosted, MessageFile

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Coming:
    """A reply that is to be taken: its key, where it stands, and what Slack says of it."""

    key: str
    realm: str
    channel: str
    root: str
    ts: str
    user: str
    message: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class _Plan:
    """What to do about the files: `known` where the session has the message already, else whose they will be and where;
    `why` where all of them stay behind."""

    known: list[MessageFile] | None = None
    actor: Actor | None = None
    session_id: str = ""
    why: Why | None = None


class Taking:
    """The files of replies of one workspace. Belongs to one event loop."""

    def __init__(self, desk: Desk, clock: Clock) -> None:
        self._desk = desk
        self._fetching = Fetching(desk, clock)

    def is_under_way(self, key: str) -> bool:
        return self._fetching.is_under_way(key)

    def forget(self, key: str) -> None:
        self._fetching.forget(key)

    async def files_of(self, coming: Coming, text: str) -> Carried:
        """The files that a reply brings, kept; and those that stay behind. `text` is what it says besides.

        Nobody's bytes are fetched before they may write: for whoever may not, nothing is done, and posting says why.
        Raises what `Fetching.carry` raises.
        """
        files = read_files(coming.message)
        if not files:
            return Carried()
        plan = await self._desk.db.read(lambda tx: _plan(tx, coming, text))
        if plan.known is not None:
            there = sum(one.why is not Why.DELETED for one in files)
            return Carried(left_out=_missing(files, plan.known), stay=bool(plan.known) and there < len(files))
        if plan.why is not None:
            return Carried(left_out=tuple(LeftOut(one.name, one.size, one.why or plan.why) for one in files))
        if plan.actor is None:
            return Carried()
        return await self._fetching.carry(coming.key, files, plan.actor, plan.session_id)

    def again_if_gone(self, key: str, effect: Callable[[Transaction], T]) -> Callable[[Transaction], T]:
        """The effect; should a file have gone since it was kept, with a message that named it too, it is fetched once
        more."""

        def run(tx: Transaction) -> T:
            try:
                return effect(tx)
            except AttachmentNotFound as gone:
                self._fetching.forget(key)
                raise TooMany(retry_after_ms=100) from gone

        return run


def _plan(tx: Transaction, coming: Coming, text: str) -> _Plan:
    link = tx.sql.get(tables.MirrorLink, (coming.realm, coming.channel, coming.ts))
    if link is not None:
        return _Plan(known=_files_of(tx, link))
    actor = identity.actor_for(tx, coming.realm, coming.user)
    mirror = mirrors.by_thread(tx, coming.realm, coming.channel, coming.root)
    if actor is None or mirror is None:
        return _Plan()
    try:
        session_for(tx, actor, mirror.session_id, "chat", lock=False)
    except CosessionError as refusal:
        if refusal.retryable:
            raise
        return _Plan()
    if read_answer(tx, mirror, text).comment_id is not None:
        return _Plan(why=Why.COMMENT)
    return _Plan(actor=actor, session_id=mirror.session_id)


def _files_of(tx: Transaction, link: tables.MirrorLink) -> list[MessageFile]:
    """The files of a message as it was posted."""
    message = tx.sql.get(tables.Message, link.message_id)
    entries = log.read_after(tx, link.session_id, message.seq - 1, 1) if message is not None else []
    posted = entries[0].event() if entries else None
    return posted.message.files if isinstance(posted, ChatMessagePosted) else []


def _missing(files: list[SlackFile], known: list[MessageFile]) -> tuple[LeftOut, ...]:
    """Those of a message in Slack that its session has not. A deleted file has no name there any more, and no line."""
    names = [one.name for one in known]
    left: list[LeftOut] = []
    for file in files:
        if file.name in names:
            names.remove(file.name)
        elif file.why is not Why.DELETED:
            left.append(LeftOut(file.name, file.size, file.why))
    return tuple(left)
