"""client.py and transport.py: how long and how large an answer may be, and what is not carried elsewhere (I10, I8)."""

import asyncio
import gzip
import zlib
from collections.abc import Iterator
from threading import Event

import pytest

from flows.errors import OutboundFailed, OutboundTooLarge
from flows.outbound.client import Outbound, OutboundCall
from flows.outbound.policy import AllowedHost, OutboundBounds, OutboundPolicy
from tests.flows.outbound.calling import call, call_all
from tests.flows.outbound.site import Page, Site

HERE = (AllowedHost.parse("127.0.0.0/8"),)
POLICY = OutboundPolicy(HERE)
SMALL = OutboundPolicy(HERE, OutboundBounds(max_bytes=1_000))


@pytest.fixture
def site() -> Iterator[Site]:
    with Site() as started:
        yield started


def test_an_answer_is_told_as_it_came(site: Site) -> None:
    """Status, headers, body and the way there, whatever the status."""
    site.pages["/gone"] = Page(404, {"X-Reason": "moved out"}, [b"no", b"thing"])
    site.pages["/old"] = Page(302, {"Location": "/gone"})
    answer = call(POLICY, site.url("/old?key=1"))
    assert (answer.status, answer.headers["x-reason"], answer.content) == (404, "moved out", b"nothing")
    assert (answer.url, answer.redirects) == (site.url("/gone"), (site.url("/old?key=1"),))


def test_method_headers_and_body_are_sent(site: Site) -> None:
    call(POLICY, OutboundCall(site.url("/x"), "POST", {"X-Key": "k", "Content-Type": "text/plain"}, b"said"))
    [asked] = site.asked
    assert (asked.method, asked.headers["x-key"], asked.headers["content-type"], asked.body) == (
        "POST", "k", "text/plain", b"said",
    )  # fmt: skip


@pytest.mark.parametrize("size", [1_000, 1_001])
def test_an_answer_may_have_so_many_bytes_and_no_more(size: int, site: Site) -> None:
    site.pages["/"] = Page(body=[b"x" * 500, b"x" * (size - 500)])
    if size > SMALL.bounds.max_bytes:
        with pytest.raises(OutboundTooLarge, match=r"its answer has more than 1000 bytes"):
            call(SMALL, site.url())
    else:
        assert len(call(SMALL, site.url()).content) == size


def test_a_call_may_ask_for_less_and_not_for_more(site: Site) -> None:
    site.pages["/"] = Page(body=[b"x" * 2_000])
    for asked in (OutboundCall(site.url(), max_bytes=10), OutboundCall(site.url(), max_bytes=10**9)):
        with pytest.raises(OutboundTooLarge):
            call(SMALL, asked)


def test_bytes_count_as_they_are_after_decompression(site: Site) -> None:
    """A megabyte that unfolds to a gigabyte ends where any other answer does."""
    bomb = zlib.compressobj(9, zlib.DEFLATED, 31)
    packed = [b"".join(bomb.compress(bytes(10_000_000)) for _ in range(100)), bomb.flush()]
    site.pages["/"] = Page(headers={"Content-Encoding": "gzip"}, body=packed)
    with pytest.raises(OutboundTooLarge):
        call(POLICY, site.url())


def test_a_compressed_answer_is_unfolded(site: Site) -> None:
    site.pages["/"] = Page(headers={"Content-Encoding": "gzip"}, body=[gzip.compress(b"said")])
    assert call(POLICY, site.url()).content == b"said"


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
def test_what_is_not_compressed_as_it_says_fails(coding: str, site: Site) -> None:
    site.pages["/"] = Page(headers={"Content-Encoding": coding}, body=[b"plain"])
    with pytest.raises(OutboundFailed, match=r"The call to 127\.0\.0\.1 failed"):
        call(POLICY, site.url())


def test_redirects_come_to_an_end(site: Site) -> None:
    site.pages["/"] = Page(302, {"Location": "/"})
    with pytest.raises(OutboundFailed, match=r"it redirects more than 5 times"):
        call(POLICY, site.url())
    assert len(site.asked) == 6


def test_a_redirect_is_not_followed_unless_wanted(site: Site) -> None:
    site.pages["/"] = Page(302, {"Location": "/there"})
    assert call(POLICY, OutboundCall(site.url(), follow_redirects=False)).status == 302


def test_the_body_of_a_redirect_is_not_read(site: Site) -> None:
    """However large it is."""
    site.pages["/"] = Page(302, {"Location": "/there"}, [b"x" * 5_000])
    assert call(SMALL, site.url()).content == b"here"


def test_a_redirect_to_another_origin_carries_no_secrets(site: Site) -> None:
    """Any header may be a key; within the origin all of them go along."""
    with Site() as other:
        site.pages["/away"] = Page(307, {"Location": other.url("/x")})
        site.pages["/on"] = Page(307, {"Location": "/away"})
        headers = {"Authorization": "canary", "X-Api-Key": "canary", "Cookie": "canary", "Accept": "text/plain"}
        call(POLICY, OutboundCall(site.url("/on"), "POST", headers, b"said"))
    [carried] = other.asked
    assert site.asked[-1].headers["x-api-key"] == "canary"
    assert (carried.headers["accept"], carried.body) == ("text/plain", b"said")
    assert "canary" not in carried.headers.values()


def test_a_cookie_is_not_sent_by_the_next_call(site: Site) -> None:
    """The next call may be another user's."""
    site.pages["/"] = Page(headers={"Set-Cookie": "session=canary; Path=/"})
    call_all(POLICY, [site.url(), site.url()])
    assert [asked.headers.get("cookie") for asked in site.asked] == [None, None]


def test_connections_are_kept_for_the_next_call(site: Site) -> None:
    call_all(POLICY, [site.url("/1"), site.url("/2"), site.url("/3")])
    assert (len(site.asked), site.connections) == (3, 1)


def test_a_call_ends_after_its_time(site: Site) -> None:
    """Though pieces keep coming."""
    over = Event()

    class Dripping(list[bytes]):
        def __iter__(self) -> Iterator[bytes]:
            while not over.wait(0.01):
                yield b"x"

    site.pages["/"] = Page(body=Dripping())
    with pytest.raises(OutboundFailed, match=r"there was no whole answer within 0\.3 s"):
        call(POLICY, OutboundCall(site.url(), seconds=0.3))
    over.set()


def test_a_silent_site_ends_the_call(site: Site) -> None:
    over = Event()

    class Silent(list[bytes]):
        def __iter__(self) -> Iterator[bytes]:
            over.wait(30)
            return iter(())

    site.pages["/"] = Page(body=Silent())
    policy = OutboundPolicy(HERE, OutboundBounds(read_seconds=0.2))
    with pytest.raises(OutboundFailed, match=r"The call to 127\.0\.0\.1 failed: ReadTimeout"):
        call(policy, site.url())
    over.set()


def test_a_client_that_was_closed_opens_new_connections(site: Site) -> None:
    async def twice() -> None:
        outbound = Outbound(POLICY)
        for _ in range(2):
            assert (await outbound.call(OutboundCall(site.url()))).status == 200
            await outbound.close()

    asyncio.run(twice())
    assert site.connections == 2
