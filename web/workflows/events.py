"""GET /api/v2/workflows/{job_id}/events (contract 1.4): a job's log from any point, live to its end."""

from contextlib import ExitStack

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from storage.cursor import START, Cursor
from storage.states import Status
from web.access import load_job, load_job_rights
from web.callers.stream_tokens import admit_follower, readmit_follower
from web.protocols import PROTOCOLS
from web.streams.rechecking import while_allowed
from web.streams.sse import event_stream

NO_CONTENT = 204
"""What makes a browser's EventSource stop coming back."""


async def job_events(request: Request) -> Response:
    """Events after `Last-Event-ID` (header or `last_event_id` query); 204 to a reader who has the last one. Ends where
    the job is suspended, unless `?on_suspend=follow` asks to stay across the pause."""
    services, caller = await admit_follower(request)
    found = await run_in_threadpool(load_job_rights, services, caller, request.path_params["job_id"])
    job = found.job
    claimed = _claimed_cursor(request)
    across_pauses = request.query_params.get("on_suspend") == "follow"
    stands_still = job.status is Status.SUSPENDED and not across_pauses
    if (job.is_over or stands_still) and claimed.seq >= job.seq:
        return Response(status_code=NO_CONTENT)
    # One follower's place is the hub's place in the job: an invented one would hold up everybody else.
    cursor = await run_in_threadpool(services.store.log.genuine, job.id, job.seq, claimed)
    projection = PROTOCOLS[job.stream_protocol](found.sees_graph)
    with ExitStack() as holding:
        holding.enter_context(services.seats.seat(caller.user_id))
        batches = services.following.read(job.id, cursor, across_pauses=across_pauses)

        async def may_follow() -> None:
            again = await readmit_follower(request, caller)
            await run_in_threadpool(load_job, services, again, job.id)

        allowed = while_allowed(batches, may_follow, services.limits.recheck_seconds)
        return event_stream(allowed, projection, {"X-Job-Id": job.id}, holding.pop_all())


def _claimed_cursor(request: Request) -> Cursor:
    """Where the client left off. What was never a cursor means from the start (contract 1.4)."""
    sent = request.headers.get("last-event-id") or request.query_params.get("last_event_id")
    return Cursor.parse(sent) or START
