"""The whole timetable. A job is a command like any other, run by the clock once in each period, by whichever process
asks first.

The rule for what was missed: a period in which no process ran, or in which the job failed, is made good by one run as
soon as one runs again; a run looks at how things are, not at which period it is, so one is enough. A job that fails is
tried again with the next question, half a minute later.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta

from core import digests, invites, outbox, signing_in
from core.db import Database, Transaction
from core.idling import end_idle
from core.notifications import delivering, pushing
from core.prune import prune
from core.retention import delete_old
from jobs.digests import make_digests


@dataclass(frozen=True, slots=True)
class Job:
    """Runs once in every `every`, and returns how much it did.

    `work` is one transaction, together with the turn: a process that dies in it has done nothing. `steps` are several,
    each of which finds out by itself what is left to do, so that two processes, or a run anew, do nothing twice.
    """

    name: str
    every: timedelta
    work: Callable[[Transaction], int] | None = None
    steps: Callable[[Database], Awaitable[int]] | None = None
    #: What it does, for people.
    does: str = ""


def timetable(*, end_idle_after: timedelta | None = None, keep_ended: timedelta | None = None) -> tuple[Job, ...]:
    """Every job. Sessions end by themselves only where `end_idle_after` says when, and go where `keep_ended` does."""
    jobs = (
        Job("prune", timedelta(minutes=10), prune, does="forget what is past its time"),
        Job("expire-invites", timedelta(minutes=1), invites.expire, does="tell of invites that have expired"),
        Job("remind-hosts", timedelta(minutes=5), invites.remind, does="remind hosts of those who wait at the door"),
        Job("prune-mail", timedelta(hours=1), _prune_mail, does="forget mails, ways in and digests that are over"),
        Job(
            "prune-notifications",
            timedelta(days=1),
            _prune_told,
            does="forget what people were told of long ago",
        ),
        Job("digests", timedelta(minutes=1), steps=make_digests, does="make the digests whose time has come"),
    )
    if end_idle_after is not None:
        idle = Job(
            "end-idle-sessions",
            timedelta(minutes=10),
            lambda tx: end_idle(tx, end_idle_after),
            does="end sessions in which nothing happens any more",
        )
        jobs = (*jobs, idle)
    if keep_ended is not None:
        old = Job(
            "delete-old-sessions",
            timedelta(hours=1),
            steps=lambda db: delete_old(db, keep_ended),
            does="delete sessions that ended long ago",
        )
        jobs = (*jobs, old)
    return jobs


def _prune_mail(tx: Transaction) -> int:
    return outbox.prune(tx) + signing_in.prune(tx) + digests.prune(tx)


def _prune_told(tx: Transaction) -> int:
    return delivering.prune(tx) + pushing.prune(tx)


TIMETABLE = timetable()
