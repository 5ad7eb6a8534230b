"""Calls into what is internal, however it is written or reached: none is connected, each is told and logged (F7)."""

import socket
from collections.abc import Callable, Iterator, Mapping
from ipaddress import IPv4Address

import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from flows.errors import OutboundFailed, OutboundRefused
from flows.outbound.client import OutboundCall
from flows.outbound.policy import OutboundPolicy
from tests.flows.outbound.calling import call
from tests.flows.outbound.site import Lookups, Page, Site
from tests.flows.outbound.test_addresses import internal_4
from tests.flows.searching import search

NOBODY = OutboundPolicy()

HERE = [
    "127.0.0.1", "127.1", "127.0.1", "127.9.9.9", "2130706433", "0x7f000001", "0X7F.1", "0x7f.0x0.0x0.0x1",
    "017700000001", "0177.1", "0177.0.0.01", "localhost", "LOCALHOST", "localhost.", "0.0.0.0", "0",
    "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[0:0:0:0:0:ffff:7f00:0001]", "127.0.0.1.", "①②⑦.⓪.⓪.①",
    "１２７．０．０．１", "127。0。0。1", "ｌｏｃａｌｈｏｓｔ", "127.0.0.1%00.example.org", "[::ffff:127.0.0.1%25lo]",
]  # fmt: skip
"""Ways to write this machine."""
ELSEWHERE = [
    "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "100.64.0.1", "169.254.169.254", "169.254.1.1",
    "2852039166", "0xa9fea9fe", "0xa9.0xfe.0xa9.0xfe", "169.16689662", "168.63.129.16", "224.0.0.1", "255.255.255.255",
    "240.0.0.1", "192.0.2.1", "198.18.0.1", "[::]", "[fd00:ec2::254]", "[fc00::1]", "[fe80::1]", "[fe80::1%25lo]",
    "[ff02::1]", "[::ffff:169.254.169.254]", "[::ffff:a9fe:a9fe]", "[::169.254.169.254]", "[64:ff9b::a9fe:a9fe]",
    "[64:ff9b:1::a9fe:a9fe]", "[2002:a9fe:a9fe::1]", "[2002:7f00:1::]", "[2001:0:a9fe:a9fe::1]", "[2001:db8::1]",
]  # fmt: skip
"""Ways to write other internal addresses, and the services of clouds that give out keys."""


@pytest.fixture
def site() -> Iterator[Site]:
    """A site that nobody is allowed to call."""
    with Site() as started:
        yield started


@pytest.mark.parametrize("host", HERE)
def test_no_spelling_of_this_machine_is_connected(host: str, site: Site) -> None:
    """Whether it is refused as an address or already as a URL."""
    with pytest.raises(OutboundFailed):
        call(NOBODY, site.url(host=host))
    assert site.connections == 0


@pytest.mark.parametrize("host", ELSEWHERE)
def test_no_spelling_of_an_internal_address_is_connected(host: str) -> None:
    with pytest.raises(OutboundRefused, match=r"may not be called: its address .* is "):
        call(NOBODY, f"http://{host}/latest/meta-data")


SPELLINGS: Mapping[str, Callable[[IPv4Address], str]] = {
    "dotted": str,
    "decimal": lambda address: str(int(address)),
    "hexadecimal": lambda address: hex(int(address)),
    "octal": lambda address: f"0{int(address):o}",
    "hexadecimal parts": lambda address: ".".join(hex(part) for part in address.packed),
    "two parts": lambda address: f"{address.packed[0]}.{int(address) & 0xFFFFFF}",
    "three parts": lambda address: f"{address.packed[0]}.{address.packed[1]}.{int(address) & 0xFFFF}",
    "mapped": lambda address: f"[::ffff:{address}]",
    "behind NAT64": lambda address: f"[64:ff9b::{address}]",
    "6to4": lambda address: f"[2002:{int(address) >> 16:x}:{int(address) & 0xFFFF:x}::1]",
}


@search
@given(internal_4, st.sampled_from(sorted(SPELLINGS)), st.sampled_from(["http", "https"]))
def test_no_internal_address_is_called_in_any_form(address: IPv4Address, spelling: str, scheme: str) -> None:
    with pytest.raises(OutboundRefused):
        call(NOBODY, f"{scheme}://{SPELLINGS[spelling](address)}/")


