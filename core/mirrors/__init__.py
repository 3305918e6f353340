"""Mirrors: which thread outside copies which session, how far it has come, and who may write to it now.

A mirror is a reader of the log with a durable cursor. Before something is posted, the intent is stored; once it is in
the thread, its link, the cursor and the end of the intent are stored together. So whoever takes over after a crash
knows the one post that has to be looked for. Every change asks for the lease that it is made under: a holder that was
overtaken is refused, so two processes never move the same thread.
"""

from __future__ import annotations

from core.leases import LeaseLost
from core.mirrors.answers import Answer, AnswerState, tell, told, untold
from core.mirrors.finding import Open, ThreadNotLinked, by_thread, in_channel, open_mirror, open_ones
from core.mirrors.holding import Lease, held, let_go, take
from core.mirrors.links import Origin, Standing, last_posted, link, linked, standing
from core.mirrors.moving import CARD, advance, close, intend, opened, pause, posted, take_up_again, thread_is_gone
from core.mirrors.steering import mute, other_channels, resume
from core.mirrors.uploads import OUT_OF_REACH, Uploads, adrift, intend_share, shared, unshared, uploads

__all__ = [
    "CARD",
    "OUT_OF_REACH",
    "Answer",
    "AnswerState",
    "Lease",
    "LeaseLost",
    "Open",
    "Origin",
    "Standing",
    "ThreadNotLinked",
    "Uploads",
    "adrift",
    "advance",
    "by_thread",
    "close",
    "held",
    "in_channel",
    "intend",
    "intend_share",
    "last_posted",
    "let_go",
    "link",
    "linked",
    "mute",
    "open_mirror",
    "open_ones",
    "opened",
    "other_channels",
    "pause",
    "posted",
    "resume",
    "shared",
    "standing",
    "take",
    "take_up_again",
    "tell",
    "thread_is_gone",
    "told",
    "unshared",
    "untold",
    "uploads",
]
