"""Claude Code: turns, calls, refusals, files, helpers, as its transcript tells them."""

from __future__ import annotations

from typing import Any

import pytest

from core.events import (
    AgentFailed,
    AgentMessage,
    FileChanged,
    PromptSubmitted,
    ToolCallFinished,
    ToolCallStarted,
    TurnFinished,
    TurnStarted,
    UsageUpdated,
)
from tests.integrations.agents.records import HOME, account, call, claude, events, prompt, result, said, text

FIRST = prompt("Change the price")


def test_a_turn_ends_with_its_duration_and_the_next_prompt_begins_another() -> None:
    lines = [
        FIRST,
        said("a1", text("Done."), stop_reason="end_turn"),
        claude("system", subtype="turn_duration", durationMs=2_414),
        prompt("Thanks", 2),
    ]
    assert [(turn.turn_id, turn.status, turn.duration_ms) for turn in events(lines, TurnFinished)] == [
        ("p1", "completed", 2_414),
        ("p2", "interrupted", None),
    ]
    assert [turn.turn_id for turn in events(lines, TurnStarted)] == ["p1", "p2"]


def test_without_a_terminal_the_account_of_costs_ends_a_turn() -> None:
    lines = [FIRST, claude("cost-state"), said("a1", text("Done."), stop_reason="end_turn"), claude("cost-state")]
    assert [turn.status for turn in events(lines, TurnFinished)] == ["completed"]


def test_an_interruption_ends_the_turn_and_its_open_calls() -> None:
    lines = [FIRST, said("a1", call("c1", "Bash", command="sleep 100")), prompt("[Request interrupted by user]", 2)]
    assert [(end.call_id, end.status) for end in events(lines, ToolCallFinished)] == [("c1", "cancelled")]
    assert [turn.status for turn in events(lines, TurnFinished)] == ["interrupted"]
    assert len(events(lines, PromptSubmitted)) == 1


def test_work_that_no_person_asked_for_is_a_turn_of_its_own() -> None:
    lines = [claude("user", uuid="u0", isMeta=True, message={"content": "hook"}), said("a1", text("On it."))]
    assert [turn.turn_id for turn in events(lines, TurnStarted)] == ["a1"]
    assert [message.turn_id for message in events(lines, AgentMessage)] == ["a1"]


def test_an_error_of_the_model_fails_the_turn_and_costs_nothing() -> None:
    lines = [FIRST, said("a1", text("API Error: overloaded"), isApiErrorMessage=True)]
    assert [failed.message for failed in events(lines, AgentFailed)] == ["API Error: overloaded"]
    assert [turn.status for turn in events(lines, TurnFinished)] == ["failed"]
    assert events(lines, AgentMessage) == []


@pytest.mark.parametrize(
    ("fields", "is_error", "content", "status", "exit_code"),
    [
        ({}, True, "Exit code 3\nno such file", "failed", 3),
        ({}, False, "fine", "completed", None),
        ({}, False, "Exit code 3 is what the manual says", "completed", None),
        ({"toolUseResult": {"interrupted": True}}, False, "", "cancelled", None),
        ({"permissionDecision": {"decision": "reject"}}, True, "Not today.", "denied", None),
        ({"toolDenialKind": "permission-rule"}, True, "Not today.", "denied", None),
        ({}, True, "The user doesn't want to proceed with this tool use. Stop.", "denied", None),
    ],
)
def test_a_call_ends_as_it_ended(
    fields: dict[str, Any], is_error: bool, content: str, status: str, exit_code: int | None
) -> None:
    lines = [FIRST, said("a1", call("c1", "Bash", command="x")), result("c1", content, is_error=is_error, **fields)]
    end = events(lines, ToolCallFinished)[0]
    assert (end.status, end.exit_code) == (status, exit_code)
    if status == "denied":
        assert end.reason == content
    if status == "failed":
        assert end.output == "no such file"


@pytest.mark.parametrize(
    ("name", "given", "title", "kind"),
    [
        ("Bash", {"command": "\n  make test\nmake lint"}, "make test", "execute"),
        ("Read", {"file_path": f"{HOME}/src/a.py"}, "Read src/a.py", "read"),
        ("Edit", {"file_path": "/home/ann/other/b.py"}, "Edit ~/other/b.py", "edit"),
        ("Write", {"file_path": "/etc/hosts"}, "Write /etc/hosts", "edit"),
        ("Grep", {"pattern": "def f", "path": f"{HOME}/src"}, "Grep src", "search"),
        ("WebFetch", {"url": "https://example.com"}, "WebFetch https://example.com", "fetch"),
        ("mcp__db__query", {}, "mcp__db__query", "other"),
    ],
)
def test_a_call_has_a_title_for_people(name: str, given: dict[str, str], title: str, kind: str) -> None:
    begun = events([FIRST, said("a1", call("c1", name, **given))], ToolCallStarted)[0]
    assert (begun.title, begun.kind) == (title, kind)


