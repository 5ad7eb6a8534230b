"""Where flows may call, and how long and how large an answer may be."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from ipaddress import ip_network
from typing import Self
from urllib.parse import urlsplit

from flows.errors import OutboundRefused
from flows.outbound.addresses import METADATA, Address, Network, parse_address, refused_kind

MAX_PORT = 65_535
_NAME = re.compile(r"[a-z0-9_]([a-z0-9_.-]*[a-z0-9_])?")


@dataclass(frozen=True)
class OutboundBounds:
    """Bounds of one outgoing call (I10). Bytes are counted as they are after decompression."""

    connect_seconds: float = 5.0
    """For looking up the name and connecting, together."""
    read_seconds: float = 60.0
    """Between two pieces of an answer."""
    total_seconds: float = 300.0
    """For a whole call with all its redirects, whatever it asks for."""
    max_bytes: int = 10_000_000
    """Of an answer, whatever the call asks for."""
    max_redirects: int = 5
    model_bytes: int = 200_000_000
    """Of a model's answer, which wraps each token in some hundred bytes."""


@dataclass(frozen=True)
class AllowedHost:
    """Something internal that may be called: a name, whatever it resolves to, or a network, whatever its names are.
    Without a port, all of its ports."""

    name: str | None = None
    network: Network | None = None
    port: int | None = None

    @classmethod
    def parse(cls, entry: str) -> Self:
        """`name`, `name:port`, an IP address with or without port, or a network as 10.1.0.0/16. Raises `ValueError`."""
        if "/" in entry:
            return cls(network=ip_network(entry))
        host, port = _split_port(entry)
        address = parse_address(host)
        if address is not None:
            return cls(network=ip_network(address), port=port)
        if not _NAME.fullmatch(plain_name(host)):
            raise ValueError(f"{entry!r} is no host, host:port, IP address or network")
        return cls(name=plain_name(host), port=port)

    @classmethod
    def of_url(cls, url: str) -> Self:
        """What a URL connects to. Raises `ValueError`."""
        parts = urlsplit(url)
        if parts.username is not None or parts.password is not None:
            raise ValueError("holds a user or password")
        if not parts.hostname:
            raise ValueError("names no host")
        port = parts.port or (443 if parts.scheme == "https" else 80)
        return replace(cls.parse(f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname), port=port)

    def covers(self, host: str, port: int, address: Address) -> bool:
        """Whether a call to an address, which a host resolved to, is allowed by this entry. A cloud's metadata service
        is covered by nothing but its own address."""
        if self.port not in (None, port):
            return False
        if self.network is None:
            return self.name == plain_name(host) and refused_kind(address) != METADATA
        is_own = self.network.num_addresses == 1
        return address in self.network and (is_own or refused_kind(address) != METADATA)


@dataclass(frozen=True)
class OutboundPolicy:
    """Public addresses may be called; anything internal only when it is `allowed`."""

    allowed: tuple[AllowedHost, ...] = ()
    bounds: OutboundBounds = OutboundBounds()

    @classmethod
    def allowing(cls, entries: str, *endpoints: str | None) -> Self:
        """Allows comma-separated entries, as `AllowedHost.parse` has them, and what the URLs of endpoints connect to.
        Raises `ValueError`."""
        allowed = [AllowedHost.parse(entry.strip()) for entry in entries.split(",") if entry.strip()]
        return cls((*allowed, *(AllowedHost.of_url(endpoint) for endpoint in endpoints if endpoint)))

    def check(self, host: str, port: int, addresses: Sequence[Address]) -> None:
        """Raises `OutboundRefused` when a host has resolved to any address that flows may not call."""
        for address in addresses:
            kind = refused_kind(address)
            if kind and not any(entry.covers(host, port, address) for entry in self.allowed):
                reason = f"its address {address} is {kind}. Add it to PENSTOCK_ALLOWED_HOSTS if flows should call it"
                raise OutboundRefused(f"{host}:{port}", reason, str(address))


def plain_name(host: str) -> str:
    """A host's name in the one form in which names are compared."""
    return host.lower().rstrip(".")


def _split_port(entry: str) -> tuple[str, int | None]:
    if parse_address(entry) is not None:
        return entry, None
    host, colon, digits = entry.rpartition(":")
    if not colon:
        return entry, None
    if not (digits.isascii() and digits.isdecimal() and 0 < int(digits) <= MAX_PORT):
        raise ValueError(f"{entry!r} has no port between 1 and {MAX_PORT} behind its colon")
    return host, int(digits)
