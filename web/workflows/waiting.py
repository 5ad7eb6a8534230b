"""How whoever asked for a run waits for it, for its end or from event to event. It goes on when they leave."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from dataclasses import replace

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from storage.control import Word
from storage.cursor import START
from storage.ending import time_out
from storage.jobs import JobView
from storage.states import Status
from storage.stream import Entry
from web.access import check_reader, load_job
from web.callers.caller import Caller
from web.services import Services, recognise
from web.streams.following import Rest
from web.streams.rechecking import reader_of
from web.workflows.answers import going_down, timed_out

PATIENCE_SECONDS = 5.0
"""How much longer than its time limit a run is waited for, so that its worker can end it first."""


async def run_to_rest(services: Services, caller: Caller, job_id: str) -> JobView:
    """The job when it is over, or waits for people. Refuses with 408 when it takes longer than it may, with 503 when
    this process ends before."""
    seconds = services.limits.sync_seconds
    try:
        async with asyncio.timeout(seconds + PATIENCE_SECONDS):
            async for _ in services.following.read(job_id, START, lasting=True):
                pass
    except TimeoutError:
        await run_in_threadpool(time_out, services.store.log, job_id)
        services.store.control.tell(Word.ENDED, job_id)
    job = await run_in_threadpool(load_job, services, caller, job_id)
    if not job.is_over and job.status is not Status.SUSPENDED and services.hub.lets_go(lasting=True):
        raise going_down(job_id)
    if job.status is Status.TIMED_OUT or not (job.is_over or job.status is Status.SUSPENDED):
        raise timed_out(job, seconds)
    return job


def followed(
    request: Request, services: Services, job_id: str, end_user: str | None, *, exposes_graph: bool
) -> AsyncGenerator[Sequence[Entry] | Rest]:
    """The events of a job that somebody, for that end user, was just given, as long as they may see them so."""

    async def may_follow() -> None:
        _, again = await recognise(request)
        given = replace(again, end_user=end_user)
        await run_in_threadpool(check_reader, services, given, job_id, exposes_graph=exposes_graph)

    batches = services.following.read(job_id, START)
    return services.rechecks.while_allowed(batches, reader_of(request, job_id, end_user, exposes_graph), may_follow)
