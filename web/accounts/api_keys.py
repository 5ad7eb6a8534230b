"""The routes under /api/v1/api_key: a user's own keys, shapes as Langflow's."""

from datetime import UTC, datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from storage.errors import TooMany
from storage.keys import MOST, KeyView, create_key, find_view, list_keys, revoke_key
from web.access import canonical
from web.bodies import read_model
from web.callers.caller import Caller
from web.errors import Refusal
from web.json import json_response
from web.services import Services, admit_account
from web.texts import Name

MASK = "*" * 10
"""What stands for the hidden part of a key."""
UNNAMED = "Untitled"


def _in_the_future(moment: datetime) -> datetime:
    if moment <= datetime.now(UTC):
        raise ValueError("must lie in the future")
    return moment


class KeyBody(BaseModel):
    """`POST /api/v1/api_key/`. What else Langflow's client sends is ignored."""

    model_config = ConfigDict(extra="ignore")

    name: Name | None = None
    expires_at: Annotated[AwareDatetime, AfterValidator(_in_the_future)] | None = None


class KeyDetail(BaseModel):
    """A key as it is listed: of the key itself its beginning only."""

    id: str
    name: str
    user_id: str
    api_key: str
    is_active: bool
    created_at: datetime
    last_used_at: datetime | None
    expires_at: datetime | None


class KeyList(BaseModel):
    """The keys of a user."""

    total_count: int
    user_id: str
    api_keys: list[KeyDetail]


class NewKeyDetail(KeyDetail):
    """A new key, which is shown whole in this one answer."""


class KeyRevoked(BaseModel):
    """A key that counts no more."""

    detail: Literal["API Key deleted"] = "API Key deleted"


async def api_keys(request: Request) -> Response:
    """GET /api/v1/api_key/: the caller's keys, each with its beginning only."""
    services, caller = await admit_account(request)
    found = await run_in_threadpool(list_keys, services.store.database, caller.user_id)
    shown = KeyList(total_count=len(found), user_id=caller.user_id, api_keys=[_shown(key) for key in found])
    return json_response(shown.model_dump())


async def post_api_key(request: Request) -> Response:
    """POST /api/v1/api_key/: a new key, which is shown whole in this one answer."""
    services, caller = await admit_account(request)
    body = await read_model(request, KeyBody, services.limits.max_body_bytes)
    return json_response(await run_in_threadpool(_create, services, caller, body))


async def remove_api_key(request: Request) -> Response:
    """DELETE /api/v1/api_key/{api_key_id}: revokes one of the caller's own keys, whoever they are."""
    services, caller = await admit_account(request)
    await run_in_threadpool(_revoke, services, caller, request.path_params["api_key_id"])
    return json_response(KeyRevoked())


def _create(services: Services, caller: Caller, body: KeyBody) -> dict[str, object]:
    store = services.store
    name = body.name or UNNAMED
    try:
        new = create_key(store.database, store.secrets, caller.user_id, name, caller.actor, body.expires_at)
    except TooMany as many:
        raise Refusal(422, "Too many API keys", "TOO_MANY_API_KEYS", str(many), limit=MOST) from None
    view = find_view(store.database, new.id)
    assert view is not None, "nobody knows its id yet"
    return NewKeyDetail(**{**_shown(view).model_dump(), "api_key": new.key}).model_dump()


def _revoke(services: Services, caller: Caller, key_id: str) -> None:
    if not revoke_key(services.store.database, canonical(key_id), caller.actor, owner_id=caller.user_id):
        message = f"API key {key_id} not found."
        raise Refusal(404, "API key not found", "API_KEY_NOT_FOUND", message, api_key_id=key_id)


def _shown(key: KeyView) -> KeyDetail:
    return KeyDetail(
        id=key.id,
        name=key.name,
        user_id=key.user_id,
        api_key=key.prefix + MASK,
        is_active=not key.is_expired,
        created_at=key.created_at,
        last_used_at=key.last_used_at,
        expires_at=key.expires_at,
    )
