"""What this door needs from the outside, handed in once by the composition root."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from fastapi import Request

from api.arrivals import Arrivals
from api.bells import Bells
from api.hub import Hub
from api.pace import FRAMES_AT_ONCE, FRAMES_PER_MINUTE
from api.tokens import Tokens
from core.clock import Clock
from core.comments import Placements
from core.db import Database
from core.limits import Limits, TokenBuckets
from core.sealing import Sealer
from core.signing_in import SignUp
from core.unsubscribing import UnsubscribeTokens

MESSAGES_PER_MINUTE = 100


@dataclass(slots=True)
class ApiSettings:
    """How this door is reached. `base_url` has no trailing slash; `hosts` are the allowed values of `Host`."""

    base_url: str
    hosts: frozenset[str]
    static: Path
    is_development: bool = False
    #: For the operator's backups; SQLite's only.
    database_url: str = ""
    #: Other systems by which people may come in, and where that begins: provider → path.
    ways_in: Mapping[str, str] = field(default_factory=dict[str, str])

    #: Who gets an account by showing that an address is theirs.
    sign_up: SignUp = field(default_factory=SignUp)
    #: Whether mail reaches people, so that they may come in by it.
    has_mail: bool = False
    #: One more origin that browsers may name as their push service: for tests, on this machine.
    push_test_service: str = ""
    #: How long a session is kept after it has ended; None for ever.
    keep_ended: timedelta | None = None

    @property
    def is_secure(self) -> bool:
        return self.base_url.startswith("https://")

    @property
    def origins(self) -> frozenset[str]:
        scheme = "https" if self.is_secure else "http"
        return frozenset({self.base_url, *(f"{scheme}://{host}" for host in self.hosts)})


@dataclass(slots=True)
class Api:
    db: Database
    hub: Hub
    tokens: Tokens
    clock: Clock
    settings: ApiSettings
    #: One budget of messages per user, shared by every door.
    messages: Limits
    unsubscribing: UnsubscribeTokens
    #: Opens what is kept sealed in the database.
    sealer: Sealer
    #: Frames of any kind that come by requests without a connection, per user.
    frames: TokenBuckets = field(default_factory=lambda: TokenBuckets(FRAMES_PER_MINUTE, FRAMES_AT_ONCE))
    #: Tries at links and logins, per client address.
    tries: TokenBuckets = field(default_factory=lambda: TokenBuckets(per_minute=10, burst=20))
    #: Mails that an address of the network asks for.
    mails: TokenBuckets = field(default_factory=lambda: TokenBuckets(per_minute=4, burst=12))
    #: Called when a push was stored.
    push_stored: Callable[[], None] = lambda: None
    #: Tells people's open pages of their inbox.
    bells: Bells = field(default_factory=Bells)
    #: Where comments stand in the versions of their files.
    placements: Placements = field(default_factory=Placements)
    #: Each names one thing that must work before this process should get traffic; "" means it does.
    readiness: dict[str, Callable[[], str]] = field(default_factory=dict[str, Callable[[], str]])
    #: The way in, for all who come at once.
    arrivals: Arrivals = field(init=False)

    def __post_init__(self) -> None:
        self.arrivals = Arrivals(self.db)

    #: Each says in words how something is without which this process serves as well, if less fast.
    conditions: dict[str, Callable[[], str]] = field(default_factory=dict[str, Callable[[], str]])


def api_of(request: Request) -> Api:
    """The dependency of every route."""
    api = request.app.state.api
    assert isinstance(api, Api)
    return api
