"""What you want to hear of, where, and when not."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, Field

from api.auth import ApiDep, SignedInDep
from api.routes.accounts import Body
from core.access import Actor
from core.accounts import get_user
from core.db import Transaction
from core.notifications import CHANNELS, KINDS, Channel, Kind, preferences

router = APIRouter(prefix="/api", tags=["preferences"])

TimeOfDay = Annotated[str, Field(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]


class Cell(Body):
    """Whether you want one kind by one channel."""

    kind: Kind
    channel: Channel
    is_on: bool


class QuietHours(Body):
    """Times of the day where you are; the end may be on the next day."""

    start: TimeOfDay
    end: TimeOfDay


class MutedSession(BaseModel):
    session_id: str
    title: str


class Preferences(BaseModel):
    cells: list[Cell]
    #: Channels that lead to you: `slack_dm` needs a connected account, `email` an address.
    reachable: list[Channel]
    quiet_hours: QuietHours | None
    #: A name of the IANA's list; empty where it is not known.
    time_zone: str
    muted_sessions: list[MutedSession]


class ChangedPreferences(Body):
    """What is left out stays. `quiet_hours` null: none; that is why it is told apart from being left out."""

    cells: list[Cell] = Field(default=[], max_length=len(KINDS) * len(CHANNELS))
    quiet_hours: QuietHours | None = None
    time_zone: str | None = Field(default=None, max_length=64)


class Muting(Body):
    is_muted: bool


def _minutes(text: str) -> int:
    hours, minutes = text.split(":")
    return int(hours) * 60 + int(minutes)


def _time(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"


def _read(tx: Transaction, actor: Actor) -> Preferences:
    wishes = preferences.wishes_of(tx, [actor.user_id])[actor.user_id]
    quiet = wishes.quiet
    return Preferences(
        cells=[
            Cell(kind=kind, channel=channel, is_on=(kind, channel) in wishes.wanted)
            for kind in KINDS
            for channel in CHANNELS
        ],
        reachable=["web", *(channel for channel in CHANNELS if channel in wishes.reachable)],
        quiet_hours=QuietHours(start=_time(quiet.start), end=_time(quiet.end)) if quiet is not None else None,
        time_zone=get_user(tx, actor.user_id).time_zone,
        muted_sessions=[
            MutedSession(session_id=muted.session_id, title=muted.title)
            for muted in preferences.muted_sessions(tx, actor.user_id)
        ],
    )


@router.get("/me/notifications")
async def look(api: ApiDep, who: SignedInDep) -> Preferences:
    """What you have chosen, with what applies where you have not."""
    return await api.db.read(lambda tx: _read(tx, who.actor))


@router.patch("/me/notifications")
async def change(body: ChangedPreferences, api: ApiDep, who: SignedInDep) -> Preferences:
    """Changes what is sent."""

    def write(tx: Transaction) -> Preferences:
        user_id = who.actor.user_id
        for cell in body.cells:
            preferences.set_preference(tx, user_id, cell.kind, cell.channel, is_on=cell.is_on)
        if "quiet_hours" in body.model_fields_set:
            hours = body.quiet_hours
            start, end = (_minutes(hours.start), _minutes(hours.end)) if hours is not None else (None, None)
            preferences.set_quiet_hours(tx, user_id, start, end)
        if body.time_zone is not None:
            preferences.set_time_zone(tx, user_id, body.time_zone)
        return _read(tx, who.actor)

    return await api.db.write(write)


@router.put("/sessions/{session_id}/mute", status_code=204)
async def mute(session_id: str, body: Muting, api: ApiDep, who: SignedInDep) -> None:
    """You hear nothing of this session any more, or everything again."""
    await api.db.write(lambda tx: preferences.mute_session(tx, who.actor, session_id, is_muted=body.is_muted))
