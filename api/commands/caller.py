"""Who asks, from where, and what a command is."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Protocol

from api.connection import Connection
from api.context import Api
from api.frames import Ack, ClientFrame, Frame
from api.hub import Room
from core import limits
from core.access import Actor, Permission
from core.db import Transaction
from core.errors import Invalid
from core.events import Role
from core.ids import new_id


class Numbered(Protocol):
    """What a command of `core` returns: at least the entry that its wish has become."""

    @property
    def seq(self) -> int: ...


#: What a command does in a transaction, under a key.
Work = Callable[[Transaction, str], Numbered]


@dataclass(slots=True)
class Caller:
    """A participant who asks for something: over a socket or a stream, or, without a connection, by a request alone.

    `role` is the one that the connection knows. Whatever changes the session is checked again where it is written.
    """

    api: Api
    session_id: str
    actor: Actor
    role: Role
    room: Room | None = None
    connection: Connection | None = None

    def place(self) -> tuple[Room, Connection]:
        """Raises Invalid for a request that has no connection to speak of."""
        if self.room is None or self.connection is None:
            raise Invalid("This needs an open connection: send its connection_id.")
        return self.room, self.connection

    async def takes_a_message(self) -> None:
        """Counts one against what this person may write, through every door. Raises TooMany."""
        await limits.take(self.api.messages, self.actor.user_id)

    async def write(self, client_msg_id: str | None, work: Work) -> Ack:
        """Runs `work` in a transaction, under the key that the client made or else a new one."""
        key = client_msg_id or new_id("cmi")
        granted = await self.api.db.write(lambda tx: work(tx, key))
        return Ack(client_msg_id=key, seq=granted.seq)


Answer = Frame | None


@dataclass(frozen=True, slots=True)
class Command:
    """`run` returns what the client is told in answer, if anything."""

    permission: Permission
    run: Callable[[Caller, Any], Awaitable[Answer]]


CommandTable = dict[type[ClientFrame], Command]
