"""Hands mails to a server by SMTP: one connection for as many as there are, every answer understood.

The commands are given one by one, because what a failure means depends on where it happens: before the text is handed
over nothing was sent; after that nobody knows.
"""

from __future__ import annotations

import ssl
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY

import aiosmtplib
from aiosmtplib import SMTPException, SMTPResponseException

from core.mailer import AddressRefused, MailRefused, TryLater
from integrations.mail.settings import SmtpSettings

#: Seconds for one command; handing over the text may take longer.
TIMEOUT = 20.0
DATA_TIMEOUT = 60.0
#: Seven bits, because not every server on the way takes more; a line is never longer than 998.
_BYTES = SMTP_POLICY.clone(cte_type="7bit", max_line_length=76)


class SmtpTransport:
    """One server. Belongs to the event loop that it is used on; one mail at a time."""

    def __init__(self, settings: SmtpSettings, *, timeout: float = TIMEOUT) -> None:
        self._settings = settings
        self._timeout = timeout
        self._client: aiosmtplib.SMTP | None = None

    async def send(self, message: EmailMessage, sender: str, recipient: str) -> None:
        """Returns once the server has taken responsibility for it. Raises MailProblem."""
        text = message.as_bytes(policy=_BYTES)
        client = await self._ready(sender)
        try:
            await client.rcpt(recipient)
        except SMTPResponseException as error:
            await self.rest()
            raise _refusal(error) from error
        except (SMTPException, OSError) as error:
            self._drop()
            raise TryLater(_words(error)) from error
        try:
            await client.data(text, timeout=max(DATA_TIMEOUT, self._timeout))
        except SMTPResponseException as error:
            await self.rest()
            if error.code >= 500:
                raise MailRefused(_words(error)) from error
            raise TryLater(_words(error)) from error
        except (SMTPException, OSError) as error:
            self._drop()
            raise TryLater(_words(error), may_be_sent=True) from error

    async def rest(self) -> None:
        """Says goodbye, if there is anybody to say it to."""
        client, self._client = self._client, None
        if client is None:
            return
        try:
            await client.quit(timeout=2.0)
        except (SMTPException, OSError):
            client.close()

    async def _ready(self, sender: str) -> aiosmtplib.SMTP:
        """A connection on which a mail has begun. One that was kept and is dead by now is replaced, once."""
        if self._client is not None:
            try:
                await self._client.mail(sender)
            except (SMTPException, OSError):
                self._drop()
            else:
                return self._client
        try:
            client = await self._connect()
            self._client = client
            await client.mail(sender)
        except (SMTPException, OSError) as error:
            # Also where it does not let us in or dislikes the sender: that is for whoever runs this server to mend.
            self._drop()
            raise TryLater(_words(error), is_for_all=True) from error
        return client

    async def _connect(self) -> aiosmtplib.SMTP:
        settings = self._settings
        client = aiosmtplib.SMTP(
            hostname=settings.host,
            port=settings.port,
            username=settings.username or None,
            password=settings.password or None,
            use_tls=settings.use_tls,
            start_tls=settings.starttls,
            timeout=self._timeout,
            tls_context=ssl.create_default_context(cafile=settings.ca or None),
        )
        await client.connect()
        return client

    def _drop(self) -> None:
        if self._client is not None:
            self._client.close()
            self._client = None


def _refusal(error: SMTPResponseException) -> Exception:
    """What it means that a recipient was refused (RFC 5321 §4.2.3, RFC 3463 §3)."""
    words = _words(error)
    if error.code < 500 or "5.2.2" in error.message:
        return TryLater(words)
    # 5.7: something about us is refused; the mailbox may well be there.
    if "5.7." in error.message or error.code not in (550, 551, 553):
        return MailRefused(words)
    return AddressRefused(words)


def _words(error: Exception) -> str:
    """The first line of what the server says, or what has happened to the connection."""
    if isinstance(error, SMTPResponseException):
        return f"{error.code} {' '.join(error.message.split())}"[:300]
    return f"{type(error).__name__}: {error}"[:300]
