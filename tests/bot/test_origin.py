"""Which installation a request came through, whichever way Slack names it."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode

import pytest

from bot.installations.origin import Origin, origin_of
from core.clock import system_clock
from core.inbox import Item


def item(body: bytes) -> Item:
    now = system_clock()
    return Item("Ev1", "slack_event", body, 0, now, now)


def event(**fields: Any) -> bytes:
    return json.dumps({"type": "event_callback", **fields}).encode()


def through(team: str | None, enterprise: str | None = None, *, org: bool = False) -> dict[str, Any]:
    return {
        "team_id": team,
        "enterprise_id": enterprise,
        "user_id": "U0BOT",
        "is_bot": True,
        "is_enterprise_install": org,
    }


@pytest.mark.parametrize(
    ("body", "origin", "realm"),
    [
        (event(team_id="T1", authorizations=[through("T1")]), Origin("", "T1"), "T1"),
        # A channel that is shared with T2, whose member wrote: the app heard of it through T1.
        (event(team_id="T2", authorizations=[through("T1")]), Origin("", "T1"), "T1"),
        (event(team_id="T2", authorizations=[through("T1", "E1")]), Origin("E1", "T1"), "T1"),
        (event(team_id="T1", authorizations=[through("T1", "E1", org=True)]), Origin("E1", "T1", True), "E1"),
        (event(team_id="T1", authorizations=[through(None, "E1", org=True)]), Origin("E1", "T1", True), "E1"),
        (event(team_id="T1", enterprise_id="E1", authorizations=[]), Origin("E1", "T1"), "T1"),
        (event(team_id="T1"), Origin("", "T1"), "T1"),
        (event(), Origin("", ""), ""),
        (urlencode({"command": "/cosession", "team_id": "T1"}).encode(), Origin("", "T1"), "T1"),
        (
            urlencode(
                {"command": "/c", "team_id": "T1", "enterprise_id": "E1", "is_enterprise_install": "true"}
            ).encode(),
            Origin("E1", "T1", True),
            "E1",
        ),
        (
            urlencode({"payload": json.dumps({"team": {"id": "T1"}, "enterprise": None})}).encode(),
            Origin("", "T1"),
            "T1",
        ),
        (
            urlencode({"payload": json.dumps({"team": None, "user": {"team_id": "T1"}})}).encode(),
            Origin("", "T1"),
            "T1",
        ),
        (
            urlencode(
                {"payload": json.dumps({"team": None, "enterprise": {"id": "E1"}, "is_enterprise_install": True})}
            ).encode(),
            Origin("E1", "", True),
            "E1",
        ),
    ],
)
def test_every_kind_of_request_names_its_installation(body: bytes, origin: Origin, realm: str) -> None:
    assert origin_of(item(body)) == origin
    assert origin_of(item(body)).realm == realm


@pytest.mark.parametrize("body", [b"{", b"payload=%7B", b"\xff\xfe", b"payload="])
def test_what_cannot_be_read_is_refused_and_nothing_else(body: bytes) -> None:
    with pytest.raises(ValueError):
        origin_of(item(body))
