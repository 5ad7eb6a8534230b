"""POST /api/v2/workflows: one way to run a flow, three ways to take the result (contract 1.1)."""

from contextlib import ExitStack
from dataclasses import replace
from uuid import UUID

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from storage.jobs import JobView
from storage.states import Mode
from web.access import load_job
from web.bodies import read_model
from web.callers.caller import Caller
from web.json import json_response
from web.protocols import PROTOCOLS
from web.protocols.place import BEGINNING
from web.protocols.projection import View
from web.services import Services, admit
from web.streams.sse import event_stream
from web.workflows.accepting import Asked, accept
from web.workflows.answers import accepted_response, execution_response, job_response
from web.workflows.header_globals import with_header_globals
from web.workflows.schemas import JobResponse, RunBody
from web.workflows.waiting import followed, run_to_rest


async def run_workflow(request: Request) -> Response:
    """Runs a flow: the answer at once, as a stream, or a job to come back for."""
    services, caller = await admit(request)
    body = await read_model(request, RunBody, services.limits.max_body_bytes)
    asked = Asked(body, with_header_globals(request, body.globals))
    if body.mode is Mode.BACKGROUND:
        return json_response(await run_in_threadpool(_accepted, services, caller, asked))
    if body.mode is Mode.STREAM:
        return await _stream(request, services, caller, asked)
    accepted = await run_in_threadpool(accept, services, caller, asked)
    job = await run_to_rest(services, replace(caller, end_user=accepted.end_user), accepted.submitted.job_id)
    return json_response(await run_in_threadpool(_answer, services, job, asked))


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
        view = View(accepted.exposes_graph, job_id, accepted.session_id, run_id=job_id)
        projection = PROTOCOLS[body.stream_protocol](view, BEGINNING)
        batches = followed(request, services, job_id, accepted.end_user, exposes_graph=accepted.exposes_graph)
        return event_stream(batches, projection, {"X-Job-Id": job_id}, holding.pop_all())


def _answer(services: Services, job: JobView, asked: Asked) -> object:
    return execution_response(
        services.store.database,
        job,
        output_ids=asked.body.output_ids or (),
        inputs=asked.body.tweaks,
        globals=asked.globals,
    )
