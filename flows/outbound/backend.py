"""The one place where connections are made: a name is looked up, its addresses are checked, and the connection goes to
one of those very addresses, so that no second lookup can lead it elsewhere (DNS rebinding, fault F7)."""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import TypeAlias

from httpcore2 import (
    SOCKET_OPTION,
    AnyIOBackend,
    AsyncNetworkBackend,
    AsyncNetworkStream,
    ConnectError,
    ConnectTimeout,
)

from flows.errors import OutboundRefused
from flows.outbound.addresses import Address, parse_address
from flows.outbound.policy import OutboundPolicy

Resolve: TypeAlias = Callable[[str, int], Awaitable[Sequence[str]]]
"""Looks up a host; its addresses, the best first. Raises `OSError` when there is none."""


async def resolve_by_system(host: str, port: int) -> Sequence[str]:
    """What the system knows of a host, looked up beside the loop. It understands every spelling of an address."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


class CheckedBackend(AsyncNetworkBackend):
    """Connects where the policy allows. TLS and the Host header go on to use the name."""

    def __init__(
        self, policy: OutboundPolicy, resolve: Resolve = resolve_by_system, network: AsyncNetworkBackend | None = None
    ) -> None:
        self._policy = policy
        self._resolve = resolve
        self._network = network or AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - the interface has it
        local_address: str | None = None,
        socket_options: Iterable[SOCKET_OPTION] | None = None,
    ) -> AsyncNetworkStream:
        """A connection to a checked address. Raises `OutboundRefused`, `ConnectError` or `ConnectTimeout`."""
        bound = self._policy.bounds.connect_seconds
        deadline = _now() + (bound if timeout is None else min(timeout, bound))
        left = await self.checked_addresses(host, port, deadline)
        while True:
            address, left = left[0], left[1:]
            # An address that does not answer takes its share of the time, not that of those behind it.
            share = max(0.0, deadline - _now()) / (1 + len(left))
            try:
                return await self._network.connect_tcp(str(address), port, share, local_address, socket_options)
            except (ConnectError, ConnectTimeout):
                if not left:
                    raise

    async def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,  # noqa: ASYNC109 - the interface has it
        socket_options: Iterable[SOCKET_OPTION] | None = None,
    ) -> AsyncNetworkStream:
        """Raises `OutboundRefused`: sockets of this machine are not for flows."""
        raise OutboundRefused("a Unix socket", "only hosts may be called")

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    async def checked_addresses(self, host: str, port: int, deadline: float) -> list[Address]:
        """The addresses of a host, all of which may be called. Raises as `connect_tcp`."""
        found = await self._addresses(host, port, deadline)
        self._policy.check(host, port, found)
        return found

    async def _addresses(self, host: str, port: int, deadline: float) -> list[Address]:
        literal = parse_address(host)
        if literal is not None:
            return [literal]
        try:
            async with asyncio.timeout_at(deadline):
                found = await self._resolve(host, port)
        except TimeoutError:
            raise ConnectTimeout(f"{host} could not be looked up in time") from None
        except (OSError, UnicodeError) as error:
            raise ConnectError(f"{host} could not be looked up ({error})") from error
        addresses = [parse_address(text) for text in found]
        if not addresses or None in addresses:
            raise ConnectError(f"{host} was looked up as {found}, which are no addresses")
        return [address for address in addresses if address is not None]


def _now() -> float:
    return asyncio.get_running_loop().time()
