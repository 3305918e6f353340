"""The way in: from a token to an admitted connection, whatever it is carried by.

Whoever comes in is in one of three positions: new (they read the log over HTTP and hear what is new), resumed (they get
exactly what they missed), or far behind (they are told which part to read over HTTP, and get what is after it).

Between reading the database and being admitted others may commit. The room is held open meanwhile and remembers who
lost or changed their role, so that nobody is let in on what was true a moment ago.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import orjson

from api import metrics
from api.arrivals import Facts
from api.connection import Connection, Transport, Wire
from api.context import MESSAGES_PER_MINUTE, Api
from api.errors import ServerDraining
from api.frames import Gap, JoinSession, Limits, Position
from api.pace import Pace
from api.room import Room
from api.tokens import Claims
from api.upkeep import HEARTBEAT
from core import accounts, log
from core.access import session_for
from core.accounts import SignedIn
from core.arrivals import Knock, NoSeat, Ticket
from core.clock import iso
from core.db import Transaction
from core.errors import NotAllowed, NotSignedIn, SessionNotFound, TooMany
from core.events import Role

FRAME_BYTES = 64 * 1024
CONNECTIONS_PER_USER = 20
#: Of a position in an address; no log is longer.
MAX_DIGITS = 15
#: Whoever missed more than this, in entries or bytes, reads the older part over HTTP, and is sent the newest entries.
MOST_MISSED = 5_000
MOST_MISSED_BYTES = 1024 * 1024
NEWEST = 1_000
NEWEST_BYTES = 256 * 1024
#: So few are sent without being weighed.
FEW = 16


@dataclass(frozen=True, slots=True)
class Entry:
    """What one transaction said about somebody who wants in: `facts` is what everybody is told."""

    who: SignedIn
    role: Role
    head: int
    read_up_to: int
    unread: int
    mentions: int
    facts: Facts

    @property
    def epoch(self) -> str:
        return self.facts.epoch


@dataclass(frozen=True, slots=True)
class Start:
    """Where a connection begins: `cursor` is the last entry that it does not get."""

    cursor: int
    is_resumed: bool
    gap: Gap | None = None

    @property
    def kind(self) -> str:
        return "gap" if self.gap else "resumed" if self.is_resumed else "fresh"


def position(epoch: str, since: str) -> Position | None:
    """What an address says of where to resume; None where it says nothing that can be read."""
    is_number = since.isascii() and since.isdigit() and len(since) <= MAX_DIGITS
    return Position(epoch=epoch, seq=int(since)) if is_number else None


@dataclass(frozen=True, slots=True)
class Proof:
    """A token that was checked: what it says, to be held against the database. `ticket` is used up by it."""

    session_id: str
    user_id: str
    token_version: int
    expires_at: datetime
    ticket: Ticket | None = None

    def prove(self, tx: Transaction) -> SignedIn:
        """Uses a ticket up and says whose it is. Raises NotSignedIn."""
        if self.ticket is not None:
            accounts.use_ticket(tx, self.ticket.jti, self.ticket.expires_at)
        return self.whose(tx)

    def whose(self, tx: Transaction) -> SignedIn:
        """Raises NotSignedIn."""
        return accounts.actor_by_id(
            tx, self.user_id, "web", expires_at=self.expires_at, token_version=self.token_version
        )


def show_token(api: Api, session_id: str, token: str, *, is_ticket: bool = False) -> Proof:
    """Checks a ticket or API token (`is_ticket`: nothing but a ticket). Raises NotSignedIn."""
    as_ticket = _ticket(api, token) if not is_ticket else api.tokens.check("ticket", token)
    claims = as_ticket or api.tokens.check("api", token)
    ticket = Ticket(as_ticket.jti, as_ticket.expires_at) if as_ticket is not None else None
    if ticket is not None and claims.session_id != session_id:
        raise NotSignedIn("This ticket is for another session.")
    return Proof(session_id, claims.user_id, claims.token_version, claims.until, ticket)


def _ticket(api: Api, token: str) -> Claims | None:
    try:
        return api.tokens.check("ticket", token)
    except NotSignedIn:
        return None


def show_request(session_id: str, who: SignedIn) -> Proof:
    """The same for somebody whose request was authenticated already: they may have been signed out since."""
    return Proof(session_id, who.actor.user_id, who.token_version, who.expires_at)


async def enter(api: Api, session_id: str, proof: Proof) -> Entry:
    """Proves who it is and that they have a seat, and reads where the log stands: in one transaction.

    Raises NotSignedIn, SessionNotFound, TooMany, and ServerDraining while the server is going down.
    """
    if api.hub.is_draining:
        raise ServerDraining
    try:
        entry = await _read_entry(api, proof)
    except NoSeat:
        await api.db.write(lambda tx: session_for(tx, proof.whose(tx).actor, session_id, "present"))
        entry = await _read_entry(api, proof)
    if api.hub.connections_anywhere(entry.who.actor.user_id) >= CONNECTIONS_PER_USER:
        raise TooMany("You have this open too often: close some tabs.", retry_after_ms=10_000)
    return entry


async def _read_entry(api: Api, proof: Proof) -> Entry:
    knock = Knock(proof.session_id, proof.user_id, proof.token_version, proof.expires_at, proof.ticket)
    arrived = await api.arrivals.knock(knock)
    welcome = arrived.welcome
    return Entry(
        welcome.who,
        welcome.role,
        welcome.head,
        welcome.read_up_to,
        welcome.unread,
        welcome.mentions,
        arrived.facts,
    )


async def start_of(api: Api, room: Room, entry: Entry, since: Position | None) -> Start:
    """Where somebody begins who holds everything up to `since`."""
    # Without an epoch, `since` counts as one of this history: whoever has never been here has none to name.
    if since is None or since.epoch not in ("", entry.epoch) or since.seq > entry.head:
        return Start(entry.head, is_resumed=False)
    behind = entry.head - since.seq
    if behind <= FEW:
        return Start(since.seq, is_resumed=True)
    if behind <= MOST_MISSED and await _weight(api, room, since.seq, entry.head) <= MOST_MISSED_BYTES:
        return Start(since.seq, is_resumed=True)
    weights = await api.db.read(lambda tx: log.weights(tx, room.session_id, since.seq, entry.head, NEWEST))
    cursor = entry.head - _newest(weights)
    return Start(cursor, is_resumed=True, gap=Gap(from_seq=since.seq + 1, to_seq=cursor))


async def _weight(api: Api, room: Room, after: int, head: int) -> int:
    """How much the entries between two places weigh, by what is remembered, or else by the log."""
    remembered = room.recall(after)
    if remembered is not None:
        return sum(len(frame) for seq, frame in remembered if seq <= head)
    return await api.db.read(lambda tx: log.weight(tx, room.session_id, after, head))


def _newest(weights: list[tuple[int, int]]) -> int:
    """How many of the newest entries are sent, of (seq, bytes) from the newest on."""
    count, size = 0, 0
    for _, weight in weights:
        size += weight
        if size > NEWEST_BYTES:
            break
        count += 1
    return count


def admit(api: Api, room: Room, wire: Wire, transport: Transport, entry: Entry, start: Start) -> Connection:
    """Registers the connection and sends `connected`, then what it missed: no await in between, so nothing slips by.

    Raises SessionNotFound for somebody who was removed since `entry` was read, and ServerDraining.
    """
    if api.hub.is_draining:
        raise ServerDraining
    role = room.role_since(entry.who.actor.user_id, entry.head, entry.role)
    if role is None:
        raise SessionNotFound
    connection = Connection(
        wire=wire,
        person=entry.who.actor.person,
        role=role,
        cursor=start.cursor,
        token_version=entry.who.token_version,
        until=entry.who.expires_at,
        proven_at=api.clock(),
        transport=transport,
        pace=Pace(api.hub.now),
    )
    api.hub.join(room, entry.head, connection)
    metrics.RESUMES.labels(start.kind).inc()
    _tell(api, room, connection, entry, start)
    return connection


async def rejoin(api: Api, room: Room, connection: Connection, frame: JoinSession) -> None:
    """A second hello on an open connection: everything is read anew, and sent from another place.

    Raises NotSignedIn, SessionNotFound, TooMany.
    """
    connection.pace.take_rejoin()
    if frame.reason == "diverged":
        metrics.DIVERGENCES.inc()
        # What this process remembers may be what differs: until more is committed, the log itself is read.
        room.tail.clear()

    proof = Proof(room.session_id, connection.person.user_id, connection.token_version, connection.until)
    entry = await _read_entry(api, proof)
    start = await start_of(api, room, entry, frame.since)
    if connection.id not in room.connections:
        return  # Removed meanwhile: its wire is closed.
    api.hub.learn(room, entry.head)
    connection.cursor = start.cursor
    room.is_digest_due = True
    metrics.RESUMES.labels(start.kind).inc()
    _tell(api, room, connection, entry, start)


def _tell(api: Api, room: Room, connection: Connection, entry: Entry, start: Start) -> None:
    connection.write(_connected(room, connection, entry, start, _limits(api.settings.keep_ended)))
    if start.gap is not None:
        connection.write(start.gap.model_dump_json().encode())
    api.hub.bring_up(room, connection)


def _limits(kept: timedelta | None) -> dict[str, Any]:
    """`kept` is how long ended sessions are."""
    days = max(1, kept.days) if kept is not None else None
    return Limits(frame_bytes=FRAME_BYTES, messages_per_minute=MESSAGES_PER_MINUTE, kept_days=days).model_dump()


def _connected(room: Room, connection: Connection, entry: Entry, start: Start, limits: dict[str, Any]) -> bytes:
    """See `api.frames.Connected`, whose text this is: put together from what was encoded once for many."""
    own = {"role": entry.role, "seq": entry.head, "unread_count": entry.unread, "mention_count": entry.mentions}
    person = connection.person
    return orjson.dumps(
        {
            "type": "connected",
            "you": {"user_id": person.user_id, "username": person.username, "color": person.color},
            "role": entry.role,
            "session": {**entry.facts.session, **own},
            "participants": orjson.Fragment(entry.facts.participants),
            "presence": orjson.Fragment(room.list_everyone()),
            "epoch": entry.epoch,
            "seq": entry.head,
            "is_resumed": start.is_resumed,
            "heartbeat_ms": int(HEARTBEAT * 1_000),
            "limits": limits,
            "connection_id": connection.id,
            "expires_at": iso(connection.until),
            "read_up_to": entry.read_up_to,
            "context": orjson.Fragment(entry.facts.context),
        }
    )


async def prove_again(api: Api, session_id: str, user_id: str, token: str) -> SignedIn:
    """A newer sign-in of the same person.

    Raises NotSignedIn for a token that is not valid, NotAllowed for somebody else's.
    """
    proof = show_token(api, session_id, token)

    def renew(tx: Transaction) -> SignedIn:
        who = proof.prove(tx)
        if who.actor.user_id != user_id:
            raise NotAllowed("That token is somebody else's.")
        return who

    return await api.db.write(renew)


async def refresh(api: Api, room: Room, connection: Connection, token: str) -> None:
    """Prolongs a connection. Raises what `prove_again` raises; then nothing is changed."""
    who = await prove_again(api, room.session_id, connection.person.user_id, token)
    connection.renew(who.expires_at, who.token_version, api.clock())