def edited(path: str, *lines: str) -> dict[str, object]:
    old = sum(not line.startswith("+") for line in lines)
    new = sum(not line.startswith("-") for line in lines)
    hunk = {"oldStart": 1, "oldLines": old, "newStart": 1, "newLines": new, "lines": list(lines)}
    return {"filePath": path, "structuredPatch": [hunk]}


def test_an_edit_is_a_diff_with_exact_counts() -> None:
    patch = edited(f"{HOME}/a.py", " keep", "-old\x0cfeed\u2028sep", "--- old", "+new", "+++ new", "+third")
    lines = [FIRST, said("a1", call("c1", "Edit")), result("c1", "ok", toolUseResult=patch)]
    change = events(lines, FileChanged)[0]
    assert (change.path, change.change, change.added, change.removed) == ("a.py", "modified", 3, 2)
    assert change.diff.split("\n")[0] == "@@ -1,3 +1,4 @@"


def test_a_refused_or_failed_edit_changes_no_file() -> None:
    patch = edited(f"{HOME}/a.py", "+new")
    for denial in ("user", None):
        end = result("c1", "no", is_error=True, toolUseResult=patch, toolDenialKind=denial)
        assert events([FIRST, said("a1", call("c1", "Edit")), end], FileChanged) == []


def shell(number: int, command: str) -> list[bytes]:
    end = result(f"c{number}", "", toolUseResult={"stdout": "", "interrupted": False})
    return [said(f"a{number}", call(f"c{number}", "Bash", command=command)), end]


def test_a_file_that_the_shell_writes_counts_as_a_change() -> None:
    lines = [
        FIRST,
        *shell(1, "mkdir -p docs && cat > docs/n.md <<'EOF'\none\ntwo\nEOF"),
        *shell(2, "cat > docs/n.md <<'EOF'\none\n2\nEOF"),
        *shell(3, "cat > x <<EOF\n$HOME\nEOF"),
        *shell(4, "cat > y <<'EOF'\n1\nEOF\nrm y"),
    ]
    changes = [(c.path, c.change, c.added, c.removed) for c in events(lines, FileChanged)]
    assert changes == [("docs/n.md", "added", 2, 0), ("docs/n.md", "modified", 1, 1)]


def test_a_file_that_was_read_before_is_modified_by_the_shell() -> None:
    file = {"filePath": f"{HOME}/a.txt", "content": "one\ntwo\n", "numLines": 3, "startLine": 1, "totalLines": 3}
    seen = [said("a0", call("c0", "Read")), result("c0", "…", toolUseResult={"type": "text", "file": file})]
    lines = [FIRST, *seen, *shell(1, "cat > a.txt <<'EOF'\none\n2\n3\nEOF")]
    assert [(c.change, c.added, c.removed) for c in events(lines, FileChanged)] == [("modified", 2, 1)]


def test_what_a_helper_does_shows_and_what_it_says_does_not() -> None:
    patch = edited(f"{HOME}/a.py", "+new")
    lines = [
        FIRST,
        said("a1", call("task", "Task", description="look")),
        claude("user", uuid="s1", isSidechain=True, message={"content": "You are a helper"}),
        said("s2", text("I help."), isSidechain=True),
        said("s3", call("c9", "Edit"), isSidechain=True),
        result("c9", "ok", isSidechain=True, toolUseResult=patch),
        result("task", "helped"),
    ]
    assert [begun.call_id for begun in events(lines, ToolCallStarted)] == ["task", "c9"]
    assert [change.path for change in events(lines, FileChanged)] == ["a.py"]
    assert events(lines, AgentMessage) == []
    assert len(events(lines, PromptSubmitted)) == 1
    assert events(lines, UsageUpdated)[-1].tokens.total == 6


@pytest.mark.parametrize(
    "row",
    [
        claude("user", uuid="x", isMeta=True, message={"content": "Stop hook feedback: go on"}),
        claude("user", uuid="x", isCompactSummary=True, message={"content": "This session is continued"}),
        claude("user", uuid="x", message={"content": "<command-name>/clear</command-name>"}),
        claude("user", uuid="x", message={"content": "<system-reminder>be kind</system-reminder>"}),
    ],
)
def test_what_the_program_writes_in_the_users_name_is_no_prompt(row: bytes) -> None:
    assert [p.text for p in events([FIRST, row], PromptSubmitted)] == ["Change the price"]
    assert account([FIRST, row]).skipped == {"user/meta": 1}


def test_a_resumed_session_may_repeat_rows() -> None:
    answer = said("a1", text("Hello"))
    assert [message.text for message in events([FIRST, answer, FIRST, answer], AgentMessage)] == ["Hello"]
    assert account([FIRST, answer, FIRST, answer]).skipped == {"repeated": 2}
