"""What the door asks of Slack and what Slack may say to it, against the reference data of Slack's own contract."""

from __future__ import annotations

import json
from typing import Any

import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from bot.failures import Ambiguous, Limited, Refused, sorted_failure
from bot.manifest import NEEDS, bot_scopes, manifest
from bot.sandbox.contract import load_contract
from tests.bot.support.office import Office, eventually
from tests.bot.test_manifest import CONTRACT, methods_called
from tests.bot.test_requests import send, signed

SAMPLES = sorted((CONTRACT / "event_samples").glob("*.json")) if CONTRACT.exists() else []

#: What passes by itself. Whoever took it for a "no" would give a thread up for ever.
PASSES = {
    "ratelimited": Limited,
    "rate_limited": Limited,
    "external_channel_migrating": Limited,
    "message_limit_exceeded": Limited,
    "internal_error": Ambiguous,
    "fatal_error": Ambiguous,
    "request_timeout": Ambiguous,
    "service_unavailable": Ambiguous,
    "team_added_to_org": Ambiguous,
    "update_failed": Ambiguous,
}


def filled(value: Any) -> Any:
    """A sample's blanks, as something: ids of the workspace, and texts."""
    if isinstance(value, dict):
        return {name: filled(one) for name, one in value.items()}
    if isinstance(value, list):
        return [filled(one) for one in value]
    return "x" if value == "" else value


@pytest.mark.skipif(not SAMPLES, reason="the reference data of Slack's contract is not beside the checkout")
async def test_whatever_slack_may_send_is_answered_with_200_and_stops_nothing(small_office: Office) -> None:
    office = small_office
    sent: list[str] = []
    for path in SAMPLES:
        sample = json.loads(path.read_text())
        if "event" not in sample:
            continue
        body = filled(sample)
        sent.append(f"Ev{path.stem}")
        here = {"team_id": "T0ACME0001", "enterprise_id": None}
        body |= {**here, "type": "event_callback", "event_id": sent[-1], "api_app_id": "A0COSESS01"}
        body["authorizations"] = [{**here, "is_enterprise_install": False}]
        # The type is the one thing that must be right; the blanks of the others are something of the right kind.
        body["event"]["type"] = sample["event"]["type"]
        if body["event"]["type"] in ("app_uninstalled", "tokens_revoked"):
            continue  # These are believed: see test_installations.
        raw = json.dumps(body).encode()
        answer = await send(office, raw, **signed(office, raw))
        assert answer.status_code == 200, path.stem
    assert len(sent) > 50

    async def all_seen() -> bool:
        rows = await office.inbox()
        return bool(rows) and all(row.handled_at is not None or row.error for row in rows)

    await eventually(all_seen)
    assert {row.id: row.error for row in await office.inbox() if row.error} == {}
    assert await office.start()


def test_every_subscribed_event_has_a_sample_and_a_need() -> None:
    events = manifest("https://x.example")["settings"]["event_subscriptions"]["bot_events"]
    assert sorted(events) == sorted({event for need in NEEDS for event in need.events})
    assert {"app_uninstalled", "tokens_revoked"} <= set(events)


def error(code: str, status: int = 200) -> SlackApiError:
    unset: Any = None
    body = {"ok": False, "error": code}
    response = AsyncSlackResponse(
        client=unset, http_verb="POST", api_url="", req_args={}, data=body, headers={}, status_code=status
    )
    return SlackApiError(code, response)


@pytest.mark.parametrize("method", sorted({*methods_called(), "oauth.v2.access", "apps.connections.open"}))
def test_every_error_that_a_method_may_answer_is_sorted_by_what_to_do_about_it(method: str) -> None:
    errors = load_contract()[method].errors | {"fatal_error", "request_timeout", "service_unavailable"}
    for code in errors:
        assert type(sorted_failure(error(code))) is PASSES.get(code, Refused), code


def test_what_is_no_clear_no_is_never_taken_for_one() -> None:
    for status in (500, 502, 503, 504, 302, 404):
        assert isinstance(sorted_failure(error("channel_not_found", status)), Ambiguous)
    assert isinstance(sorted_failure(error("anything", 429)), Limited)


async def test_the_whole_conversation_needs_no_scope_beyond_the_manifests(small_office: Office) -> None:
    """The workspace of every test grants what the manifest asks for, and nothing else."""
    assert small_office.engine.scopes == set(bot_scopes())
