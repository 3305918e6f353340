"""What holds for every transcript: no secret leaves, nothing odd is fatal, all is counted, every key is stable."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from core.events import AgentMessage, ToolCallFinished, ToolCallStarted, TranscriptEnded
from integrations.agents.redact import Redactor
from integrations.agents.transcript import Item, TranscriptReader, TranscriptUnknown, read_transcript
from tests.integrations.agents.records import (
    THREAD,
    account,
    call,
    claude,
    events,
    function_call,
    item,
    prompt,
    read,
    result,
    said,
    text,
)

FIRST = prompt("Change the price")
# Put together here, so that no file holds anything that looks like a credential.
GITHUB = "gh" + "p_" + "a1B2c3D4" * 5
REFERENCE = Path(__file__).parents[4] / "shared" / "reference" / "transcripts"
RECORDED = [
    "claude/cli/transcript.fix.jsonl",
    "claude/cli/transcript.deny.jsonl",
    "claude/tui/transcript.allow.jsonl",
    "codex/cli/rollout.fix.jsonl",
    "codex/cli/rollout.declined.jsonl",
    "codex/hooks/rollout.tui.jsonl",
]


@pytest.mark.parametrize("name", RECORDED)
def test_a_recording_read_as_it_grows_gives_what_it_gives_whole(name: str) -> None:
    path = REFERENCE / name
    if not path.exists():
        pytest.skip("the recordings of real agents are not beside this checkout")
    lines = path.read_bytes().splitlines(keepends=True)
    reader = TranscriptReader(Redactor())
    growing: list[Item] = [found for line in lines for found in reader.feed(line)]
    growing += reader.finish()
    assert growing == read(lines)
    assert len({found.key for found in growing}) == len(growing)
    assert all(len(found.key) <= 64 for found in growing)
    ended = growing[-1].event
    assert isinstance(ended, TranscriptEnded)
    assert (ended.records, ended.corrupt) == (len(lines), 0)


def test_a_secret_is_taken_out_of_every_text_of_every_event() -> None:
    patch = {
        "filePath": f"/tmp/{GITHUB}",
        "structuredPatch": [{"oldStart": 1, "oldLines": 0, "newStart": 1, "newLines": 1, "lines": ["+" + GITHUB]}],
    }
    rows = [
        prompt(f"Use {GITHUB}"),
        said("a1", {"type": "thinking", "thinking": GITHUB}, text(f"I use {GITHUB}")),
        said("a2", call(f"id-{GITHUB}", "Bash", command=f"curl -H 'X-Key: {GITHUB}'\n{GITHUB}")),
        result(f"id-{GITHUB}", f"{GITHUB}\n{GITHUB}"),
        said("a3", call("c2", f"tool-{GITHUB}", content=f"x\n{GITHUB}\ny")),
        result("c2", "ok", toolUseResult=patch),
        said("a4", call("c3", "Bash", command="rm x")),
        result("c3", f"No: {GITHUB}", is_error=True, toolDenialKind="user"),
        said("a5", text(f"API Error {GITHUB}"), isApiErrorMessage=True),
        claude(f"kind-{GITHUB}"),
    ]
    everything = json.dumps([found.event.model_dump() for found in read(rows)])
    assert GITHUB[4:] not in everything
    assert GITHUB[4:].lower() not in everything
    ended = account(rows)
    assert ended.redacted["github"] >= 12
    begun, finished = events(rows, ToolCallStarted), events(rows, ToolCallFinished)
    assert [begin.call_id for begin in begun] == [end.call_id for end in finished], "redacted ids still belong together"


def test_colours_of_a_terminal_hide_no_secret_and_do_not_show() -> None:
    coloured = f"\x1b[1;31mKEY\x1b[0m={GITHUB[:9]}\x1b[01;31m\x1b[K{GITHUB[9:]}\x1b[m\r\n\x1b]0;title\x07done"
    lines = [FIRST, said("a1", call("c1", "Bash", command="grep")), result("c1", coloured)]
    output = events(lines, ToolCallFinished)[0].output
    assert output == "KEY=[REDACTED:github]\ndone"


def test_what_cannot_be_stored_becomes_a_sign_that_can() -> None:
    row = said("a1", text("half a smile: \ud83d, nothing: \x00."))
    assert b"\\ud83d" in row
    assert events([FIRST, row], AgentMessage)[0].text == "half a smile: \ufffd, nothing: \ufffd."
    assert account([FIRST, row]).corrupt == 0


def test_a_time_that_is_none_is_not_passed_on() -> None:
    row = said("a1", text("Hello"), timestamp="<img src=x>")
    assert events([FIRST, row], AgentMessage)[0].occurred_at is None


def test_the_name_of_a_kind_is_fit_to_be_shown_and_their_number_is_bounded() -> None:
    rows = [claude("<script>X</script>" * 9), *(claude(f"kind-{number}") for number in range(500))]
    skipped = account([FIRST, *rows]).skipped
    assert "_script_x_/script_" in next(iter(skipped))
    assert all(len(kind) <= 64 for kind in skipped)
    assert len(skipped) <= 201
    assert sum(skipped.values()) == 501


def test_numbers_too_large_to_be_sent_are_malformed() -> None:
    usage = {"input_tokens": 10**40}
    row = claude("assistant", uuid="a1", message={"id": "m", "content": [], "usage": usage})
    assert account([FIRST, row]).skipped == {"malformed/assistant": 1}


def test_an_unreadable_line_without_an_end_is_corrupt_unless_it_is_the_last() -> None:
    cut_off = b'{"type": "assist'
    assert account([FIRST, cut_off]).corrupt == 0
    assert account([FIRST, cut_off, said("a1", text("x"))]).corrupt == 1
    assert account([FIRST, cut_off + b"\n"]).corrupt == 1


def test_whoever_knows_the_agent_may_say_so() -> None:
    lines = [b"not yet\n", *THREAD, function_call("c1", "update_plan", plan=[])]
    items = list(read_transcript(lines, redactor=Redactor(), agent="codex"))
    assert [type(found.event).__name__ for found in items][-1] == "TranscriptEnded"
    with pytest.raises(KeyError):
        TranscriptReader(Redactor(), agent="somebody")


def test_lines_that_tell_nothing_wait_until_it_is_clear_whose_they_are() -> None:
    reader = TranscriptReader(Redactor())
    assert reader.feed(b'{"type": "summary", "summary": "x"}\n') == []
    shown = [found for line in [*THREAD, item("AgentMessage", content=[])] for found in reader.feed(line)]
    assert shown
    ended = reader.finish()[-1].event
    assert isinstance(ended, TranscriptEnded)
    assert (ended.agent, ended.records) == ("codex", 5)


def test_other_recordings_are_refused_in_words() -> None:
    message = {"t": 0.1, "dir": "c2a", "msg": {"jsonrpc": "2.0", "id": 0, "method": "initialize"}}
    hook = {"session_id": "s", "hook_event_name": "PreToolUse", "tool_name": "Bash"}
    for record in (message, hook):
        with pytest.raises(TranscriptUnknown, match="not a transcript"):
            read([json.dumps(record).encode() + b"\n"] * 60)
