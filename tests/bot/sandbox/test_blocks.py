"""Block Kit is refused at the limits that Slack has, and taken just below them."""

from __future__ import annotations

from typing import Any

import pytest

from bot.sandbox.blocks import problems


def text(length: int, kind: str = "mrkdwn") -> dict[str, Any]:
    return {"type": kind, "text": "x" * length}


def button(**more: Any) -> dict[str, Any]:
    return {"type": "button", "action_id": "go", "text": text(5, "plain_text"), **more}


def actions(*elements: dict[str, Any]) -> dict[str, Any]:
    return {"type": "actions", "elements": list(elements)}


PAIRS: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"type": "section", "text": text(3_000)}, {"type": "section", "text": text(3_001)}),
    ({"type": "section", "fields": [text(2_000)] * 10}, {"type": "section", "fields": [text(1)] * 11}),
    ({"type": "section", "fields": [text(2_000)]}, {"type": "section", "fields": [text(2_001)]}),
    ({"type": "header", "text": text(150, "plain_text")}, {"type": "header", "text": text(151, "plain_text")}),
    ({"type": "header", "text": text(5, "plain_text")}, {"type": "header", "text": text(5)}),
    ({"type": "context", "elements": [text(5)] * 10}, {"type": "context", "elements": [text(5)] * 11}),
    (actions(button()), actions()),
    (actions(button(text=text(75, "plain_text"))), actions(button(text=text(76, "plain_text")))),
    (actions(button(value="v" * 2_000)), actions(button(value="v" * 2_001))),
    (actions(button(url="u" * 3_000)), actions(button(url="u" * 3_001))),
    (actions(button(action_id="a" * 255)), actions(button(action_id="a" * 256))),
    (actions(button(style="primary")), actions(button(style="loud"))),
    (actions(*[button(action_id=str(n)) for n in range(25)]), actions(*[button(action_id=str(n)) for n in range(26)])),
    (actions(button(), button(action_id="b")), actions(button(), button())),
    ({"type": "markdown", "text": "x" * 12_000}, {"type": "markdown", "text": "x" * 12_001}),
    ({"type": "image", "image_url": "u", "alt_text": "a"}, {"type": "image", "image_url": "u"}),
    ({"type": "divider"}, {"type": "curtain"}),
    ({"type": "table", "rows": [[]] * 100}, {"type": "table", "rows": [[]] * 101}),
    ({"type": "divider", "block_id": "b" * 255}, {"type": "divider", "block_id": "b" * 256}),
]


@pytest.mark.parametrize(("good", "bad"), PAIRS)
def test_a_block_is_taken_at_the_limit_and_refused_above_it(good: dict[str, Any], bad: dict[str, Any]) -> None:
    assert problems([good]) == []
    assert problems([bad]) != []


def test_a_problem_says_where_it_is() -> None:
    found = problems([{"type": "divider"}, {"type": "section", "text": text(3_001)}])
    assert found == ["must be less than 3001 characters [json-pointer:/blocks/1/text/text]"]


def test_a_message_takes_fifty_blocks_one_table_and_distinct_ids() -> None:
    assert problems([{"type": "divider"}] * 50) == []
    assert problems([{"type": "divider"}] * 51) != []
    assert problems([{"type": "table", "rows": [[]]}] * 2) != []
    assert problems([{"type": "divider", "block_id": "same"}] * 2) != []
