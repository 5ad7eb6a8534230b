"""policy.py: what the allow-list lets through, and that a wrong entry is refused."""

from ipaddress import ip_address

import pytest

from flows.errors import OutboundRefused
from flows.outbound.policy import AllowedHost, OutboundPolicy


def is_allowed(entry: str, host: str, port: int, address: str) -> bool:
    """Whether a policy with this one entry lets a host be called that resolved to an address."""
    try:
        OutboundPolicy.allowing(entry).check(host, port, [ip_address(address)])
    except OutboundRefused:
        return False
    return True


@pytest.mark.parametrize(
    ("entry", "host", "port", "address"),
    [
        ("ollama", "ollama", 11434, "172.18.0.2"),
        ("OLLAMA.", "ollama", 11434, "172.18.0.2"),
        ("ollama", "Ollama.", 80, "fd00::2"),
        ("ollama:11434", "ollama", 11434, "172.18.0.2"),
        ("127.0.0.1", "127.0.0.1", 8000, "127.0.0.1"),
        ("127.0.0.1", "any.name", 8000, "127.0.0.1"),
        ("127.0.0.1:8000", "localhost", 8000, "127.0.0.1"),
        ("::1", "::1", 8000, "::1"),
        ("[::1]:8000", "::1", 8000, "::1"),
        ("10.1.0.0/16", "db.corp", 443, "10.1.200.7"),
        ("fd12::/32", "db.corp", 443, "fd12::7"),
        ("169.254.169.254", "169.254.169.254", 80, "169.254.169.254"),
        ("nothing", "example.org", 443, "93.184.216.34"),
    ],
)
def test_an_entry_allows_what_it_names(entry: str, host: str, port: int, address: str) -> None:
    """A name whatever it resolves to, an address or network whatever name led there; public addresses need no entry."""
    assert is_allowed(entry, host, port, address)


@pytest.mark.parametrize(
    ("entry", "host", "port", "address"),
    [
        ("", "127.0.0.1", 80, "127.0.0.1"),
        ("ollama", "ollama.evil.example", 80, "10.0.0.1"),
        ("ollama", "10.0.0.1", 80, "10.0.0.1"),
        ("ollama:11434", "ollama", 11435, "172.18.0.2"),
        ("127.0.0.1:8000", "127.0.0.1", 6379, "127.0.0.1"),
        ("127.0.0.1", "127.0.0.2", 80, "127.0.0.2"),
        ("127.0.0.1", "::1", 80, "::1"),
        ("10.1.0.0/16", "db.corp", 443, "10.2.0.1"),
        ("169.254.0.0/16", "169.254.169.254", 80, "169.254.169.254"),
        ("0.0.0.0/0", "169.254.169.254", 80, "169.254.169.254"),
        ("metadata", "metadata", 80, "169.254.169.254"),
        ("metadata", "metadata", 80, "fd00:ec2::254"),
    ],
)
def test_an_entry_allows_nothing_else(entry: str, host: str, port: int, address: str) -> None:
    """And a cloud's metadata service only when its own address is named."""
    assert not is_allowed(entry, host, port, address)


def test_one_refused_address_refuses_the_host() -> None:
    """Whichever of a host's addresses would be connected to."""
    with pytest.raises(OutboundRefused, match=r"^two:80 may not be called: its address 10\.0\.0\.1 is private\."):
        OutboundPolicy().check("two", 80, [ip_address("93.184.216.34"), ip_address("10.0.0.1")])


@pytest.mark.parametrize(
    "entry",
    ["a b", "*.corp", "http://host", "host:0", "host:65536", "host:http", "10.0.0.1/8", "host:", "a/b", "[::1]x", "-"],
)
def test_a_wrong_entry_is_refused(entry: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        OutboundPolicy.allowing(f"good, {entry}")


@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        ("http://127.0.0.1:11434/v1", "127.0.0.1:11434"),
        ("http://[::1]:11434/v1", "[::1]:11434"),
        ("https://Models.corp/v1", "models.corp:443"),
        ("http://models.corp/v1", "models.corp:80"),
    ],
)
def test_an_endpoint_allows_what_its_url_connects_to(url: str, allowed: str) -> None:
    assert OutboundPolicy.allowing("", url).allowed == (AllowedHost.parse(allowed),)


@pytest.mark.parametrize("url", ["http://", "http://user:canary@host/v1", "http://host:x/v1", "http://[::1/v1"])
def test_an_endpoint_that_names_no_host_or_a_password_is_refused(url: str) -> None:
    """And the message does not repeat the password (I8)."""
    with pytest.raises(ValueError, match=r".") as caught:
        OutboundPolicy.allowing("", url)
    assert "canary" not in str(caught.value)
