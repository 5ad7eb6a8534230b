"""Jobs told in the shapes of the contract."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import orjson

from flows.results import answer_text
from storage.database import Database
from storage.jobs import JobView, outputs_of
from storage.states import Status
from storage.submitting import Submitted
from web.errors import Refusal
from web.workflows.schemas import ExecutionResponse, JobDetail, JobResponse, Links, Output


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
        has_errors=bool(errors),
    )


def job_detail(job: JobView, result: ExecutionResponse | None = None) -> JobDetail:
    """A job with its true times and its error, without traceback."""
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
