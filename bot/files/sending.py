"""From the session into the thread: the files of a message are uploaded, and shared in one post below its words.

The bytes go up first, which nobody sees. Their ids are stored before they are shared: after an answer that is none, and
after a restart, the thread is looked through for them before they are shared again, and Slack lets the same upload be
shared only once. Slack makes the post a moment after its answer, and tells nobody where it is; so it is waited for a
little, that what is said next stands below it.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from bot import metrics
from bot.desk import Desk
from bot.failures import Ambiguous, Refused, SlackFailure
from bot.files import calls
from bot.files.transfer import put
from bot.quoting import labelled
from bot.thread import BROKEN, GONE, Thread
from core import files, mirrors
from core.errors import FileNotFound
from core.events import ChatMessage, MessageFile
from core.mirrors import Lease

log = logging.getLogger(__name__)
T = TypeVar("T")

#: Failed uploads of one message after which its files are left out.
MOST_FAILURES = 5
#: How often a share that Slack has promised is looked for, and the waits in between, as times of the first.
LOOKS = 5
#: A file may take as long as so many calls of the Web API.
CALLS_LONG = 6
#: Slack shows about as much of an alternative text.
MAX_ALT_TEXT = 200


@dataclass(frozen=True, slots=True)
class Parcel:
    """The files of one message, uploaded. `ts` is the post that shows them already, "" for one that was not found;
    `is_begun` says that there may be one."""

    file_ids: tuple[str, ...] = ()
    left_out: int = 0
    is_begun: bool = False
    ts: str | None = None


class Sending:
    """Belongs to the reader of one thread, under its lease."""

    def __init__(self, desk: Desk, lease: Lease) -> None:
        self._desk = desk
        self._lease = lease
        self._failures: Counter[str] = Counter()

    async def pack(self, thread: Thread, message: ChatMessage) -> Parcel:
        """Uploads the files of a message, unless they are uploaded already. Nobody sees anything of it.

        Raises ThreadGone, Limited, Ambiguous, LeaseLost.
        """
        if not message.files:
            return Parcel()
        session_id = thread.session_id
        known = await self._desk.db.read(lambda tx: mirrors.uploads(tx, session_id, message.id))
        if known.file_ids:
            return Parcel(known.file_ids, len(message.files) - len(known.file_ids), is_begun=True, ts=known.ts)
        uploaded: list[str] = []
        for file in message.files:
            try:
                uploaded.append(await self._held(thread, self._upload(session_id, message.id, file)))
            except FileNotFound:
                log.info("a file of %s was taken back before it was in the thread", session_id)
            except Refused as refusal:
                if refusal.code in BROKEN:
                    raise thread.sorted(refusal) from refusal
                log.warning("Slack takes no file of %s: %s %s", session_id, refusal.code, refusal.needed)
        return Parcel(tuple(uploaded), len(message.files) - len(uploaded))

    async def share(
        self,
        thread: Thread,
        message: ChatMessage,
        parcel: Parcel,
        *,
        face: Mapping[str, str] | None,
        has_words: bool,
    ) -> str | None:
        """Shows uploaded files in the thread, once. Returns the post, "" for one that was not found, None where Slack
        refuses them. `has_words` says that the author's name stands above them already.

        Raises ThreadGone, Limited, Ambiguous, LeaseLost.
        """
        if parcel.ts is not None:
            return parcel.ts
        try:
            if parcel.is_begun:
                found = await self._find(thread, parcel.file_ids)
                if found is not None:
                    return await self._shared(thread, message.id, found)
            else:
                ids = parcel.file_ids
                await thread.write(lambda tx: mirrors.intend_share(tx, self._lease, message.id, ids))
            await self._complete(thread, message, parcel.file_ids, face, has_words=has_words)
        except Refused as refusal:
            return await self._refused(thread, message.id, parcel.file_ids, refusal)
        except SlackFailure as failure:
            raise thread.sorted(failure) from failure
        metrics.POSTS.inc()
        return await self._shared(thread, message.id, await self._find(thread, parcel.file_ids) or "")

    async def take_back(self, thread: Thread, oldest: str | None) -> None:
        """The thread is gone: files that were about to be shared go, and with them what landed at the channel's root.

        Raises SlackFailure.
        """
        session_id = thread.session_id
        ids = await self._desk.db.read(lambda tx: mirrors.adrift(tx, session_id))
        if not ids:
            return
        stray = await calls.share_in_channel(self._desk.api, thread.channel, ids, oldest or thread.root)
        for file_id in ids:
            await calls.delete(self._desk.api, file_id)
        if stray is not None:
            await self._desk.api.delete(thread.channel, stray.ts)

    # -- inside

    async def _upload(self, session_id: str, message_id: str, file: MessageFile) -> str:
        data = (await self._desk.db.read(lambda tx: files.blob(tx, session_id, file.sha256))).data
        alt_text = file.name[:MAX_ALT_TEXT] if file.media_type.startswith("image/") else ""
        slot = await calls.reserve(self._desk.api, file.name, len(data), alt_text)
        try:
            await put(self._desk.api, slot.url, data, CALLS_LONG * self._desk.pace.call_timeout)
        except (Ambiguous, Refused) as failure:
            self._failures[message_id] += 1
            if self._failures[message_id] >= MOST_FAILURES:
                raise Refused("upload_failed") from failure
            # Another address may take it: nothing of this one is seen by anybody.
            raise Ambiguous(f"an upload failed: {failure}") from failure
        return slot.file_id

    async def _complete(
        self,
        thread: Thread,
        message: ChatMessage,
        ids: tuple[str, ...],
        face: Mapping[str, str] | None,
        *,
        has_words: bool,
    ) -> None:
        desk = self._desk
        assert thread.root is not None
        if desk.may_customize:
            fields: dict[str, Any] = {"username": message.username, **(face or {})}
        else:
            fields = {} if has_words else {"initial_comment": labelled(message.username, "").strip()}
        await desk.pay_for_post(thread.channel)
        await thread.ready()
        try:
            await calls.complete(desk.api, thread.channel, thread.root, ids, **fields)
        except Refused as refusal:
            if refusal.code != "missing_scope" or "customize" not in refusal.needed:
                raise
            desk.may_customize = False
            await self._complete(thread, message, ids, face, has_words=has_words)

    async def _refused(self, thread: Thread, message_id: str, ids: tuple[str, ...], refusal: Refused) -> str | None:
        if refusal.code == "file_not_found":
            # An upload is shared once: it was, or Slack has lost it.
            found = await self._find(thread, ids)
            if found is not None:
                return await self._shared(thread, message_id, found)
            self._failures[message_id] += 1
        elif refusal.code in GONE or refusal.code in BROKEN:
            raise thread.sorted(refusal) from refusal
        log.warning("Slack does not share files of %s: %s %s", thread.session_id, refusal.code, refusal.needed)
        await thread.write(lambda tx: mirrors.unshared(tx, self._lease, message_id))
        if refusal.code == "file_not_found" and self._failures[message_id] < MOST_FAILURES:
            raise Ambiguous("uploaded files were lost") from refusal
        return None

    async def _shared(self, thread: Thread, message_id: str, ts: str) -> str:
        await thread.write(lambda tx: mirrors.shared(tx, self._lease, message_id, ts))
        del self._failures[message_id]
        return ts

    async def _find(self, thread: Thread, ids: tuple[str, ...]) -> str | None:
        """The post that shows these files. Slack may be making it just now, so it is looked for more than once."""
        assert thread.root is not None
        session_id, wait = thread.session_id, self._desk.pace.retry_base
        after = await self._desk.db.read(lambda tx: mirrors.last_posted(tx, session_id))
        for look in range(LOOKS):
            if look:
                await self._held(thread, asyncio.sleep(wait))
                wait *= 2
            try:
                found = await calls.share_in_thread(self._desk.api, thread.channel, thread.root, ids, after)
            except Refused as refusal:
                if refusal.code != "missing_scope":
                    raise thread.sorted(refusal) from refusal
                return None  # Without the right to read it cannot be seen.
            if found is not None:
                return found.ts
        return None

    async def _held(self, thread: Thread, work: Coroutine[Any, Any, T]) -> T:
        """Does what may take long without letting the lease run out. Raises LeaseLost."""
        task = asyncio.create_task(work)
        try:
            while True:
                done, _ = await asyncio.wait({task}, timeout=self._desk.pace.lease / 3)
                if done:
                    return task.result()
                await thread.write(lambda tx: mirrors.held(tx, self._lease))
        finally:
            task.cancel()
