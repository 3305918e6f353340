"""What stands inside events, and how long texts may be."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

Role = Literal["host", "editor", "viewer"]
Source = Literal["web", "slack", "api", "agent", "system"]

#: Longest texts that an event carries, in characters. Longer ones are cut by whoever records them, and say so.
MAX_MESSAGE = 12_000
MAX_AGENT_TEXT = 32_000
MAX_OUTPUT = 16_000
MAX_DIFF = 32_000


class Value(BaseModel):
    """A part of an event."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Event(Value):
    """A body of the log. `VERSION` is stored beside it."""

    VERSION: ClassVar[int] = 1
    #: Each body narrows this to its own name.
    type: Any


class Person(Value):
    """Somebody as others see them. `color` is an index into the palette of the web view, 0 to 11."""

    user_id: str
    username: str
    color: int = 0


class CodeRef(Value):
    """A place in a file of the session. Lines count from 1."""

    file: str = Field(max_length=1_000)
    line: int = Field(ge=1)
    end_line: int | None = Field(default=None, ge=1)


class MessageFile(Value):
    """A file that came with a message. The session holds its bytes, by their SHA-256; `media_type` is what they are,
    whatever the name says. Width and height are pixels, None for what is not a picture."""

    sha256: str
    name: str
    media_type: str
    #: Bytes.
    size: int
    width: int | None = None
    height: int | None = None


def _files_may_be_absent(schema: dict[str, Any]) -> None:
    schema["required"] = [name for name in schema.get("required", []) if name != "files"]


class ChatMessage(Value):
    """`parent_id` is the first message of the thread that this one answers in; threads are one level deep."""

    model_config = ConfigDict(json_schema_extra=_files_may_be_absent)

    id: str
    user_id: str
    username: str
    #: Markdown; empty once the message was deleted, and where files say it all.
    content: str
    #: Left out of the entry where there are none.
    files: list[MessageFile] = Field(default_factory=list[MessageFile], exclude_if=lambda files: not files)
    #: Ids of people.
    mentions: list[str] = []
    #: `@here`: it called everybody who was present.
    mentions_here: bool = False
    parent_id: str | None = None
    code_ref: CodeRef | None = None
    source: Source = "web"
    #: Stays in the browser: never copied to Slack.
    session_only: bool = False
    #: When it was written, RFC 3339.
    timestamp: str

    @property
    def file_names(self) -> str:
        return ", ".join(f"📎 {one.name}" for one in self.files)

    @property
    def words(self) -> str:
        """What it says where only words are shown: its text, or else the names of its files."""
        return self.content or self.file_names


class CodeComment(Value):
    """A remark on lines of one version of a file. `thread_id` is the id of the first comment of its thread.

    `code_snippet` holds the lines it speaks of as they were, `before` and `after` up to three lines around them: with
    these the comment is found again in later versions. A reply carries the place of its thread's first comment.
    """

    id: str
    thread_id: str
    user_id: str
    username: str
    file: str = Field(max_length=1_000)
    line: int = Field(ge=1)
    end_line: int = Field(ge=1)
    #: SHA-256 of the file's content that was looked at; None where the session does not hold it.
    version: str | None = None
    code_snippet: str
    before: str = ""
    after: str = ""
    #: Markdown; empty once the comment was deleted.
    content: str
    mentions: list[str] = []
    source: Source = "web"
    #: RFC 3339.
    timestamp: str
