"""Keeps to the timetable with APScheduler, in memory: jobs are declared in code, what they did is in the database."""

from __future__ import annotations

import logging
from datetime import UTC

from apscheduler.schedulers.asyncio import AsyncIOScheduler
from prometheus_client import Counter, Gauge

from core.clock import Clock
from core.db import Database
from core.errors import CosessionError
from jobs.schedule import TIMETABLE, Job

log = logging.getLogger(__name__)

RUNS = Counter("cosession_job_runs_total", "Runs of a job, by how they ended.", ["job", "outcome"])
LAST_SUCCESS = Gauge("cosession_job_last_success_seconds", "When a job last succeeded, as a Unix time.", ["job"])


class Scheduler:
    """Runs every job of the timetable. Belongs to the event loop that `start` ran on."""

    def __init__(self, db: Database, clock: Clock) -> None:
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
                seconds=job.every.total_seconds(),
                next_run_time=self._clock(),
                coalesce=True,
                max_instances=1,
                misfire_grace_time=None,
            )
        self._scheduler.start()

    def close(self) -> None:
        self._scheduler.shutdown(wait=False)

    async def run(self, job: Job) -> None:
        """Runs `job` now. A failure is logged and counted, and the next run tries again."""
        try:
            done = await self._db.write(job.work)
        except CosessionError:
            RUNS.labels(job.name, "failed").inc()
            log.exception("the job %s failed", job.name)
            return
        RUNS.labels(job.name, "done").inc()
        LAST_SUCCESS.labels(job.name).set(self._clock().timestamp())
        if done:
            log.info("the job %s did %d", job.name, done)
