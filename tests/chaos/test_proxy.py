"""The proxy forwards, and loses exactly the answers that it is told to lose."""

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from tests.chaos.proxy import SwallowingProxy

KEY = "counter"


def client_of(url: str) -> "redis.Redis":
    """A client that asks once and tells what came of it."""
    return redis.Redis.from_url(url, socket_timeout=10, retry=Retry(NoBackoff(), 0))


def test_requests_and_answers_go_through(redis_url: str) -> None:
    with SwallowingProxy(redis_url) as proxy, client_of(proxy.url) as client:
        assert [client.incr(KEY), client.incr(KEY)] == [1, 2]


def test_an_armed_proxy_loses_one_answer_and_no_request(redis_url: str) -> None:
    """The server did what it was asked; whoever asked gets no answer, and everybody after them does."""
    with SwallowingProxy(redis_url) as proxy, client_of(proxy.url) as client:
        client.ping()
        proxy.arm()
        with pytest.raises(redis.ConnectionError):
            client.incr(KEY)
        assert client.incr(KEY) == 2


def test_without_a_server_the_connection_ends() -> None:
    """As with a server that is down: nobody is left waiting."""
    with (
        SwallowingProxy("redis://127.0.0.1:1/0") as proxy,
        client_of(proxy.url) as client,
        pytest.raises(redis.ConnectionError),
    ):
        client.ping()
