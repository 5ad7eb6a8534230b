"""Jobs told in the shapes of the contract."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import orjson

from flows.results import answer_text
from storage.database import Database
from storage.human_requests import RequestView, requests_of
from storage.jobs import JobView, outputs_of
from storage.states import Status
from storage.submitting import Submitted
from web.errors import Refusal
from web.workflows.schemas import (
    ExecutionResponse,
    HumanRequestDetail,
    JobDetail,
    JobResponse,
    Links,
    Output,
    SuspendedResponse,
)


def job_response(job: JobView, globals: Mapping[str, str]) -> JobResponse:
    """A job as it is accepted or under way; `globals` are echoed to whoever sent them."""
    return JobResponse(
        job_id=job.id,
        flow_id=job.flow_id,
        created_timestamp=job.created_at,
        status=job.status,
        links=Links.of(job.id),
        globals=dict(globals),
    )


def accepted_response(submitted: Submitted, flow_id: str, globals: Mapping[str, str]) -> JobResponse:
    """A job that was just accepted."""
    return JobResponse(
        job_id=submitted.job_id,
        flow_id=flow_id,
        created_timestamp=submitted.created_at,
        status=Status.QUEUED,
        links=Links.of(submitted.job_id),
        globals=dict(globals),
    )


def execution_response(
    database: Database,
    job: JobView,
    *,
    output_ids: Sequence[str] = (),
    inputs: Mapping[str, Any] | None = None,
    globals: Mapping[str, str] | None = None,
) -> ExecutionResponse:
    """A job that ended, with the outputs that its log holds."""
    outputs = {} if job.status is Status.FAILED else outputs_of(database, job.id)
    asked = open_requests_of(database, job)
    errors = _errors(job)
    failed = Output(reason="failed")
    return ExecutionResponse(
        flow_id=job.flow_id,
        session_id=job.session_id,
        job_id=job.id,
        created_timestamp=job.created_at,
        status=job.status,
        output=failed if errors else Output(**asdict(answer_text(outputs, output_ids))),
        errors=errors,
        inputs=dict(inputs or {}),
        globals=dict(globals or {}),
        outputs=outputs,
        human_request=asked[0].payload if asked else None,
        has_errors=bool(errors),
    )


def open_requests_of(database: Database, job: JobView) -> list[RequestView]:
    """What a job waits for; nothing unless it is suspended."""
    if job.status is not Status.SUSPENDED:
        return []
    return [found for found in requests_of(database, job.id) if found.is_open]


def suspended_response(database: Database, job: JobView) -> SuspendedResponse:
    """A job that waits for people, with what it asks them."""
    asked = [human_request_detail(found) for found in open_requests_of(database, job)]
    told = job_response(job, {}).model_dump()
    return SuspendedResponse(**told, human_requests=asked, is_paused=job.is_paused)


def human_request_detail(request: RequestView) -> HumanRequestDetail:
    """A request as it is shown to whoever may answer it."""
    payload = request.payload
    return HumanRequestDetail(
        request_id=request.id,
        job_id=request.job_id,
        flow_id=request.flow_id,
        vertex_id=request.vertex_id,
        kind=request.kind,
        prompt=payload["prompt"],
        options=payload["options"],
        allowed_decisions=payload["allowed_decisions"],
        takes_text=payload.get("takes_text", False),
        answerers=request.answerers,
        json_schema=payload.get("json_schema"),
        action_requests=payload.get("action_requests", []),
        asked_at=request.asked_at,
        deadline_at=request.deadline_at,
        fallback_action=payload.get("fallback_action"),
    )


def job_detail(job: JobView, result: ExecutionResponse | None = None, asked: Sequence[RequestView] = ()) -> JobDetail:
    """A job with its true times and its error, without traceback, and what it waits for."""
    return JobDetail(
        job_id=job.id,
        flow_id=job.flow_id,
        session_id=job.session_id,
        mode=job.mode,
        status=job.status,
        created_timestamp=job.created_at,
        started_at=job.started_at,
        finished_at=job.finished_at,
        last_event=job.seq,
        error=stored_error(job),
        links=Links.of(job.id),
        is_paused=job.is_paused,
        human_requests=[human_request_detail(found) for found in asked],
        result=result,
    )


def timed_out(job: JobView, seconds: float | None = None) -> Refusal:
    """A job that took longer than it may (contract 1.1, 1.2)."""
    more = {} if seconds is None else {"timeout_seconds": seconds}
    message = "The run took longer than it was allowed to."
    return Refusal(408, "Execution timeout", "EXECUTION_TIMEOUT", message, job_id=job.id, flow_id=job.flow_id, **more)


def going_down(job_id: str) -> Refusal:
    """The process ends before the run does; another one finishes it."""
    message = f"This server is going down; the run goes on elsewhere. Ask for job {job_id}."
    refusal = Refusal(503, "Service busy", "SERVICE_BUSY", message, job_id=job_id)
    refusal.headers["Retry-After"] = "1"
    return refusal


def failed(job: JobView) -> Refusal:
    """A failed job, as the contract's status route tells it."""
    message = f"Job {job.id} has failed."
    return Refusal(
        500, "Job failed", "JOB_FAILED", message, job_id=job.id, flow_id=job.flow_id, error_detail=stored_error(job)
    )


def stored_error(job: JobView) -> dict[str, Any] | None:
    """What went wrong: type, message and component."""
    if job.error is None:
        return None
    error: dict[str, Any] = orjson.loads(job.error)
    return error


def _errors(job: JobView) -> list[dict[str, Any]]:
    error = stored_error(job)
    if error is None:
        return []
    details = {"flow_id": job.flow_id, "error_type": error["type"]}
    return [{"error": error["message"], "code": "EXECUTION_ERROR", "details": details}]
