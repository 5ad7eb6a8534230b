"""POST /api/v2/workflows/{job_id}/pause: an operator makes a job stand still. Added to the contract."""

from pydantic import BaseModel
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from storage.control import Word
from storage.pausing import pause
from storage.states import TERMINAL, Status
from web.access import load_job
from web.callers.caller import Caller
from web.errors import Refusal
from web.json import json_response
from web.services import Services, admit


class PauseResponse(BaseModel):
    """How the job stands now."""

    job_id: str
    status: Status
    message: str


async def pause_job(request: Request) -> Response:
    """Suspends a job at the next end of a vertex; doing it again changes nothing."""
    services, caller = await admit(request)
    job_id = request.path_params["job_id"]
    paused, status = await run_in_threadpool(_pause, services, caller, job_id)
    return json_response(PauseResponse(job_id=paused, status=status, message=_message(status)))


def _pause(services: Services, caller: Caller, job_id: str) -> tuple[str, Status]:
    job = load_job(services, caller, job_id)
    status = pause(services.store.log, job.id, caller.user_id, caller.actor)
    if status in TERMINAL:
        raise Refusal(409, "Not pausable", "NOT_PAUSABLE", f"Job {job.id} already finished ({status}).", job_id=job.id)
    services.store.control.tell(Word.PAUSED, job.id)
    return job.id, status


def _message(status: Status) -> str:
    if status is Status.SUSPENDED:
        return "The job stands still until it is resumed."
    return "The job stands still when the vertices that run now have ended."
