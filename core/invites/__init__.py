"""Ways into a session: by link, by address, by an account here or elsewhere. Looking never consumes; accepting does.

In reading order: `rules` (what an invite is worth to whom, now), `making` (and finding, and withdrawing), `flooding`
(how many, how fast), `accepting` (and knocking, and declining), `looking`, `letters` (what is written about invites in
other systems), `mailing`, `arriving` (from there into the browser), `expiring`, `reminding`, `forgetting`.
"""

from __future__ import annotations

from core.access import as_role
from core.invites import letters
from core.invites.accepting import Taken, accept, answer_knock, decline, decline_unlinked
from core.invites.arriving import hand_over
from core.invites.expiring import expire
from core.invites.forgetting import forget
from core.invites.looking import Listed, Look, Waiting, at_the_door, look, mine, of_session
from core.invites.making import Issued, create, find, revoke
from core.invites.reminding import remind
from core.invites.rules import (
    ANYBODY,
    DEFAULT_LIFETIME,
    LONGEST_LIFETIME,
    MAX_USES,
    MAX_WAITING,
    SHORTEST_LIFETIME,
    InviteStatus,
    Recipient,
    Way,
)

__all__ = [
    "ANYBODY",
    "DEFAULT_LIFETIME",
    "LONGEST_LIFETIME",
    "MAX_USES",
    "MAX_WAITING",
    "SHORTEST_LIFETIME",
    "InviteStatus",
    "Issued",
    "Listed",
    "Look",
    "Recipient",
    "Taken",
    "Waiting",
    "Way",
    "accept",
    "answer_knock",
    "as_role",
    "at_the_door",
    "create",
    "decline",
    "decline_unlinked",
    "expire",
    "find",
    "forget",
    "hand_over",
    "letters",
    "look",
    "mine",
    "of_session",
    "remind",
    "revoke",
]
