from collections.abc import Callable, Iterator
from contextlib import closing

import pytest
import redis

from storage.cursor import START, Cursor
from storage.redis_link import RedisLink
from storage.redis_stream import RedisStream, events_key
from storage.stream import Entry, StreamBounds, StreamUnavailable

NOWHERE = "redis://127.0.0.1:1/0"
MILESTONE = Entry(Cursor(1), "output", b"{}")
DELTA = Entry(Cursor(1, 1), "token", b"{}")

ASK: dict[str, Callable[[RedisStream], object]] = {
    "publish": lambda stream: stream.publish("job", [MILESTONE]),
    "range": lambda stream: stream.range("job", START, 10),
    "wait": lambda stream: stream.wait({"job": START}, 0.01),
    "wake": lambda stream: stream.wake(),
}


def opened(url: str) -> RedisStream:
    return RedisStream(RedisLink(url), StreamBounds(seconds=60))


@pytest.fixture
def client(redis_url: str) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(redis_url) as client:
        yield client


@pytest.mark.parametrize("ask", ASK)
def test_a_redis_that_cannot_be_reached_is_told_as_unavailable(ask: str) -> None:
    """Rule 5."""
    with closing(opened(NOWHERE)) as stream, pytest.raises(StreamUnavailable):
        ASK[ask](stream)


def test_a_redis_that_is_full_is_told_as_unavailable(redis_url: str, client: redis.Redis) -> None:
    """D4: the run goes on without it."""
    client.config_set("maxmemory", "1")
    try:
        with closing(opened(redis_url)) as stream, pytest.raises(StreamUnavailable, match="maxmemory"):
            stream.publish("job", [MILESTONE])
    finally:
        client.config_set("maxmemory", "0")


def test_a_stream_goes_away_when_no_milestone_came_for_its_time(redis_url: str, client: redis.Redis) -> None:
    """I10."""
    with closing(opened(redis_url)) as stream:
        stream.publish("job", [MILESTONE])
        assert 0 < client.pttl(events_key("job")) <= 60_000
        client.pexpire(events_key("job"), 10)
        stream.publish("job", [DELTA])
        stream.publish("job", [Entry(Cursor(2), "output", b"{}")])
        assert 10 < client.pttl(events_key("job")) <= 60_000


def test_the_key_that_wakes_a_process_goes_away_with_it(redis_url: str, client: redis.Redis) -> None:
    """I10."""
    with closing(opened(redis_url)) as stream:
        stream.wake()
    [key] = client.scan_iter("penstock:wake:*")
    assert 0 < client.pttl(key) <= 60_000


def test_a_stream_goes_on_after_redis_was_emptied(redis_url: str, client: redis.Redis) -> None:
    """I11."""
    with closing(opened(redis_url)) as stream:
        stream.publish("job", [MILESTONE])
        client.flushall()
        later = Entry(Cursor(2), "output", b"{}")
        stream.publish("job", [later])
        assert stream.range("job", START, 10) == [later]
        assert stream.wait({"job": Cursor(1)}, 5.0) == {"job": [later]}


@pytest.mark.parametrize("protocol", [2, 3])
def test_both_protocols_of_redis_give_the_same_answers(redis_url: str, protocol: int) -> None:
    with closing(opened(f"{redis_url}?protocol={protocol}")) as stream:
        stream.publish("job", [MILESTONE, DELTA])
        stream.publish("another", [MILESTONE])
        assert stream.range("job", START, 10) == [MILESTONE, DELTA]
        found = stream.wait({"job": Cursor(1), "another": START, "silent": START}, 5.0)
        assert found == {"job": [DELTA], "another": [MILESTONE]}


def test_a_wake_is_for_one_process_only(redis_url: str) -> None:
    with closing(opened(redis_url)) as one, closing(opened(redis_url)) as other:
        one.wake()
        assert other.wait({"job": START}, 0.01) == {}
        assert one.wait({"job": START}, 5.0) == {}
