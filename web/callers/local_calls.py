"""What counts as a call from this machine, where a caller without credentials may be the local user."""

from ipaddress import ip_address
from urllib.parse import urlsplit

from starlette.requests import Request

from web.callers.login_cookie import is_own
from web.callers.proxies import is_forwarded
from web.errors import Unauthenticated

LOOPBACK_NAMES = frozenset({"127.0.0.1", "localhost", "::1"})


def is_from_here(request: Request) -> bool:
    """Whether a request came straight from this machine; one that any proxy passed on did not."""
    return _is_loopback(request.client.host if request.client else "") and not is_forwarded(request)


def check_page(request: Request) -> None:
    """Refuses what a foreign web page makes a browser on this machine send: another host name, or another origin."""
    host, origin = request.headers.get("host", ""), request.headers.get("origin")
    if _name_of(f"//{host}") not in LOOPBACK_NAMES:
        raise Unauthenticated(f"The host {host!r} is not this machine; without an API key only local calls are taken.")
    if origin and not is_own(origin, request):
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
