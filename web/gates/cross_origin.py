"""Which web pages elsewhere may call from a browser (CORS): none, unless the settings name their origins."""

from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
HEADERS = ("authorization", "content-type", "last-event-id", "x-api-key", "x-csrf-token")
"""What such a page may send. Globals go in the body; a proxy's headers are no page's to send."""
EXPOSED = ("X-Job-Id", "Retry-After")
PREFLIGHT_SECONDS = 600
"""How long a browser may remember what it was told."""


class CrossOrigin:
    """Starlette's answer to cross-origin requests, made when the application has started and its settings are read.

    Pages of all origins (`*`) call without cookies, which only named origins may send (fault F8).
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._answering: ASGIApp | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if self._answering is None:
            self._answering = answering(self._app, scope["app"].state.services.origins)
        await self._answering(scope, receive, send)


def answering(app: ASGIApp, origins: tuple[str, ...]) -> ASGIApp:
    """The application as it answers pages of these origins; without any, it is closed and knows no preflight."""
    if not origins:
        return app
    return CORSMiddleware(
        app,
        allow_origins=origins,
        allow_credentials="*" not in origins,
        allow_methods=METHODS,
        allow_headers=HEADERS,
        expose_headers=EXPOSED,
        max_age=PREFLIGHT_SECONDS,
    )
