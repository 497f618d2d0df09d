"""Jobs over HTTP: looked at, followed and cancelled."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Annotated, cast

from fastapi import APIRouter, Depends, Path, Request
from fastapi.responses import StreamingResponse

from symbolic.serve import shapes
from symbolic.serve.jobs import FINISHED, Job, Jobs
from symbolic.serve.store import UnknownError

_LOOK_SECONDS = 0.1
_ALIVE_SECONDS = 10.0

router = APIRouter(
    prefix="/api/jobs",
    tags=["jobs"],
    responses={status: {"model": shapes.ErrorShape} for status in (403, 404)},
)


def _job(request: Request, job: Annotated[str, Path(description="its id")]) -> Job:
    found = cast(Jobs, request.app.state.jobs).job(job)
    if found is None:
        raise UnknownError("this job is no longer known: ask anew")
    return found


TheJob = Annotated[Job, Depends(_job)]


@router.get("/{job}")
def job(request: Request, job: TheJob) -> shapes.JobShape:
    """Tell how far a job is."""
    return shapes.job_shape(request.app.state.jobs, job)


@router.delete("/{job}")
def cancel(request: Request, job: TheJob) -> shapes.JobShape:
    """End a job at once, written to the end or not; variations that are finished stay."""
    jobs = cast(Jobs, request.app.state.jobs)
    jobs.cancel(job)
    return shapes.job_shape(jobs, job)


@router.get(
    "/{job}/events",
    response_class=StreamingResponse,
    responses={200: {"content": {"text/event-stream": {}}}},
)
async def events(request: Request, job: TheJob) -> StreamingResponse:
    """Follow a job as server-sent events: each is the job as JSON, the last one is finished."""
    return StreamingResponse(
        _told(request.app.state.jobs, job, request.app.state.ending), media_type="text/event-stream"
    )


async def _told(jobs: Jobs, job: Job, ending: Callable[[], bool]) -> AsyncIterator[str]:
    told, silent = "", 0.0
    while True:
        now = shapes.job_shape(jobs, job)
        line = now.model_dump_json()
        if line != told:
            told, silent = line, 0.0
            yield f"data: {line}\n\n"
        elif silent >= _ALIVE_SECONDS:
            # a listener that is gone shows only when something is sent to it
            silent = 0.0
            yield ": still here\n\n"
        if now.state in FINISHED or ending():
            return
        await asyncio.sleep(_LOOK_SECONDS)
        silent += _LOOK_SECONDS
