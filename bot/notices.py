"""Delivers what people are told of as direct messages, each exactly once.

One process does it, under a lease that every step asks for. Which items a message holds is stored before it is posted,
and the post carries the message's own id; after an answer that was none, and after a crash, the conversation is read
back for that id before anything is posted again. What cannot be delivered goes the next way that leads to the person.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from datetime import timedelta

from bot.blocks import Block, Shown
from bot.desk import Desk, Present, backoff
from bot.mrkdwn import escape, to_parts
from bot.rounds import Rounds
from bot.settings import Pace, SlackSettings
from bot.thread import BROKEN
from bot.web import Ambiguous, Limited, Refused
from core import identities
from core.clock import Clock
from core.db import Database, Transaction
from core.notifications import delivering
from core.notifications.delivering import Batch, Due
from core.notifications.showing import Item, Line

log = logging.getLogger(__name__)

LEASE = "slack notices"
NOTICE = "cosession_notice"
#: It is looked for from a little before it was begun: clocks differ.
CLOCK_SKEW = timedelta(minutes=5)
#: Nobody is left alone for longer before it is asked again.
MOST_SLEEP = timedelta(hours=4)
#: Characters of one text that a message shows.
MAX_TEXT = 600
#: The button's action; it opens an address and has no effect of its own.
OPEN = "open_session"


class Notices(Rounds):
    """`desk_of` is None for a workspace that is not installed now; `present` tells who has a session open. `owner`
    names this process. Belongs to one event loop."""

    def __init__(
        self,
        db: Database,
        clock: Clock,
        settings: SlackSettings,
        owner: str,
        desk_of: Callable[[str], Awaitable[Desk | None]],
        present: Present,
    ) -> None:
        super().__init__(db, settings, owner, lease=LEASE, what="notices")
        self._clock = clock
        self._desk_of = desk_of
        self._present = present

    @property
    def _pace(self) -> Pace:
        return self._settings.pace

    async def work(self) -> float:
        await self.deliver_due()
        return await self._until_due()

    async def deliver_due(self) -> None:
        """Tries what is due now, once. Raises LeaseLost. Writes nothing where nothing is due."""
        due = await self._db.read(lambda tx: delivering.due(tx, "slack_dm"))
        if not due or not await self.take_lease():
            return
        for what in due:
            await self._deliver(what)

    async def _until_due(self) -> float:
        at = await self._db.read(lambda tx: delivering.next_due_at(tx, "slack_dm"))
        if at is None:
            return self._pace.poll
        return min(self._pace.poll, max(self._pace.scan_every, (at - self._clock()).total_seconds()))

    # -- one person

    async def _deliver(self, what: Due) -> None:
        accounts = await self._db.read(lambda tx: _accounts(tx, what.user_id))
        if not accounts:
            await self.write(lambda tx: delivering.unreachable(tx, what, "no account in Slack is connected"))
            return
        for realm, slack_id in accounts:
            desk = await self._desk_of(realm)
            if desk is not None:
                await self._deliver_to(desk, slack_id, what)
                return
        await self.write(lambda tx: delivering.put_off(tx, what, self._pace.retry_most))

    async def _deliver_to(self, desk: Desk, slack_id: str, what: Due) -> None:
        sleeps = await self._sleeps(desk, slack_id)
        if sleeps > 0:
            # All that gathers meanwhile is one message then.
            await self.write(lambda tx: delivering.put_off(tx, what, sleeps))
            return
        looking = {
            session_id: {one.person.user_id for one in self._present(session_id) if one.status != "away"}
            for session_id in what.session_ids
        }

        def begin(tx: Transaction) -> Batch | None:
            self.hold(tx)
            return delivering.begin(tx, what, looking)

        batch = await self._db.write(begin)
        if batch is None:
            return
        attempt = _Attempt(may_be_there=batch.may_be_there)
        try:
            await self._post(desk, slack_id, batch, attempt)
        except Limited as wait:
            await self._postpone(batch, wait.seconds, "", attempt)
        except Ambiguous as failure:
            log.warning("a notice has to wait: %s", failure)
            await self._postpone(batch, backoff(self._pace, batch.attempts + 1), str(failure), attempt)
        except Refused as refusal:
            await self._refused(batch, refusal, attempt)
        else:
            # A fact, whoever has the lease by now.
            await self._db.write(lambda tx: delivering.sent(tx, batch))

    async def _sleeps(self, desk: Desk, slack_id: str) -> float:
        """The seconds for which somebody does not want to be disturbed in Slack; 0 where that cannot be known, because
        the scope was declined or Slack does not answer."""
        if not desk.may_see_dnd or "dnd.info" in desk.api.waits():
            return 0.0
        now = self._clock().timestamp()
        try:
            end = await desk.api.sleeps_until(slack_id, now)
        except Refused as refusal:
            if refusal.code == "missing_scope":
                log.warning("Slack does not tell who does not want to be disturbed: grant dnd:read")
                desk.may_see_dnd = False
            return 0.0
        except (Limited, Ambiguous) as failure:
            log.warning("it is not known whether somebody wants to be disturbed: %s", failure)
            return 0.0
        return 0.0 if end is None else min(end - now, MOST_SLEEP.total_seconds())

    async def _post(self, desk: Desk, slack_id: str, batch: Batch, attempt: _Attempt) -> None:
        channel = await desk.api.direct_with(slack_id)
        if attempt.may_be_there:
            oldest = f"{(batch.created_at - CLOCK_SKEW).timestamp():.6f}"
            if batch.id in await desk.api.ours_in_channel(channel, oldest):
                return
            attempt.may_be_there = False
        shown = notice_shown(batch, self._settings.base_url)
        await desk.api.until_welcome("chat.postMessage", channel)
        await desk.pay_for_post(channel)
        # Waiting may have taken longer than the lease.
        await self.write(lambda _: None)
        metadata = {"event_type": NOTICE, "event_payload": {"id": batch.id}}
        attempt.may_be_there = True
        try:
            await desk.api.post(channel, shown.text, metadata=metadata, blocks=list(shown.blocks))
        except (Limited, Refused):
            attempt.may_be_there = False
            raise

    async def _refused(self, batch: Batch, refusal: Refused, attempt: _Attempt) -> None:
        if refusal.code in BROKEN:
            log.error("Slack refuses the bot's token: %s", refusal.code)
            await self._postpone(batch, self._pace.retry_most, "", attempt)
            return
        log.warning("a notice cannot be delivered by Slack: %s", refusal.code)
        await self.write(lambda tx: delivering.give_up(tx, batch, refusal.code))

    async def _postpone(self, batch: Batch, seconds: float, problem: str, attempt: _Attempt) -> None:
        may_be_there = attempt.may_be_there
        await self.write(lambda tx: delivering.postpone(tx, batch, seconds, problem, may_be_there=may_be_there))


class _Attempt:
    """What is known of one attempt: whether its message may be in Slack."""

    __slots__ = ("may_be_there",)

    def __init__(self, *, may_be_there: bool) -> None:
        self.may_be_there = may_be_there


def _accounts(tx: Transaction, user_id: str) -> list[tuple[str, str]]:
    """Realm and id of somebody's accounts in Slack, the oldest first."""
    return [(one.realm, one.external_id) for one in identities.of_user(tx, user_id) if one.provider == "slack"]


