"""A real SMTP server on a socket of this machine, which does what a test tells it to."""

from __future__ import annotations

import asyncio
import ssl
import threading
import warnings
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session


@dataclass
class MailServer:
    """What has arrived, and what it answers. An answer that is None says yes."""

    port: int = 0
    mails: list[EmailMessage] = field(default_factory=list[EmailMessage])
    raw: list[bytes] = field(default_factory=list[bytes])
    #: Envelope: from whom, to whom.
    envelopes: list[tuple[str, list[str]]] = field(default_factory=list[tuple[str, list[str]]])
    on_rcpt: Callable[[str], str | None] = lambda _address: None
    on_data: Callable[[], str | None] = lambda: None
    #: Cuts the connection after it has kept the mail, before it says so.
    cuts_after_data: bool = False
    connections: int = 0
    logins: list[tuple[str, bool]] = field(default_factory=list[tuple[str, bool]])

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, server: Any, session: Session, envelope: Envelope, address: str, options: Any
    ) -> str:
        refusal = self.on_rcpt(address)
        if refusal is not None:
            return refusal
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - as above
        refusal = self.on_data()
        if refusal is not None:
            return refusal
        content = envelope.content
        assert isinstance(content, bytes)
        self.raw.append(content)
        self.mails.append(message_from_bytes(content, policy=policy.default))
        self.envelopes.append((str(envelope.mail_from), list(envelope.rcpt_tos)))
        if self.cuts_after_data:
            assert isinstance(server.transport, asyncio.Transport)
            server.transport.abort()
        return "250 kept"

    def authenticate(
        self, server: Any, session: Session, envelope: Envelope, mechanism: str, auth_data: Any
    ) -> AuthResult:
        assert isinstance(auth_data, LoginPassword)
        is_right = (auth_data.login, auth_data.password) == (b"user", b"p@ss:word")
        self.logins.append((mechanism, session.ssl is not None))
        return AuthResult(success=is_right)


@asynccontextmanager
async def mail_server(
    *, tls: ssl.SSLContext | None = None, starttls: ssl.SSLContext | None = None, needs_login: bool = False
) -> AsyncGenerator[MailServer]:
    """On a free port of loopback, in a thread and on a loop of its own: its STARTTLS knows no other kind of loop."""
    handler = MailServer()

    def protocol() -> SMTP:
        handler.connections += 1
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # What we ask for is not safe; that is the point of some tests.
            return SMTP(
                handler,
                tls_context=starttls,
                require_starttls=starttls is not None,
                authenticator=handler.authenticate if needs_login else None,
                auth_required=needs_login,
                auth_require_tls=False,
                hostname="mail.test",
                timeout=1,
                loop=loop,
            )

    loop = asyncio.SelectorEventLoop()
    thread = threading.Thread(target=loop.run_forever, name="mail server")
    thread.start()
    opened = asyncio.run_coroutine_threadsafe(loop.create_server(protocol, "127.0.0.1", 0, ssl=tls), loop)
    try:
        server = await asyncio.wrap_future(opened)
        handler.port = server.sockets[0].getsockname()[1]
        yield handler
        await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(_close(server), loop))
    finally:
        loop.call_soon_threadsafe(loop.stop)
        await asyncio.to_thread(thread.join)
        loop.close()


async def _close(server: asyncio.Server) -> None:
    """With every connection that somebody has left open."""
    server.close()
    rest = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    for task in rest:
        task.cancel()
    await asyncio.gather(*rest, return_exceptions=True)
    await asyncio.sleep(0)
