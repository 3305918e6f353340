"""What a session adds up to for somebody who holds a snapshot and every entry after it.

Pure. A replica that took a snapshot long ago and every entry since equals one that takes a snapshot now: that is the
promise behind resuming, and it is tested for every kind of entry.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from api.client.heard import LogEntry
from api.frames import (
    CommentView,
    FileView,
    MessageView,
    Participant,
    Reaction,
    SessionView,
    Snapshot,
    ThreadView,
)
from core.blanking import NOBODY
from core.events import (
    ChatMessagePosted,
    CodeCommented,
    CommentDeleted,
    CommentEdited,
    CommentReopened,
    CommentResolved,
    Event,
    FileShared,
    MessageDeleted,
    MessageEdited,
    ParticipantAdded,
    ParticipantRemoved,
    PersonErased,
    ReactionAdded,
    ReactionRemoved,
    RoleChanged,
    SessionEnded,
    SessionUpdate,
    ThreadLinked,
    TurnStarted,
    UsageUpdated,
)


@dataclass(slots=True)
class Replica:
    """Views by id, as they stand after entry `seq`. Place of comment threads is not kept: it depends on who asks."""

    seq: int
    session: SessionView
    participants: dict[str, Participant] = field(default_factory=dict[str, Participant])
    messages: dict[str, MessageView] = field(default_factory=dict[str, MessageView])
    threads: dict[str, ThreadView] = field(default_factory=dict[str, ThreadView])
    files: dict[str, FileView] = field(default_factory=dict[str, FileView])

    @classmethod
    def of(cls, snapshot: Snapshot) -> Replica:
        return cls(
            seq=snapshot.seq,
            session=snapshot.session,
            participants={someone.user_id: someone for someone in snapshot.participants},
            messages={message.id: message for message in snapshot.messages},
            threads={thread.id: thread for thread in snapshot.threads},
            files={file.path: file for file in snapshot.files},
        )

    def apply(self, entry: LogEntry) -> None:
        """Takes the next entry; those that were taken already change nothing. Raises ValueError for a hole."""
        if entry.seq <= self.seq:
            return
        if entry.seq != self.seq + 1:
            raise ValueError(f"entry {self.seq + 1} is missing")
        self.seq = entry.seq
        self.set_session(seq=entry.seq, last_activity_at=entry.at)
        change = _CHANGES.get(type(entry.event)) if entry.event is not None else None
        if change is not None:
            change(self, entry.event, entry)

    def set_session(self, **fields: Any) -> None:
        self.session = self.session.model_copy(update=fields)

    def set_message(self, message_id: str, **fields: Any) -> None:
        """Nothing for a message that is older than the snapshot."""
        held = self.messages.get(message_id)
        if held is not None:
            self.messages[message_id] = held.model_copy(update=fields)

    def count_replies(self, message_id: str) -> None:
        replies = [m for m in self.messages.values() if m.parent_id == message_id and not m.is_deleted]
        last = replies[-1].timestamp if replies else None
        self.set_message(message_id, reply_count=len(replies), last_reply_at=last)

    def set_thread(self, thread_id: str, **fields: Any) -> None:
        held = self.threads.get(thread_id)
        if held is not None:
            self.threads[thread_id] = held.model_copy(update=fields)

    def set_comment(self, comment_id: str, **fields: Any) -> None:
        for thread in self.threads.values():
            if any(comment.id == comment_id for comment in thread.comments):
                comments = [c.model_copy(update=fields) if c.id == comment_id else c for c in thread.comments]
                self.set_thread(thread.id, comments=comments)
                return


Change = Callable[["Replica", Any, LogEntry], None]


def _session_update(replica: Replica, event: SessionUpdate, _entry: LogEntry) -> None:
    if event.title is not None:
        replica.set_session(title=event.title)
    if event.host is not None:
        replica.set_session(host=event.host)


def _session_ended(replica: Replica, _event: SessionEnded, entry: LogEntry) -> None:
    replica.set_session(status="ended", ended_at=entry.at)


def _participant_added(replica: Replica, event: ParticipantAdded, _entry: LogEntry) -> None:
    someone = Participant(**event.user.model_dump(), role=event.role)
    replica.participants[someone.user_id] = someone
    replica.set_session(participant_count=len(replica.participants))


def _participant_removed(replica: Replica, event: ParticipantRemoved, _entry: LogEntry) -> None:
    replica.participants.pop(event.user_id, None)
    replica.set_session(participant_count=len(replica.participants))


def _role_changed(replica: Replica, event: RoleChanged, _entry: LogEntry) -> None:
    someone = replica.participants.get(event.user_id)
    if someone is not None:
        replica.participants[event.user_id] = someone.model_copy(update={"role": event.role})


def _person_erased(replica: Replica, event: PersonErased, _entry: LogEntry) -> None:
    nobody = {"username": NOBODY}
    someone = replica.participants.get(event.user_id)
    if someone is not None:
        replica.participants[event.user_id] = someone.model_copy(update=nobody)
    if replica.session.host.user_id == event.user_id:
        replica.set_session(host=replica.session.host.model_copy(update=nobody))
    for message in list(replica.messages.values()):
        if message.user_id == event.user_id:
            replica.set_message(message.id, **nobody)
    for thread in list(replica.threads.values()):
        comments = [c.model_copy(update=nobody) if c.user_id == event.user_id else c for c in thread.comments]
        replica.set_thread(thread.id, comments=comments)


def _thread_linked(replica: Replica, _event: ThreadLinked, _entry: LogEntry) -> None:
    replica.set_session(is_mirrored=True)


def _turn_started(replica: Replica, event: TurnStarted, _entry: LogEntry) -> None:
    replica.set_session(agent=event.agent)


def _usage_updated(replica: Replica, event: UsageUpdated, _entry: LogEntry) -> None:
    replica.set_session(token_count=event.tokens.total)


def _chat_message(replica: Replica, event: ChatMessagePosted, entry: LogEntry) -> None:
    message = event.message
    is_deleted = message.content == "" and not message.files
    view = MessageView(**message.model_dump(), seq=entry.seq, updated_seq=entry.seq, is_deleted=is_deleted)
    replica.messages[message.id] = view
    replica.set_session(message_count=replica.session.message_count + 1)
    if message.parent_id is not None:
        replica.count_replies(message.parent_id)


def _message_edited(replica: Replica, event: MessageEdited, entry: LogEntry) -> None:
    replica.set_message(
        event.message_id,
        content=event.content,
        mentions=event.mentions,
        mentions_here=event.mentions_here,
        edited_at=entry.at,
        updated_seq=entry.seq,
    )


def _message_deleted(replica: Replica, event: MessageDeleted, entry: LogEntry) -> None:
    replica.set_message(
        event.message_id,
        content="",
        files=[],
        mentions=[],
        mentions_here=False,
        code_ref=None,
        reactions=[],
        is_deleted=True,
        updated_seq=entry.seq,
    )
    message = replica.messages.get(event.message_id)
    if message is not None and message.parent_id is not None:
        replica.count_replies(message.parent_id)


def _reaction_added(replica: Replica, event: ReactionAdded, entry: LogEntry) -> None:
    kinds = _without(replica, event)
    there = next((kind for kind in kinds if kind.emoji == event.emoji), None)
    if there is None:
        kinds.append(Reaction(emoji=event.emoji, user_ids=[event.user_id]))
    else:
        kinds[kinds.index(there)] = Reaction(emoji=event.emoji, user_ids=[*there.user_ids, event.user_id])
    replica.set_message(event.message_id, reactions=kinds, updated_seq=entry.seq)


def _reaction_removed(replica: Replica, event: ReactionRemoved, entry: LogEntry) -> None:
    replica.set_message(event.message_id, reactions=_without(replica, event), updated_seq=entry.seq)


def _without(replica: Replica, event: ReactionAdded | ReactionRemoved) -> list[Reaction]:
    """The message's reactions without this person's."""
    message = replica.messages.get(event.message_id)
    kinds: list[Reaction] = []
    for kind in message.reactions if message is not None else []:
        others = [who for who in kind.user_ids if kind.emoji != event.emoji or who != event.user_id]
        if others:
            kinds.append(Reaction(emoji=kind.emoji, user_ids=others))
    return kinds


def _code_comment(replica: Replica, event: CodeCommented, entry: LogEntry) -> None:
    comment = event.comment
    view = CommentView(**comment.model_dump(), seq=entry.seq, updated_seq=entry.seq, is_deleted=comment.content == "")
    thread = replica.threads.get(comment.thread_id)
    if thread is None:
        thread = ThreadView(id=comment.thread_id, is_resolved=False, updated_seq=entry.seq, comments=[])
    replica.threads[thread.id] = thread.model_copy(update={"comments": [*thread.comments, view]})


def _comment_edited(replica: Replica, event: CommentEdited, entry: LogEntry) -> None:
    replica.set_comment(
        event.comment_id,
        content=event.content,
        mentions=event.mentions,
        edited_at=entry.at,
        updated_seq=entry.seq,
    )


def _comment_deleted(replica: Replica, event: CommentDeleted, entry: LogEntry) -> None:
    replica.set_comment(event.comment_id, content="", mentions=[], is_deleted=True, updated_seq=entry.seq)


def _comment_resolved(replica: Replica, event: CommentResolved, entry: LogEntry) -> None:
    replica.set_thread(event.thread_id, is_resolved=True, resolved_by=entry.actor_id, updated_seq=entry.seq)


def _comment_reopened(replica: Replica, event: CommentReopened, entry: LogEntry) -> None:
    replica.set_thread(event.thread_id, is_resolved=False, resolved_by=None, updated_seq=entry.seq)


def _file_shared(replica: Replica, event: FileShared, entry: LogEntry) -> None:
    """A renamed file goes on under its new name; whoever shares the old name later shares another file."""
    before = replica.files.get(event.path)
    if event.change == "renamed" and event.old_path is not None:
        before = replica.files.pop(event.old_path, None)
    replica.files[event.path] = FileView(
        path=event.path,
        version=event.version,
        size=event.size,
        lines=event.lines,
        is_binary=event.is_binary,
        reason=event.reason,
        version_count=before.version_count + 1 if before is not None else 1,
        seq=entry.seq,
        changed_at=entry.at,
        **_since_the_base(event, before),
    )


def _since_the_base(event: FileShared, before: FileView | None) -> dict[str, Any]:
    """What the file was when it was first shared, and how it differs from that."""
    if before is None:
        is_new = event.change == "added"
        base, first_path = None if is_new else event.version, event.old_path
    else:
        base, first_path = before.base_version, before.old_path
        is_new = base is None and "added" in (before.change, event.change)
        if first_path is None and event.change == "renamed":
            first_path = before.path
    change, old_path = _compared(event, base, first_path, is_new=is_new)
    return {"base_version": base, "old_path": old_path, "change": change}


def _compared(event: FileShared, base: str | None, first_path: str | None, *, is_new: bool) -> tuple[str, str | None]:
    if event.change == "deleted":
        return "deleted", first_path
    if is_new:
        return "added", None
    if first_path is not None and first_path != event.path:
        return "renamed", first_path
    return ("unchanged" if event.version is not None and event.version == base else "modified"), None


_CHANGES: dict[type[Event], Change] = {
    SessionUpdate: _session_update,
    SessionEnded: _session_ended,
    ParticipantAdded: _participant_added,
    ParticipantRemoved: _participant_removed,
    RoleChanged: _role_changed,
    PersonErased: _person_erased,
    ThreadLinked: _thread_linked,
    TurnStarted: _turn_started,
    UsageUpdated: _usage_updated,
    ChatMessagePosted: _chat_message,
    MessageEdited: _message_edited,
    MessageDeleted: _message_deleted,
    ReactionAdded: _reaction_added,
    ReactionRemoved: _reaction_removed,
    CodeCommented: _code_comment,
    CommentEdited: _comment_edited,
    CommentDeleted: _comment_deleted,
    CommentResolved: _comment_resolved,
    CommentReopened: _comment_reopened,
    FileShared: _file_shared,
}
