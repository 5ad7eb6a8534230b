"""POST /api/v2/workflows: one way to run a flow, three ways to take the result (contract 1.1)."""

import asyncio
from contextlib import ExitStack
from dataclasses import replace
from uuid import UUID

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from storage.control import Word
from storage.cursor import START
from storage.ending import time_out
from storage.jobs import JobView
from storage.states import Mode, Status
from web.access import load_job
from web.bodies import read_model, validated
from web.callers.caller import Caller
from web.json import json_response
from web.protocols import PROTOCOLS
from web.services import Services, admit, recognise
from web.streams.rechecking import while_allowed
from web.streams.sse import event_stream
from web.workflows.accepting import Asked, accept
from web.workflows.answers import accepted_response, execution_response, going_down, job_response, timed_out
from web.workflows.schemas import GivenGlobals, JobResponse, RunBody

GLOBAL_HEADER = "x-langflow-global-var-"
PATIENCE_SECONDS = 5.0
"""How much longer than its time limit a sync run is waited for, so that its worker can end it first."""


async def run_workflow(request: Request) -> Response:
    """Runs a flow: the answer at once, as a stream, or a job to come back for."""
    services, caller = await admit(request)
    body = await read_model(request, RunBody, services.limits.max_body_bytes)
    asked = Asked(body, _globals(request, body))
    if body.mode is Mode.BACKGROUND:
        return json_response(await run_in_threadpool(_accepted, services, caller, asked))
    if body.mode is Mode.STREAM:
        return await _stream(request, services, caller, asked)
    accepted = await run_in_threadpool(accept, services, caller, asked)
    return await _wait(services, replace(caller, end_user=accepted.end_user), accepted.submitted.job_id, asked)


def _accepted(services: Services, caller: Caller, asked: Asked) -> JobResponse:
    """The answer to a submit. A new job is told without another look: what was accepted is not denied afterwards."""
    submitted = accept(services, caller, asked).submitted
    if submitted.is_new:
        return accepted_response(submitted, str(UUID(asked.body.flow_id)), asked.globals)
    return job_response(load_job(services, caller, submitted.job_id), asked.globals)


async def _stream(request: Request, services: Services, caller: Caller, asked: Asked) -> Response:
    body = asked.body
    with ExitStack() as holding:
        holding.enter_context(services.seats.seat(caller.user_id))
        accepted = await run_in_threadpool(accept, services, caller, asked)
        job_id = accepted.submitted.job_id
        projection = PROTOCOLS[body.stream_protocol](accepted.exposes_graph)
        batches = services.following.read(job_id, START)

        async def may_follow() -> None:
            _, again = await recognise(request)
            await run_in_threadpool(load_job, services, replace(again, end_user=accepted.end_user), job_id)

        allowed = while_allowed(batches, may_follow, services.limits.recheck_seconds)
        return event_stream(allowed, projection, {"X-Job-Id": job_id}, holding.pop_all())


async def _wait(services: Services, caller: Caller, job_id: str, asked: Asked) -> Response:
    """Waits for the terminal event. The run goes on when the client leaves; the job keeps its result."""
    seconds = services.limits.sync_seconds
    try:
        async with asyncio.timeout(seconds + PATIENCE_SECONDS):
            await _until_over(services, job_id)
    except TimeoutError:
        await run_in_threadpool(time_out, services.store.log, job_id)
        services.store.control.tell(Word.ENDED, job_id)
    job = await run_in_threadpool(load_job, services, caller, job_id)
    if job.status is Status.SUSPENDED:
        return json_response(await run_in_threadpool(_answer, services, job, asked))
    if not job.is_over and services.hub.lets_go(lasting=True):
        raise going_down(job_id)
    if job.status is Status.TIMED_OUT or not job.is_over:
        raise timed_out(job, seconds)
    return json_response(await run_in_threadpool(_answer, services, job, asked))


async def _until_over(services: Services, job_id: str) -> None:
    async for _ in services.following.read(job_id, START, lasting=True):
        pass


def _answer(services: Services, job: JobView, asked: Asked) -> object:
    return execution_response(
        services.store.database,
        job,
        output_ids=asked.body.output_ids or (),
        inputs=asked.body.tweaks,
        globals=asked.globals,
    )


def _globals(request: Request, body: RunBody) -> dict[str, str]:
    """The globals of the body, and those that headers bring. Refuses with 422 what the body could not have held."""
    brought = _header_globals(request)
    if not brought:
        return body.globals
    return validated({"globals": {**brought, **body.globals}}, GivenGlobals, "header").globals


def _header_globals(request: Request) -> dict[str, str]:
    """The globals that headers bring, their names upper-cased."""
    return {
        name.removeprefix(GLOBAL_HEADER).upper(): value
        for name, value in request.headers.items()
        if name.startswith(GLOBAL_HEADER) and name != GLOBAL_HEADER
    }
