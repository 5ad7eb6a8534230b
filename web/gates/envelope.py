"""How much a request may say before its body: a bounded query and bounded headers (I10)."""

from starlette.types import ASGIApp, Receive, Scope, Send

from web.json import json_response

MAX_QUERY_BYTES = 8_192
MAX_HEADER_BYTES = 262_144
"""Of all headers together, names and values: room for a few globals of the longest kind."""


class Envelope:
    """Refuses what is too long before anybody reads it: with 414 a query, with 431 headers."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            if len(scope["query_string"]) > MAX_QUERY_BYTES:
                await _refuse(414, "Query too long", "QUERY_TOO_LONG", MAX_QUERY_BYTES)(scope, receive, send)
                return
            if sum(len(name) + len(value) for name, value in scope["headers"]) > MAX_HEADER_BYTES:
                await _refuse(431, "Headers too large", "HEADERS_TOO_LARGE", MAX_HEADER_BYTES)(scope, receive, send)
                return
        await self._app(scope, receive, send)


def _refuse(status: int, error: str, code: str, limit: int) -> ASGIApp:
    message = f"At most {limit} bytes are taken."
    return json_response({"detail": {"error": error, "code": code, "message": message, "limit": limit}}, status)
