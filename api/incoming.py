"""What a client sends: from text to a frame, to its effect, to the answer. The same over every transport."""

from __future__ import annotations

import json
import re

import orjson
from pydantic import ValidationError

from api import metrics
from api.commands import Caller, run
from api.connection import Connection
from api.context import Api
from api.entering import rejoin
from api.errors import BadFrame
from api.frames import (
    ClientFrames,
    JoinSession,
    client_frame_adapter,
    error_frame,
)
from api.room import Room
from core.access import Actor
from core.errors import CosessionError, TooMany
from core.storable import check_storable

#: Without any of these in its text a frame holds neither NUL nor half a character nor a number that is too large, see
#: `core.storable`: nearly every frame is spared a closer look.
_SUSPECT = re.compile(r"\\u(?:0000|[dD][89a-fA-F])|[:,\[]\s*-?\d{16}")


async def take_in(caller: Caller, text: str) -> None:
    """A frame that came over a connection, or for one: counted, carried out, and answered on it."""
    room, connection = caller.place()
    caller.api.hub.heard(room, connection)
    try:
        if not connection.pace.allows_one_more():
            return
    except TooMany as error:
        connection.write(refusal(error, re=message_id(text)))
        return
    answered = await answer(caller, text)
    if answered is not None:
        connection.write(answered)


async def take_over(api: Api, room: Room, connection: Connection, text: str) -> None:
    """The same for a frame that its person sent to another process, which knew who they are."""
    person = connection.person
    actor = Actor(person.user_id, person.username, person.color)
    await take_in(Caller(api, room.session_id, actor, connection.role, room, connection), text)


async def answer(caller: Caller, text: str) -> bytes | None:
    """Carries one frame out. What it is answered with, if anything: a frame, which says why where it was refused."""
    try:
        return await carry_out(caller, parse(text))
    except CosessionError as error:
        return refusal(error, re=message_id(text))


async def carry_out(caller: Caller, frame: ClientFrames) -> bytes | None:
    """The same for a frame whose shape was checked. Raises CosessionError."""
    if isinstance(frame, JoinSession):
        await rejoin(caller.api, *caller.place(), frame)
        return None
    answered = await run(caller, frame)
    return answered.model_dump_json().encode() if answered is not None else None


def parse(text: str) -> ClientFrames:
    """Raises BadFrame."""
    if _SUSPECT.search(text):
        _look_closely(text)
    try:
        return client_frame_adapter.validate_json(text)
    except ValidationError as error:
        raise _bad_frame(error) from None


def _look_closely(text: str) -> None:
    """Raises BadFrame where something in it cannot be stored."""
    try:
        check_storable(json.loads(text))
    except json.JSONDecodeError:
        return  # That is for the frame's own check to say.
    except (ValueError, RecursionError) as error:
        raise BadFrame(
            f"{error}.".capitalize() if isinstance(error, ValueError) else "That is nested too deeply."
        ) from None


def _bad_frame(error: ValidationError) -> CosessionError:
    first = error.errors(include_url=False, include_input=False)[0]
    # The union's tag stands first in a place; a client knows which type it sent.
    where = ".".join(str(part) for part in first["loc"][1:])
    known = {
        "json_invalid": "That is not JSON.",
        "union_tag_invalid": "There is no frame of that type.",
        "union_tag_not_found": "A frame needs a type.",
        "model_attributes_type": "A frame is a JSON object.",
        "dict_type": "A frame is a JSON object.",
    }
    return BadFrame(known.get(first["type"], f"{where}: {first['msg']}" if where else first["msg"]))


def message_id(text: str) -> str | None:
    """The `client_msg_id` of a frame, where it can be told at all."""
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    found = value.get("client_msg_id") if isinstance(value, dict) else None
    return found[:64] if isinstance(found, str) else None


def refusal(error: CosessionError, re: str | None = None) -> bytes:
    """An `error` frame."""
    metrics.REFUSALS.labels(error.code).inc()
    return error_frame(error.code, error.message, retryable=error.retryable, retry_after_ms=error.retry_after_ms, re=re)
