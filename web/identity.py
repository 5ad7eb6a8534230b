"""Who makes a request (contract 1.0)."""

from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from storage.accounts import Account, account_of
from storage.database import Database
from storage.secrets import Secrets
from web.errors import Unauthenticated

LOOPBACK_NAMES = frozenset({"127.0.0.1", "localhost", "::1"})


@dataclass(frozen=True)
class Identity:
    """Finds the account of a caller by API key; on a loopback bind without keys, the local user is signed in."""

    database: Database
    secrets: Secrets
    local: Account | None
    """The account that a caller without a key has; None where every caller must show one."""

    async def account(self, request: Request) -> Account:
        """The caller's account. Raises `Unauthenticated`: 403 without a key or with a bad one, 401 for a bad token."""
        key = _key_of(request)
        if key is not None:
            found = await run_in_threadpool(account_of, self.database, self.secrets, key)
            if found is None:
                raise _refused(request)
            return found
        if self.local is None:
            raise Unauthenticated("No authentication credentials provided")
        _check_is_local(request)
        return self.local


def _key_of(request: Request) -> str | None:
    key = request.headers.get("x-api-key") or request.query_params.get("x-api-key")
    return key or _bearer(request)


def _bearer(request: Request) -> str | None:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None


def _refused(request: Request) -> Unauthenticated:
    if request.headers.get("x-api-key") or request.query_params.get("x-api-key"):
        return Unauthenticated("Invalid API key")
    return Unauthenticated("Invalid token", 401)


def _check_is_local(request: Request) -> None:
    """Refuses callers from elsewhere, and what a foreign web page makes a browser on this machine send: another host
    name, or another origin."""
    caller = request.client.host if request.client else ""
    if not _is_loopback(caller):
        raise Unauthenticated("No authentication credentials provided")
    host = request.headers.get("host", "")
    origin = request.headers.get("origin")
    if _name_of(f"//{host}") not in LOOPBACK_NAMES:
        raise Unauthenticated(f"The host {host!r} is not this machine; without an API key only local calls are taken.")
    if origin and origin.partition("://")[2] != host:
        raise Unauthenticated(f"Pages of {origin!r} may not call this server without an API key.")


def _is_loopback(address: str) -> bool:
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return False


def _name_of(url: str) -> str | None:
    try:
        return urlsplit(url).hostname
    except ValueError:
        return None
