"""Stream tokens: short-lived leave to follow one job, for `EventSource`, which sends no headers (fault F13)."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from storage.accounts import Account, find_account
from storage.errors import AccountInactive, SecretUnreadable
from storage.store import Store
from web.access import load_job
from web.callers.caller import Caller
from web.callers.proxies import client_address
from web.errors import Unauthenticated
from web.json import json_response
from web.services import Services, admit, services_of

SECONDS = 300
"""How long a token is taken: short, for it stands in a URL; long enough for the browser, which comes back with the same
URL when its connection breaks. After that it is refused with 401, and the page asks for another one."""
QUERY = "stream_token"


@dataclass(frozen=True)
class _Leave:
    """For whom a token was made."""

    account: Account
    end_user: str | None


async def post_stream_token(request: Request) -> Response:
    """POST /api/v2/workflows/{job_id}/stream-token: a token for this job's events, and the URL to follow them at."""
    services, caller = await admit(request)
    return json_response(await run_in_threadpool(_issue, services, caller, request.path_params["job_id"]))


async def admit_follower(request: Request) -> tuple[Services, Caller]:
    """The services and who wants to follow the job of the path: by a stream token, or as `admit`. The token says who
    they are, not what they may: that is looked up as for everybody."""
    token = request.query_params.get(QUERY)
    if token is None:
        return await admit(request)
    services = services_of(request)
    leave = await run_in_threadpool(_opened, services.store, token, request.path_params["job_id"])
    await services.rates.request(leave.account.user_id)
    return services, Caller(leave.account, client_address(request), leave.end_user)


async def readmit_follower(request: Request, caller: Caller) -> Caller:
    """Who follows, asked again while they do. Whoever was let in by a token stays when its time is over, for as long as
    their account may."""
    if QUERY not in request.query_params:
        return (await admit(request))[1]
    account = await run_in_threadpool(_present, services_of(request).store, caller.user_id)
    return replace(caller, account=account)


def _issue(services: Services, caller: Caller, job_id: str) -> dict[str, object]:
    job = load_job(services, caller, job_id)
    claim = {"user_id": caller.user_id, "end_user": caller.end_user}
    token = services.store.secrets.seal(claim, _binding(job.id)).decode()
    expires_at = datetime.now(UTC) + timedelta(seconds=SECONDS)
    url = f"/api/v2/workflows/{job.id}/events?{urlencode({QUERY: token})}"
    return {"token": token, "expires_at": expires_at, "url": url}


def _opened(store: Store, token: str, job_id: str) -> _Leave:
    """For whom a token was made, if it is this job's and its time is not over. Raises `Unauthenticated`."""
    try:
        claim = store.secrets.open(token.encode(), _binding(job_id), SECONDS)
    except SecretUnreadable:
        raise Unauthenticated("Invalid token", 401) from None
    return _Leave(_present(store, claim["user_id"]), claim["end_user"])


def _present(store: Store, user_id: str) -> Account:
    """An account as it is now. Raises `Unauthenticated`."""
    try:
        account = find_account(store.database, user_id)
    except AccountInactive:
        raise Unauthenticated("User account is inactive") from None
    if account is None:
        raise Unauthenticated("Invalid token", 401)
    return account


def _binding(job_id: str) -> str:
    return f"stream:{job_id}"
