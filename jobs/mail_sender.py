"""Sends what is in the outbox: one process at a time, under a lease whose number is checked at every step.

Before a mail is handed over, that it will be is stored; afterwards, that it was. Whoever dies in between leaves a mail
that is sent once more, by whoever takes the lease over, under the same `Message-ID`. What failed waits twice as long
each time, until it is of no use any more.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from prometheus_client import Counter, Gauge

from core import leases, outbox
from core.clock import Clock
from core.db import Database, Transaction
from core.errors import StorageUnavailable
from core.mailer import AddressRefused, Mailer, MailProblem, MailRefused, TryLater
from core.outbox import Mail

log = logging.getLogger(__name__)

MAILS = Counter("cosession_mails_total", "Mails, by what became of an attempt to send them.", ["kind", "outcome"])
WAITING = Gauge("cosession_mails_waiting", "Mails in the outbox.")
BEHIND = Gauge("cosession_mails_behind_seconds", "How long the mail that is due longest has been due.")

LEASE = "mail"
#: Longer than one mail can take.
LEASE_SECONDS = 120.0
#: Seconds between two looks at the outbox.
LOOK_EVERY = 2.0
#: Seconds that a mail which is being handed over gets when the process stops.
CLOSE_WITHIN = 5.0
#: Seconds before the second attempt, and the longest time between two.
FIRST_WAIT, LONGEST_WAIT = 15.0, 3_600.0
#: The longest that a server which takes no mail at all is left alone.
LONGEST_REST = 240.0

#: Makes what a mail carries that opens something, in the transaction that begins the attempt; None: do not send it.
Links = Callable[[Transaction, Mail], Mapping[str, str] | None]


@dataclass(frozen=True, slots=True)
class _Begun:
    mail: Mail
    links: Mapping[str, str]


class MailSender:
    """Belongs to the event loop that `start` ran on. `is_only_process` takes the lease from a holder that cannot be
    alive any more."""

    def __init__(
        self,
        db: Database,
        clock: Clock,
        mailer: Mailer,
        links: Links,
        process_id: str,
        *,
        is_only_process: bool = False,
    ) -> None:
        self._db = db
        self._clock = clock
        self._mailer = mailer
        self._links = links
        self._process_id = process_id
        self._is_only_process = is_only_process
        self._wake = asyncio.Event()
        self._is_closing = False
        #: While the server takes no mail at all: how long it is left alone, and until when.
        self._patience = 0.0
        self._rests_until: datetime | None = None
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._send_forever(), name="mail sender")

    async def close(self) -> None:
        """Waits a little for the mail that is being handed over."""
        if self._task is None:
            return
        self._is_closing = True
        self._wake.set()
        await asyncio.wait({self._task}, timeout=CLOSE_WITHIN)
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        await self._mailer.rest()

    def wake(self) -> None:
        """There is something to send."""
        self._wake.set()

    async def _send_forever(self) -> None:
        while not self._is_closing:
            self._wake.clear()
            try:
                while await self.send_due():
                    pass
                await self._mailer.rest()
            except StorageUnavailable:
                log.warning("the outbox could not be read; looked at again soon")
            except leases.LeaseLost:
                log.info("another process sends the mail now")
            except Exception:  # whatever it is, mail is tried again
                log.exception("sending mail failed")
            try:
                await asyncio.wait_for(self._wake.wait(), LOOK_EVERY)
            except TimeoutError:
                continue

    async def send_due(self) -> int:
        """Tries every mail that is due now, once, and returns how many those were; none while the server is left alone.

        Raises LeaseLost.
        """
        due, backlog = await self._db.read(lambda tx: (outbox.due(tx), outbox.backlog(tx)))
        WAITING.set(backlog.waiting)
        behind = (self._clock() - backlog.oldest).total_seconds() if backlog.oldest else 0.0
        BEHIND.set(max(0.0, behind))
        if not due or (self._rests_until is not None and self._clock() < self._rests_until):
            return 0
        tried = 0
        for mail in due:
            fence = await self._db.write(self._take)
            if fence is None:
                return 0
            tried += 1
            if self._is_closing or not await self._send(mail.id, fence):
                break
        await self._db.write(lambda tx: leases.let_go(tx, LEASE, self._process_id))
        return tried

    def _take(self, tx: Transaction) -> int | None:
        only = self._is_only_process
        return leases.take(tx, LEASE, self._process_id, LEASE_SECONDS, is_only_process=only)

    async def _send(self, mail_id: str, fence: int) -> bool:
        """False where no other mail would get further just now."""
        begun = await self._db.write(lambda tx: self._begin(tx, mail_id, fence))
        if begun is None:
            return True
        mail = begun.mail
        try:
            await self._mailer.send(mail, begun.links)
        except MailProblem as problem:
            await self._db.write(lambda tx, reason=problem: _failed(tx, mail, reason))
            _tell(mail, problem)
            if isinstance(problem, TryLater) and problem.is_for_all:
                self._patience = min(max(FIRST_WAIT, self._patience * 2), LONGEST_REST)
                self._rests_until = self._clock() + timedelta(seconds=self._patience)
                return False
        else:
            # A fact, whoever has the lease by now.
            await self._db.write(lambda tx: outbox.sent(tx, mail.id))
            MAILS.labels(mail.kind, "sent again" if mail.may_be_sent else "sent").inc()
        self._patience, self._rests_until = 0.0, None
        return True

    def _begin(self, tx: Transaction, mail_id: str, fence: int) -> _Begun | None:
        leases.check(tx, LEASE, fence)
        mail = outbox.begin(tx, mail_id)
        if mail is None:
            return None
        links = self._links(tx, mail)
        if links is None:
            outbox.discard(tx, mail.id)
            return None
        return _Begun(mail, links)


def _failed(tx: Transaction, mail: Mail, problem: MailProblem) -> None:
    words = str(problem)
    if isinstance(problem, TryLater):
        wait = min(FIRST_WAIT * 2**mail.attempts, LONGEST_WAIT)
        outbox.postpone(tx, mail.id, wait, words, may_be_sent=problem.may_be_sent)
        return
    outbox.give_up(tx, mail.id, words)
    if isinstance(problem, AddressRefused):
        outbox.stop(tx, outbox.address_hash(mail.recipient), outbox.ALL_KINDS, "refused", words)


def _tell(mail: Mail, problem: MailProblem) -> None:
    """What the server says may name the address; a log keeps no addresses."""
    words = str(problem).replace(mail.recipient, "…")
    if isinstance(problem, TryLater):
        MAILS.labels(mail.kind, "put off").inc()
        log.warning("a mail (%s) is put off: %s", mail.kind, words)
    else:
        MAILS.labels(mail.kind, "refused").inc()
        level = logging.ERROR if isinstance(problem, MailRefused) else logging.WARNING
        log.log(level, "a mail (%s) is given up: %s", mail.kind, words)
