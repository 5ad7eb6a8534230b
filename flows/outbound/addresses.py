"""What an IP address is good for: public, or of a kind that flows may not call.

Tables after the special-purpose registries of IANA (RFC 6890); anything in IPv6 that was never given out is reserved.
"""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import TypeAlias

Address: TypeAlias = IPv4Address | IPv6Address
Network: TypeAlias = IPv4Network | IPv6Network

METADATA = "a cloud's metadata service"

_SERVICES = frozenset(
    ip_address(text)
    for text in (
        "169.254.169.254",  # AWS, Azure, Google and most others
        "169.254.170.2",  # AWS: credentials of containers
        "169.254.170.23",  # AWS: credentials of pods
        "fd00:ec2::254",  # AWS
        "fd00:ec2::23",  # AWS: credentials of pods
        "fd20:ce::254",  # Google
        "168.63.129.16",  # Azure: credentials of machines, on a public address
        "100.100.100.200",  # Alibaba
        "192.0.0.192",  # Oracle
    )
)
_KINDS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("unspecified", ("0.0.0.0/8", "::/128")),
    ("loopback", ("127.0.0.0/8", "::1/128")),
    ("private", ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")),
    ("shared within a provider", ("100.64.0.0/10",)),
    ("link-local", ("169.254.0.0/16", "fe80::/10", "fec0::/10")),
    ("unique-local", ("fc00::/7",)),
    ("multicast", ("224.0.0.0/4", "ff00::/8")),
    ("reserved", ("192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.18.0.0/15", "198.51.100.0/24")),
    ("reserved", ("203.0.113.0/24", "240.0.0.0/4", "2001::/23", "2001:db8::/32", "3fff::/20")),
)
_NETWORKS: tuple[tuple[str, Network], ...] = tuple((kind, ip_network(text)) for kind, texts in _KINDS for text in texts)
_GIVEN_OUT = IPv6Network("2000::/3")
_NAT64 = IPv6Network("64:ff9b::/96")


def parse_address(text: str) -> Address | None:
    """The address that a text is, as the system would connect to it: without zone, and IPv4 where it is only written
    as IPv6; None for a name, or an unusual spelling that only the resolver understands."""
    try:
        address = ip_address(text.strip("[]").partition("%")[0])
    except ValueError:
        return None
    return _unmapped(address)


def refused_kind(address: Address) -> str | None:
    """Why flows may not call an address; None for one that is public.

    An IPv6 address that only leads to an IPv4 address, by NAT64 or 6to4, is of the kind of that one; Teredo is
    reserved.
    """
    address = _target(_unmapped(address))
    if address in _SERVICES:
        return METADATA
    for kind, network in _NETWORKS:
        if address in network:
            return kind
    return "reserved" if isinstance(address, IPv6Address) and address not in _GIVEN_OUT else None


def _unmapped(address: Address) -> Address:
    return (isinstance(address, IPv6Address) and address.ipv4_mapped) or address


def _target(address: Address) -> Address:
    if isinstance(address, IPv4Address):
        return address
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.sixtofour or address
