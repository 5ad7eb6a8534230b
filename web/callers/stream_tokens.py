"""Stream tokens: short-lived leave to follow one job, for `EventSource`, which sends no headers (fault F13)."""

from dataclasses import replace

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from storage.accounts import Account
from storage.credentials import account_behind
from storage.errors import AccountInactive, SecretUnreadable
from storage.secrets import Secrets
from storage.store import Store
from web.callers.caller import Caller
from web.callers.proxies import client_address
from web.errors import Unauthenticated
from web.services import Services, admit, recognise, services_of

SECONDS = 300
"""How long a token is taken: short, for it stands in a URL; long enough for the browser, which comes back with the same
URL when its connection breaks. After that it is refused with 401, and the page asks for another one."""
QUERY = "stream_token"


def stream_token(secrets: Secrets, caller: Caller, job_id: str) -> str:
    """Leave for a caller to follow a job, for as long as what they showed for it counts."""
    claim = {"user_id": caller.user_id, "credential": caller.credential, "end_user": caller.end_user}
    return secrets.seal(claim, _binding(job_id)).decode()


async def admit_follower(request: Request) -> tuple[Services, Caller]:
    """The services and who wants to follow the job of the path: by a stream token, or as `admit`. The token says who
    they are, not what they may: that is looked up as for everybody."""
    token = request.query_params.get(QUERY)
    if token is None:
        return await admit(request)
    services = services_of(request)
    caller = await run_in_threadpool(_opened, services.store, token, request.path_params["job_id"])
    await services.rates.request(caller.user_id)
    return services, replace(caller, address=client_address(request))


async def readmit_follower(request: Request, caller: Caller) -> Caller:
    """Who follows, asked again while they do. Whoever was let in by a token stays when its time is over, for as long as
    they could ask for another one."""
    if QUERY not in request.query_params:
        return (await recognise(request))[1]
    store = services_of(request).store
    account = await run_in_threadpool(_present, store, caller.user_id, caller.credential)
    return replace(caller, account=account)


def _opened(store: Store, token: str, job_id: str) -> Caller:
    """For whom a token was made, if it is this job's and its time is not over. Raises `Unauthenticated`."""
    try:
        claim = store.secrets.open(token.encode(), _binding(job_id), SECONDS)
    except SecretUnreadable:
        raise Unauthenticated("Invalid token", 401) from None
    account = _present(store, claim["user_id"], claim["credential"])
    return Caller(account, end_user=claim["end_user"], credential=claim["credential"])


def _present(store: Store, user_id: str, credential: str | None) -> Account:
    """An account as it is now, if what it showed counts still. Raises `Unauthenticated`."""
    try:
        account = account_behind(store.database, user_id, credential)
    except AccountInactive:
        raise Unauthenticated("User account is inactive") from None
    if account is None:
        raise Unauthenticated("Invalid token", 401)
    return account


def _binding(job_id: str) -> str:
    return f"stream:{job_id}"
