"""What Slack's Web API may answer instead of what was asked for, sorted by what to do about it.

Limited      Slack said "not now" and when: nothing happened
Ambiguous    no clear answer: it may have happened or not; look before doing it again
Refused      Slack said no, and would say no again
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from slack_sdk.errors import SlackApiError

#: Errors in an answer of status 200 that say nothing about whether the call took effect.
_UNCLEAR = frozenset(
    {"internal_error", "fatal_error", "request_timeout", "service_unavailable", "team_added_to_org", "update_failed"}
)
_LIMITED = frozenset({"ratelimited", "rate_limited"})
#: Errors that pass by themselves, but not soon: so many seconds are waited before the next try.
_LATER = {"external_channel_migrating": 60.0, "message_limit_exceeded": 300.0}


class SlackFailure(Exception):
    """A call that did not work out."""


class Limited(SlackFailure):
    def __init__(self, seconds: float) -> None:
        super().__init__(f"Slack asks to wait {seconds} s")
        self.seconds = seconds


class Ambiguous(SlackFailure):
    """The text says what was seen."""


class Refused(SlackFailure):
    def __init__(self, code: str, needed: str = "") -> None:
        super().__init__(code)
        self.code = code
        self.needed = needed


def sorted_failure(error: SlackApiError) -> SlackFailure:
    """What to do about an answer that says no."""
    response: Any = error.response
    status = getattr(response, "status_code", getattr(response, "status", 0))
    data = getattr(response, "data", None)
    code = str(data.get("error", "")) if isinstance(data, Mapping) else ""
    if status == 429 or code in _LIMITED:
        return Limited(seconds_to_wait(response.headers))
    if code in _LATER:
        return Limited(_LATER[code])
    if status != 200 or not code or code in _UNCLEAR:
        return Ambiguous(f"status {status} {code}".strip())
    needed = data.get("needed", "") if isinstance(data, Mapping) else ""
    return Refused(code, str(needed))


def seconds_to_wait(headers: Mapping[str, Any]) -> float:
    """What `Retry-After` says; a second where it says nothing."""
    value = next((str(v) for name, v in headers.items() if name.lower() == "retry-after"), "")
    return float(value) if value.isdigit() else 1.0
