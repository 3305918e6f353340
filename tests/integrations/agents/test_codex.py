"""Codex: turns, items, calls without items, patches, and the events of earlier versions."""

from __future__ import annotations

import json

import pytest

from core.events import (
    AgentFailed,
    AgentMessage,
    AgentThought,
    FileChanged,
    PromptSubmitted,
    ToolCallFinished,
    ToolCallStarted,
    TurnFinished,
    TurnStarted,
    UsageUpdated,
)
from tests.integrations.agents.records import (
    HOME,
    THREAD,
    account,
    codex,
    event,
    events,
    function_call,
    function_output,
    item,
    read,
)

SAID = [{"type": "Text", "text": "Done."}]


def ran(call_id: str, command: str, exit_code: int = 0, **fields: object) -> bytes:
    status = "failed" if exit_code else "completed"
    shell = ["/bin/bash", "-lc", command]
    return item("CommandExecution", call_id, command=shell, status=status, exit_code=exit_code, **fields)


def patched(call_id: str, changes: dict[str, dict[str, object]], status: str = "completed", **fields: object) -> bytes:
    return item("FileChange", call_id, changes=changes, status=status, **fields)


def test_a_turn_names_its_model_and_ends_with_its_duration() -> None:
    lines = [*THREAD, item("AgentMessage", content=SAID), event("task_complete", turn_id="t1", duration_ms=663)]
    begun, ended = events(lines, TurnStarted)[0], events(lines, TurnFinished)[0]
    assert (begun.turn_id, begun.model) == ("t1", "gpt-x")
    assert (ended.turn_id, ended.status, ended.duration_ms) == ("t1", "completed", 663)


def test_an_aborted_turn_is_interrupted_and_its_open_calls_are_cancelled() -> None:
    lines = [*THREAD, function_call("c1", "exec_command", cmd="sleep 100"), event("turn_aborted", turn_id="t1")]
    assert [(end.call_id, end.status) for end in events(lines, ToolCallFinished)] == [("c1", "cancelled")]
    assert [turn.status for turn in events(lines, TurnFinished)] == ["interrupted"]


def test_an_error_fails_the_turn() -> None:
    lines = [*THREAD, event("error", message="usage limit reached"), event("task_complete", turn_id="t1")]
    assert [failed.message for failed in events(lines, AgentFailed)] == ["usage limit reached"]
    assert [turn.status for turn in events(lines, TurnFinished)] == ["failed"]


def test_records_of_the_model_repeat_items_and_do_not_show_twice() -> None:
    twin = codex("response_item", type="message", role="assistant", content=[{"type": "output_text", "text": "Done."}])
    lines = [*THREAD, item("AgentMessage", content=SAID), twin]
    assert [message.text for message in events(lines, AgentMessage)] == ["Done."]
    assert account(lines).skipped["response_item/message"] == 1


def test_a_call_begins_once_and_ends_with_its_item() -> None:
    lines = [*THREAD, function_call("c1", "exec_command", cmd="make\ntest"), ran("c1", "make\ntest", 2)]
    lines.append(function_output("c1", "Chunk ID: 1\nProcess exited with code 2\nOutput:\n"))
    begun, ended = events(lines, ToolCallStarted), events(lines, ToolCallFinished)
    assert [(call.call_id, call.title) for call in begun] == [("c1", "make")]
    assert [(call.call_id, call.status, call.exit_code) for call in ended] == [("c1", "failed", 2)]


def test_an_item_whose_call_was_not_recorded_has_a_beginning_too() -> None:
    lines = [*THREAD, ran("c1", "ls", duration={"secs": 1, "nanos": 500_000_000})]
    assert [call.title for call in events(lines, ToolCallStarted)] == ["ls"]
    assert [call.duration_ms for call in events(lines, ToolCallFinished)] == [1_500]


@pytest.mark.parametrize(
    ("output", "status", "exit_code", "text"),
    [
        (
            "Chunk ID: 1\nWall time: 0 seconds\nProcess exited with code 1\nOutput:\nread-only\n",
            "failed",
            1,
            "read-only\n",
        ),
        ("Wall time: 0 seconds\nExit code: 0\nOutput:\nfine", "completed", 0, "fine"),
        (json.dumps({"output": "bad", "metadata": {"exit_code": 7}}), "failed", 7, "bad"),
        ("Plan updated", "completed", None, "Plan updated"),
        ("exec command rejected by user", "denied", None, ""),
        (
            "the log says:\nProcess exited with code 9\n",
            "completed",
            None,
            "the log says:\nProcess exited with code 9\n",
        ),
    ],
)
def test_a_call_without_an_item_ends_as_the_model_was_told(
    output: str, status: str, exit_code: int | None, text: str
) -> None:
    lines = [*THREAD, function_call("c1", "exec_command", cmd="x"), function_output("c1", output)]
    end = events(lines, ToolCallFinished)[0]
    assert (end.status, end.exit_code, end.output) == (status, exit_code, text)
    assert end.reason == (output if status == "denied" else None)


def test_a_command_that_goes_on_ends_when_its_item_says_so() -> None:
    running = function_output("c1", "Chunk ID: 1\nProcess running with session ID 7\nOutput:\n")
    lines = [*THREAD, function_call("c1", "exec_command", cmd="make"), running]
    assert events(lines, ToolCallFinished) == []
    lines.append(ran("c1", "make"))
    assert [end.status for end in events(lines, ToolCallFinished)] == ["completed"]
    assert len(events(lines, ToolCallStarted)) == 1


