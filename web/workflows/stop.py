"""POST /api/v2/workflows/stop (contract 1.3): a job in any mode and from any state, at once and only once."""

from pydantic import BaseModel
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from storage.control import Word
from storage.ending import Stopped, stop
from storage.states import Status
from web.access import load_job_to_stop
from web.bodies import read_model
from web.callers.caller import Caller
from web.json import json_response
from web.services import Services, admit
from web.workflows.schemas import StopBody


class StopResponse(BaseModel):
    """What became of the job; its status is not told here (contract 1.3)."""

    job_id: str
    message: str


async def stop_workflow(request: Request) -> Response:
    """Stops a job; a job that is over stays as it is."""
    services, caller = await admit(request)
    body = await read_model(request, StopBody, services.limits.max_body_bytes)
    job_id = str(body.job_id)
    stopped = await run_in_threadpool(stop_job, services, caller, job_id)
    return json_response(StopResponse(job_id=job_id, message=_message(job_id, stopped)))


def stop_job(services: Services, caller: Caller, job_id: str) -> Stopped:
    """Stops a job that the caller may stop. Refuses with 404."""
    job = load_job_to_stop(services, caller, job_id)
    stopped = stop(services.store.log, job.id, caller.user_id, caller.actor)
    if stopped.changed:
        services.store.control.tell(Word.ENDED, job.id)
    return stopped


def _message(job_id: str, stopped: Stopped) -> str:
    if stopped.changed:
        return f"Job {job_id} cancelled successfully."
    if stopped.status is Status.CANCELLED:
        return f"Job {job_id} is already cancelled."
    return f"Job {job_id} already finished ({stopped.status})."
