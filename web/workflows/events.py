"""GET /api/v2/workflows/{job_id}/events (contract 1.4): a job's log from any point, live to its end."""

from contextlib import ExitStack

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from storage.jobs import JobView
from storage.rights import JobRights
from storage.states import Status
from web.access import check_reader, load_job_rights
from web.bodies import validated_query
from web.callers.stream_tokens import admit_follower, readmit_follower
from web.protocols import PROTOCOLS
from web.protocols.place import BEGINNING, Place
from web.protocols.projection import Projection, View
from web.streams.rechecking import reader_of
from web.streams.sse import event_stream
from web.workflows.accepting import check_protocol
from web.workflows.schemas import EventsQuery

NO_CONTENT = 204
"""What makes a browser's EventSource stop coming back."""


async def job_events(request: Request) -> Response:
    """Events after `Last-Event-ID` (header or `last_event_id` query); 204 to a reader who has the last one. Ends where
    the job is suspended, unless `?on_suspend=follow` asks to stay across the pause. They are told in the protocol of
    the submit, or in another that `?stream_protocol=` names."""
    services, caller = await admit_follower(request)
    query = validated_query(request, EventsQuery)
    if query.stream_protocol is not None:
        check_protocol(query.stream_protocol)
    found = await run_in_threadpool(load_job_rights, services, caller, request.path_params["job_id"])
    job = found.job
    across_pauses = query.on_suspend == "follow"
    claimed = Place.parse(request.headers.get("last-event-id") or query.last_event_id) or BEGINNING
    view = _view(found, query)
    protocol = PROTOCOLS[query.stream_protocol or job.stream_protocol]
    # From the start when the log cannot have got that far.
    projection = protocol(view, claimed if claimed.cursor.seq <= job.seq else BEGINNING)
    if _has_all(job, claimed, projection, across_pauses):
        return Response(status_code=NO_CONTENT)
    # One follower's place is the hub's place in the job: an invented one would hold up everybody else.
    cursor = await run_in_threadpool(services.store.log.genuine, job.id, job.seq, projection.starts_at)
    with ExitStack() as holding:
        holding.enter_context(services.seats.seat(caller.user_id))
        batches = services.following.read(job.id, cursor, across_pauses=across_pauses)

        async def may_follow() -> None:
            again = await readmit_follower(request, caller)
            await run_in_threadpool(check_reader, services, again, job.id, exposes_graph=view.exposes_graph)

        reader = reader_of(request, caller.user_id, caller.end_user, job.id, view.exposes_graph)
        allowed = services.rechecks.while_allowed(batches, reader, may_follow)
        return event_stream(allowed, projection, {"X-Job-Id": job.id}, holding.pop_all())


def _view(found: JobRights, query: EventsQuery) -> View:
    """What the client sees: no more than it may, and less when it asks for less."""
    job, is_narrowed = found.job, query.expose_graph_state is False
    return View(found.sees_graph and not is_narrowed, job.id, job.session_id, run_id=job.id)


def _has_all(job: JobView, claimed: Place, projection: Projection, across_pauses: bool) -> bool:
    """Whether nothing is to be told to a client that has come so far."""
    if claimed.whole.seq < job.seq:
        return False
    if job.status is Status.SUSPENDED and not across_pauses:
        return claimed.interrupted or not projection.tells_pauses()
    return job.is_over
