"""Keeps to the timetable with APScheduler, in memory: jobs are declared in code, when they ran is in the database.

Every process asks; in each period one of them gets the turn. The turn and what the job does are one transaction, so a
process that dies in the middle has done nothing, and the next that asks does it all.
"""

from __future__ import annotations

import logging
from datetime import UTC

from apscheduler.schedulers.asyncio import AsyncIOScheduler
from prometheus_client import Counter, Gauge

from core import leases
from core.clock import Clock
from core.db import Database, Transaction
from jobs.schedule import TIMETABLE, Job

log = logging.getLogger(__name__)

RUNS = Counter("cosession_job_runs_total", "Runs of a job, by how they ended.", ["job", "outcome"])
LAST_SUCCESS = Gauge("cosession_job_last_success_seconds", "When a job last succeeded, as a Unix time.", ["job"])


#: Seconds between two questions whether a job is due; so late another process does what one that died has not done.
ASK_EVERY = 30.0


class Scheduler:
    """Runs every job of the timetable. `process_id` names this process among others. Belongs to the event loop that
    `start` ran on."""

    def __init__(self, db: Database, clock: Clock, process_id: str) -> None:
        self._process_id = process_id
        self._db = db
        self._clock = clock
        self._scheduler = AsyncIOScheduler(timezone=UTC)

    def start(self) -> None:
        for job in TIMETABLE:
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

    def close(self) -> None:
        self._scheduler.shutdown(wait=False)

    async def run(self, job: Job) -> None:
        """Runs `job` if it is due and nobody else has. A failure is logged and counted, and tried again soon."""
        try:
            done = await self._db.write(lambda tx: self._in_turn(tx, job))
        except Exception:  # whatever it is, it is counted, and the timetable goes on
            RUNS.labels(job.name, "failed").inc()
            log.exception("the job %s failed", job.name)
            return
        if done is None:
            return
        RUNS.labels(job.name, "done").inc()
        LAST_SUCCESS.labels(job.name).set(self._clock().timestamp())
        if done:
            log.info("the job %s did %d", job.name, done)

    def _in_turn(self, tx: Transaction, job: Job) -> int | None:
        """What the job did, or None where it was not due."""
        return job.work(tx) if leases.take_turn(tx, f"job:{job.name}", self._process_id, job.every) else None
