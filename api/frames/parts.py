"""What stands inside frames and answers: people, places, and the views that the socket and HTTP share."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from core.events import MAX_MESSAGE, ChatMessage, CodeComment, Person, Role
from core.indexing import Kind

PresenceStatus = Literal["active", "idle", "away"]


class Part(BaseModel):
    """Something inside a frame."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Position(Part):
    """A place in a session's log. `epoch` names the history: it changes when a server starts from another one."""

    epoch: str
    seq: int = Field(ge=0)


class Selection(Part):
    """From one place in a file to another; lines and columns count from 1."""

    start_line: int = Field(ge=1)
    start_column: int = Field(ge=1)
    end_line: int = Field(ge=1)
    end_column: int = Field(ge=1)


class Viewport(Part):
    """What somebody looks at: the lines of a file or diff that they see, or a position in the transcript.

    `top_line` is the first line in sight and `fraction` how much of it is scrolled away, so that it means the same on
    every screen. `version` (and `base_version` for a diff) is the content's SHA-256.
    """

    surface: Literal["transcript", "file", "diff", "chat"]
    file: str | None = Field(default=None, max_length=1_000)
    version: str | None = Field(default=None, max_length=64)
    base_version: str | None = Field(default=None, max_length=64)
    top_line: int | None = Field(default=None, ge=1)
    bottom_line: int | None = Field(default=None, ge=1)
    fraction: float = Field(default=0.0, ge=0.0, le=1.0)
    #: The first entry in sight.
    seq: int | None = Field(default=None, ge=0)


class Cursor(Part):
    file: str = Field(max_length=1_000)
    line: int = Field(ge=1)
    column: int = Field(default=1, ge=1)
    selection: Selection | None = None


class Participant(Person):
    role: Role


class PersonPresence(Part):
    """One person, however many tabs they have open."""

    user_id: str
    username: str
    color: int
    status: PresenceStatus
    cursor: Cursor | None = None
    viewport: Viewport | None = None
    #: Whom they follow.
    following: str | None = None


class Reaction(Part):
    emoji: str
    #: In the order in which they reacted.
    user_ids: list[str]


class MessageView(ChatMessage):
    """A message as it stands now. `updated_seq` is the last entry that changed it: later ones still apply."""

    seq: int
    updated_seq: int
    edited_at: str | None = None
    is_deleted: bool = False
    reactions: list[Reaction] = []
    reply_count: int = 0
    last_reply_at: str | None = None


class CommentView(CodeComment):
    """A comment as it stands now."""

    seq: int
    updated_seq: int
    edited_at: str | None = None
    is_deleted: bool = False


class CommentPlace(Part):
    """Where a thread stands in the version that was asked for.

    `exact`: on its lines, which may have moved. `moved`: found again by its text, `confidence` from 0.8 to 1.
    `outdated`: its lines are not there any more. `gone`: the file is not. A place without lines shows the old snippet.
    """

    status: Literal["exact", "moved", "outdated", "gone"]
    file: str
    version: str | None
    line: int | None = None
    end_line: int | None = None
    confidence: float = 1.0


class ThreadView(Part):
    """Comments on one place, the oldest first."""

    id: str
    is_resolved: bool
    resolved_by: str | None = None
    #: The last entry that resolved or reopened it, or began it.
    updated_seq: int
    comments: list[CommentView]


class CommentThread(ThreadView):
    """A thread with its place in the version that was asked for."""

    place: CommentPlace


class FileView(Part):
    """A shared file as it stands now. `base_version` is its content when it was first shared, None for a new file."""

    path: str
    version: str | None
    base_version: str | None
    #: Against `base_version`.
    change: Literal["unchanged", "added", "modified", "deleted", "renamed"]
    old_path: str | None = None
    size: int
    lines: int | None
    is_binary: bool
    reason: str = ""
    version_count: int
    #: The entry of its last change, and when.
    seq: int
    changed_at: str


class FileVersion(Part):
    """One state of a file, in the order of the log."""

    seq: int
    at: str
    path: str
    version: str | None
    change: Literal["added", "modified", "deleted", "renamed"]
    old_path: str | None
    size: int
    lines: int | None
    is_binary: bool


class HealthReason(Part):
    """Why the score is not 100. `points` is what it costs."""

    code: Literal["context_used", "error_rate", "retries", "age", "idleness"]
    points: int
    text: str


class SessionContext(Part):
    """How the agent is doing. `health_score` is 0 to 100, and None before it has done anything: see `core.health`."""

    status: Literal["waiting", "working", "idle", "ended"]
    token_count: int | None
    context_used: int | None
    context_limit: int | None
    health_score: int | None
    health_reasons: list[HealthReason]
    files_touched: int
    tool_calls: int
    tool_failures: int
    turns: int


class SessionView(Part):
    """A session as it is listed and shown. Times are RFC 3339."""

    id: str
    title: str
    status: Literal["live", "ended"]
    agent: str | None
    host: Person
    role: Role
    seq: int
    participant_count: int
    message_count: int
    token_count: int | None
    created_at: str
    last_activity_at: str
    ended_at: str | None
    #: How the agent is doing, 0 to 100; None before it has done anything, and where that was not counted yet.
    health_score: int | None = None
    #: Chat is copied to a thread outside, unless a message says `session_only`.
    is_mirrored: bool = False
    #: Messages and comments of others after your read marker, and how many of them mention you.
    unread_count: int = 0
    mention_count: int = 0


class ThreadState(Part):
    """How the thread outside stands that copies the session. `behind_s` is the age in seconds of the oldest entry that
    it lacks; `reason` says in words why nothing is posted; `url` is empty where it is not known."""

    provider: Literal["slack"] = "slack"
    status: Literal["opening", "live", "paused", "closed"]
    channel: str
    channel_name: str
    url: str
    is_muted: bool
    behind_s: int
    reason: str


class SnippetPart(Part):
    """Plain text, never markup."""

    text: str
    is_match: bool


class SearchHit(Part):
    """An entry of a log that was searched for. `user` wrote it, where a person did; `ref_id` is the message's,
    comment's, turn's or call's id, or the file's path."""

    session_id: str
    session_title: str
    seq: int
    kind: Kind
    ref_id: str | None
    at: str
    user: Person | None
    snippet: list[SnippetPart]


class Limits(Part):
    frame_bytes: int
    message_characters: int = MAX_MESSAGE
    messages_per_minute: int
    #: Days for which a session is kept after it has ended; None for ever.
    kept_days: int | None = None


class Snapshot(Part):
    """What a session adds up to after entry `seq`. Every entry after it still applies: see `api.client.replica`."""

    epoch: str
    seq: int
    session: SessionView
    participants: list[Participant]
    #: The latest, oldest first; older ones by page.
    messages: list[MessageView]
    threads: list[ThreadView]
    files: list[FileView]
