"""Writes a mail and hands it over. The only way by which mail leaves the product."""

from __future__ import annotations

from collections.abc import Mapping
from email.message import EmailMessage
from typing import Protocol

from jinja2 import TemplateError

from core.clock import Clock
from core.mailer import MailRefused
from core.outbox import Mail
from integrations.mail.letter import LetterWriter


class Transport(Protocol):
    async def send(self, message: EmailMessage, sender: str, recipient: str) -> None:
        """Returns once the mail is in other hands. Raises MailProblem."""
        ...

    async def rest(self) -> None: ...


class TemplateMailer:
    """The mailer of the product: `core.mailer.Mailer`."""

    def __init__(self, writer: LetterWriter, transport: Transport, clock: Clock) -> None:
        self._writer = writer
        self._transport = transport
        self._clock = clock

    async def send(self, mail: Mail, links: Mapping[str, str]) -> None:
        try:
            message = self._writer.write(mail, links, self._clock())
        except (TemplateError, ValueError, TypeError, KeyError) as error:
            # It would fail the next time as well.
            raise MailRefused(f"it cannot be written: {type(error).__name__}: {error}") from error
        await self._transport.send(message, self._writer.sender.addr_spec, mail.recipient)

    async def rest(self) -> None:
        await self._transport.rest()
