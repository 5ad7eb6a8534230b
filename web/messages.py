"""The routes under /api/v1/monitor/messages: what was said to the caller in their sessions, shapes as Langflow's."""

from enum import StrEnum
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, Field, RootModel
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from storage.chat_history import (
    Listener,
    MessageFilter,
    Page,
    delete_messages,
    delete_session,
    list_messages,
    list_sessions,
)
from web.bodies import read_model, validated, validated_query
from web.callers.caller import Caller
from web.json import json_response
from web.services import Services, admit
from web.texts import CleanText, Name

MOST_AT_ONCE = 1_000
"""Messages, or sessions, in one answer, and ids in one deletion (I10)."""


class Direction(StrEnum):
    """In which order messages are listed, in the words of Langflow's query and of SQL."""

    ASCENDING = "asc"
    DESCENDING = "desc"

    @classmethod
    def _missing_(cls, value: object) -> "Direction | None":
        """`ASC` and `DESC` too."""
        return next((one for one in cls if isinstance(value, str) and value.lower() == one), None)


class FlowQuery(BaseModel):
    """Of which flow; of all when it is not named."""

    flow_id: UUID | None = None

    @property
    def of_flow(self) -> str | None:
        return str(self.flow_id) if self.flow_id else None


class PageQuery(FlowQuery):
    """Which part of a list. `limit` and `offset` are added to Langflow's."""

    limit: int = Field(MOST_AT_ONCE, ge=1, le=MOST_AT_ONCE)
    offset: int = Field(0, ge=0, lt=2**63)

    @property
    def page(self) -> Page:
        return Page(self.limit, self.offset)


class MessagesQuery(PageQuery):
    """`GET /api/v1/monitor/messages`."""

    session_id: CleanText | None = None
    sender: Name | None = None
    sender_name: Name | None = None
    order_by: Literal["timestamp"] = "timestamp"
    order: Direction = Direction.ASCENDING


class MessageIds(RootModel[Annotated[list[UUID], Field(max_length=MOST_AT_ONCE)]]):
    """`DELETE /api/v1/monitor/messages`."""


class SessionPath(BaseModel):
    """`DELETE /api/v1/monitor/messages/session/{session_id}`."""

    session_id: CleanText


async def messages(request: Request) -> Response:
    """GET: the caller's messages in the order in which they were said, or the newest first."""
    services, caller = await admit(request)
    query = validated_query(request, MessagesQuery)
    return json_response(await run_in_threadpool(_list, services, caller, query))


async def sessions(request: Request) -> Response:
    """GET /sessions: the ids of the caller's sessions, the one with the latest message first."""
    services, caller = await admit(request)
    query = validated_query(request, PageQuery)
    database, wanted = services.store.database, MessageFilter(flow_id=query.of_flow)
    return json_response(await run_in_threadpool(list_sessions, database, _listener(caller), wanted, query.page))


async def remove_messages(request: Request) -> Response:
    """DELETE: those of a list of ids that are the caller's; 204, whether there were any or not (I9)."""
    services, caller = await admit(request)
    body = await read_model(request, MessageIds, services.limits.max_body_bytes)
    ids = {str(id) for id in body.root}
    await run_in_threadpool(delete_messages, services.store.database, _listener(caller), ids)
    return Response(status_code=204)


async def remove_session(request: Request) -> Response:
    """DELETE /session/{session_id}: the caller's messages of a session, with `flow_id` in one flow only; 204 as
    above."""
    services, caller = await admit(request)
    of_flow = validated_query(request, FlowQuery).of_flow
    session_id = validated(request.path_params, SessionPath, "path").session_id
    await run_in_threadpool(delete_session, services.store.database, _listener(caller), session_id, of_flow)
    return Response(status_code=204)


def _list(services: Services, caller: Caller, query: MessagesQuery) -> list[dict[str, Any]]:
    wanted = MessageFilter(query.of_flow, query.session_id, query.sender, query.sender_name)
    newest_first = query.order is Direction.DESCENDING
    found = list_messages(services.store.database, _listener(caller), wanted, query.page, newest_first=newest_first)
    return [record.dump() for record in found]


def _listener(caller: Caller) -> Listener:
    return Listener(caller.user_id, caller.end_user)
