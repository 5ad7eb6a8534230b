"""By what a caller is known (contract 1.0)."""

from typing import Any

from web.callers.credentials import COOKIE
from web.callers.login_cookie import CSRF_HEADER, SAFE_METHODS
from web.openapi.operation import Admits

SCHEMES: dict[str, Any] = {
    "key": {"type": "apiKey", "in": "header", "name": "x-api-key", "description": "An API key."},
    "keyInQuery": {
        "type": "apiKey",
        "in": "query",
        "name": "x-api-key",
        "description": "The same where no header can be sent. URLs end up in logs: prefer the header.",
    },
    "bearer": {"type": "http", "scheme": "bearer", "description": "The same in the header `Authorization`."},
    "cookie": {"type": "apiKey", "in": "cookie", "name": COOKIE, "description": "The login of a browser."},
    "csrf": {
        "type": "apiKey",
        "in": "header",
        "name": CSRF_HEADER,
        "description": "What a page sends beside the cookie to change anything: the `csrf_token` of its session.",
    },
    "streamToken": {
        "type": "apiKey",
        "in": "query",
        "name": "stream_token",
        "description": "Leave to follow one job, for `EventSource`.",
    },
}


def security(admits: Admits, method: str) -> list[dict[str, list[str]]]:
    """What a caller may be known by, any one of these; nothing where nobody is asked. A server on one's own machine
    that has no keys yet takes its local user without."""
    if admits in (Admits.ANYBODY, Admits.VISITORS):
        return []
    keys: list[dict[str, list[str]]] = [{"key": []}, {"keyInQuery": []}, {"bearer": []}]
    cookie: dict[str, list[str]] = {"cookie": []} if method in SAFE_METHODS else {"cookie": [], "csrf": []}
    token: list[dict[str, list[str]]] = [{"streamToken": []}] if admits is Admits.FOLLOWERS else []
    return [*keys, cookie, *token]