def notice_shown(batch: Batch, base_url: str) -> Shown:
    """One message for all that is due: what happened, what was said, and a button that leads there."""
    blocks = [_item(item, base_url.rstrip("/")) for item in batch.items]
    if batch.more:
        blocks.append(_context(f"And {batch.more} more in <{base_url.rstrip('/')}/inbox|your inbox>."))
    blocks.append(_context(f"<{base_url.rstrip('/')}/settings|What you are told of>"))
    first = batch.items[0] if batch.items else None
    rest = len(batch.items) + batch.more - 1
    text = (
        f"{escape(first.heading)} · {escape(first.session_title)}" if first is not None else "Something waits for you"
    )
    return Shown(text + (f", and {rest} more" if rest > 0 else ""), tuple(blocks))


def _item(item: Item, base_url: str) -> Block:
    said = "\n".join(_line(line) for line in reversed(item.lines))
    more = item.count - len(item.lines)
    text = f"*{escape(item.heading)}* · {escape(item.session_title)}"
    if said:
        text += f"\n{said}"
    if more > 0:
        text += f"\n_and {more} more_"
    label = "Look at the invite" if item.kind == "invite" else "Open"
    return {
        "type": "section",
        "text": {"type": "mrkdwn", "text": text},
        "accessory": {
            "type": "button",
            "action_id": OPEN,
            "text": {"type": "plain_text", "text": label},
            "url": f"{base_url}{item.path}",
        },
    }


def _line(line: Line) -> str:
    """What was said, as a quote; what is to stay in the session is not told."""
    if line.is_private:
        return "> _A message that stays in the session._"
    parts = to_parts(line.text, MAX_TEXT)
    if not parts:
        return f"> `{escape(line.where)}`" if line.where else ""
    said = parts[0] + ("\n…" if len(parts) > 1 else "")
    where = f"> `{escape(line.where)}`\n" if line.where else ""
    return where + "\n".join(f"> {one}" for one in said.split("\n"))


def _context(text: str) -> Block:
    return {"type": "context", "elements": [{"type": "mrkdwn", "text": text}]}
