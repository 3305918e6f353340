"""Who should hear what, where and when: a reader of the logs, and what it stores.

`deciding` holds the rules, pure; `recipients` says whom an entry concerns; `preferences` is what people want;
`showing` what an item says; `inbox` is what stands in the web; `taking_up` is the reader's step; `delivering` is what
leaves by other ways, `mailing` by mail, `pushing` by web push to the browsers in `subscriptions`, under the key in
`vapid`. The reader itself runs in `jobs/notify.py`.
"""

from __future__ import annotations

from core.notifications import (
    delivering,
    inbox,
    mailing,
    preferences,
    pushing,
    showing,
    subscriptions,
    taking_up,
    vapid,
)
from core.notifications.deciding import CHANNELS, DEFAULTS, KINDS, OUTSIDE, Channel, Kind, Outside, Quiet

__all__ = [
    "CHANNELS",
    "DEFAULTS",
    "KINDS",
    "OUTSIDE",
    "Channel",
    "Kind",
    "Outside",
    "Quiet",
    "delivering",
    "inbox",
    "mailing",
    "preferences",
    "pushing",
    "showing",
    "subscriptions",
    "taking_up",
    "vapid",
]
