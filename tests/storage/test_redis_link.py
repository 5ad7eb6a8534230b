"""Rule 5: a Redis that is away costs a time-out now and then, never a request or a run."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from socket import create_server

import pytest
import redis

from storage.redis_link import REQUEST_SECONDS, RedisAway, RedisLink
from tests import services
from tests.chaos.proxy import SwallowingProxy
from tests.storage.misfortunes import until

NOWHERE = "redis://127.0.0.1:1/0"


@pytest.fixture
def link(redis_url: str) -> Iterator[RedisLink]:
    with closing(RedisLink(redis_url)) as opened:
        yield opened


def reaches(link: RedisLink) -> bool:
    try:
        with link.reaching():
            link.quick.ping()
    except RedisAway:
        return False
    return True


def was_tried(link: RedisLink) -> bool:
    """Whether a command was let through to a Redis, or refused because that one is known to be away."""
    try:
        with link.reaching():
            return True
    except RedisAway:
        return False


def test_commands_reach_a_redis_that_is_there(link: RedisLink) -> None:
    with link.reaching():
        assert link.quick.set("key", "value")
        assert link.waiting.get("key") == b"value"


def test_nobody_waits_for_a_redis_that_is_known_to_be_away() -> None:
    """D7: the first one finds out, the others are told at once."""
    with closing(RedisLink(NOWHERE)) as link:
        assert was_tried(link)
        assert not reaches(link)
        assert not any(was_tried(link) for _ in range(5))


def test_a_redis_that_does_not_answer_in_time_is_away() -> None:
    """It takes connections, as one does that is stopped."""
    with create_server(("127.0.0.1", 0)) as silent:
        _, port = silent.getsockname()
        with closing(RedisLink(f"redis://127.0.0.1:{port}/0")) as link:
            assert not reaches(link)
            assert not was_tried(link)


@pytest.mark.real_services
def test_a_redis_that_is_back_is_reached_again() -> None:
    with services.running_redis() as server, closing(RedisLink(server.url)) as link:
        assert reaches(link)
        server.kill()
        assert not reaches(link)
        server.start()
        until(lambda: reaches(link))
        assert was_tried(link)


@pytest.fixture
def replica(redis_url: str) -> Iterator[None]:
    """Makes the Redis one that may only be read."""
    with redis.Redis.from_url(redis_url) as client:
        client.replicaof("127.0.0.1", "1")
        yield
        client.replicaof("NO", "ONE")


@pytest.fixture
def full(redis_url: str) -> Iterator[None]:
    """Makes the Redis one that has no memory left."""
    with redis.Redis.from_url(redis_url) as client:
        client.config_set("maxmemory", "1")
        yield
        client.config_set("maxmemory", "0")


@pytest.mark.parametrize(("trouble", "refusal"), [("replica", "read only"), ("full", "maxmemory")])
def test_a_redis_that_refuses_to_write_is_away_for_that_write_only(
    link: RedisLink, request: pytest.FixtureRequest, trouble: str, refusal: str
) -> None:
    """It answers at once, so that nobody need be kept from asking."""
    request.getfixturevalue(trouble)
    for _ in range(3):
        with pytest.raises(RedisAway, match=refusal), link.reaching():
            link.quick.set("key", "value")
    assert was_tried(link)


def test_a_mistake_of_ours_is_not_taken_for_a_redis_that_is_away(link: RedisLink) -> None:
    with pytest.raises(ZeroDivisionError), link.reaching():
        raise ZeroDivisionError
    assert was_tried(link)


@pytest.mark.parametrize("client", ["quick", "waiting"])
def test_a_command_whose_reply_was_lost_is_not_sent_again(redis_url: str, client: str) -> None:
    """A2, C4: nobody knows whether it was done, so it is told, and it was done once."""
    with SwallowingProxy(redis_url) as proxy, closing(RedisLink(proxy.url)) as behind:
        counting: redis.Redis = getattr(behind, client)
        counting.ping()
        proxy.arm()
        with pytest.raises(RedisAway), behind.reaching():
            counting.incr("counter")
    with redis.Redis.from_url(redis_url) as direct:
        assert direct.get("counter") == b"1"


def test_a_command_that_waits_inside_redis_may_take_longer_than_a_request(link: RedisLink) -> None:
    """C16."""
    with link.reaching():
        assert link.waiting.blpop(["nothing"], timeout=REQUEST_SECONDS + 0.1) is None


def test_nobody_waits_behind_a_command_that_waits_inside_redis(link: RedisLink) -> None:
    """C15."""
    with ThreadPoolExecutor(1) as thread, link.reaching():
        found = thread.submit(lambda: link.waiting.blpop(["list"], 0))
        until(lambda: bool(link.quick.info("clients")["blocked_clients"]))
        link.quick.rpush("list", "value")
        assert found.result() == (b"list", b"value")
