"""Takes secrets out of text before it leaves this machine: known values literally, then what looks like one, by rule.

Reading order: `redactor` (finds and replaces), `rules` (the published shapes of credentials), `assignments` and
`values` (what stands under the name of a secret, and whether it is one), `known` (what `.env` files and the environment
tell), `stream` (text that comes in pieces).
"""

from __future__ import annotations

from integrations.agents.redact.known import known_secrets
from integrations.agents.redact.redactor import Finding, Redactor
from integrations.agents.redact.stream import StreamRedactor

__all__ = ["Finding", "Redactor", "StreamRedactor", "known_secrets"]
