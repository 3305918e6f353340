"""An answer and how it stands in the thread, and what follows from that. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import cast

from bot import blocks
from bot.agent import text
from bot.agent.calls import Recipient
from bot.blocks import Block, Shown
from bot.progress import Status
from bot.settings import Pace
from core import mirrors


@dataclass(slots=True)
class Told:
    """`text` is what it says so far."""

    answer: mirrors.Answer
    turn_id: str
    text: str = ""
    #: Whether it is not streamed any more, and for whom it is, where that was asked.
    is_plain: bool = False
    recipient: Recipient | None = None
    is_asked: bool = False
    #: Whether the ending stands under the last words.
    is_ended: bool = False
    failures: int = 0

    @property
    def is_all_sent(self) -> bool:
        return self.answer.sent == len(self.text)

    @property
    def is_unbegun(self) -> bool:
        """Whether nothing of it is in the thread."""
        return self.answer.state == "waiting" and self.answer.part == 0

    @property
    def is_end(self) -> bool:
        """Whether nothing will follow what is sent or is about to be."""
        return self.answer.is_final and self.answer.sending == len(self.text)

    @property
    def ts(self) -> str:
        """Where the open part stands."""
        assert self.answer.ts is not None
        return self.answer.ts

    @property
    def end(self) -> int:
        """Up to where the open part can be told as a whole."""
        end = self.next_end(self.answer.begin)
        assert end is not None, "an empty part has room"
        return end

    def next_end(self, sent: int) -> int | None:
        """Up to where the open part can be told next; None when it is full."""
        return text.next_end(self.text, self.answer.begin, sent)

    def piece(self, start: int, end: int) -> str:
        """A stretch of the open part, as it is sent."""
        return text.spelled(self.text, self.answer.begin, start, end)

    def message_id(self, session_id: str) -> str:
        """The open part's own id. No number behind the colon: those are entries that are posts as a whole."""
        return f"{session_id}:{self.answer.first_seq}.s{self.answer.part}"

    @property
    def ending(self) -> list[Block]:
        """What stands under the last words of a turn."""
        has_ending = self.is_end and self.answer.outcome
        return [blocks.ending(cast("Status", self.answer.outcome))] if has_ending else []

    @property
    def shown(self) -> Shown:
        """The open part as a post, up to `sending`."""
        return blocks.answer(self.piece(self.answer.begin, self.answer.sending), self.ending)

    def has_work(self, now: datetime, pace: Pace) -> bool:
        """Whether something can be done about it."""
        answer = self.answer
        if answer.state in ("starting", "posting", "stopping") or answer.is_final or not self.is_all_sent:
            return True
        return answer.sending != answer.sent or (answer.state == "streaming" and self.is_old(now, pace))

    def is_old(self, now: datetime, pace: Pace) -> bool:
        """Whether the stream is about to expire."""
        begun = self.answer.started_at
        age = now - begun if begun is not None else timedelta()
        return age >= timedelta(seconds=pace.stream_for)
