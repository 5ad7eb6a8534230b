"""What a request tells of itself is believed only when a trusted proxy says it (fault F16)."""

from ipaddress import ip_address, ip_network
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import HTTPConnection

from web.callers.proxies import (
    TrustedProxies,
    client_address,
    customer_of,
    from_trusted_proxy,
    is_forwarded,
    is_https,
)

TRUSTED = ("10.0.0.0/8", "fd00::/8")
PROXY = "10.0.0.1"


def asked(peer: str | None, *headers: tuple[str, str], trusted: tuple[str, ...] = TRUSTED) -> HTTPConnection:
    """A request as the server hands it on."""
    proxies = TrustedProxies(tuple(ip_network(network) for network in trusted))
    return HTTPConnection(
        {
            "type": "http",
            "scheme": "http",
            "client": None if peer is None else (peer, 4711),
            "headers": [(name.encode(), value.encode("latin-1")) for name, value in headers],
            "app": SimpleNamespace(state=SimpleNamespace(services=SimpleNamespace(proxies=proxies))),
        }
    )


@pytest.mark.parametrize(
    ("peer", "forwarded", "address"),
    [
        (PROXY, "203.0.113.7", "203.0.113.7"),
        (PROXY, "1.1.1.1, 203.0.113.7", "203.0.113.7"),
        (PROXY, "203.0.113.7, 10.9.9.9", "203.0.113.7"),
        (PROXY, "1.1.1.1,203.0.113.7,10.9.9.9,10.8.8.8", "203.0.113.7"),
        (PROXY, "10.9.9.9", "10.9.9.9"),
        (PROXY, "203.0.113.7:5678", "203.0.113.7"),
        (PROXY, "2001:db8::7", "2001:db8::7"),
        (PROXY, "[2001:db8::7]:443", "2001:db8::7"),
        (PROXY, "::ffff:203.0.113.7", "203.0.113.7"),
        ("::ffff:10.0.0.1", "203.0.113.7", "203.0.113.7"),
        ("fd00::1", "203.0.113.7", "203.0.113.7"),
        (PROXY, "", PROXY),
        (PROXY, "unknown", PROXY),
        (PROXY, "1.1.1.1, unknown", PROXY),
        (PROXY, "1.1.1.1, unknown, 10.9.9.9", "10.9.9.9"),
        (PROXY, ",,,", PROXY),
        (PROXY, "\xff\x00", PROXY),
        ("203.0.113.9", "1.1.1.1", "203.0.113.9"),
        ("203.0.113.9", "10.0.0.1", "203.0.113.9"),
        (None, "1.1.1.1", None),
        ("", "1.1.1.1", ""),
    ],
)
def test_the_last_hop_that_no_trusted_proxy_is_has_called(peer: str, forwarded: str, address: str | None) -> None:
    """What stands left of it was written by whoever called, and means nothing."""
    assert client_address(asked(peer, ("x-forwarded-for", forwarded))) == address


def test_several_headers_are_one_list() -> None:
    """In their order, as proxies add their own behind those that came."""
    request = asked(PROXY, ("x-forwarded-for", "1.1.1.1"), ("x-forwarded-for", "203.0.113.7"))
    assert client_address(request) == "203.0.113.7"


@pytest.mark.parametrize("peer", [PROXY, "127.0.0.1"])
def test_without_trusted_proxies_nobody_is_believed(peer: str) -> None:
    """The default."""
    told = (("x-forwarded-for", "1.1.1.1"), ("x-forwarded-proto", "https"))
    request = asked(peer, *told, trusted=())
    assert (client_address(request), is_https(request), from_trusted_proxy(request)) == (peer, False, False)


@given(forwarded=st.text(st.characters(max_codepoint=255)), peer=st.ip_addresses().map(str))
def test_whatever_is_forwarded_the_address_is_one(forwarded: str, peer: str) -> None:
    """Nothing else comes into logs, keys and the database."""
    address = client_address(asked(peer, ("x-forwarded-for", forwarded)))
    assert address is not None
    assert ip_address(address)


@given(client=st.ip_addresses(), lies=st.lists(st.ip_addresses(), max_size=5), hops=st.integers(0, 3))
def test_no_client_chooses_its_address(client: object, lies: list[object], hops: int) -> None:
    """However many addresses it sends along, and through however many trusted proxies."""
    seen = ip_address(str(client))
    if any(seen in ip_network(network) for network in TRUSTED if ip_network(network).version == seen.version):
        return
    mapped = getattr(seen, "ipv4_mapped", None) or seen
    passed = [*map(str, lies), str(client), *["10.1.1.1"] * hops]
    assert client_address(asked(PROXY, ("x-forwarded-for", ", ".join(passed)))) in (str(mapped), PROXY)


@pytest.mark.parametrize(
    ("peer", "proto", "expected"),
    [
        (PROXY, "https", True),
        (PROXY, "HTTPS", True),
        (PROXY, "http, https", True),
        (PROXY, "https, http", False),
        (PROXY, "http", False),
        (PROXY, "", False),
        ("203.0.113.9", "https", False),
        (None, "https", False),
    ],
)
def test_https_is_what_the_nearest_trusted_proxy_says(peer: str | None, proto: str, expected: bool) -> None:
    assert is_https(asked(peer, ("x-forwarded-proto", proto))) is expected


def test_a_request_that_came_by_https_did() -> None:
    request = asked("203.0.113.9")
    request.scope["scheme"] = "https"
    assert is_https(request)


@pytest.mark.parametrize("header", ["Forwarded", "X-Forwarded-For", "X-Real-IP", "Via"])
def test_a_request_that_any_proxy_passed_on_is_known(header: str) -> None:
    """Such a one does not come from its peer, whoever that is."""
    assert is_forwarded(asked("127.0.0.1", (header.lower(), "x")))
    assert not is_forwarded(asked("127.0.0.1", ("host", "127.0.0.1")))


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("203.0.113.7", "203.0.113.8", False),
        ("::ffff:203.0.113.7", "203.0.113.7", True),
        (None, "", True),
    ],
)
def test_clients_are_counted_by_what_they_cannot_change(one: str | None, other: str, same: bool) -> None:
    """An IPv6 customer has 2^64 addresses, an IPv4 one has one."""
    assert (customer_of(one) == customer_of(other)) is same
