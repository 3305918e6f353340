"""`POST /api/sessions/{id}/commands`: what a client would send on a socket, for those who have none.

The frames, their limits and their effects are those of the socket. Refusals of a frame are `error` frames among the
answers; only who may not be here at all, or sends no list of frames, gets an HTTP error.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict, Field

from api.auth import ApiDep, SignedInDep
from api.commands import Caller
from api.context import Api
from api.entering import FRAME_BYTES
from api.errors import BadFrame, FrameTooLarge
from api.forwarding import HeldElsewhere
from api.frames import ServerFrames
from api.incoming import answer, message_id, refusal
from core.access import session_for
from core.errors import TooMany

router = APIRouter(prefix="/api/sessions/{session_id}", tags=["live"])

MOST_FRAMES = 20


class Commands(BaseModel):
    """`connection_id` is that of your own stream (or socket), from its `connected`: frames about where you are and what
    you do need one. Each of `frames` is judged by itself."""

    model_config = ConfigDict(extra="forbid", strict=True)
    connection_id: str | None = Field(default=None, max_length=64)
    frames: list[Any] = Field(min_length=1, max_length=MOST_FRAMES)


class Answers(BaseModel):
    """For each frame, in order: what answers it, or null."""

    items: list[ServerFrames | None]


@router.post("/commands", response_class=Response, responses={200: {"model": Answers}})
async def commands(session_id: str, body: Commands, api: ApiDep, who: SignedInDep) -> Response:
    """Carries frames out, one after the other. What they change is told on the stream, like everything else."""
    seat = await api.db.read(lambda tx: session_for(tx, who.actor, session_id, "read", lock=False))
    # As on a socket: whichever way somebody writes there, they write in the web view's place.
    caller = Caller(api, session_id, replace(who.actor, source="web"), seat.role)
    found = api.hub.connection(session_id, body.connection_id, who.actor.user_id) if body.connection_id else None
    if found is not None:
        caller.room, caller.connection = found
        api.hub.heard(*found)
    elsewhere = None
    others = api.hub.others
    if found is None and body.connection_id is not None and others is not None and others.is_reachable:
        elsewhere = HeldElsewhere(others, body.connection_id)
    if others is not None and any("@" in str(frame) for frame in body.frames):
        await api.hub.meet(session_id)  # `@here` may be about people whom this process has not heard of.
    answers = [await _carry_out(api, caller, frame, elsewhere) for frame in body.frames]
    if elsewhere is not None:
        elsewhere.pass_on(caller)
    items = b",".join(b"null" if answered is None else answered for answered in answers)
    return Response(b'{"items":[' + items + b"]}", media_type="application/json")


async def _carry_out(api: Api, caller: Caller, frame: Any, elsewhere: HeldElsewhere | None) -> bytes | None:
    try:
        text = json.dumps(frame, separators=(",", ":"))
        as_sent = json.dumps(frame, separators=(",", ":"), ensure_ascii=False)
    except RecursionError:
        return refusal(BadFrame("That is nested too deeply."))
    if len(as_sent.encode(errors="surrogatepass")) > FRAME_BYTES:
        return refusal(FrameTooLarge())
    try:
        if caller.connection is not None:
            caller.connection.pace.take()
        else:
            api.frames.take(caller.actor.user_id)
    except TooMany as error:
        return refusal(error, re=message_id(text))
    if elsewhere is not None:
        return await elsewhere.answer(caller, text)
    return await answer(caller, text)
