"""Keeps to the timetable with APScheduler, in memory: jobs are declared in code, when they ran is in the database.

Every process asks; in each period one of them gets the turn. Where a job is one transaction, the turn is taken in it: a
process that dies in the middle has done nothing, and the next that asks does it all. Where it has steps, the turn is
held while they last, and the period begins when they are done: whoever dies or fails leaves it to the next.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from apscheduler.schedulers.asyncio import AsyncIOScheduler
from prometheus_client import Counter, Gauge

from core import leases, tables
from core.clock import Clock
from core.db import Database, Transaction
from jobs.schedule import TIMETABLE, Job

log = logging.getLogger(__name__)

RUNS = Counter("cosession_job_runs_total", "Runs of a job, by how they ended.", ["job", "outcome"])
LAST_SUCCESS = Gauge("cosession_job_last_success_seconds", "When a job last succeeded, as a Unix time.", ["job"])
FAILING = Gauge("cosession_job_failing", "1 while the last run of a job here has failed.", ["job"])

#: Seconds between two questions whether a job is due; so late another process does what one that died has not done.
ASK_EVERY = 30.0
#: Longer than the steps of a job take. A holder that is slower than that loses the turn, and no harm is done: see
#: `jobs.schedule.Job`.
TURN = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Status:
    """A job, as the database knows it. `last_at` is empty for one that never ran; `next_at` when it is due."""

    job: Job
    last_at: datetime | None
    next_at: datetime


class Scheduler:
    """Runs the jobs. `process_id` names this process among others. Belongs to the event loop that `start` ran on."""

    def __init__(self, db: Database, clock: Clock, process_id: str, jobs: Sequence[Job] = TIMETABLE) -> None:
        self._process_id = process_id
        self._db = db
        self._clock = clock
        self.jobs = {job.name: job for job in jobs}
        self._scheduler = AsyncIOScheduler(timezone=UTC)
        self._running: set[asyncio.Task[object]] = set()

    def start(self) -> None:
        for job in self.jobs.values():
            self._scheduler.add_job(
                self.run,
                "interval",
                [job],
                id=job.name,
                seconds=min(ASK_EVERY, job.every.total_seconds()),
                next_run_time=self._clock(),
                coalesce=True,
                max_instances=1,
                misfire_grace_time=None,
            )
        self._scheduler.start()

    async def close(self) -> None:
        """Breaks off what is running, and waits until its turns are given back: the database is open until then."""
        self._scheduler.shutdown(wait=False)
        for task in self._running:
            if not task.cancelling():  # A second time would break off the giving back.
                task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)

    async def run(self, job: Job) -> None:
        """Runs `job` if it is due and nobody else has. A failure is logged and counted, and tried again soon."""
        task = asyncio.current_task()
        assert task is not None
        self._running.add(task)
        try:
            done = await self._in_turn(job)
        except Exception:  # whatever it is, it is counted, and the timetable goes on
            RUNS.labels(job.name, "failed").inc()
            FAILING.labels(job.name).set(1)
            log.exception("the job %s failed", job.name)
            return
        finally:
            self._running.discard(task)
        if done is not None:
            self._has_run(job, done)

    async def run_now(self, job: Job) -> int:
        """Runs `job` whether it is due or not, and returns how much it did. Raises what it raises."""
        if job.work is not None:
            done = await self._db.write(job.work)
        else:
            assert job.steps is not None
            done = await job.steps(self._db)
        self._has_run(job, done)
        return done

    async def statuses(self) -> list[Status]:
        """Every job, and when it ran and will."""
        return await self._db.read(lambda tx: [status_of(tx, job) for job in self.jobs.values()])

    async def _in_turn(self, job: Job) -> int | None:
        """What the job did, or None where it was not due."""
        name, own = f"job:{job.name}", self._process_id
        if job.work is not None:
            work = job.work
            return await self._db.write(lambda tx: work(tx) if leases.take_turn(tx, name, own, job.every) else None)
        assert job.steps is not None
        fence = await self._db.write(lambda tx: _hold(tx, name, own))
        if fence is None:
            return None
        try:
            done = await job.steps(self._db)
        except BaseException:
            await self._db.write(lambda tx: leases.hand_on(tx, name, fence, timedelta()))
            raise
        await self._db.write(lambda tx: leases.hand_on(tx, name, fence, job.every))
        return done

    def _has_run(self, job: Job, done: int) -> None:
        RUNS.labels(job.name, "done").inc()
        FAILING.labels(job.name).set(0)
        LAST_SUCCESS.labels(job.name).set(self._clock().timestamp())
        if done:
            log.info("the job %s did %d", job.name, done)


def status_of(tx: Transaction, job: Job) -> Status:
    lease = tx.sql.get(tables.Lease, f"job:{job.name}")
    if lease is None or lease.until is None:
        return Status(job, None, tx.now)
    return Status(job, lease.until - job.every, max(lease.until, tx.now))


def _hold(tx: Transaction, name: str, owner: str) -> int | None:
    """The turn of a job with steps: its fencing number, or None where it is not due or somebody is at it."""
    if not leases.take_turn(tx, name, owner, TURN):
        return None
    return leases.fence_of(tx, name)
