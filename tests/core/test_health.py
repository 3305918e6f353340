"""The health score: what costs how much, in which words, and that the documentation says the same."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import health, tables
from core.health import RAMPS, score, status_of

DOC = Path(__file__).parents[2] / "docs" / "session-health.md"
NOW = datetime(2026, 7, 1, 12, 0, tzinfo=UTC)


def stats(**fields: Any) -> tables.AgentStats:
    return tables.AgentStats(**{"session_id": "ses_x", "first_at": NOW, "last_at": NOW, **fields})


def reasons(found: health.Health | None) -> dict[str, int]:
    assert found is not None
    return {reason.code: reason.points for reason in found.reasons}


def health_of(**fields: Any) -> health.Health | None:
    return score(stats(**fields), ended_at=None, now=NOW)


def test_before_an_agent_has_done_anything_there_is_no_score() -> None:
    assert score(None, ended_at=None, now=NOW) is None
    assert status_of(None, ended_at=None, now=NOW) == "waiting"


def test_a_fresh_agent_is_well() -> None:
    assert health_of() == health.Health(100, ())


@pytest.mark.parametrize(("used", "points"), [(0, 0), (50, 0), (75, 20), (92, 34), (100, 40), (130, 40)])
def test_context_costs_from_half_full_on(used: int, points: int) -> None:
    found = health_of(context_used=used * 1_000, context_limit=100_000)
    assert reasons(found) == ({"context_used": points} if points else {})


def test_a_context_whose_size_nobody_knows_costs_nothing() -> None:
    assert reasons(health_of(context_used=900_000)) == {}
    assert reasons(health_of(context_used=900_000, context_limit=0)) == {}


def test_failures_cost_once_there_are_enough_calls_to_speak_of_a_rate() -> None:
    assert reasons(health_of(tool_calls=4, tool_failures=4, retries=3)) == {}
    assert reasons(health_of(tool_calls=5, tool_failures=5)) == {"error_rate": 25}
    assert reasons(health_of(tool_calls=20, tool_failures=6)) == {"error_rate": 12}
    assert reasons(health_of(tool_calls=20, tool_failures=2)) == {}


def test_repeating_what_has_just_failed_costs() -> None:
    assert reasons(health_of(tool_calls=100, retries=10)) == {"retries": 8}
    assert reasons(health_of(tool_calls=10, retries=9)) == {"retries": 15}


def test_hours_cost_a_little() -> None:
    assert reasons(health_of(first_at=NOW - timedelta(hours=4))) == {}
    assert reasons(health_of(first_at=NOW - timedelta(hours=8))) == {"age": 5}
    assert reasons(health_of(first_at=NOW - timedelta(days=9))) == {"age": 10}


def test_silence_costs_while_a_turn_runs_and_only_then() -> None:
    silent = NOW - timedelta(minutes=30)
    assert reasons(health_of(turn_id="t", first_at=silent, last_at=silent)) == {"idleness": 20}
    assert reasons(health_of(turn_id=None, first_at=silent, last_at=silent)) == {}


def test_an_ended_session_keeps_the_score_that_it_ended_with() -> None:
    last = stats(first_at=NOW - timedelta(hours=8), last_at=NOW - timedelta(hours=1), turn_id="t")
    for later in (timedelta(0), timedelta(days=30)):
        assert reasons(score(last, ended_at=NOW, now=NOW + later)) == {"age": 5}


@pytest.mark.parametrize(
    ("turn", "minutes", "status"),
    [("t", 4, "working"), ("t", 5, "idle"), (None, 14, "waiting"), (None, 15, "idle")],
)
def test_the_status_follows_the_turn_and_the_silence(turn: str | None, minutes: int, status: str) -> None:
    quiet = stats(turn_id=turn, last_at=NOW - timedelta(minutes=minutes))
    assert status_of(quiet, ended_at=None, now=NOW) == status
    assert status_of(quiet, ended_at=NOW, now=NOW) == "ended"


COUNTS = st.integers(0, 10_000)


@given(COUNTS, COUNTS, COUNTS, st.integers(0, 10**7), st.integers(0, 10**7), st.integers(-60, 10**6), st.booleans())
def test_a_score_is_a_hundred_less_its_reasons_whatever_was_counted(
    calls: int, failures: int, retries: int, used: int, limit: int, minutes: int, is_running: bool
) -> None:
    since = NOW - timedelta(minutes=minutes)
    found = health_of(
        tool_calls=calls,
        tool_failures=failures,
        retries=retries,
        context_used=used,
        context_limit=limit,
        first_at=since,
        last_at=since,
        turn_id="t" if is_running else None,
    )
    assert found is not None
    assert found.score == max(0, 100 - sum(reason.points for reason in found.reasons))
    for reason in found.reasons:
        assert 0 < reason.points <= RAMPS[reason.code].points
        assert reason.text


# ── The documentation ─────────────────────────────────────────────────────────────────────────────────────────────────


def table_after(heading: str) -> list[list[str]]:
    """The rows of the first table after `heading`."""
    rows: list[list[str]] = []
    for line in DOC.read_text(encoding="utf-8").split(heading, 1)[1].splitlines():
        if line.startswith("|"):
            rows.append([cell.strip() for cell in line.strip("|").split("|")])
        elif rows:
            break
    return rows[2:]


def test_the_documented_table_is_the_formula() -> None:
    units = {
        "context_used": "{:.0%}",
        "error_rate": "{:.0%}",
        "retries": "{:.0%}",
        "age": "{:g}h",
        "idleness": "{:g}min",
    }
    told = [
        (row[0].strip("`"), int(row[2]), row[3].replace(" ", ""), row[4].replace(" ", ""))
        for row in table_after("# Session health")
    ]
    assert told == [
        (code, ramp.points, units[code].format(ramp.start), units[code].format(ramp.end))
        for code, ramp in RAMPS.items()
    ]
    text = DOC.read_text(encoding="utf-8")
    assert f"counts from the {health.ENOUGH_CALLS}th call" in text
    assert f"without a sign for {health.QUIET_TURN // timedelta(minutes=1)} minutes" in text
    assert f"nothing has happened for {health.QUIET_SESSION // timedelta(minutes=1)}" in text


def test_the_documented_example_is_what_the_code_says() -> None:
    example = stats(
        first_at=NOW - timedelta(hours=8),
        last_at=NOW - timedelta(minutes=10),
        turn_id="t",
        tool_calls=40,
        tool_failures=8,
        retries=2,
        context_used=184_000,
        context_limit=200_000,
    )
    found = score(example, ended_at=None, now=NOW)
    assert found is not None
    told = [(row[0].strip("`"), int(row[1]), row[2]) for row in table_after("## A worked example")]
    assert told == [(reason.code, reason.points, reason.text) for reason in found.reasons]
    said = re.search(r"Score: \*\*(\d+)\*\*\. Status: \*\*(\w+)\*\*", DOC.read_text(encoding="utf-8"))
    assert said is not None
    assert (int(said[1]), said[2]) == (found.score, status_of(example, ended_at=None, now=NOW))
