"""Transcripts of real agents: their truths come out exactly, and nothing else comes out at all."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.events import (
    AgentMessage,
    FileChanged,
    PromptSubmitted,
    ToolCallFinished,
    ToolCallStarted,
    TranscriptEnded,
    TurnFinished,
    UsageUpdated,
)
from integrations.agents.redact import Redactor
from integrations.agents.transcript import Item, TranscriptReader, TranscriptUnknown, read_transcript

REFERENCE = Path(__file__).parents[4] / "shared" / "reference" / "transcripts"
OWN = Path(__file__).parent / "data"


def reference(name: str) -> Path:
    path = REFERENCE / name
    if not path.exists():
        pytest.skip("the recordings of real agents are not beside this checkout")
    return path


def read(path: Path) -> list[Item]:
    with path.open("rb") as lines:
        return list(read_transcript(lines, redactor=Redactor()))


def of(items: list[Item], kind: type) -> list[Any]:
    return [item.event for item in items if isinstance(item.event, kind)]


@pytest.mark.parametrize(
    ("name", "tokens"), [("claude/cli/transcript.fix.jsonl", 92_764), ("codex/cli/rollout.fix.jsonl", 76_325)]
)
def test_tokens_files_and_calls_of_a_real_session_come_out_exactly(name: str, tokens: int) -> None:
    items = read(reference(name))
    assert of(items, UsageUpdated)[-1].tokens.total == tokens
    files = {(e.path, e.change, e.added, e.removed) for e in of(items, FileChanged)}
    assert files == {("calc.py", "modified", 1, 1), ("NOTES.md", "added", 3, 0)}
    assert len(of(items, ToolCallStarted)) == 7
    finished = of(items, ToolCallFinished)
    assert Counter(e.status for e in finished) == {"completed": 6, "failed": 1}
    assert [e.exit_code for e in finished if e.status == "failed"] == [3]
    assert [e.text for e in of(items, PromptSubmitted)] == ["FIX the failing test in calc.py"]
    assert "All 2 tests pass" in of(items, AgentMessage)[-1].text
    assert [e.status for e in of(items, TurnFinished)] == ["completed"]
    notes = next(e for e in of(items, FileChanged) if e.path == "NOTES.md")
    assert "+- add() fixed: <script>alert('x')</script> & \"quotes\"" in notes.diff


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("claude/cli/transcript.deny.jsonl", "A reviewer in the shared session said no."),
        ("codex/cli/rollout.declined.jsonl", "patch rejected by user"),
    ],
)
def test_a_refused_call_is_shown_as_refused_with_its_reason(name: str, reason: str) -> None:
    items = read(reference(name))
    assert [e.reason for e in of(items, ToolCallFinished) if e.status == "denied"] == [reason]
    assert of(items, FileChanged) == []


def test_a_command_that_the_sandbox_stopped_is_a_failure() -> None:
    items = read(reference("codex/cli/rollout.declined.jsonl"))
    failed = [e for e in of(items, ToolCallFinished) if e.status == "failed"]
    assert sorted(e.exit_code for e in failed) == [1, 1, 3]
    assert any("Read-only file system" in e.output for e in failed)


def test_every_call_that_begins_also_ends_once() -> None:
    for path in sorted(REFERENCE.glob("*/*/*.jsonl")) or [reference("claude/cli/transcript.fix.jsonl")]:
        if not path.name.startswith(("transcript.", "rollout.")):
            continue
        items = read(path)
        began = [e.call_id for e in of(items, ToolCallStarted)]
        assert sorted(began) == sorted(e.call_id for e in of(items, ToolCallFinished)), path.name
        assert len(set(began)) == len(began)


def test_records_that_are_not_conversation_are_counted_and_never_passed_on() -> None:
    ended = of(read(reference("claude/cli/transcript.fix.jsonl")), TranscriptEnded)[0]
    assert ended.records == 60
    assert ended.skipped["api-request-blob"] == 2
    assert ended.skipped["attachment"] == 10
    assert ended.corrupt == 0


# ── Our own small recordings, so that the rules stand without the reference ───────────────────────────────────────────


def claude(kind: str, **fields: Any) -> bytes:
    record = {"type": kind, "sessionId": "s-1", "cwd": "/home/ann/shop", "timestamp": "2026-03-01T10:00:00.000Z"}
    return json.dumps({**record, **fields}).encode() + b"\n"


def said(message_id: str, block: dict[str, Any], output: int, **fields: Any) -> bytes:
    usage = {"input_tokens": 10, "output_tokens": output, "cache_read_input_tokens": 100}
    message = {"id": message_id, "model": "m", "content": [block], "usage": usage, **fields}
    return claude("assistant", uuid=f"{message_id}-{block['type']}", message=message)


SMALL = [
    claude("user", uuid="u1", promptId="p1", message={"role": "user", "content": "Change the price"}),
    said("m1", {"type": "thinking", "thinking": "Where is it?"}, 5),
    said("m1", {"type": "text", "text": "Looking."}, 7),
    said("m1", {"type": "tool_use", "id": "c1", "name": "Bash", "input": {"command": "cat .env\nls"}}, 7),
    claude(
        "user",
        uuid="u2",
        message={"content": [{"type": "tool_result", "tool_use_id": "c1", "content": "API_KEY=zx81-q9w8e7r6"}]},
    ),
    claude("brand-new-kind", secret="must not be passed on"),
    said("m2", {"type": "text", "text": "Done: <script>alert(1)</script>"}, 9, stop_reason="end_turn"),
]


def test_a_messages_usage_counts_once_and_the_largest_wins() -> None:
    items = list(read_transcript(SMALL, redactor=Redactor()))
    last = of(items, UsageUpdated)[-1].tokens
    assert (last.input, last.output, last.cache_read, last.total) == (20, 16, 200, 236)


def test_secrets_are_taken_out_and_markup_stays_text() -> None:
    items = list(read_transcript(SMALL, redactor=Redactor()))
    everything = json.dumps([item.event.model_dump() for item in items])
    assert "zx81" not in everything
    assert of(items, ToolCallFinished)[0].output == "API_KEY=[REDACTED:environment]"
    assert of(items, AgentMessage)[-1].text == "Done: <script>alert(1)</script>"
    assert of(items, TranscriptEnded)[0].redacted == {"environment": 1}


def test_an_unknown_kind_is_named_and_its_content_is_not_passed_on() -> None:
    items = list(read_transcript(SMALL, redactor=Redactor()))
    assert of(items, TranscriptEnded)[0].skipped == {"brand-new-kind": 1}
    assert "must not be passed on" not in json.dumps([item.event.model_dump() for item in items])


def test_a_corrupt_line_is_counted_and_a_cut_off_last_line_is_fine() -> None:
    lines = [*SMALL[:2], b'{"type": "user", broken\n', b"\xff\xfe\n", *SMALL[2:], b'{"type": "user", "mess']
    whole = list(read_transcript(SMALL, redactor=Redactor()))
    items = list(read_transcript(lines, redactor=Redactor()))
    assert of(items, TranscriptEnded)[0].corrupt == 2
    assert [item.event for item in items[:-1]] == [item.event for item in whole[:-1]]


def test_a_known_kind_in_an_unknown_shape_is_counted() -> None:
    odd = [claude("assistant", message={"content": "a string"}), claude("user", message=None), claude("assistant")]
    ended = of(list(read_transcript([*SMALL, *odd], redactor=Redactor())), TranscriptEnded)[0]
    assert sum(count for kind, count in ended.skipped.items() if kind.startswith("malformed/")) == 3


def test_reading_again_gives_the_same_keys_and_reading_on_gives_new_ones() -> None:
    keys = [item.key for item in read_transcript(SMALL, redactor=Redactor())]
    assert keys == [item.key for item in read_transcript(SMALL, redactor=Redactor())]
    assert len(set(keys)) == len(keys)
    shorter = [item.key for item in read_transcript(SMALL[:4], redactor=Redactor())]
    assert shorter[:-2] == keys[: len(shorter) - 2]


def test_a_prompt_that_nobody_answers_is_an_interrupted_turn() -> None:
    items = list(read_transcript(SMALL[:3], redactor=Redactor()))
    assert [event.status for event in of(items, TurnFinished)] == ["interrupted"]


def test_somebody_elses_file_is_refused_in_words() -> None:
    for lines in ([], [b"hello\n"], [b'{"a": 1}\n'] * 60, [b"[]\n"]):
        with pytest.raises(TranscriptUnknown, match="not a transcript"):
            list(read_transcript(lines, redactor=Redactor()))


def test_a_very_long_output_keeps_its_head_and_tail_and_says_so() -> None:
    output = "HEAD" + "x" * 100_000 + "TAIL"
    result = {"content": [{"type": "tool_result", "tool_use_id": "c1", "content": output}]}
    items = list(read_transcript([*SMALL[:4], claude("user", uuid="u9", message=result)], redactor=Redactor()))
    finished = of(items, ToolCallFinished)[0]
    assert finished.is_truncated
    assert finished.output.startswith("HEAD")
    assert finished.output.endswith("TAIL")
    assert "characters left out" in finished.output
    assert len(finished.output) <= 16_000


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=5),
    max_leaves=12,
)
KINDS = st.sampled_from(["user", "assistant", "system", "event_msg", "response_item", "session_meta", "other"])


@given(lines=st.lists(st.binary(max_size=200), max_size=10), tail=st.binary(max_size=50))
def test_any_bytes_are_read_or_counted_and_never_fatal(lines: list[bytes], tail: bytes) -> None:
    reader = TranscriptReader(Redactor())
    for line in [*SMALL, *(line + b"\n" for line in lines), tail]:
        reader.feed(line)
    assert reader.finish()


@given(records=st.lists(st.tuples(KINDS, st.dictionaries(st.text(max_size=12), JSON, max_size=6)), max_size=8))
def test_any_json_in_a_known_kind_is_an_event_or_a_count(records: list[tuple[str, dict[str, Any]]]) -> None:
    for first in (SMALL[0], json.dumps({"type": "session_meta", "payload": {"id": "t"}}).encode() + b"\n"):
        reader = TranscriptReader(Redactor())
        reader.feed(first)
        for kind, fields in records:
            reader.feed(json.dumps({**fields, "type": kind}).encode() + b"\n")
            reader.feed(json.dumps({"type": kind, "message": fields, "payload": fields}).encode() + b"\n")
        assert reader.finish()
