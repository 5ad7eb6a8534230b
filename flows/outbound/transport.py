"""The transport of outgoing calls: every request, every hop of a redirect among them, and every answer passes here."""

from collections.abc import AsyncIterator

import structlog
from httpcore2 import AsyncConnectionPool
from httpx2 import AsyncByteStream, AsyncHTTPTransport, Headers, Limits, Request, Response, create_ssl_context

from flows.errors import OutboundRefused, OutboundTooLarge
from flows.outbound.backend import CheckedBackend
from flows.outbound.policy import OutboundBounds

logger = structlog.get_logger(__name__)

MAX_BYTES = "penstock_max_bytes"
"""The extension of a request that bounds its answer more narrowly than a model's."""
LIMITS = Limits(max_connections=1_000, max_keepalive_connections=100, keepalive_expiry=5.0)
"""Of the connections of one loop."""
_OF_ENCODED = ("content-encoding", "content-length")


class CheckedTransport(AsyncHTTPTransport):
    """Refuses what the backend and `check_request` refuse, and ends answers that grow too large.

    No proxy is used, whatever the environment says: it would do the lookup that has to be checked here.
    """

    def __init__(self, backend: CheckedBackend, bounds: OutboundBounds) -> None:
        context = create_ssl_context()
        super().__init__(verify=context)
        # The pool's backend cannot be given to the transport. Should the transport keep its pool elsewhere one day,
        # this fails instead of leaving the door open.
        if not isinstance(self._pool, AsyncConnectionPool):
            raise TypeError("httpx2 keeps its connections elsewhere; outgoing calls could not be checked")
        self._pool = AsyncConnectionPool(
            ssl_context=context,
            max_connections=LIMITS.max_connections,
            max_keepalive_connections=LIMITS.max_keepalive_connections,
            keepalive_expiry=LIMITS.keepalive_expiry,
            network_backend=backend,
        )
        self._bounds = bounds

    async def handle_async_request(self, request: Request) -> Response:
        """Raises `OutboundRefused`, which is logged without path and query: they may hold secrets."""
        try:
            check_request(request)
            response = await super().handle_async_request(request)
        except OutboundRefused as refused:
            logger.warning("outbound_refused", host=refused.host, address=refused.address, reason=refused.reason)
            raise
        return _bounded(response, request, request.extensions.get(MAX_BYTES, self._bounds.model_bytes))


def check_request(request: Request) -> None:
    """Refuses what is not plainly for a host over http or https."""
    url = request.url
    if url.scheme not in ("http", "https"):
        raise OutboundRefused(url.host or "a URL without host", "only http and https URLs may be called")
    if not url.host:
        raise OutboundRefused("a URL without host", "name a host")
    if url.userinfo:
        raise OutboundRefused(url.host, "its URL holds a user or password. Send them in a header")
    if request.headers.get("host") != url.netloc.decode("ascii"):
        # Behind an allowed address there may be other sites, which are told apart by this header.
        raise OutboundRefused(url.host, "its header Host names another host. Leave the header out")


def _bounded(response: Response, request: Request, limit: int) -> Response:
    """The same answer, decoded, which raises `OutboundTooLarge` when it grows beyond `limit` bytes."""
    headers = Headers(response.headers)
    if "content-encoding" in headers:
        for name in _OF_ENCODED:
            headers.pop(name, None)
    received = Response(response.status_code, headers=response.headers, stream=response.stream, request=request)
    return Response(
        response.status_code,
        headers=headers,
        stream=_BoundedStream(received, limit),
        extensions=response.extensions,
    )


class _BoundedStream(AsyncByteStream):
    """Iterated again, it goes on where it stopped: so is a rest read that nobody wants, and the connection kept."""

    def __init__(self, received: Response, limit: int) -> None:
        self._received = received
        self._pieces = received.aiter_bytes()
        self._limit = limit
        self._size = 0

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for piece in self._pieces:
            self._size += len(piece)
            if self._size > self._limit:
                raise OutboundTooLarge(self._received.request.url.host, self._limit)
            yield piece

    async def aclose(self) -> None:
        await self._pieces.aclose()
        await self._received.aclose()
