"""Human requests as people see them: those of a flow, of a job, and all that somebody may answer (contract 1.5)."""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import ExitStack
from typing import Annotated, Any, Literal

import orjson
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from storage.human_requests import RequestFilter, RequestView, open_requests, pending_of_flow, requests_of
from storage.levels import Access
from web.access import load_job_to_answer, may_decide
from web.bodies import validated_query
from web.callers.caller import Caller
from web.json import json_response
from web.services import Services, admit, recognise
from web.streams.rechecking import reader_of
from web.streams.sse import feed_stream
from web.workflows.answers import human_request_detail
from web.workflows.schemas import FlowQuery, HumanRequestDetail, HumanRequestList, InboxQuery, PendingRequest

FEED_SECONDS = 1.0
"""How often the open requests are looked up for one client of the feed: the price is a query."""
FEED_LENGTH = 500
"""Requests that the feed tells of at most; more stand in the list."""


class OpenedFrame(BaseModel):
    """A request that is open: now, or when the feed began."""

    event: Literal["human_request_opened"]
    data: HumanRequestDetail


class ClosedRequest(BaseModel):
    """Which request is not open any more."""

    request_id: str
    job_id: str


class ClosedFrame(BaseModel):
    """A request that was open before, and has been answered, has expired or was withdrawn."""

    event: Literal["human_request_closed"]
    data: ClosedRequest


InboxFrame = Annotated[OpenedFrame | ClosedFrame, Field(discriminator="event")]
"""The data of one event of the feed."""


async def pending(request: Request) -> Response:
    """GET /api/v2/workflows/pending?flow_id=: what the caller's suspended jobs of a flow ask."""
    services, caller = await admit(request)
    query = validated_query(request, FlowQuery)
    return json_response(await run_in_threadpool(_pending, services, caller, str(query.flow_id)))


async def pending_of_job(request: Request) -> Response:
    """GET /api/v2/workflows/{job_id}/pending: what a job asks now; whoever does not own it sees what they may answer.
    Added to the contract."""
    services, caller = await admit(request)
    found = await run_in_threadpool(_pending_of_job, services, caller, request.path_params["job_id"])
    return json_response(found)


async def human_requests(request: Request) -> Response:
    """GET /api/v2/human-requests: all open requests that the caller may answer, the oldest first. Added."""
    services, caller = await admit(request)
    query = validated_query(request, InboxQuery)
    return json_response(await run_in_threadpool(_page, services, caller, query))


async def human_request_events(request: Request) -> Response:
    """GET /api/v2/human-requests/events: what opens and closes of these, first what is open now. Added."""
    services, caller = await admit(request)
    with ExitStack() as holding:
        holding.enter_context(services.seats.seat(caller.user_id))
        reader = reader_of(request, caller.user_id, caller.end_user)
        changes = _changes(services, caller)
        allowed = services.rechecks.while_allowed(changes, reader, lambda: recognise(request))
        return feed_stream(allowed, holding.pop_all())


def _pending(services: Services, caller: Caller, flow_id: str) -> list[dict[str, Any]]:
    return [
        PendingRequest(
            job_id=found.request.job_id,
            flow_id=found.request.flow_id,
            session_id=found.session_id,
            created_at=found.created_at,
            request_id=found.request.id,
            **{name: found.request.payload[name] for name in ("kind", "prompt", "options", "allowed_decisions")},
        ).model_dump()
        for found in pending_of_flow(services.store.database, caller.user_id, flow_id, caller.end_user)
    ]


def _pending_of_job(services: Services, caller: Caller, job_id: str) -> list[dict[str, Any]]:
    job = load_job_to_answer(services, caller, job_id, Access.READ)
    asked = [
        found
        for found in requests_of(services.store.database, job.id)
        if found.is_open and (job.user_id == caller.user_id or may_decide(caller, found))
    ]
    return [human_request_detail(found).model_dump(mode="json") for found in asked]


def _page(services: Services, caller: Caller, query: InboxQuery) -> HumanRequestList:
    wanted = RequestFilter(
        user_id=caller.user_id,
        user_name=caller.name,
        end_user=caller.end_user,
        flow_id=str(query.flow_id) if query.flow_id else None,
        kind=query.kind,
        overdue=query.overdue,
        behind=query.cursor,
        limit=query.limit + 1,
    )
    found = open_requests(services.store.database, wanted)
    shown = found[: query.limit]
    more = shown[-1].id if len(found) > len(shown) else None
    return HumanRequestList(human_requests=[human_request_detail(one) for one in shown], next_cursor=more)


async def _changes(services: Services, caller: Caller) -> AsyncGenerator[bytes]:
    """Frames for requests as they open and close, until the process ends. A client that comes back gets what is open
    again, so that it misses nothing."""
    known: Mapping[str, RequestView] = {}
    wanted = RequestFilter(caller.user_id, caller.name, caller.end_user, limit=FEED_LENGTH)
    while not services.hub.lets_go(lasting=False):
        found = {one.id: one for one in await run_in_threadpool(open_requests, services.store.database, wanted)}
        for id in known.keys() - found.keys():
            yield _frame("human_request_closed", {"request_id": id, "job_id": known[id].job_id})
        for id, one in found.items():
            if id not in known:
                yield _frame("human_request_opened", human_request_detail(one).model_dump(mode="json"))
        known = found
        await asyncio.sleep(FEED_SECONDS)


def _frame(event: str, data: Mapping[str, Any]) -> bytes:
    return b"data: %b\n\n" % orjson.dumps({"event": event, "data": data})
