"""What people change in the session afterwards becomes a change in the thread: edits, deletions, reactions, and
comments that are resolved.

Every step may be done twice and ends the same, so that nothing has to be remembered for a crash. What a person wrote in
Slack only they can change there: an edit of it is told as a reply, a note, and a deletion as a mark on it. A note says
what holds: a further edit in the session changes it, and an edit or a deletion in Slack takes it away. The app has one
reaction of each kind; it stays for as long as anybody in the session has it.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Iterable, Mapping
from dataclasses import dataclass

from sqlalchemy import delete
from sqlmodel import col, select

from bot.blocks import Shown
from bot.emoji_names import slack_name
from bot.files.calls import delete as delete_file
from bot.pages import Entry
from bot.quoting import answers_to, called_by, head_of, labelled, parts_under
from bot.saying import posts_of
from bot.thread import Thread
from bot.web import Refused
from core import log as log_of_session
from core import mirrors, tables
from core.db import Transaction
from core.events import (
    ChatMessagePosted,
    CommentDeleted,
    CommentEdited,
    CommentReopened,
    CommentResolved,
    Event,
    MessageDeleted,
    MessageEdited,
    ReactionAdded,
    ReactionRemoved,
)
from core.mirrors import Standing

log = logging.getLogger(__name__)

#: Put on somebody's own post whose words the session has deleted.
DELETED = "wastebasket"
#: Stands above the new text of what somebody else has posted.
EDITED = ":pencil2: _changed in the session:_"
#: Refusals that concern one message, not the thread.
_GONE_ALREADY = frozenset(
    {"message_not_found", "no_item_specified", "cant_delete_message", "cant_delete_file", "file_deleting_disabled"}
)
_UNWELCOME = frozenset({"invalid_name", "too_many_emoji", "too_many_reactions", "not_reactable", "missing_scope"})

Settled = CommentResolved | CommentReopened
Change = MessageEdited | MessageDeleted | ReactionAdded | ReactionRemoved | CommentEdited | CommentDeleted | Settled


@dataclass(frozen=True, slots=True)
class Changed:
    """Something that was said, as the thread has it, and what it says by now, under which head."""

    there: Standing
    head: str
    content: str
    #: Whom it calls: name → id in Slack.
    called: Mapping[str, str]
    #: How many files it has, and the address of its entry.
    files: int
    address: str
    #: The posts that tell how somebody's own post was changed in the session.
    notes: tuple[str, ...] = ()

    @property
    def is_there(self) -> bool:
        """Whether it says anything still."""
        return bool(self.content) or self.files > 0

    def texts(self, content: str) -> list[str]:
        """Its posts, saying `content`."""
        left_out = max(0, self.files - len(self.there.uploads.file_ids))
        return posts_of(self.head, content, self.called, left_out, self.address)


def is_change(event: Event) -> bool:
    """Whether the entry changes something that was said before."""
    return isinstance(event, Change)


def changed_id(change: Change) -> str:
    """The message or comment that a change is about; of a thread of comments, the first."""
    match change:
        case CommentEdited() | CommentDeleted():
            return change.comment_id
        case CommentResolved() | CommentReopened():
            return change.thread_id
        case _:
            return change.message_id


def read_changed(tx: Transaction, session_id: str, ref_id: str, url: str, realm: str) -> Changed | None:
    """None for what is not in the thread. `url` is the session's."""
    there = mirrors.standing(tx, session_id, ref_id)
    if there is None:
        return None
    said = tx.sql.get(tables.Message, ref_id) or tx.sql.get(tables.Comment, ref_id)
    if said is None:
        return Changed(there, "", "", {}, 0, url)
    files = _files_of(tx, said) if isinstance(said, tables.Message) else 0
    address = f"{url}#seq={said.seq}"
    called, notes = called_by(tx, ref_id, realm), _notes_on(tx, session_id, ref_id)
    return Changed(there, head_of(tx, ref_id, url), said.content, called, files, address, notes)


def note_on(ref_id: str) -> str:
    """What the posts of a note are linked to."""
    return f"note:{ref_id}"


def _notes_on(tx: Transaction, session_id: str, ref_id: str) -> tuple[str, ...]:
    link = tables.MirrorLink
    query = select(link.ts).where(link.session_id == session_id, link.message_id == note_on(ref_id)).order_by(link.ts)
    return tuple(tx.sql.exec(query))


def _files_of(tx: Transaction, message: tables.Message) -> int:
    """How many files a message has; none once it was deleted."""
    entries = log_of_session.read_after(tx, message.session_id, message.seq - 1, 1)
    posted = entries[0].event() if entries else None
    return len(posted.message.files) if isinstance(posted, ChatMessagePosted) else 0


