"""Signing in and out with a browser, and who is signed in. Added to the contract, with Langflow's paths."""

from datetime import datetime
from typing import Literal, Self
from urllib.parse import parse_qsl

from pydantic import BaseModel, ConfigDict, Field, model_validator
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from storage.accounts import Account
from storage.auditing import Actor
from storage.errors import AccountInactive
from storage.logins import end_login, note_refused, start_login
from web.bodies import parse_json, read_bytes, validated
from web.callers.caller import Caller
from web.callers.login_cookie import check_origin, clear_cookie, csrf_token, set_cookie
from web.callers.proxies import client_address
from web.errors import Unauthenticated
from web.json import json_response
from web.services import Services, admit, services_of
from web.texts import Name

MAX_BODY_BYTES = 16_384
MAX_FIELDS = 16
FORM = "application/x-www-form-urlencoded"


class LoginBody(BaseModel):
    """A name and a password, or an API key; what else a form holds is ignored."""

    model_config = ConfigDict(extra="ignore")

    username: Name | None = None
    password: str | None = Field(None, max_length=1_024, repr=False)
    api_key: str | None = Field(None, max_length=256, repr=False)

    @model_validator(mode="after")
    def _is_one_way(self) -> Self:
        if (self.api_key is None) == (self.username is None or self.password is None):
            raise ValueError("Give username and password, or api_key")
        return self


class UserDetail(BaseModel):
    """A user."""

    id: str
    username: str
    is_superuser: bool


class WhoamiDetail(UserDetail):
    """Who calls."""

    is_active: Literal[True] = True


class SessionDetail(BaseModel):
    """Who is signed in; with a browser's login its CSRF token and its end."""

    user: UserDetail
    csrf_token: str | None
    expires_at: datetime | None


class LoggedOut(BaseModel):
    """The login of a browser, if there was one, has ended."""

    message: Literal["Logout successful"] = "Logout successful"


async def login(request: Request) -> Response:
    """POST /api/v1/login: a cookie for a name and a password, or for an API key. 401 for a wrong password, 403 for a
    bad key, 429 for too many tries. The answer holds no credentials."""
    services = services_of(request)
    check_origin(request, services.identity.origins)
    body, address = await _body(request), client_address(request)
    await run_in_threadpool(services.rates.login, address, body.username or "")
    account, key_id = await _proven(services, body, address)
    await run_in_threadpool(services.rates.logged_in, address, body.username or "")
    secrets, by = services.store.secrets, Actor(account.user_id, account.name, address)
    seconds = services.identity.login_seconds
    begun = await run_in_threadpool(start_login, services.store.database, secrets, by, seconds, key_id=key_id)
    csrf = csrf_token(begun.token, secrets)
    told = SessionDetail(user=_user(account), csrf_token=csrf, expires_at=begun.expires_at)
    response = json_response(told.model_dump())
    set_cookie(response, request, begun, secrets)
    return response


async def logout(request: Request) -> Response:
    """POST /api/v1/logout: ends the browser's login. Whoever shows a key has none to end."""
    services, caller = await admit(request)
    found = await services.identity.browser_login(request)
    if found is not None:
        store = services.store
        await run_in_threadpool(end_login, store.database, store.secrets, found.token, caller.actor)
    response = json_response(LoggedOut())
    clear_cookie(response, request)
    return response


async def session(request: Request) -> Response:
    """GET /api/v1/session: who is signed in; for a browser's login also its CSRF token and its end."""
    services, caller = await admit(request)
    found = await services.identity.browser_login(request)
    csrf = csrf_token(found.token, services.store.secrets) if found is not None else None
    ends_at = found.expires_at if found is not None else None
    return json_response(SessionDetail(user=_user(caller), csrf_token=csrf, expires_at=ends_at).model_dump())


async def whoami(request: Request) -> Response:
    """GET /api/v1/users/whoami: who calls."""
    _, caller = await admit(request)
    return json_response(WhoamiDetail(**_user(caller).model_dump()))


async def _body(request: Request) -> LoginBody:
    content = await read_bytes(request, MAX_BODY_BYTES)
    if not request.headers.get("content-type", "").startswith(FORM):
        return validated(parse_json(content), LoginBody, "body")
    try:
        fields = dict(parse_qsl(content.decode(errors="replace"), keep_blank_values=True, max_num_fields=MAX_FIELDS))
    except ValueError:
        fields = {}
    return validated(fields, LoginBody, "body")


async def _proven(services: Services, body: LoginBody, address: str | None) -> tuple[Account, str | None]:
    """Who signs in, and the id of the key they sign in with. Refuses, and records that."""
    try:
        if body.api_key is not None:
            found = await services.identity.of_key(body.api_key)
            if found is not None:
                return found.account, found.id
            refused = Unauthenticated("Invalid API key")
        else:
            account = await services.identity.of_password(body.username or "", body.password or "")
            if account is not None:
                return account, None
            refused = Unauthenticated("Incorrect username or password", 401)
    except AccountInactive:
        refused = Unauthenticated("User account is inactive")
    await run_in_threadpool(note_refused, services.store.database, body.username or "", address)
    raise refused


def _user(account: Account | Caller) -> UserDetail:
    return UserDetail(id=account.user_id, username=account.name, is_superuser=account.is_superuser)
