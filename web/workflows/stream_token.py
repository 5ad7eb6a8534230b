"""POST /api/v2/workflows/{job_id}/stream-token: leave to follow a job without headers. Added to the contract."""

from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

from pydantic import BaseModel
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from web.access import load_job
from web.callers.caller import Caller
from web.callers.stream_tokens import QUERY, SECONDS, stream_token
from web.json import json_response
from web.services import Services, admit


class StreamTokenDetail(BaseModel):
    """A token, until when it is taken, and the URL that it is for."""

    token: str
    expires_at: datetime
    url: str


async def post_stream_token(request: Request) -> Response:
    """A token for this job's events, and the URL to follow them at."""
    services, caller = await admit(request)
    return json_response(await run_in_threadpool(_issue, services, caller, request.path_params["job_id"]))


def _issue(services: Services, caller: Caller, job_id: str) -> dict[str, object]:
    job = load_job(services, caller, job_id)
    token = stream_token(services.store.secrets, caller, job.id)
    expires_at = datetime.now(UTC) + timedelta(seconds=SECONDS)
    url = f"/api/v2/workflows/{job.id}/events?{urlencode({QUERY: token})}"
    return StreamTokenDetail(token=token, expires_at=expires_at, url=url).model_dump()
