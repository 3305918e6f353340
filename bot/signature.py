"""Slack's signature: proof that a request is theirs and fresh. Works on the raw bytes, before anything reads them.

The rule is https://docs.slack.dev/authentication/verifying-requests-from-slack: HMAC-SHA256 over
`v0:{timestamp}:{body}`, compared in constant time, no more than five minutes off. Anything malformed is as wrong as a
wrong signature.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from datetime import datetime

MAX_AGE = 300.0

_TIMESTAMP = re.compile(r"^[0-9]{1,12}$")


def sign(secret: str, timestamp: str, body: bytes) -> str:
    return "v0=" + hmac.new(secret.encode(), f"v0:{timestamp}:".encode() + body, hashlib.sha256).hexdigest()


def is_genuine(secret: str, timestamp: str, signature: str, body: bytes, now: datetime) -> bool:
    """Whether the request was signed with `secret` within five minutes of `now`, before or after.

    While a secret is being replaced, `secret` names both, separated by a comma.
    """
    if not _TIMESTAMP.match(timestamp) or not timestamp.isascii():
        return False
    if abs(now.timestamp() - int(timestamp)) > MAX_AGE:
        return False
    shown = signature.encode("utf-8", "replace")
    # Each is compared, so that the time does not tell which one it was.
    matches = [hmac.compare_digest(sign(one, timestamp, body).encode(), shown) for one in secrets_in(secret)]
    return any(matches)


def secrets_in(setting: str) -> list[str]:
    """The secrets that a setting names: one, or two during a rotation."""
    return [secret.strip() for secret in setting.split(",") if secret.strip()]
