"""The card that a thread hangs under: posted once, edited at most so often, and true in the end."""

from __future__ import annotations

import time
from datetime import timedelta

from bot import blocks
from bot.desk import Desk
from bot.pages import Page, Start
from bot.thread import Thread
from bot.web import Limited
from core import mirrors
from core.mirrors import Lease

#: The channel is searched for a lost card from a little before the mirror was made: clocks differ.
CLOCK_SKEW = timedelta(minutes=5)


class CardPost:
    """Times are seconds of a monotonic clock."""

    def __init__(self, desk: Desk, lease: Lease) -> None:
        self._every = desk.pace.card_every
        self._lease = lease
        self._hash = ""
        #: The position of the log that the card is true of, and what of that is stored.
        self._seq = self._saved = 0
        self._edited_at = float("-inf")

    @property
    def due_at(self) -> float:
        """When it may be edited again."""
        return self._edited_at + self._every

    @property
    def is_unsaved(self) -> bool:
        """Whether it is true of more than is stored."""
        return self._saved < self._seq

    def is_true_of(self, seq: int) -> bool:
        """Whether it shows the session as it is at this position of the log."""
        return self._seq >= seq

    def take_up(self, start: Start) -> None:
        """Where an earlier reader of this thread left it."""
        self._hash = start.card_hash

    async def open(self, thread: Thread, start: Start, page: Page) -> None:
        """Posts it. Raises ThreadGone, Limited, Ambiguous, LeaseLost."""
        shown = blocks.card(page.card)
        oldest = f"{(start.created_at - CLOCK_SKEW).timestamp():.6f}"
        ts, url = await thread.open_card(shown, oldest)
        await thread.write(lambda tx: mirrors.opened(tx, self._lease, ts, url=url, card_hash=shown.digest))
        thread.intent = None
        self._hash, self._edited_at = shown.digest, time.monotonic()

    async def refresh(self, thread: Thread, page: Page) -> None:
        """Edits it where that is due. Slack's "not now" holds nobody's words up. Raises ThreadGone, Ambiguous,
        LeaseLost."""
        try:
            await self._refresh(thread, page)
        except Limited as wait:
            self._edited_at = time.monotonic() + wait.seconds - self._every

    async def _refresh(self, thread: Thread, page: Page) -> None:
        assert thread.root is not None
        shown = blocks.card(page.card)
        if shown.digest == self._hash:
            self._seq = page.head
            return
        if time.monotonic() < self.due_at and page.card.is_live:
            return
        self._edited_at = time.monotonic()
        await thread.edit(thread.root, shown)
        seq, digest = page.head, shown.digest
        await thread.write(lambda tx: mirrors.advance(tx, self._lease, card=(seq, digest)))
        self._hash, self._seq, self._saved = digest, seq, seq

    async def save(self, thread: Thread, cursor: int) -> None:
        """Stores what it is true of, with how far the reader is."""
        card = (self._seq, self._hash)
        await thread.write(lambda tx: mirrors.advance(tx, self._lease, cursor=cursor, card=card))
        self._saved = card[0]
