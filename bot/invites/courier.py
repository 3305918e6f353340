"""Delivers the direct messages about invites, each exactly once, and keeps them true by edits.

One process does it, under a lease that every step asks for. That a letter will be posted is stored before it is; after
an answer that was none, and after a crash, it is looked for by its own id before it is posted again. What a letter
should say comes from the invite as it is now, so any number of changes ends in one edit.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta

from bot.blocks import Shown
from bot.desk import Desk, backoff
from bot.invites.cards import letter_shown
from bot.rounds import Rounds
from bot.settings import Pace, SlackSettings
from bot.thread import BROKEN
from bot.web import Ambiguous, Limited, Refused
from core.db import Appended, Database
from core.errors import CosessionError
from core.invites import letters
from core.invites.letters import OVER, Letter

log = logging.getLogger(__name__)

LEASE = "slack invite letters"
INVITE = "cosession_invite"
#: It is looked for from a little before it was begun: clocks differ.
CLOCK_SKEW = timedelta(minutes=5)
#: Seconds between two looks that other processes' commits may cause.
HEAR_EVERY = 1.0
#: Entries after which a letter may have to be written or changed.
NEWS = frozenset(
    {
        *("invite_created", "invite_accepted", "invite_declined", "invite_revoked", "invite_expired"),
        *("knocked", "knock_answered", "participant_removed", "role_changed"),
    }
)
#: Why a letter cannot be delivered, for whoever made the invite.
UNDELIVERED = {
    "user_not_found": "Slack does not know this person any more.",
    "user_not_visible": "Slack does not let the app see this person.",
    "user_disabled": "This person's Slack account was deactivated.",
    "cannot_dm_bot": "That is a bot, which reads no messages.",
    "channel_not_found": "Slack has no conversation with this person.",
    "messages_tab_disabled": "The app's messages are switched off in this Slack workspace.",
    "restricted_action": "This Slack workspace does not let the app write to people.",
    "missing_scope": "The Slack app may not write direct messages: install it again with its current manifest.",
}
#: Refusals of an edit after which there is nothing left to be edited.
GONE = frozenset({"message_not_found", "cant_update_message", "edit_window_closed", "channel_not_found"})


class Courier(Rounds):
    """`desk_of` is None for a workspace that is not installed now. `owner` names this process. Belongs to one loop."""

    def __init__(
        self, db: Database, settings: SlackSettings, owner: str, desk_of: Callable[[str], Awaitable[Desk | None]]
    ) -> None:
        super().__init__(db, settings, owner, lease=LEASE, what="letters of invites")
        self._desk_of = desk_of
        self._heard_at = float("-inf")

    @property
    def _pace(self) -> Pace:
        return self._settings.pace

    def poke(self, appended: Sequence[Appended]) -> None:
        """Something was committed; called on the event loop, after every commit."""
        if any(entry.event.type in NEWS for entry in appended):
            self.wake()

    def hear(self) -> None:
        """Another process has committed something, and has not said what: looked at now and then."""
        now = time.monotonic()
        if now - self._heard_at >= HEAR_EVERY:
            self._heard_at = now
            self.wake()

    async def work(self) -> float:
        """Writes nothing where nothing is due."""
        due = await self._db.read(letters.due)
        if not due or not await self.take_lease():
            return self._pace.poll
        outcomes = [await self._deliver(letter) for letter in due]
        return 0.0 if any(outcomes) else self._pace.poll

    async def _deliver(self, letter: Letter) -> bool:
        desk = await self._desk_of(letter.realm)
        if desk is None:
            await self._postpone(letter, self._pace.retry_most, has_failed=False)
            return False
        try:
            await self._bring(desk, letter)
        except Limited as wait:
            await self._postpone(letter, wait.seconds, has_failed=False)
        except Ambiguous as failure:
            log.warning("the letter of %s has to wait: %s", letter.invite_id, failure)
            await self._postpone(letter, backoff(self._pace, letter.attempts + 1), has_failed=True)
        except Refused as refusal:
            await self._refused(letter, refusal)
        except CosessionError:
            raise
        except Exception:
            log.exception("the letter of %s could not be delivered", letter.invite_id)
            await self._has_failed(letter)
        else:
            return True
        return False

    async def _has_failed(self, letter: Letter) -> None:
        """Something of ours is wrong with this one: the others are not to wait for it."""
        failures = letter.attempts + 1
        if failures < self._pace.max_tries:
            await self._postpone(letter, backoff(self._pace, failures), has_failed=True)
        else:
            await self.write(lambda tx: letters.give_up(tx, letter, "The message could not be written."))

    async def _bring(self, desk: Desk, letter: Letter) -> None:
        shown = letter_shown(letter, self._settings.session_url(letter.session_id))
        if letter.channel is not None and letter.ts is not None:
            await desk.api.update(letter.channel, letter.ts, shown.text, shown.blocks)
            ts = letter.ts
        elif letter.intended_at is None and letter.kind == "offer" and letter.state in OVER:
            # It was over before anybody was told.
            await self.write(lambda tx: letters.settle(tx, letter))
            return
        else:
            ts = await self._post(desk, letter, shown)
        await self.write(lambda tx: letters.delivered(tx, letter, ts))

    async def _post(self, desk: Desk, letter: Letter, shown: Shown) -> str:
        letter_id = f"{letter.invite_id}:{letter.kind}"
        channel = letter.channel or await desk.api.direct_with(letter.recipient)
        if letter.intended_at is not None:
            oldest = f"{(letter.intended_at - CLOCK_SKEW).timestamp():.6f}"
            there = (await desk.api.ours_in_channel(channel, oldest)).get(letter_id)
            if there is not None:
                # Posted by whoever began it; it may tell of an earlier state.
                await desk.api.update(channel, there, shown.text, shown.blocks)
                return there
        await self.write(lambda tx: letters.intend(tx, letter, channel))
        await desk.pay_for_post(channel)
        metadata = {"event_type": INVITE, "event_payload": {"id": letter_id}}
        post = await desk.api.post(channel, shown.text, metadata=metadata, blocks=list(shown.blocks))
        return post.ts

    async def _refused(self, letter: Letter, refusal: Refused) -> None:
        if refusal.code in BROKEN:
            log.error("Slack refuses the bot's token: %s", refusal.code)
            await self._postpone(letter, self._pace.retry_most, has_failed=False)
        elif letter.ts is not None and refusal.code in GONE:
            await self.write(lambda tx: letters.settle(tx, letter))
        else:
            log.warning("the letter of %s cannot be delivered: %s", letter.invite_id, refusal.code)
            problem = UNDELIVERED.get(refusal.code, f"Slack did not take the message ({refusal.code}).")
            await self.write(lambda tx: letters.give_up(tx, letter, problem))

    async def _postpone(self, letter: Letter, seconds: float, *, has_failed: bool) -> None:
        await self.write(lambda tx: letters.postpone(tx, letter, seconds, has_failed=has_failed))