def read_answers(tx: Transaction, session_id: str, change: Change, url: str, realm: str) -> list[Changed]:
    """What stands in the thread and quotes the words that have changed; nothing where the change is not of words."""
    if not isinstance(change, MessageEdited | MessageDeleted | CommentEdited | CommentDeleted):
        return []
    found = (read_changed(tx, session_id, ref_id, url, realm) for ref_id in answers_to(tx, changed_id(change)))
    return [answer for answer in found if answer is not None and answer.is_there and answer.there.origin == "session"]


async def quote_anew(thread: Thread, answers: Iterable[Changed]) -> None:
    """Answers quote how what they answer begins: what was taken back there is taken back from them too.

    Raises ThreadGone, Limited, Ambiguous.
    """
    for answer in answers:
        await _rewrite(thread, answer.texts(answer.content), answer.there)


async def tell(thread: Thread, entry: Entry, changed: Changed | None) -> list[str]:
    """Makes the thread agree with one change. `changed` is what it concerns, if the thread has it. Returns the ts of
    what was posted about it.

    Raises ThreadGone, Limited, Ambiguous.
    """
    event = entry.event
    if changed is None:
        return []
    there = changed.there
    match event:
        case MessageEdited() | CommentEdited() if event.source == "slack":
            await _take_away(thread, changed.notes, changed_id(event))
        case MessageEdited() | CommentEdited() if event.content:
            return await _edit(thread, entry.seq, event.content, changed)
        case MessageDeleted() | CommentDeleted():
            await _take_away(thread, changed.notes, changed_id(event))
            if event.source != "slack":
                await _delete(thread, there)
        case CommentResolved() | CommentReopened() if changed.content and there.origin == "session":
            await _rewrite(thread, changed.texts(changed.content), there)
        case ReactionAdded() | ReactionRemoved():
            await _react(thread, event, there)
        case _:
            pass
    return []


async def _edit(thread: Thread, seq: int, content: str, changed: Changed) -> list[str]:
    there = changed.there
    if there.origin == "thread":
        return await _note(thread, seq, content, changed)
    if there.uploads.ts == mirrors.OUT_OF_REACH and not there.stamps:
        return []
    if not there.stamps:
        # Files alone until now: the words stand below them.
        return await thread.say(seq, changed.texts(content), author=there.author)
    await _rewrite(thread, changed.texts(content), there)
    return []


async def _note(thread: Thread, seq: int, content: str, changed: Changed) -> list[str]:
    if content != changed.content:
        # It holds no more: whoever changed it since stands further on in the log.
        return []
    texts, author = parts_under(EDITED, content, changed.called), changed.there.author
    if not changed.notes:
        return await thread.say(seq, texts, author=author)
    await _rewrite(thread, texts, Standing(changed.notes, "session", author, frozenset()))
    return []


async def _take_away(thread: Thread, notes: tuple[str, ...], ref_id: str) -> None:
    if not notes:
        return
    for ts in notes:
        await _try(thread, thread.desk.api.delete(thread.channel, ts))
    link = tables.MirrorLink
    gone = delete(link).where(col(link.session_id) == thread.session_id, col(link.message_id) == note_on(ref_id))
    await thread.write(lambda tx: tx.sql.exec(gone))


async def _rewrite(thread: Thread, texts: list[str], there: Standing) -> None:
    """Makes the posts of a message say something else; those that it does not need any more are deleted."""
    kept, spare = there.stamps[: len(texts)], there.stamps[len(texts) :]
    for number, ts in enumerate(kept):
        text = texts[number]
        if number == len(kept) - 1 and len(texts) > len(kept):
            # A further post would stand below what others have said since.
            url = thread.desk.settings.session_url(thread.session_id)
            text = f"{text}\n_It goes on <{url}|in the session>._"
        text = text if thread.desk.may_customize else labelled(there.author, text)
        await thread.edit(ts, Shown(text, ()))
    for ts in spare:
        await _try(thread, thread.desk.api.delete(thread.channel, ts))


async def _delete(thread: Thread, there: Standing) -> None:
    for file_id in there.uploads.file_ids:
        await _try(thread, delete_file(thread.desk.api, file_id))
    for ts in there.posts:
        if there.origin == "session":
            await _try(thread, thread.desk.api.delete(thread.channel, ts))
        else:
            await _try(thread, thread.desk.api.react(thread.channel, ts, DELETED))


async def _react(thread: Thread, event: ReactionAdded | ReactionRemoved, there: Standing) -> None:
    name = slack_name(event.emoji)
    is_wanted = event.emoji in there.emoji
    if name is None or not there.posts or (isinstance(event, ReactionAdded) and not is_wanted):
        return
    api, ts = thread.desk.api, there.posts[0]
    await _try(thread, api.react(thread.channel, ts, name) if is_wanted else api.unreact(thread.channel, ts, name))


async def _try(thread: Thread, call: Awaitable[None]) -> None:
    try:
        await call
    except Refused as refusal:
        if refusal.code not in _GONE_ALREADY | _UNWELCOME:
            raise thread.sorted(refusal) from refusal
        log.warning("a change could not be made in the thread of %s: %s", thread.session_id, refusal.code)
