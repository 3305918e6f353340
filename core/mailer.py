"""What the sender of mail asks of whatever carries it, and every way in which that can fail.

MailProblem
├─ TryLater          the server is away or busy, or refuses us: the mail waits
├─ AddressRefused    the server that keeps the mailbox says that there is none
└─ MailRefused       this mail will never be taken
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from core.outbox import Mail


class MailProblem(Exception):
    """A mail was not sent; the message says why, in words for whoever runs the server."""


class TryLater(MailProblem):
    """The mail may be sent another time. `may_be_sent`: the attempt broke off after the text was handed over, so that
    nobody knows whether it was sent. `is_for_all`: no other mail would get further just now."""

    def __init__(self, problem: str, *, may_be_sent: bool = False, is_for_all: bool = False) -> None:
        super().__init__(problem)
        self.may_be_sent = may_be_sent
        self.is_for_all = is_for_all


class AddressRefused(MailProblem):
    """There is no such mailbox."""


class MailRefused(MailProblem):
    """The server does not take this mail, and will not."""


class Mailer(Protocol):
    """Renders mails and hands them over. What it sends for one `Mail` carries one `Message-ID`, however often."""

    async def send(self, mail: Mail, links: Mapping[str, str]) -> None:
        """Returns once the mail is accepted. `links` are the values that open something, made for this attempt.

        Raises MailProblem.
        """
        ...

    async def rest(self) -> None:
        """Nothing is to be sent for now: lets go of connections."""
        ...
