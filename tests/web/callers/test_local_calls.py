"""web/local_calls.py: only what comes straight from this machine may go without a key."""

import pytest
from starlette.requests import Request

from web.callers.local_calls import check_page, is_from_here
from web.callers.proxies import FORWARDING_HEADERS
from web.errors import Unauthenticated


def request(client: tuple[str, int] | None = ("127.0.0.1", 5), **headers: str) -> Request:
    named = {"host": "127.0.0.1:7860", **{name.replace("_", "-"): value for name, value in headers.items()}}
    sent = [(name.encode(), value.encode()) for name, value in named.items()]
    return Request({"type": "http", "method": "GET", "path": "/", "client": client, "headers": sent})


@pytest.mark.parametrize("address", ["127.0.0.1", "127.9.9.9", "::1"])
def test_this_machine(address: str) -> None:
    assert is_from_here(request((address, 5)))


@pytest.mark.parametrize("address", ["10.0.0.5", "192.168.1.2", "203.0.113.7", "::2", "fe80::1", "0.0.0.0", "", "host"])
def test_elsewhere(address: str) -> None:
    """Also on a server that uvicorn binds to every address, whatever the settings say."""
    assert not is_from_here(request((address, 5)))


def test_a_peer_without_an_address() -> None:
    """As behind a Unix socket, where a proxy sits."""
    assert not is_from_here(request(None))


@pytest.mark.parametrize("header", FORWARDING_HEADERS)
def test_what_a_proxy_on_this_machine_passed_on(header: str) -> None:
    """It did not come from here, whatever address the proxy tells."""
    assert not is_from_here(request(("127.0.0.1", 5), **{header: "127.0.0.1"}))


@pytest.mark.parametrize(
    "origin", ["http://127.0.0.1:7861", "https://evil.example", "null", "127.0.0.1:7860", "http://["]
)
def test_a_page_from_elsewhere(origin: str) -> None:
    with pytest.raises(Unauthenticated):
        check_page(request(origin=origin))


@pytest.mark.parametrize("host", ["evil.example", "", "127.0.0.1.evil.example", "[", "localhost@evil.example"])
def test_a_name_that_somebody_else_points_here(host: str) -> None:
    with pytest.raises(Unauthenticated):
        check_page(request(host=host))


def test_a_page_of_our_own() -> None:
    check_page(request(origin="http://127.0.0.1:7860"))
    check_page(request())
