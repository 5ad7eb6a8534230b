"""The routes under /api/v1/flows/{flow_id}/shares: with whom a flow is shared, and how far (contract 6.5)."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, model_validator
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from storage.auditing import Action, Deed
from storage.errors import NoSuchUser, TooMany
from storage.levels import Access, Level
from storage.sharing import MOST, ShareView, share, shares_of, unshare
from web.access import canonical, load_flow
from web.bodies import read_model
from web.callers.caller import Caller
from web.errors import Refusal, flow_not_found
from web.json import json_response
from web.services import Services, admit_account
from web.texts import Name


class ShareBody(BaseModel):
    """With whom a flow is shared, a user by name or the public, and how far."""

    model_config = ConfigDict(extra="forbid")

    user: Annotated[Name, Field(min_length=1)] | None = None
    public: bool = False
    level: Level

    @model_validator(mode="after")
    def _names_one(self) -> "ShareBody":
        if (self.user is None) != self.public:
            raise ValueError("Give either a `user` or `public`: true")
        if self.public and self.level is Level.WRITE:
            raise ValueError("The public may read or execute a flow, never change it")
        return self


class ShareDetail(BaseModel):
    """With whom a flow is shared: `user` is null for the public."""

    id: str
    flow_id: str
    user: str | None
    public: bool
    level: Level
    created_at: datetime


async def shares(request: Request) -> Response:
    """GET: the shares of a flow; for its owner."""
    services, caller = await admit_account(request)
    return json_response(await run_in_threadpool(_list, services, caller, request.path_params["flow_id"]))


async def put_share(request: Request) -> Response:
    """POST: shares a flow, or changes how far it is shared; for its owner; 201."""
    services, caller = await admit_account(request)
    body = await read_model(request, ShareBody, services.limits.max_body_bytes)
    flow_id = request.path_params["flow_id"]
    return json_response(await run_in_threadpool(_share, services, caller, flow_id, body), 201)


async def remove_share(request: Request) -> Response:
    """DELETE /{share_id}: takes a share back; for its owner; 204."""
    services, caller = await admit_account(request)
    flow_id, share_id = request.path_params["flow_id"], request.path_params["share_id"]
    await run_in_threadpool(_unshare, services, caller, flow_id, share_id)
    return Response(status_code=204)


def _list(services: Services, caller: Caller, flow_id: str) -> list[dict[str, Any]]:
    flow = load_flow(services, caller, flow_id, Access.OWN).flow
    return [_shown(found) for found in shares_of(services.store.database, flow.id)]


def _share(services: Services, caller: Caller, flow_id: str, body: ShareBody) -> dict[str, Any]:
    flow = load_flow(services, caller, flow_id, Access.OWN).flow
    detail = {"with": body.user or "the public", "level": body.level}
    deed = Deed(Action.FLOW_SHARED, flow.id, caller.actor, detail)
    try:
        return _shown(share(services.store.database, flow.id, body.user, body.level, deed))
    except NoSuchUser as unknown:
        raise Refusal(422, "Unknown user", "UNKNOWN_USER", str(unknown), user=unknown.name) from None
    except TooMany as many:
        raise Refusal(422, "Too many shares", "TOO_MANY_SHARES", str(many), limit=MOST) from None
    except LookupError:
        raise flow_not_found(flow_id) from None


def _unshare(services: Services, caller: Caller, flow_id: str, share_id: str) -> None:
    flow = load_flow(services, caller, flow_id, Access.OWN).flow
    deed = Deed(Action.FLOW_UNSHARED, flow.id, caller.actor, {"share": share_id})
    if not unshare(services.store.database, flow.id, canonical(share_id), deed):
        message = f"The flow has no share {share_id}."
        raise Refusal(404, "Share not found", "SHARE_NOT_FOUND", message, share_id=share_id)


def _shown(found: ShareView) -> dict[str, Any]:
    return ShareDetail(
        id=found.id,
        flow_id=found.flow_id,
        user=found.name,
        public=found.name is None,
        level=found.level,
        created_at=found.created_at,
    ).model_dump()
