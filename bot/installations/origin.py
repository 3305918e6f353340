"""Which installation a stored request came through. Pure.

An event names it in `authorizations[0]`; its top-level `team_id` may be that of another workspace, in a shared channel
(https://docs.slack.dev/apis/events-api/#authorizations). Commands and interactions name it themselves. A realm is the
id of the workspace, or of the organisation where the app is installed for all of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

import orjson

from core.inbox import Item


@dataclass(frozen=True, slots=True)
class Origin:
    """`team` is empty for what an organisation-wide installation hears about no workspace in particular."""

    enterprise: str
    team: str
    is_org_wide: bool = False

    @property
    def realm(self) -> str:
        """The realm of the installation that this names."""
        return self.enterprise if self.is_org_wide and self.enterprise else self.team


def origin_of(item: Item) -> Origin:
    """Raises ValueError for a body that cannot be read."""
    if item.body[:1] != b"{":
        return of_form(dict(parse_qsl(item.body.decode(), keep_blank_values=True)))
    return of_event(orjson.loads(item.body))


def of_event(body: Mapping[str, Any]) -> Origin:
    """From the envelope of an event."""
    authorizations: Any = body.get("authorizations")
    if isinstance(authorizations, list) and authorizations:
        first: Mapping[str, Any] = authorizations[0]
        is_org_wide = bool(first.get("is_enterprise_install"))
        # That of an organisation may name no workspace; where it happened is told beside it.
        team = _text(first, "team_id") or (_text(body, "team_id") if is_org_wide else "")
        return Origin(_text(first, "enterprise_id"), team, is_org_wide)
    return Origin(_text(body, "enterprise_id"), _text(body, "team_id"))


def of_form(fields: Mapping[str, str]) -> Origin:
    """From a command, or from an interaction, whose `payload` is JSON."""
    if "payload" not in fields:
        is_org_wide = fields.get("is_enterprise_install") == "true"
        return Origin(fields.get("enterprise_id", ""), fields.get("team_id", ""), is_org_wide)
    body: Mapping[str, Any] = orjson.loads(fields["payload"])
    team: Mapping[str, Any] = body.get("team") or {}
    enterprise: Mapping[str, Any] = body.get("enterprise") or {}
    # A form that was opened elsewhere than in a channel may name no team but the person's own.
    user: Mapping[str, Any] = body.get("user") or {}
    named = _text(team, "id") or _text(user, "team_id")
    return Origin(_text(enterprise, "id"), named, bool(body.get("is_enterprise_install")))


def _text(body: Mapping[str, Any], name: str) -> str:
    value = body.get(name)
    return value if isinstance(value, str) else ""
