"""The timetable of a running server, for its operator: what there is, when it ran, and running one now."""

from __future__ import annotations

from fastapi import APIRouter, FastAPI, Request
from pydantic import BaseModel

from api.context import Api
from api.routes.operation import check_operator
from core.clock import iso
from core.errors import NotFound
from jobs.schedule import Job
from jobs.scheduler import Scheduler, Status


class JobView(BaseModel):
    name: str
    does: str
    #: Seconds.
    every: float
    #: RFC 3339; null for one that never ran.
    last_at: str | None
    next_at: str


class JobViews(BaseModel):
    items: list[JobView]


class Ran(BaseModel):
    #: How much it did; what that counts depends on the job.
    done: int


class NoSuchJob(NotFound):
    """There is no such job: `cosession jobs list` names them."""

    code = "no_such_job"


def view_of(status: Status) -> JobView:
    return JobView(
        name=status.job.name,
        does=status.job.does,
        every=status.job.every.total_seconds(),
        last_at=iso(status.last_at) if status.last_at is not None else None,
        next_at=iso(status.next_at),
    )


def job_of(scheduler: Scheduler, name: str) -> Job:
    """Raises NoSuchJob."""
    job = scheduler.jobs.get(name)
    if job is None:
        raise NoSuchJob
    return job


def mount_timetable(app: FastAPI, api: Api, scheduler: Scheduler) -> None:
    router = APIRouter(include_in_schema=False)

    @router.get("/api/operator/jobs")
    async def list_jobs(request: Request) -> JobViews:  # pyright: ignore[reportUnusedFunction]
        check_operator(api, request)
        return JobViews(items=[view_of(status) for status in await scheduler.statuses()])

    @router.post("/api/operator/jobs/{name}/run")
    async def run_job(name: str, request: Request) -> Ran:  # pyright: ignore[reportUnusedFunction]
        check_operator(api, request)
        return Ran(done=await scheduler.run_now(job_of(scheduler, name)))

    app.include_router(router)
