"""Web push of a running server: who sends it, and by whom push services may be told of trouble."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection
from email.utils import parseaddr
from urllib.parse import urlsplit

from core.clock import Clock
from core.db import Database
from core.notifications import Outside
from core.sealing import Sealer
from cosession.settings import LOOPBACK, Settings
from integrations.push.service import PushServices
from jobs.push_sender import PushSender


def sealer(settings: Settings) -> Sealer:
    return Sealer(settings.jwt_key())


def build_sender(
    db: Database,
    settings: Settings,
    clock: Clock,
    looking: Callable[[str], Awaitable[Collection[str]]],
    process_id: str,
    channels: Collection[Outside],
) -> PushSender:
    services = PushServices(contact_of(settings), clock, also=settings.push_test_service)
    return PushSender(
        db,
        clock,
        services,
        sealer(settings),
        looking,
        process_id,
        channels=channels,
        is_only_process=settings.is_sqlite,
    )


def contact_of(settings: Settings) -> str:
    """Whom a push service may ask about this server (RFC 8292 §2.1): the address that mail comes from, else the server
    itself."""
    _, address = parseaddr(settings.mail_from)
    if address:
        return f"mailto:{address}"
    base = urlsplit(settings.base_url)
    if base.scheme == "https":
        return settings.base_url
    return f"mailto:cosession@{'localhost' if base.hostname in LOOPBACK else base.hostname}"