def test_a_declined_patch_is_refused_in_the_words_that_were_given_and_changes_nothing() -> None:
    change: dict[str, dict[str, object]] = {f"{HOME}/a.py": {"type": "update", "unified_diff": "@@ -1 +1 @@\n-a\n+b\n"}}
    lines = [*THREAD, patched("c1", change, "declined", stderr="Alice: not on a Friday")]
    end = events(lines, ToolCallFinished)[0]
    assert (end.status, end.reason, end.output) == ("denied", "Alice: not on a Friday", "")
    assert events(lines, FileChanged) == []


def test_a_patch_adds_changes_renames_and_deletes() -> None:
    changes: dict[str, dict[str, object]] = {
        f"{HOME}/new.py": {"type": "add", "content": "a\nb\n"},
        f"{HOME}/a.py": {"type": "update", "unified_diff": "@@ -1,2 +1,2 @@\n-a\n+b\n c\n", "move_path": None},
        f"{HOME}/old.py": {"type": "update", "unified_diff": "@@ -1 +1 @@\n-x\n+y\n", "move_path": f"{HOME}/moved.py"},
        f"{HOME}/gone.py": {"type": "delete", "content": "1\n2\n3\n"},
    }
    found = events([*THREAD, patched("c1", changes)], FileChanged)
    assert [(c.path, c.change, c.old_path, c.added, c.removed) for c in found] == [
        ("new.py", "added", None, 2, 0),
        ("a.py", "modified", None, 1, 1),
        ("moved.py", "renamed", "old.py", 1, 1),
        ("gone.py", "deleted", None, 0, 3),
    ]


def test_a_file_written_by_shell_is_found_from_the_folder_it_was_written_in() -> None:
    heredoc = "cat > n.md <<'EOF'\none\nEOF"
    lines = [*THREAD, ran("c1", heredoc, cwd=f"file://{HOME}/docs"), ran("c2", heredoc, cwd=f"file://{HOME}/docs")]
    assert [(c.path, c.change, c.added) for c in events(lines, FileChanged)] == [
        ("docs/n.md", "added", 1),
        ("docs/n.md", "modified", 0),
    ]
    assert events([*THREAD, ran("c1", heredoc, 1)], FileChanged) == []


def test_running_totals_are_not_summed() -> None:
    def count(total: int) -> bytes:
        usage = {"input_tokens": total - 10, "cached_input_tokens": 5, "output_tokens": 10, "total_tokens": total}
        info = {"total_token_usage": usage, "last_token_usage": {"total_tokens": 60}, "model_context_window": 1_000}
        return event("token_count", info=info)

    lines = [*THREAD, count(100), count(100), count(160), event("token_count", info=None)]
    found = events(lines, UsageUpdated)
    assert [usage.tokens.total for usage in found] == [100, 160]
    assert (found[-1].tokens.input, found[-1].context_used, found[-1].context_limit) == (150, 60, 1_000)


def test_the_environment_that_codex_describes_is_no_prompt() -> None:
    described = item("UserMessage", content=[{"type": "text", "text": "<environment_context>…</environment_context>"}])
    asked = item("UserMessage", content=[{"type": "text", "text": "Fix it"}])
    lines = [*THREAD, described, asked]
    assert [prompt.text for prompt in events(lines, PromptSubmitted)] == ["Fix it"]
    assert account(lines).skipped["event_msg/item_completed/usermessage"] == 1


EARLIER = [
    *THREAD,
    event("user_message", message="Fix it"),
    event("agent_reasoning", text="Let me see."),
    function_call("c1", "shell", command=["bash", "-lc", "ls"]),
    event("exec_command_end", call_id="c1", command=["bash", "-lc", "ls"], exit_code=3, aggregated_output="no"),
    function_output("c1", json.dumps({"output": "no", "metadata": {"exit_code": 3}})),
    event("patch_apply_end", call_id="c2", success=True, changes={f"{HOME}/n": {"type": "add", "content": "x\n"}}),
    event("agent_message", message="Done."),
]


def test_the_events_from_before_items_say_the_same() -> None:
    assert [prompt.text for prompt in events(EARLIER, PromptSubmitted)] == ["Fix it"]
    assert [thought.text for thought in events(EARLIER, AgentThought)] == ["Let me see."]
    assert [message.text for message in events(EARLIER, AgentMessage)] == ["Done."]
    ended = [(end.call_id, end.status, end.exit_code, end.output) for end in events(EARLIER, ToolCallFinished)]
    assert ended == [("c1", "failed", 3, "no"), ("c2", "completed", None, "")]
    assert [change.path for change in events(EARLIER, FileChanged)] == ["n"]


def test_where_there_are_items_the_earlier_events_are_not_shown_again() -> None:
    lines = [*THREAD, item("AgentMessage", content=SAID), event("agent_message", message="Done.")]
    assert [message.text for message in events(lines, AgentMessage)] == ["Done."]


def test_a_kind_of_item_that_nobody_knows_is_counted_by_its_name() -> None:
    lines = [*THREAD, item("Hologram", secret="never shown")]
    assert account(lines).skipped["event_msg/item_completed/hologram"] == 1
    assert "never shown" not in str(read(lines))
