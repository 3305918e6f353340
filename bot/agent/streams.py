"""Whether a workspace takes streams now: as many as it allows, and none for a while after it said no."""

from __future__ import annotations

import logging
import time
from typing import Literal

from bot.agent.recipients import recipient_of
from bot.agent.told import Told
from bot.desk import Desk
from bot.thread import GONE
from bot.web import Limited, Refused
from core.errors import TooMany

log = logging.getLogger(__name__)

#: Refusals of a stream that concern this one answer; all others are remembered for the whole workspace.
OF_ONE = frozenset({"user_not_found", "missing_recipient_user_id", "missing_recipient_team_id", "stopped_by_user"})


class Streams:
    """What one workspace takes; all threads of a process share what is known of it, at its desk."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def may_begin(self, told: Told, session_id: str) -> bool:
        """Whether a part of this answer may be begun as a stream, and for whom."""
        desk = self._desk
        if told.is_plain or desk.bot is None or time.monotonic() < desk.streams_again_at:
            return False
        try:
            desk.streams.check("begin")
        except TooMany:
            return False
        if not told.is_asked:
            told.recipient = await recipient_of(desk, session_id, told.answer.first_seq)
            told.is_asked = True
        return told.recipient is not None

    def pay(self, what: Literal["begin", "append", "end"]) -> None:
        """Raises TooMany where Slack would want to hear no more of it now."""
        buckets = self._desk.appends if what == "append" else self._desk.streams
        buckets.take(what)

    def refused(self, told: Told, no: Limited | Refused) -> None:
        """Slack does not take it, and nothing has happened. Raises what is not about its being a stream."""
        if isinstance(no, Limited):
            self._desk.streams_again_at = time.monotonic() + no.seconds
            return
        if no.code in GONE or no.code.startswith("restricted_action"):
            raise no
        told.is_plain = True
        if no.code not in OF_ONE:
            log.warning("Slack takes no streams in %s (%s): answers are posted", self._desk.realm, no.code)
            self._desk.streams_again_at = time.monotonic() + self._desk.pace.streams_rest
