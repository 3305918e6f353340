"""Any agent's transcript, read line by line: what is known becomes events, the rest is counted and never passed on.

It works on a file that is still being written: lines are fed as they come. The same record has the same key on every
reading, so that a transcript can be sent again from its beginning without doubling anything.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import orjson

from core.errors import Invalid
from core.events import AgentEvent, AnyAgentEvent, TranscriptEnded, agent_event_adapter
from integrations.agents.claude import ClaudeCode
from integrations.agents.codex import Codex
from integrations.agents.finishing import finish

Record = dict[str, Any]

#: Lines that are looked at to find out whose transcript it is.
LOOK_AHEAD = 50
#: Kinds that are named in the account of a transcript; the rest is counted together.
MAX_KINDS = 200
OTHER_KINDS = "other"


class TranscriptUnknown(Invalid):
    """This is not a transcript of Claude Code or Codex."""

    code = "transcript_unknown"


@dataclass(frozen=True, slots=True)
class Item:
    """An event, and the key that names it for ever."""

    key: str
    event: AnyAgentEvent


class Redacts(Protocol):
    """Takes secrets out of text, and counts by rule what it took out."""

    @property
    def counts(self) -> Counter[str]: ...

    def redact(self, text: str) -> str: ...


class Adapter(Protocol):
    """One agent's records. `read` returns the events of a record, or the name of its kind where it shows nothing."""

    agent: str

    @property
    def directory(self) -> str:
        """Where the agent was started, as its records tell; paths of events are relative to it. "" until they do."""
        ...

    def identity(self, record: Record) -> str:
        """What names this record within its transcript, or "" where only its place does."""
        ...

    def read(self, record: Record) -> list[AgentEvent] | str: ...

    def end(self) -> list[AgentEvent]:
        """What is still to be said when the transcript ends here."""
        ...


ADAPTERS: dict[str, Callable[[], Adapter]] = {"codex": Codex, "claude-code": ClaudeCode}


def adapter_for(record: Record) -> Adapter | None:
    """Whose record this is, if it tells."""
    for kind in (Codex, ClaudeCode):
        if kind.recognises(record):
            return kind()
    return None


class TranscriptReader:
    """Reads one transcript. Lines that come before it is clear whose they are wait until it is; `agent`, one of
    ADAPTERS, says it beforehand."""

    def __init__(self, redactor: Redacts, *, agent: str | None = None) -> None:
        self._redactor = redactor
        self._adapter = ADAPTERS[agent]() if agent is not None else None
        self._waiting: list[Record] = []
        self._records = 0
        self._corrupt = 0
        self._skipped: Counter[str] = Counter()
        self._name = ""
        self._seen: set[str] = set()
        self._is_cut_off = False

    @property
    def agent(self) -> str | None:
        """Whose transcript it is, once that is clear."""
        return None if self._adapter is None else self._adapter.agent

    @property
    def directory(self) -> str:
        """Where the agent was started; paths of events are relative to it. "" until a record tells."""
        return "" if self._adapter is None else self._adapter.directory.removeprefix("file://")

    def feed(self, line: bytes) -> list[Item]:
        """The events of one line. Never raises for what is in it, except TranscriptUnknown when it is nobody's."""
        if not line.strip():
            return []
        if self._is_cut_off:  # It was not the last line, so nobody is still writing it.
            self._corrupt += 1
        record = _parsed(line)
        self._is_cut_off = record is None and not line.endswith(b"\n")
        if record is None:
            self._corrupt += not self._is_cut_off
            return []
        self._records += 1
        if self._adapter is None:
            return self._find_adapter(record)
        return self._read(record, self._records)

    def finish(self) -> list[Item]:
        """The last events, and the account of what was read. Raises TranscriptUnknown for nobody's transcript."""
        if self._adapter is None:
            raise TranscriptUnknown
        items = [self._item(f"end-{self._records}", part, event) for part, event in enumerate(self._adapter.end())]
        ended = TranscriptEnded(
            agent=self._adapter.agent,
            records=self._records,
            skipped=dict(self._skipped),
            corrupt=self._corrupt,
            redacted=dict(self._redactor.counts),
        )
        return [*items, Item(self._key(f"end-{self._records}", 99), ended)]

    def _find_adapter(self, record: Record) -> list[Item]:
        self._waiting.append(record)
        self._adapter = adapter_for(record)
        if self._adapter is None:
            if len(self._waiting) >= LOOK_AHEAD:
                raise TranscriptUnknown
            return []
        waiting, self._waiting = self._waiting, []
        return [item for number, record in enumerate(waiting, 1) for item in self._read(record, number)]

    def _read(self, record: Record, number: int) -> list[Item]:
        assert self._adapter is not None
        self._name = self._name or _transcript_name(record)
        identity = self._adapter.identity(record)
        if identity and identity in self._seen:  # A resumed session may repeat what it resumes.
            return self._skip("repeated")
        self._seen.add(identity)
        where = identity or str(number)
        try:
            events = self._adapter.read(record)
            if isinstance(events, str):
                return self._skip(events)
            return [self._item(where, part, event) for part, event in enumerate(events)]
        except (KeyError, TypeError, ValueError, AttributeError, IndexError):
            # A known kind in a shape that nobody has seen: counted, like an unknown kind.
            return self._skip("malformed/" + str(record.get("type", "")))

    def _skip(self, name: str) -> list[Item]:
        kind = _kind(self._redactor.redact(name))
        self._skipped[kind if kind in self._skipped or len(self._skipped) < MAX_KINDS else OTHER_KINDS] += 1
        return []

    def _item(self, where: str, part: int, event: AgentEvent) -> Item:
        body = finish(event, self._redactor.redact).model_dump()
        orjson.dumps(body)  # What cannot be sent, such as an integer of a hundred digits, is malformed here and now.
        return Item(self._key(where, part), agent_event_adapter.validate_python(body))

    def _key(self, where: str, part: int) -> str:
        return hashlib.sha256(f"{self._name}\x1f{where}\x1f{part}".encode()).hexdigest()[:40]


def read_transcript(lines: Iterable[bytes], *, redactor: Redacts, agent: str | None = None) -> Iterator[Item]:
    """A whole transcript. Raises TranscriptUnknown."""
    reader = TranscriptReader(redactor, agent=agent)
    for line in lines:
        yield from reader.feed(line)
    yield from reader.finish()


def _parsed(line: bytes) -> Record | None:
    try:
        record = orjson.loads(line)
    except orjson.JSONDecodeError:
        record = _parsed_leniently(line)
    return record if isinstance(record, dict) else None


def _parsed_leniently(line: bytes) -> Any:
    """Agents cut outputs in the middle of a surrogate pair, which is JSON to Python and not to orjson."""
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None


def _transcript_name(record: Record) -> str:
    """The agent's own id of the session, which its first telling record carries."""
    payload = record.get("payload")
    found = record.get("sessionId") or (payload.get("id") if isinstance(payload, dict) else None)
    return found if isinstance(found, str) else ""


def _kind(name: str) -> str:
    """A kind's name, fit to be shown: it comes from the file."""
    return re.sub(r"[^a-z0-9_/-]", "_", name.lower())[:64] or "unnamed"
