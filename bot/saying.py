"""What somebody said in the session, as posts of the thread: its words under their head, and then its files."""

from __future__ import annotations

from collections.abc import Mapping

from bot import metrics
from bot.blocks import Shown
from bot.desk import Desk
from bot.faces import face_of
from bot.files.sending import Sending
from bot.files.words import in_the_session
from bot.quoting import called_by, head_of, labelled, parts_under
from bot.thread import Thread
from core.events import ChatMessage, CodeComment
from core.mirrors import Lease

Said = ChatMessage | CodeComment


def posts_of(head: str, content: str, called: Mapping[str, str], left_out: int, address: str) -> list[str]:
    """The texts of a message's posts; none where its files say it all. Files that Slack did not take are said to be in
    the session, at `address`."""
    texts = parts_under(head, content, called) if content else [head] if head else []
    if left_out:
        line = in_the_session(left_out, address)
        texts = [*texts[:-1], f"{texts[-1]}\n{line}"] if texts else [line]
    return texts


class Saying:
    """Belongs to the reader of one thread, under its lease."""

    def __init__(self, desk: Desk, lease: Lease) -> None:
        self._desk = desk
        self.files = Sending(desk, lease)

    async def say(self, thread: Thread, seq: int, said: Said) -> list[str]:
        """Posts entry `seq`. Returns the ts of its posts, in order.

        Raises ThreadGone, Limited, Ambiguous, LeaseLost.
        """
        url = self._desk.settings.session_url(thread.session_id)
        has_head = isinstance(said, CodeComment) or said.parent_id is not None
        realm, head, called = self._desk.realm, "", dict[str, str]()
        if has_head or said.mentions:
            head, called = await self._desk.db.read(
                lambda tx: (head_of(tx, said.id, url) if has_head else "", called_by(tx, said.id, realm))
            )
        face = await face_of(self._desk, said.user_id) if self._desk.may_customize else None
        address = f"{url}#seq={seq}"
        if isinstance(said, CodeComment) or not said.files:
            return await thread.say(seq, parts_under(head, said.content, called), author=said.username, face=face)
        parcel = await self.files.pack(thread, said)
        texts = posts_of(head, said.content, called, parcel.left_out, address)
        stamps = await thread.say(seq, texts, author=said.username, face=face)
        shared: str | None = ""
        if parcel.file_ids:
            shared = await self.files.share(thread, said, parcel, face=face, has_words=bool(stamps))
        carried = len(parcel.file_ids) if shared is not None else 0
        metrics.FILES.labels("out", "carried").inc(carried)
        metrics.FILES.labels("out", "left").inc(len(said.files) - carried)
        if shared is None:
            texts = posts_of(head, said.content, called, len(said.files), address)
            return await self._say_instead(thread, seq, said, texts, stamps, face)
        return [*stamps, shared] if shared else stamps

    async def _say_instead(
        self, thread: Thread, seq: int, said: Said, texts: list[str], stamps: list[str], face: Mapping[str, str] | None
    ) -> list[str]:
        """The words are there and the files were refused after all: the last post says where they are."""
        if not stamps:
            return await thread.say(seq, texts, author=said.username, face=face)
        text = texts[-1]
        await thread.edit(stamps[-1], Shown(text if self._desk.may_customize else labelled(said.username, text), ()))
        return stamps
