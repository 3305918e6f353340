"""Every payload fits into Slack's limits, or is seen as plain text: nothing vanishes because a part is too long."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from bot.limits import fitting
from bot.sandbox.blocks import check_message_blocks
from bot.web import SlackApi
from tests.bot.support.office import TOKEN, Office

META = {"event_type": "a_test", "event_payload": {}}


def _card(title: str, value: str = "1") -> list[dict[str, Any]]:
    button = {"type": "button", "action_id": "a", "text": {"type": "plain_text", "text": title}, "value": value}
    return [
        {"type": "header", "text": {"type": "plain_text", "text": title}},
        {"type": "section", "text": {"type": "mrkdwn", "text": title}},
        {"type": "actions", "elements": [button]},
    ]


def test_a_card_that_is_too_long_is_shortened_to_what_the_contract_allows_and_says_so() -> None:
    fitted, cut = fitting("chat.postMessage", {"text": "t", "blocks": _card("x" * 3_001) * 20})
    check_message_blocks(fitted["blocks"])
    assert len(fitted["blocks"]) == 50
    assert fitted["blocks"][1]["text"]["text"].endswith("…")
    assert any("section.text: 3001 of 3000" in line for line in cut)


def test_what_fits_is_left_as_it_is() -> None:
    args = {"text": "t", "blocks": _card("A title")}
    assert fitting("chat.update", args) == (args, [])


def test_no_half_entity_and_no_half_link_is_left_where_a_text_is_cut() -> None:
    for tail in ("&amp;" * 3, "<https://example.com/a|some words>"):
        shown = fitting("chat.update", {"text": "x" * 3_997 + tail})[0]["text"]
        assert shown == "x" * 3_997 + "…"


def test_a_form_is_shortened_too() -> None:
    title = {"type": "plain_text", "text": "y" * 30}
    fitted, _ = fitting("views.open", {"trigger_id": "1", "view": {"type": "modal", "title": title, "blocks": []}})
    assert fitted["view"]["title"]["text"] == "y" * 23 + "…"


async def test_blocks_that_slack_refuses_leave_the_plain_text_and_a_line_in_the_log(
    small_office: Office, caplog: pytest.LogCaptureFixture
) -> None:
    """A value is never cut, because it would mean something else: Slack refuses it."""
    office = small_office
    await office.start()
    api = SlackApi(f"{office.engine.base_url}/api/", TOKEN, 5.0)
    await api.open()
    try:
        with caplog.at_level(logging.ERROR, logger="bot.calling"):
            await api.post("#payments", "The words", metadata=META, blocks=_card("t", value="v" * 2_001))
    finally:
        await api.close()
    assert [message["text"] for message in office.at_root()] == ["The words"]
    assert "invalid_blocks" in caplog.text
    [violation] = office.engine.violations
    assert "invalid_blocks" in str(violation)
    office.engine.violations.clear()
