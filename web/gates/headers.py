"""What every answer tells a browser: to run nothing, to show it in no frame, to keep nothing, to come back by HTTPS."""

from collections.abc import Mapping

from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from web.callers.proxies import is_https

SECURITY_HEADERS: Mapping[str, str] = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
}
"""Of answers that do not say otherwise themselves."""
BODY_SEND = "penstock.body_send"
"""Where the scope holds what sends pieces of a body past all that looks at the beginning of an answer alone: for
streams, whose every event would pass through it for every client. Price: a middleware inside of this one that changes,
counts or delays bodies would not see those of streams."""
ONLY_HTTPS = (b"strict-transport-security", b"max-age=31536000")
_ENCODED = tuple((name.lower().encode(), value.encode()) for name, value in SECURITY_HEADERS.items())


class SecurityHeaders:
    """Adds to the beginning of an answer what it lacks; its body passes as it comes, piece by piece."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        added = (*_ENCODED, ONLY_HTTPS) if is_https(HTTPConnection(scope)) else _ENCODED

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                sent = message.get("headers", ())
                names = {name.lower() for name, _ in sent}
                message["headers"] = [*sent, *(header for header in added if header[0] not in names)]
            await send(message)

        scope[BODY_SEND] = send
        await self._app(scope, receive, send_with_headers)
