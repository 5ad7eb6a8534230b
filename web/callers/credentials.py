"""What a request shows to say who makes it: a key, a bearer's token, or a browser's cookie (contract 1.0)."""

from dataclasses import dataclass, field

from starlette.requests import Request

from web.errors import Unauthenticated

COOKIE = "access_token_lf"
"""Carries a browser's login."""


@dataclass(frozen=True)
class Shown:
    """The one thing that counts of all that a request shows; without any, nothing does."""

    key: str | None = field(default=None, repr=False)
    is_bearer: bool = False
    """Whether the key came as a bearer's token, and is refused as one."""
    cookie: str | None = field(default=None, repr=False)

    def refused(self) -> Unauthenticated:
        """The answer to what was shown and proves nothing."""
        if self.key is None and self.cookie is None:
            return Unauthenticated("No authentication credentials provided")
        if self.key is None or self.is_bearer:
            return Unauthenticated("Invalid token", 401)
        return Unauthenticated("Invalid API key")


def shown_in(request: Request) -> Shown:
    """What a request shows: whoever names a key or a token means it, whatever cookie the browser adds."""
    key = request.headers.get("x-api-key") or request.query_params.get("x-api-key")
    if key:
        return Shown(key)
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return Shown(token.strip(), is_bearer=True)
    return Shown(cookie=request.cookies.get(COOKIE) or None)
