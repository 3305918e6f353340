"""Posts to one thread, each exactly once, and never to the channel's root.

Before a post its intent is stored; the post carries our own id in its metadata. After an answer that is none, and after
a restart, the thread is read back for that id before anything is posted again. Slack puts a reply to a deleted thread
at the channel's root without an error (https://docs.slack.dev/reference/methods/chat.postMessage names none), so the
root is looked at from time to time, and a post that landed elsewhere is taken back.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from bot import metrics
from bot.blocks import Shown
from bot.desk import Desk
from bot.quoting import labelled
from bot.web import Ambiguous, Limited, Post, Refused, SlackFailure
from core import mirrors
from core.db import Transaction
from core.mirrors import Lease

log = logging.getLogger(__name__)
T = TypeVar("T")

MESSAGE = "cosession_message"
CARD = "cosession_card"

#: Refusals after which there is no use in trying again, in words for the session's people.
GONE = {
    "channel_not_found": "The Slack channel is gone, or Cosession was removed from it.",
    "is_archived": "The Slack channel was archived.",
    "not_in_channel": "Cosession was removed from the Slack channel. Invite it again.",
    "thread_not_found": "The Slack thread was deleted.",
    "message_not_found": "The Slack thread was deleted.",
    "restricted_action": "The Slack workspace does not let Cosession post in this channel.",
    "restricted_action_read_only_channel": "The Slack channel is read-only.",
    "restricted_action_thread_only_channel": "The Slack channel takes replies only.",
    "restricted_action_thread_locked": "The Slack thread was locked.",
    "cannot_reply_to_message": "The Slack thread takes no replies.",
    "ekm_access_denied": "The Slack workspace's administrators have suspended posting.",
}
#: Refusals that concern the whole installation: nothing is given up, somebody has to repair it.
BROKEN = frozenset(
    {
        "invalid_auth",
        "not_authed",
        "account_inactive",
        "token_revoked",
        "token_expired",
        "no_permission",
        "access_denied",
        "accesslimited",
        "enterprise_is_restricted",
        "not_allowed_token_type",
        "org_login_required",
        "team_access_not_granted",
        "two_factor_setup_required",
    }
)
#: Refusals of an edit that say nothing against further posts.
UNEDITABLE = frozenset({"cant_update_message", "edit_window_closed", "msg_too_long", "streaming_state_conflict"})


class ThreadGone(Exception):
    """The thread takes no posts any more. The text is the reason for people."""


@dataclass(slots=True)
class Thread:
    """One thread under one lease. `intent` is the entry whose post was begun; `must_look` that it may be there."""

    desk: Desk
    lease: Lease
    channel: str
    root: str | None
    intent: int | None
    must_look: bool
    #: Monotonic time at which the lease was extended last.
    leased_at: float
    #: Counts the threads of the session after the first: each has a card of its own.
    round: int = 0
    #: Our own ids of the present intent that are in the thread, with their ts.
    _there: dict[str, str] = field(default_factory=dict[str, str])
    _checked_at: float = float("-inf")

    @property
    def session_id(self) -> str:
        return self.lease.session_id

    async def open_card(self, shown: Shown, oldest: str) -> tuple[str, str]:
        """The root of the thread: its ts and its address. Posts it unless it is in the channel already."""
        card_id = f"{self.session_id}:card" + (f".{self.round}" if self.round else "")
        try:
            await self._intend(mirrors.CARD)
            if self.must_look:
                self._there |= await self.desk.api.ours_in_channel(self.channel, oldest)
                self.must_look = False
            if card_id not in self._there:
                post = await self._post(CARD, card_id, shown.text, blocks=list(shown.blocks))
                self._there[card_id] = post.ts
        except SlackFailure as failure:
            raise self.sorted(failure) from failure
        ts = self._there[card_id]
        self.root, self._checked_at = ts, time.monotonic()
        return ts, await self._address(ts)

    async def say(
        self,
        seq: int,
        texts: list[str],
        *,
        author: str | None = None,
        face: Mapping[str, str] | None = None,
        blocks: Any = None,
    ) -> list[str]:
        """Posts entry `seq` in one or several pieces, under `author`'s name and with their `face`, where Slack lets us.
        Returns their ts, in order.

        Raises ThreadGone, Limited, Ambiguous.
        """
        ids = [f"{self.session_id}:{seq}" + (f".{number}" if number else "") for number in range(len(texts))]
        try:
            await self._ensure_root()
            await self._intend(seq)
            if self.must_look:
                await self._look()
            for message_id, text in zip(ids, texts, strict=True):
                if message_id not in self._there:
                    self._there[message_id] = await self._reply(message_id, text, author, face, blocks)
        except SlackFailure as failure:
            raise self.sorted(failure) from failure
        return [self._there[message_id] for message_id in ids]

    def is_there(self, seq: int) -> bool:
        """Whether the entry's post was found or made by an earlier attempt."""
        return self.intent == seq and f"{self.session_id}:{seq}" in self._there

    async def edit(self, ts: str, shown: Shown) -> None:
        """Changes a message of ours. Raises ThreadGone where it is the root that is gone, Limited, Ambiguous."""
        try:
            await self._update(ts, shown)
        except Refused as refusal:
            if refusal.code in UNEDITABLE or (ts != self.root and refusal.code == "message_not_found"):
                log.warning("a message in the thread of %s cannot be edited: %s", self.session_id, refusal.code)
                return
            raise self.sorted(refusal) from refusal
        if ts == self.root:
            self._checked_at = time.monotonic()

    async def reply(self, message_id: str, shown: Shown) -> str:
        """Posts what is no entry of the log, under an id of its own, and returns its ts. The caller has stored before
        that it may be there. Raises SlackFailure."""
        await self._ensure_root()
        return await self._reply(message_id, shown.text, None, None, list(shown.blocks))

    async def ready(self) -> None:
        """The thread is there, and ours. Raises LeaseLost, SlackFailure."""
        await self._ensure_root()
        await self._ensure_lease()

    async def still_there(self) -> None:
        """The same, asked of Slack whenever it was asked last."""
        self._checked_at = float("-inf")
        await self.ready()

    async def take_back_strays(self, oldest: str | None) -> None:
        """The thread is gone: whatever of the present intent landed at the channel's root is deleted."""
        if self.intent is None:
            return
        found = await self.desk.api.ours_in_channel(self.channel, oldest or self.root)
        for message_id, ts in found.items():
            if message_id.split(".")[0] == f"{self.session_id}:{self.intent}":
                await self.desk.api.delete(self.channel, ts)

    # -- inside

    async def _intend(self, seq: int) -> None:
        if self.intent != seq:
            await self.write(lambda tx: mirrors.intend(tx, self.lease, seq))
            self.intent = seq
            self._there.clear()
            self.must_look = False

    async def _look(self) -> None:
        assert self.root is not None
        oldest = await self.desk.db.read(lambda tx: mirrors.last_posted(tx, self.session_id))
        self._there |= await self.desk.api.ours_in_thread(self.channel, self.root, oldest)
        self.must_look = False

    async def _ensure_root(self) -> None:
        assert self.root is not None
        if time.monotonic() - self._checked_at < self.desk.pace.thread_check_every:
            return
        try:
            root = await self.desk.api.root_of(self.channel, self.root)
        except Refused as refusal:
            if refusal.code != "missing_scope":
                raise
            # Without the right to read, only where a post lands can tell.
            return
        if root is None or root.get("subtype") == "tombstone":
            raise Refused("thread_not_found")
        self._checked_at = time.monotonic()

    async def _reply(
        self, message_id: str, text: str, author: str | None, face: Mapping[str, str] | None, blocks: Any
    ) -> str:
        fields: dict[str, Any] = {"thread_ts": self.root, **({"blocks": blocks} if blocks else {})}
        if author is not None and self.desk.may_customize:
            try:
                post = await self._post(MESSAGE, message_id, text, **fields, username=author, **(face or {}))
            except Refused as refusal:
                if refusal.code != "missing_scope":
                    raise
                log.warning("Slack lets us post under our own name only: grant chat:write.customize")
                self.desk.may_customize = False
                return await self._reply(message_id, text, author, face, blocks)
        else:
            said = labelled(author, text) if author is not None else text
            post = await self._post(MESSAGE, message_id, said, **fields)
        if post.thread_ts != self.root:
            # Should taking it back fail, the next look finds the thread gone and takes it back then.
            self.must_look, self._checked_at = True, float("-inf")
            await self.desk.api.delete(self.channel, post.ts)
            raise Refused("thread_not_found")
        return post.ts

    async def _ensure_lease(self) -> None:
        """After any wait, and before anything is posted: is this still ours? Raises LeaseLost. A call is over before a
        lease that was extended so lately runs out."""
        if time.monotonic() - self.leased_at > self.desk.pace.lease_slack:
            await self.write(lambda tx: mirrors.held(tx, self.lease))

    async def write(self, work: Callable[[Transaction], T]) -> T:
        """Every write under the lease extends it. Raises LeaseLost."""
        asked_at = time.monotonic()
        result = await self.desk.db.write(work)
        self.leased_at = asked_at
        return result

    async def _post(self, kind: str, message_id: str, text: str, **fields: Any) -> Post:
        metadata = {"event_type": kind, "event_payload": {"id": message_id}}
        await self.desk.api.until_welcome("chat.postMessage", self.channel)
        await self.desk.pay_for_post(self.channel)
        await self._ensure_lease()
        try:
            post = await self.desk.api.post(self.channel, text, metadata=metadata, **fields)
        except Ambiguous:
            self.must_look = True
            raise
        except Refused as refusal:
            if refusal.code not in ("invalid_blocks", "msg_blocks_too_long") or "blocks" not in fields:
                raise
            log.exception("Slack does not take these blocks; posting the plain text")
            plain = {name: value for name, value in fields.items() if name != "blocks"}
            return await self._post(kind, message_id, text, **plain)
        metrics.POSTS.inc()
        return post

    async def _update(self, ts: str, shown: Shown) -> None:
        try:
            await self.desk.api.update(self.channel, ts, shown.text, shown.blocks)
        except Refused as refusal:
            if refusal.code not in ("invalid_blocks", "msg_blocks_too_long"):
                raise
            log.exception("Slack does not take these blocks; showing the plain text")
            await self.desk.api.update(self.channel, ts, shown.text, ())

    async def _address(self, ts: str) -> str:
        try:
            return await self.desk.api.permalink(self.channel, ts)
        except SlackFailure as failure:
            # A link in the log is a convenience; the thread is there without it.
            log.warning("no address for the thread of %s: %s", self.session_id, failure)
            return ""

    def sorted(self, failure: SlackFailure) -> Exception:
        """What to do about a failure: wait (Limited, Ambiguous), or give the thread up (ThreadGone)."""
        if not isinstance(failure, Refused):
            return failure
        if failure.code in GONE or failure.code.startswith("restricted_action"):
            return ThreadGone(GONE.get(failure.code, GONE["restricted_action"]))
        if failure.code in BROKEN:
            log.error("Slack refuses the bot's token: %s. Nothing is posted until it is replaced.", failure.code)
            return Limited(self.desk.pace.retry_most)
        if failure.code == "missing_scope":
            return ThreadGone(f"Cosession may not do that in Slack: grant it {failure.needed or 'the missing scope'}.")
        return ThreadGone(f"Slack refused a message: {failure.code}.")
