"""POST /api/v2/workflows/{job_id}/resume (contract 1.6): somebody answers, or lets a paused job go on."""

from collections.abc import Sequence
from typing import Literal

import orjson
from pydantic import BaseModel
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from flows.deciding import check_decision
from flows.errors import DecisionRefused, FlowRefused
from flows.human import Decision
from flows.limits import check_depth
from storage.answering import Answer, answer
from storage.errors import NotPaused, NotResumable, SecretUnreadable
from storage.human_requests import RequestView, requests_of
from storage.jobs import JobView, overrides_of
from storage.pausing import resume
from storage.requests import Overrides
from web.access import load_job_to_answer, may_decide
from web.bodies import read_model
from web.callers.caller import Caller
from web.errors import Invalid, Refusal
from web.json import json_response
from web.services import Services, admit
from web.workflows.schemas import ResumeBody

MAX_DECISION_BYTES = 64 * 1024
MAX_DECISION_DEPTH = 32


class ResumeResponse(BaseModel):
    """The job goes on."""

    job_id: str
    status: Literal["resuming"] = "resuming"
    message: Literal["Resume accepted"] = "Resume accepted"


async def resume_job(request: Request) -> Response:
    """Takes a decision on a human request, once; without a `request_id` lets a job go on that was paused."""
    services, caller = await admit(request)
    body = await read_model(request, ResumeBody, services.limits.max_body_bytes)
    resumed = await run_in_threadpool(_resume, services, caller, request.path_params["job_id"], body)
    return json_response(ResumeResponse(job_id=resumed))


def _resume(services: Services, caller: Caller, job_id: str, body: ResumeBody) -> str:
    """Checks in the contract's order; every refusal leaves the request open."""
    job = load_job_to_answer(services, caller, job_id)
    if body.request_id is None:
        _go_on(services, caller, job, body)
        return job.id
    decision = body.decision.to_decision() if body.decision is not None else Decision(None)
    check_answer(services, caller, job, body.request_id, decision)
    give_answer(services, caller, job, body.request_id, decision)
    return job.id


def check_answer(services: Services, caller: Caller, job: JobView, request_id: str, decision: Decision) -> None:
    """Refuses a decision that the caller may not take, or that does not fit; nothing is changed."""
    asked = requests_of(services.store.database, job.id)
    named = next((one for one in asked if one.id == request_id), None)
    if named is not None and not may_decide(caller, named):
        raise _not_an_answerer(job, named)
    theirs = [one for one in asked if may_decide(caller, one)]
    _check(named or (theirs[-1] if theirs else None), decision)
    _check_secrets(services, job)


def give_answer(services: Services, caller: Caller, job: JobView, request_id: str, decision: Decision) -> None:
    """Takes a decision that was checked, and wakes the job. Refuses with 409 when another was taken before."""
    try:
        woken = answer(
            services.store.log, Answer(job.id, request_id, decision, caller.name, caller.address, caller.actor)
        )
    except NotResumable as late:
        raise _not_resumable(job, request_id, late) from None
    services.wake(woken)


def _go_on(services: Services, caller: Caller, job: JobView, body: ResumeBody) -> None:
    if body.decision is not None:
        raise Invalid([{"type": "missing", "loc": ["body", "request_id"], "msg": "Field required"}])
    let_go_on(services, caller, job)


def let_go_on(services: Services, caller: Caller, job: JobView) -> None:
    """Lets a job go on that was paused. Refuses with 403 and 409."""
    if job.user_id != caller.user_id and not caller.is_superuser:
        raise Refusal(403, "Forbidden", "FLOW_EXECUTE_FORBIDDEN", "Only its owner may let this job go on.")
    try:
        services.wake(resume(services.store.log, job.id, caller.user_id, caller.actor))
    except NotPaused as running:
        raise Refusal(409, "Not resumable", "NOT_RESUMABLE", str(running), job_id=job.id) from None


def _check(asked: RequestView | None, decision: Decision) -> None:
    """Whether the decision fits, which comes before whether it is still wanted (contract 1.6)."""
    try:
        check_depth(decision.dump(), MAX_DECISION_DEPTH)
    except FlowRefused:
        raise _invalid([("decision", f"nested deeper than {MAX_DECISION_DEPTH} levels")]) from None
    if len(orjson.dumps(decision.dump())) > MAX_DECISION_BYTES:
        raise _invalid([("decision", f"has more than {MAX_DECISION_BYTES} bytes")])
    if asked is None:
        return
    try:
        check_decision(asked.payload, decision)
    except DecisionRefused as refused:
        raise _invalid(refused.faults, asked) from None


def _invalid(faults: Sequence[tuple[str, str]], asked: RequestView | None = None) -> Refusal:
    shown = [{"field": field, "message": message} for field, message in faults]
    more = {} if asked is None else {"request_id": asked.id, "allowed_decisions": asked.payload["allowed_decisions"]}
    message = "; ".join(f"{field}: {fault}" for field, fault in faults) + "."
    return Refusal(422, "Invalid decision", "INVALID_DECISION", message, errors=shown, **more)


def _not_an_answerer(job: JobView, asked: RequestView) -> Refusal:
    message = "This request is for other people to answer."
    return Refusal(403, "Forbidden", "NOT_AN_ANSWERER", message, job_id=job.id, request_id=asked.id)


def _not_resumable(job: JobView, request_id: str, late: NotResumable) -> Refusal:
    more = {} if late.winner is None else {"answered": dict(late.winner)}
    return Refusal(409, "Not resumable", "NOT_RESUMABLE", str(late), job_id=job.id, request_id=request_id, **more)


def _check_secrets(services: Services, job: JobView) -> None:
    """Refuses while what the run needs cannot be decrypted; the request stays open."""
    try:
        Overrides.open(overrides_of(services.store.database, job.id), services.store.secrets, job.id)
    except SecretUnreadable as lost:
        message = f"What was given with the run cannot be read: {lost}"
        code = "REQUEST_OVERRIDES_UNAVAILABLE"
        raise Refusal(503, "Request overrides unavailable", code, message, job_id=job.id) from None