@pytest.mark.parametrize(
    "found",
    [["127.0.0.1"], ["10.0.0.1"], ["169.254.169.254"], ["::1"], ["fd00::1"], ["::ffff:127.0.0.1"], ["fe80::1%lo"],
     ["93.184.216.34", "127.0.0.1"], ["127.0.0.1", "93.184.216.34"]],
)  # fmt: skip
def test_a_name_that_leads_to_what_is_internal_is_refused(found: list[str], site: Site) -> None:
    """Even when only one of its addresses does."""
    with pytest.raises(OutboundRefused, match=r"^innocent\.example:\d+ may not be called: its address "):
        call(NOBODY, site.url(host="innocent.example"), Lookups(found))
    assert site.connections == 0


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_into_what_is_internal_is_refused(status: int, site: Site) -> None:
    """The site itself is allowed; where it leads is not."""
    with Site(host="127.0.0.2") as secret:
        site.pages["/start"] = Page(status, {"Location": secret.url("/keys")})
        with pytest.raises(OutboundRefused, match=r"127\.0\.0\.2:\d+ may not be called: its address .* is loopback"):
            call(OutboundPolicy.allowing("127.0.0.1"), site.url("/start"))
    assert ([asked.path for asked in site.asked], secret.connections) == (["/start"], 0)


@pytest.mark.parametrize(
    ("location", "message"),
    [
        ("file:///etc/passwd", "only http and https URLs may be called"),
        ("gopher://127.0.0.1:6379/_FLUSHALL", "only http and https URLs may be called"),
        ("http://user:canary@127.0.0.1/", "its URL holds a user or password"),
        ("//169.254.169.254/latest", "its address 169.254.169.254 is a cloud's metadata service"),
    ],
)
def test_every_hop_of_a_redirect_is_checked(location: str, message: str, site: Site) -> None:
    """Its scheme and its form as well as its address."""
    site.pages["/two"] = Page(302, {"Location": location})
    site.pages["/one"] = Page(302, {"Location": "/two"})
    with pytest.raises(OutboundRefused, match=message) as caught:
        call(OutboundPolicy.allowing("127.0.0.1"), site.url("/one"))
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize(
    "url", ["ftp://1.1.1.1/", "file:///etc/passwd", "example.org/x", "ws://1.1.1.1/", "", "http://"]
)
def test_only_http_is_spoken(url: str) -> None:
    with pytest.raises(OutboundRefused, match=r"only http and https URLs may be called|name a host"):
        call(NOBODY, url)


def test_the_host_header_is_not_a_flows_to_set(site: Site) -> None:
    """It would reach other sites behind an allowed address."""
    with pytest.raises(OutboundRefused, match="its header Host names another host"):
        call(OutboundPolicy.allowing("127.0.0.1"), OutboundCall(site.url(), headers={"Host": "secret.corp"}))
    assert site.connections == 0


def test_a_refusal_is_logged_without_what_may_be_secret() -> None:
    """Host and address, neither path, query, header nor body (I8)."""
    asked = OutboundCall(
        "http://metadata.example/canary?key=canary", headers={"x-api-key": "canary"}, content=b"canary", method="POST"
    )
    with capture_logs() as lines, pytest.raises(OutboundRefused) as caught:
        call(NOBODY, asked, Lookups(["169.254.169.254"]))
    [line] = [line for line in lines if line["event"] == "outbound_refused"]
    assert (line["host"], line["address"], line["log_level"]) == ("metadata.example:80", "169.254.169.254", "warning")
    assert "canary" not in f"{line}{caught.value}{asked}"


def test_what_is_allowed_is_called(site: Site) -> None:
    """By its address, or by a name that leads there."""
    assert call(OutboundPolicy.allowing("127.0.0.1"), site.url("/x")).content == b"here"
    allowed = OutboundPolicy.allowing(f"service:{site.port}")
    assert call(allowed, site.url("/x", "service"), Lookups(["127.0.0.1"])).content == b"here"
    assert [asked.headers["host"] for asked in site.asked] == [f"127.0.0.1:{site.port}", f"service:{site.port}"]


def test_the_proxies_of_the_environment_are_not_used(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy would look the name up itself, unchecked."""
    with Site() as proxy:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, proxy.url())
        assert call(OutboundPolicy.allowing("127.0.0.1"), site.url()).status == 200
    assert proxy.connections == 0


def test_the_spellings_are_those_that_the_system_understands() -> None:
    """Otherwise the table above would show nothing."""
    address = IPv4Address("169.254.1.7")
    plain = [SPELLINGS[name](address) for name in SPELLINGS if "[" not in SPELLINGS[name](address)]
    assert {socket.getaddrinfo(text, 80)[0][4][0] for text in plain} == {"169.254.1.7"}
