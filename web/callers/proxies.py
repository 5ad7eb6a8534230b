"""What reverse proxies tell of a request, believed only from those that the settings name."""

from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import TypeAlias, cast

from starlette.requests import HTTPConnection

Address: TypeAlias = IPv4Address | IPv6Address
Network: TypeAlias = IPv4Network | IPv6Network

FORWARDING_HEADERS = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip", "via")
"""What proxies add to a request that they pass on."""
CUSTOMER_BITS = 64
"""How much of an IPv6 address names a customer, who has all the addresses behind it."""


@dataclass(frozen=True)
class TrustedProxies:
    """The networks whose word is taken for whom they call; without any, nobody's is."""

    networks: tuple[Network, ...] = ()

    def include(self, address: Address | None) -> bool:
        return address is not None and any(address in network for network in self.networks)


def client_address(request: HTTPConnection) -> str | None:
    """The network address that a request came from: of the peer, or of the last hop behind trusted proxies.

    `X-Forwarded-For` is read from its right end, where the nearest proxy wrote; what no trusted proxy vouches for, and
    what is no address, is not believed.
    """
    peer = request.client.host if request.client else None
    proxies = _proxies(request)
    if not proxies.networks or not proxies.include(address := _parsed(peer or "")):
        return peer
    for hop in _hops(request):
        if hop is None:
            break
        address = hop
        if not proxies.include(hop):
            break
    return str(address)


def is_https(request: HTTPConnection) -> bool:
    """Whether the client spoke HTTPS, to this process or to a trusted proxy."""
    if request.scope["scheme"] == "https":
        return True
    return from_trusted_proxy(request) and _proto(request) == "https"


def from_trusted_proxy(request: HTTPConnection) -> bool:
    """Whether the peer is one of the trusted proxies."""
    proxies = _proxies(request)
    return bool(proxies.networks) and proxies.include(_parsed(request.client.host if request.client else ""))


def is_forwarded(request: HTTPConnection) -> bool:
    """Whether any proxy, trusted or not, passed the request on, so that its peer is not who asks."""
    return any(name in request.headers for name in FORWARDING_HEADERS)


def customer_of(address: str | None) -> str:
    """The part of an address that one client cannot change at will, by which clients are counted."""
    parsed = _parsed(address or "")
    if isinstance(parsed, IPv6Address):
        return str(ip_network((int(parsed), CUSTOMER_BITS), strict=False))
    return str(parsed or address or "unknown")


def _proxies(request: HTTPConnection) -> TrustedProxies:
    return cast("TrustedProxies", request.app.state.services.proxies)


def _proto(request: HTTPConnection) -> str:
    """What the nearest proxy says of how it was spoken to."""
    return request.headers.get("x-forwarded-proto", "").rpartition(",")[2].strip().lower()


def _hops(request: HTTPConnection) -> Iterator[Address | None]:
    """The addresses that proxies wrote down, the nearest first; None for what is no address."""
    written = ",".join(request.headers.getlist("x-forwarded-for"))
    for part in reversed(written.split(",")) if written else ():
        yield _parsed(part.strip())


def _parsed(text: str) -> Address | None:
    """An address as proxies write it, perhaps with a port, and an IPv4 address as such also where it came in an IPv6
    one."""
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return address.ipv4_mapped or address if isinstance(address, IPv6Address) else address
