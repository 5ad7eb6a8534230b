"""The client of outgoing calls: one per event loop, for models and for everything else that flows call."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import structlog

from flows.errors import OutboundFailed, OutboundRefused
from flows.outbound.policy import OutboundPolicy

if TYPE_CHECKING:
    from httpx2 import AsyncBaseTransport, AsyncClient, Request, Response

    from flows.outbound.backend import Resolve

logger = structlog.get_logger(__name__)

USER_AGENT = "penstock"
CROSSING = frozenset(
    ("accept", "accept-encoding", "accept-language", "connection", "content-length", "content-type", "host",
     "transfer-encoding", "user-agent")
)  # fmt: skip
"""The headers that follow a redirect to another origin: any other may hold a secret that is not meant for it."""


@dataclass(frozen=True)
class OutboundCall:
    """One call. `seconds` and `max_bytes` may ask for less than the policy's bounds, not for more."""

    url: str = field(repr=False)
    method: str = "GET"
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    content: bytes | None = field(default=None, repr=False)
    seconds: float | None = None
    max_bytes: int | None = None
    follow_redirects: bool = True


@dataclass(frozen=True)
class OutboundAnswer:
    """What came back, whatever its status: the body decoded, and the URLs that redirected to `url`, the first first."""

    status: int
    url: str = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    content: bytes = field(repr=False)
    redirects: tuple[str, ...] = field(default=(), repr=False)


class Outbound:
    """The way out of one event loop: its connections, made on first use, shared by its runs, by no other loop (I10).

    Cookies are not kept: those of one run must not be sent by another.
    """

    def __init__(self, policy: OutboundPolicy | None = None, resolve: "Resolve | None" = None) -> None:
        self._policy = policy or OutboundPolicy()
        self._resolve = resolve
        self._transport: AsyncBaseTransport | None = None

    def client_through(self, wrap: "Callable[[AsyncBaseTransport], AsyncBaseTransport]") -> "AsyncClient":
        """A client for libraries that bring their own requests, with the connections of this one; `wrap` puts around
        them what its requests pass first. It holds nothing that must be closed."""
        return self._client(wrap(self._checked()))

    async def call(self, call: OutboundCall) -> OutboundAnswer:
        """Makes one call. Raises `OutboundFailed`, as `OutboundRefused` and `OutboundTooLarge` where it is that."""
        import anyio
        import httpx2

        seconds = _least(call.seconds, self._policy.bounds.total_seconds)
        try:
            async with asyncio.timeout(seconds):
                return await self._follow(call, seconds)
        except TimeoutError:
            raise OutboundFailed(host_of(call.url), f"there was no whole answer within {seconds:g} s") from None
        except (httpx2.HTTPError, httpx2.InvalidURL, OSError, anyio.EndOfStream) as error:
            raise OutboundFailed(host_of(call.url), str(error) or type(error).__name__) from error

    async def addresses(self, host: str, port: int) -> list[str]:
        """The addresses of a host that may be called, for what speaks no HTTP: it must connect to one of these, and
        look nothing up. Raises as `call`."""
        from httpcore2 import ConnectError, ConnectTimeout

        from flows.outbound.backend import CheckedBackend, resolve_by_system

        backend = CheckedBackend(self._policy, self._resolve or resolve_by_system)
        deadline = asyncio.get_running_loop().time() + self._policy.bounds.connect_seconds
        try:
            return [str(address) for address in await backend.checked_addresses(host, port, deadline)]
        except OutboundRefused as refused:
            logger.warning("outbound_refused", host=refused.host, address=refused.address, reason=refused.reason)
            raise
        except (ConnectError, ConnectTimeout) as error:
            raise OutboundFailed(host, str(error)) from error

    async def close(self) -> None:
        """Closes all connections. What is called afterwards opens new ones."""
        transport, self._transport = self._transport, None
        if transport is not None:
            await transport.aclose()

    async def _follow(self, call: OutboundCall, seconds: float) -> OutboundAnswer:
        http = self._client(self._checked())
        request, passed = self._request(http, call, seconds), list[str]()
        while True:
            response = await http.send(request, stream=True, follow_redirects=False)
            try:
                onward = response.next_request if call.follow_redirects else None
                if onward is None:
                    return await _answer(response, passed)
            finally:
                await response.aclose()
            if len(passed) == self._policy.bounds.max_redirects:
                raise OutboundFailed(host_of(call.url), f"it redirects more than {len(passed)} times")
            passed.append(str(request.url))
            request = _crossing(request, onward)

    def _request(self, http: "AsyncClient", call: OutboundCall, seconds: float) -> "Request":
        from httpx2 import Timeout

        from flows.outbound.transport import MAX_BYTES

        bounds = self._policy.bounds
        return http.build_request(
            call.method,
            call.url,
            headers=dict(call.headers),
            content=call.content,
            timeout=Timeout(min(seconds, bounds.read_seconds), connect=bounds.connect_seconds),
            extensions={MAX_BYTES: int(_least(call.max_bytes, bounds.max_bytes))},
        )

    def _checked(self) -> "AsyncBaseTransport":
        if self._transport is None:
            # The import takes a tenth of a second; only flows that call something pay for it.
            from flows.outbound.backend import CheckedBackend, resolve_by_system
            from flows.outbound.transport import CheckedTransport

            backend = CheckedBackend(self._policy, self._resolve or resolve_by_system)
            self._transport = CheckedTransport(backend, self._policy.bounds)
        return self._transport

    def _client(self, transport: "AsyncBaseTransport") -> "AsyncClient":
        from httpx2 import AsyncClient, Timeout

        bounds = self._policy.bounds
        return AsyncClient(
            transport=transport,
            timeout=Timeout(bounds.read_seconds, connect=bounds.connect_seconds),
            headers={"User-Agent": USER_AGENT},
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=())),
            trust_env=False,
        )


def host_of(url: str) -> str:
    """The host in a URL, to tell which call went wrong: the rest may hold secrets."""
    try:
        return urlsplit(url).hostname or "a URL without host"
    except ValueError:
        return "a URL that is none"


def _crossing(request: "Request", onward: "Request") -> "Request":
    """The next hop of a redirect, without secrets where it leads to another origin."""
    if onward.url.origin != request.url.origin:
        for name in [name for name in onward.headers if name not in CROSSING]:
            del onward.headers[name]
    return onward


async def _answer(response: "Response", passed: list[str]) -> OutboundAnswer:
    content = await response.aread()
    return OutboundAnswer(response.status_code, str(response.url), dict(response.headers), content, tuple(passed))


def _least(asked: float | None, bound: float) -> float:
    return bound if asked is None else min(asked, bound)
