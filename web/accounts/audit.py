"""GET /api/v2/audit: who did what to what. Added to the contract."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated

from pydantic import AwareDatetime, BaseModel, Field
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from storage.auditing import Action, DeedFilter, Detail, Recorded, deeds
from web.bodies import validated_query
from web.callers.caller import Caller
from web.json import json_response
from web.services import Services, admit_account
from web.texts import Name

Since = Annotated[AwareDatetime, Field(ge=datetime(1970, 1, 1, tzinfo=UTC), lt=datetime(9999, 1, 1, tzinfo=UTC))]


class AuditQuery(BaseModel):
    """Filters and a page. `user` is the id of a user, or what they were called then."""

    user: Name | None = None
    action: Action | None = None
    subject: Name | None = None
    since: Since | None = None
    cursor: int | None = Field(None, ge=1, lt=2**63)
    limit: int = Field(50, ge=1, le=200)


class AuditDetail(BaseModel):
    """An entry of the audit log."""

    id: int
    at: datetime
    user_id: str | None
    user_name: str | None
    action: str
    subject: str
    detail: Mapping[str, Detail]
    address: str | None


class AuditPage(BaseModel):
    """Some entries, the newest first; `next_cursor` is null on the last page."""

    entries: list[AuditDetail]
    next_cursor: int | None


async def audit_log(request: Request) -> Response:
    """What a superuser may know of everybody, and anybody else of themselves."""
    services, caller = await admit_account(request)
    query = validated_query(request, AuditQuery)
    return json_response(await run_in_threadpool(_page, services, caller, query))


def _page(services: Services, caller: Caller, query: AuditQuery) -> AuditPage:
    wanted = DeedFilter(
        only_of=None if caller.is_superuser else caller.user_id,
        user=query.user,
        action=query.action,
        subject=query.subject,
        since=query.since,
        before=query.cursor,
        limit=query.limit + 1,
    )
    found = deeds(services.store.database, wanted)
    shown = found[: query.limit]
    more = shown[-1].id if len(found) > len(shown) else None
    return AuditPage(entries=[_told(one) for one in shown], next_cursor=more)


def _told(entry: Recorded) -> AuditDetail:
    return AuditDetail.model_validate(entry, from_attributes=True)
