"""The cookie of a browser's login, and what else a browser must send with it before it may change anything.

Its value is the login's token and a signature, so that an invented one is refused without a query.
"""

from collections.abc import Collection
from datetime import UTC, datetime

from starlette.requests import Request
from starlette.responses import Response

from storage.logins import NewLogin
from storage.secrets import Secrets
from web.callers.credentials import COOKIE
from web.callers.proxies import is_https
from web.errors import Unauthenticated

SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
"""What changes nothing, so that it matters little which page made a browser send it."""
CSRF_HEADER = "x-csrf-token"
MAX_LENGTH = 256
"""Characters of a value that may be ours."""


def token_in(cookie: str, secrets: Secrets) -> str | None:
    """The token of a cookie's value; None for one that was not made here."""
    token, _, signature = cookie.partition(".")
    if len(cookie) > MAX_LENGTH or not secrets.signs(f"cookie:{token}", signature):
        return None
    return token


def csrf_token(token: str, secrets: Secrets) -> str:
    """What a page of ours shows to prove that it is no page of somebody else's, who cannot read it."""
    return secrets.digest(f"csrf:{token}")


def check_csrf(request: Request, token: str, secrets: Secrets, origins: Collection[str]) -> None:
    """Refuses a change that a browser's login asks for without its CSRF token, or from a foreign page (fault F8)."""
    if request.method in SAFE_METHODS:
        return
    check_origin(request, origins)
    if not secrets.signs(f"csrf:{token}", request.headers.get(CSRF_HEADER, "")):
        raise Unauthenticated("Send the csrf_token of GET /api/v1/session in the header X-CSRF-Token.")


def check_origin(request: Request, origins: Collection[str]) -> None:
    """Refuses what a browser sends for a page from elsewhere, unless its origin is one of those named. Whatever is no
    browser sends no origin."""
    origin = request.headers.get("origin")
    if origin is None or origin in origins or is_own(origin, request):
        return
    raise Unauthenticated(f"Pages of {origin!r} may not do this.")


def is_own(origin: str, request: Request) -> bool:
    """Whether an origin is the host that the request names."""
    return origin.partition("://")[2] == request.headers.get("host", "")


def set_cookie(response: Response, request: Request, begun: NewLogin, secrets: Secrets) -> None:
    """Gives the browser its login: for this host and its own requests only, out of reach of scripts."""
    response.set_cookie(
        COOKIE,
        f"{begun.token}.{secrets.digest(f'cookie:{begun.token}')}",
        max_age=max(0, int((begun.expires_at - datetime.now(UTC)).total_seconds())),
        path="/",
        secure=is_https(request),
        httponly=True,
        samesite="lax",
    )


def clear_cookie(response: Response, request: Request) -> None:
    """Takes the login away from the browser."""
    response.delete_cookie(COOKIE, path="/", secure=is_https(request), httponly=True, samesite="lax")
