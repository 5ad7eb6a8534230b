"""Human requests as people see them: those of a flow, of a job, and all that somebody may answer (contract 1.5)."""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import ExitStack
from typing import Any

import orjson
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from storage.accounts import Account
from storage.human_requests import RequestFilter, RequestView, open_requests, pending_of_flow, requests_of
from web.bodies import validated_query
from web.json import json_response
from web.services import Services, admit
from web.sse import feed_stream
from web.workflows.answers import human_request_detail
from web.workflows.schemas import FlowQuery, HumanRequestList, InboxQuery

FEED_SECONDS = 1.0
"""How often the open requests are looked up for one client of the feed: the price is a query."""
FEED_LENGTH = 500
"""Requests that the feed tells of at most; more stand in the list."""


async def pending(request: Request) -> Response:
    """GET /api/v2/workflows/pending?flow_id=: what the caller's suspended jobs of a flow ask."""
    services, account = await admit(request)
    query = validated_query(request, FlowQuery)
    return json_response(await run_in_threadpool(_pending, services, account, str(query.flow_id)))


async def pending_of_job(request: Request) -> Response:
    """GET /api/v2/workflows/{job_id}/pending: what a job asks now; whoever does not own it sees what they may answer.
    Added to the contract."""
    services, account = await admit(request)
    found = await run_in_threadpool(_pending_of_job, services, account, request.path_params["job_id"])
    return json_response(found)


async def human_requests(request: Request) -> Response:
    """GET /api/v2/human-requests: all open requests that the caller may answer, the oldest first. Added."""
    services, account = await admit(request)
    query = validated_query(request, InboxQuery)
    return json_response(await run_in_threadpool(_page, services, account, query))


async def human_request_events(request: Request) -> Response:
    """GET /api/v2/human-requests/events: the same as it changes, first what is open now. Added."""
    services, account = await admit(request)
    with ExitStack() as holding:
        holding.enter_context(services.seats.seat())
        return feed_stream(_changes(services, account), holding.pop_all())


def _pending(services: Services, account: Account, flow_id: str) -> list[dict[str, Any]]:
    return [
        {
            "job_id": found.request.job_id,
            "flow_id": found.request.flow_id,
            "session_id": found.session_id,
            "created_at": found.created_at,
            "request_id": found.request.id,
            **{name: found.request.payload[name] for name in ("kind", "prompt", "options", "allowed_decisions")},
        }
        for found in pending_of_flow(services.store.database, account.user_id, flow_id)
    ]


def _pending_of_job(services: Services, account: Account, job_id: str) -> list[dict[str, Any]]:
    job = services.job_to_answer(account, job_id)
    asked = [
        found
        for found in requests_of(services.store.database, job.id)
        if found.is_open and (job.user_id == account.user_id or services.may_answer(account, found))
    ]
    return [human_request_detail(found).model_dump(mode="json") for found in asked]


def _page(services: Services, account: Account, query: InboxQuery) -> HumanRequestList:
    wanted = RequestFilter(
        user_id=account.user_id,
        user_name=account.name,
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


async def _changes(services: Services, account: Account) -> AsyncGenerator[bytes]:
    """Frames for requests as they open and close, until the process ends. A client that comes back gets what is open
    again, so that it misses nothing."""
    known: Mapping[str, RequestView] = {}
    wanted = RequestFilter(user_id=account.user_id, user_name=account.name, limit=FEED_LENGTH)
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
