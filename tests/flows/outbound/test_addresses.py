"""addresses.py: which addresses are public, in whatever way they are written."""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.outbound.addresses import METADATA, parse_address, refused_kind
from tests.flows.searching import search

REFUSED_4 = [
    IPv4Network(text)
    for text in (
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24",
        "192.0.2.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4",
        "240.0.0.0/4",
    )
]  # fmt: skip
"""What the registry of special-purpose addresses does not call globally reachable, and multicast."""
REFUSED_6 = [
    IPv6Network(text)
    for text in (
        "::/128", "::1/128", "::/96", "64:ff9b:1::/48", "100::/64", "2001::/32", "2001:db8::/32", "3fff::/20",
        "5f00::/16", "fc00::/7", "fd00:ec2::/32", "fe80::/10", "fec0::/10", "ff00::/8", "4000::/3",
    )
]  # fmt: skip
internal_4 = st.sampled_from(REFUSED_4).flatmap(lambda network: st.ip_addresses(network=network))
internal_6 = st.sampled_from(REFUSED_6).flatmap(lambda network: st.ip_addresses(network=network))


@search
@given(internal_4)
def test_no_internal_ipv4_address_is_public(address: IPv4Address) -> None:
    assert refused_kind(address)


@search
@given(internal_6)
def test_no_internal_ipv6_address_is_public(address: IPv6Address) -> None:
    assert refused_kind(address)


@search
@given(internal_4, st.sampled_from(["::ffff:0:0", "64:ff9b::", "::", "::ffff:0:0:0"]))
def test_an_ipv6_form_of_an_internal_ipv4_address_is_internal(address: IPv4Address, prefix: str) -> None:
    """Mapped, behind NAT64, compatible and translated: all hold it in their last 32 bits."""
    assert refused_kind(IPv6Address(int(IPv6Address(prefix)) | int(address)))


@search
@given(internal_4, st.integers(0, 2**80 - 1))
def test_6to4_to_an_internal_ipv4_address_is_internal(address: IPv4Address, rest: int) -> None:
    assert refused_kind(IPv6Address(0x2002 << 112 | int(address) << 80 | rest))


@search
@given(internal_4 | internal_6, st.sampled_from(["", "%lo", "%25eth0", "%1"]), st.booleans())
def test_no_way_of_writing_an_ipv6_address_hides_it(
    address: IPv4Address | IPv6Address, zone: str, is_long: bool
) -> None:
    """With a zone, in brackets, in full, in capitals."""
    if isinstance(address, IPv4Address):
        address = IPv6Address(f"::ffff:{address}")
    text = (address.exploded.upper() if is_long else str(address)) + zone
    for written in (text, f"[{text}]"):
        parsed = parse_address(written)
        assert parsed is not None
        assert refused_kind(parsed)


@search
@given(st.ip_addresses())
def test_what_python_does_not_know_as_global_is_not_public(address: IPv4Address | IPv6Address) -> None:
    """An independent table agrees, apart from what only leads to a public IPv4 address."""
    leads_on = isinstance(address, IPv6Address) and (address in IPv6Network("64:ff9b::/96") or address.sixtofour)
    assert refused_kind(address) or address.is_global or leads_on


@search
@given(st.ip_addresses(v=4))
def test_whatever_else_is_public(address: IPv4Address) -> None:
    """Apart from relays of 6to4, which are no more, and metadata services on public addresses."""
    is_internal = any(address in network for network in [*REFUSED_4, IPv4Network("192.88.99.0/24")])
    assert is_internal == (refused_kind(address) not in (None, METADATA)) or refused_kind(address) == METADATA


@pytest.mark.parametrize(
    "text", ["1.1.1.1", "93.184.216.34", "2606:4700::1111", "2a00:1450::8a", "64:ff9b::101:101", "2002:101:101::1"]
)
def test_public_addresses_are_public(text: str) -> None:
    """Among them those behind NAT64, by which networks without IPv4 reach everything."""
    assert refused_kind(ip_address(text)) is None


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("127.8.9.1", "loopback"),
        ("::1", "loopback"),
        ("::ffff:127.0.0.1", "loopback"),
        ("10.1.2.3", "private"),
        ("64:ff9b::a01:203", "private"),
        ("2002:c0a8:1::", "private"),
        ("100.64.0.1", "shared within a provider"),
        ("169.254.1.1", "link-local"),
        ("fe80::1", "link-local"),
        ("fd12::1", "unique-local"),
        ("0.1.2.3", "unspecified"),
        ("::", "unspecified"),
        ("239.1.1.1", "multicast"),
        ("255.255.255.255", "reserved"),
        ("2001:0:4136:e378:8000:63bf:3fff:fdd2", "reserved"),
        ("169.254.169.254", METADATA),
        ("fd00:ec2::254", METADATA),
        ("168.63.129.16", METADATA),
        ("::ffff:169.254.169.254", METADATA),
    ],
)
def test_the_kind_says_what_an_address_is(text: str, kind: str) -> None:
    assert refused_kind(ip_address(text)) == kind
