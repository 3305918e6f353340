"""What a socket hears, one frame after the other: the next one waits until this one has had its effect.

A chat message is what most frames are, so it takes the short way: from the socket's callback to the writer of the
database, and from its commit to the ack, without a task in between. The ack leaves with the entry itself.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Coroutine

import orjson

from api.commands import Caller, Numbered, permitted, posting
from api.connection import Connection
from api.context import Api
from api.door.framing import frame_text
from api.door.wire import Wire
from api.errors import Close
from api.frames import ClientFrames, PostChatMessage
from api.incoming import carry_out, message_id, parse, refusal
from api.room import Room
from core.access import Actor
from core.errors import CosessionError
from core.ids import new_id

logger = logging.getLogger(__name__)


class Listener:
    """One admitted connection's ear."""

    __slots__ = ("_actor", "_api", "_connection", "_room", "_task", "_wire")

    def __init__(self, api: Api, room: Room, connection: Connection, wire: Wire, actor: Actor) -> None:
        self._api = api
        self._room = room
        self._connection = connection
        self._wire = wire
        self._actor = actor
        #: Kept so that it is not collected while it runs.
        self._task: asyncio.Task[None] | None = None

    def gone(self) -> None:
        """Either side has closed."""
        self._api.hub.leave(self._room, self._connection)

    def heard(self, text: str) -> None:
        """A frame has come in."""
        connection = self._connection
        self._api.hub.heard(self._room, connection)
        try:
            if not connection.pace.allows_one_more():
                return
            frame = parse(text)
            caller = Caller(self._api, self._room.session_id, self._actor, connection.role, self._room, connection)
            if type(frame) is PostChatMessage:
                self._post(caller, frame)
                return
        except CosessionError as error:
            connection.write(refusal(error, re=message_id(text)))
            return
        self._begin(self._carry_out(caller, frame, text))

    def _begin(self, work: Coroutine[None, None, None]) -> None:
        self._wire.hold()
        self._task = asyncio.get_running_loop().create_task(work)

    def _post(self, caller: Caller, frame: PostChatMessage) -> None:
        """The short way, unless others have to be asked first for the sender's budget. Raises CosessionError."""
        permitted(caller, frame)
        asked = self._api.messages.take(caller.actor.user_id)
        if asked is None:
            self._wire.hold()
            self._submit(caller, frame)
        else:
            self._begin(self._post_if_allowed(asked, caller, frame))

    async def _post_if_allowed(self, asked: Awaitable[None], caller: Caller, frame: PostChatMessage) -> None:
        try:
            await asked
        except CosessionError as error:
            self._connection.write(refusal(error, re=frame.client_msg_id))
            self._wire.go_on()
        except Exception as error:  # noqa: BLE001 - as below
            self._failed(error)
        else:
            self._submit(caller, frame)

    def _submit(self, caller: Caller, frame: PostChatMessage) -> None:
        work, key = posting(caller, frame), frame.client_msg_id or new_id("cmi")
        self._connection.awaits_ack = True
        stored: asyncio.Future[Numbered] = self._api.db.submit(lambda tx: work(tx, key))
        stored.add_done_callback(lambda done: self._stored(done, key, frame.client_msg_id))

    def _stored(self, done: asyncio.Future[Numbered], key: str, sent_key: str | None) -> None:
        self._connection.awaits_ack = False
        if done.cancelled():
            return  # The server goes down.
        error = done.exception()
        if error is None:
            self._wire.write_now(frame_text(_ack(key, done.result().seq)))
        elif isinstance(error, CosessionError):
            self._connection.write(refusal(error, re=sent_key))
        else:
            self._failed(error)
        self._wire.go_on()

    async def _carry_out(self, caller: Caller, frame: ClientFrames, text: str) -> None:
        try:
            answered = await carry_out(caller, frame)
            if answered is not None:
                self._connection.write(answered)
        except CosessionError as error:
            self._connection.write(refusal(error, re=message_id(text)))
        except Exception as error:  # noqa: BLE001 - whatever it is, it is logged, and the client comes back
            self._failed(error)
        finally:
            self._task = None
            self._wire.go_on()

    def _failed(self, error: BaseException) -> None:
        logger.error("a frame could not be carried out", exc_info=error)
        self._wire.close(Close.UNAVAILABLE, "something went wrong here: come back")


def _ack(key: str, seq: int) -> bytes:
    """See `api.frames.Ack`, whose text this is."""
    return b'{"type":"ack","client_msg_id":%b,"seq":%d}' % (orjson.dumps(key), seq)
