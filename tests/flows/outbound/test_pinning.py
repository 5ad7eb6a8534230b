"""backend.py: the connection goes to the address that was checked, whatever a second lookup would say (F7)."""

import asyncio
import ssl
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import pytest
from httpcore2 import SOCKET_OPTION, AsyncMockStream, AsyncNetworkBackend, AsyncNetworkStream, ConnectError

from flows.errors import OutboundFailed, OutboundRefused
from flows.outbound.backend import CheckedBackend
from flows.outbound.client import OutboundCall
from flows.outbound.policy import OutboundBounds, OutboundPolicy
from tests.flows.outbound.calling import call, call_all
from tests.flows.outbound.site import Lookups, Page, Site

ALLOWED = OutboundPolicy.allowing("127.0.0.1")


class Network(AsyncNetworkBackend):
    """Stands for the network: remembers where it was to connect, and for how long; `dead` addresses do not answer."""

    def __init__(self, *dead: str) -> None:
        self.dead = dead
        self.connected: list[str] = []
        self.seconds: list[float | None] = []

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - the interface has it
        local_address: str | None = None,
        socket_options: Iterable[SOCKET_OPTION] | None = None,
    ) -> AsyncNetworkStream:
        self.connected.append(host)
        self.seconds.append(timeout)
        if host in self.dead:
            raise ConnectError("nobody answers")
        return AsyncMockStream([])


def connect(network: Network, lookups: Lookups, policy: OutboundPolicy | None = None) -> None:
    """Connects once to a name."""
    backend = CheckedBackend(policy or OutboundPolicy(), lookups, network)
    asyncio.run(backend.connect_tcp("rebinding.example", 80))


def test_the_checked_address_is_the_one_connected_to() -> None:
    """A resolver that says something public, then something internal, is asked once per connection: the first goes to
    the public address, the second is refused."""
    network, lookups = Network(), Lookups(["93.184.216.34"], ["127.0.0.1"])
    connect(network, lookups)
    assert (network.connected, len(lookups.asked)) == (["93.184.216.34"], 1)
    with pytest.raises(OutboundRefused):
        connect(network, lookups)
    assert network.connected == ["93.184.216.34"]


def test_a_name_that_moves_between_two_calls_is_checked_again() -> None:
    """With real connections: the name leads to an allowed site first, then to a refused one on the same port."""
    lookups = Lookups(["127.0.0.1"], ["127.0.0.2"])
    page = Page(headers={"Connection": "close"})
    with Site({"/": page}) as site, Site(host="127.0.0.2", port=site.port) as secret:
        url = site.url(host="rebinding.example")
        with pytest.raises(OutboundRefused, match=r"its address 127\.0\.0\.2 is loopback"):
            call_all(ALLOWED, [url, url], lookups)
    assert (len(site.asked), secret.connections) == (1, 0)


def test_a_redirect_to_the_same_name_is_checked_again() -> None:
    """When its connection is gone, and the name leads elsewhere by now."""
    lookups = Lookups(["127.0.0.1"], ["127.0.0.2"])
    with Site() as site, Site(host="127.0.0.2", port=site.port) as secret:
        site.pages["/"] = Page(302, {"Location": "/again", "Connection": "close"})
        with pytest.raises(OutboundRefused):
            call(ALLOWED, site.url(host="rebinding.example"), lookups)
    assert secret.connections == 0


def test_addresses_are_tried_in_turn() -> None:
    """Each for its share of the time, so that a dead one leaves enough for the next."""
    network = Network("2606:4700::1", "2606:4700::2")
    policy = OutboundPolicy(bounds=OutboundBounds(connect_seconds=6.0))
    connect(network, Lookups(["2606:4700::1", "2606:4700::2", "1.1.1.1"]), policy)
    assert network.connected == ["2606:4700::1", "2606:4700::2", "1.1.1.1"]
    assert network.seconds == [pytest.approx(seconds, abs=0.5) for seconds in (2.0, 3.0, 6.0)]


def test_a_host_of_which_no_address_answers_fails() -> None:
    with pytest.raises(ConnectError, match="nobody answers"):
        connect(Network("1.1.1.1", "1.0.0.1"), Lookups(["1.1.1.1", "1.0.0.1"]))


def test_a_lookup_takes_no_longer_than_connecting_may() -> None:
    async def never(host: str, port: int) -> list[str]:
        await asyncio.Event().wait()
        return []

    policy = OutboundPolicy(bounds=OutboundBounds(connect_seconds=0.05))
    with pytest.raises(OutboundFailed, match=r"slow\.example could not be looked up in time"):
        call(policy, OutboundCall("http://slow.example/", seconds=5.0), never)


@pytest.mark.parametrize("host", ["a" * 64 + ".example", "nowhere.invalid"])
def test_a_name_that_leads_nowhere_fails(host: str) -> None:
    with pytest.raises(OutboundFailed, match=r"could not be looked up|failed"):
        call(OutboundPolicy(), OutboundCall(f"http://{host}/", seconds=5.0))


@contextmanager
def tls_hearing(names: list[str | None]) -> Iterator[int]:
    """The port of a TLS server that writes down which name it was asked for, and hangs up."""
    heard = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    heard.sni_callback = lambda connection, name, context: names.append(name)

    async def serve(started: threading.Event, port: list[int], over: threading.Event) -> None:
        async with await asyncio.start_server(lambda *_: None, "127.0.0.1", 0, ssl=heard) as server:
            port.append(server.sockets[0].getsockname()[1])
            started.set()
            await asyncio.to_thread(over.wait)

    started, over, port = threading.Event(), threading.Event(), list[int]()
    thread = threading.Thread(target=lambda: asyncio.run(serve(started, port, over)))
    thread.start()
    try:
        assert started.wait(10)
        yield port[0]
    finally:
        over.set()
        thread.join()


def test_tls_asks_for_the_name_and_not_for_the_address() -> None:
    """So that certificates go on to be checked against what the flow named."""
    names: list[str | None] = []
    with tls_hearing(names) as port, pytest.raises(OutboundFailed):
        call(ALLOWED, f"https://models.example:{port}/", Lookups(["127.0.0.1"]))
    assert names == ["models.example"]
