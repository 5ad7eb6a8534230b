"""How a job stands: the contract's route, which answers by status code, and the added ones, which always tell."""

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from storage.jobs import JobFilter, JobView, list_jobs
from storage.states import Status
from web.access import load_job
from web.bodies import validated_query
from web.callers.caller import Caller
from web.errors import Refusal
from web.json import json_response
from web.services import Services, admit
from web.workflows.answers import (
    execution_response,
    failed,
    job_detail,
    job_response,
    open_requests_of,
    suspended_response,
    timed_out,
)
from web.workflows.schemas import JobDetail, JobList, ListQuery, StatusQuery


async def workflow_status(request: Request) -> Response:
    """GET /api/v2/workflows?job_id= (contract 1.2): how a job stands; a failed one is a 500, a timed out one a 408."""
    services, caller = await admit(request)
    query = validated_query(request, StatusQuery)
    if query.job_id is None:
        raise Refusal(400, "Missing parameter", "MISSING_PARAMETER", "Give the job_id as a query parameter.")
    return json_response(await run_in_threadpool(_contract_answer, services, caller, str(query.job_id)))


async def job_by_id(request: Request) -> Response:
    """GET /api/v2/workflows/{job_id}: how a job stands; 200 for every job of the caller, its status in the body."""
    services, caller = await admit(request)
    return json_response(await run_in_threadpool(_detail, services, caller, request.path_params["job_id"]))


async def jobs(request: Request) -> Response:
    """GET /api/v2/workflows/jobs: the caller's jobs, newest first, by flow, status and session, page by page."""
    services, caller = await admit(request)
    query = validated_query(request, ListQuery)
    return json_response(await run_in_threadpool(_page, services, caller, query))


def _contract_answer(services: Services, caller: Caller, job_id: str) -> object:
    job = load_job(services, caller, job_id)
    if job.status is Status.FAILED:
        raise failed(job)
    if job.status is Status.TIMED_OUT:
        raise timed_out(job)
    if job.status is Status.COMPLETED:
        return execution_response(services.store.database, job)
    if job.status is Status.SUSPENDED:
        return suspended_response(services.store.database, job)
    return job_response(job, {})


def _detail(services: Services, caller: Caller, job_id: str) -> JobDetail:
    job = load_job(services, caller, job_id)
    database = services.store.database
    return job_detail(job, execution_response(database, job) if job.is_over else None, open_requests_of(database, job))


def _page(services: Services, caller: Caller, query: ListQuery) -> JobList:
    found = list_jobs(
        services.store.database,
        JobFilter(
            user_id=caller.user_id,
            flow_id=str(query.flow_id) if query.flow_id else None,
            status=query.status,
            session_id=query.session_id,
            end_user=caller.end_user,
            before=str(query.cursor) if query.cursor else None,
            limit=query.limit + 1,
        ),
    )
    shown = found[: query.limit]
    return JobList(jobs=[job_detail(job) for job in shown], next_cursor=_next_cursor(found, shown))


def _next_cursor(found: list[JobView], shown: list[JobView]) -> str | None:
    return shown[-1].id if len(found) > len(shown) else None
