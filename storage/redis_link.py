"""The way of one process to its Redis: clients with short time-outs, and the knowledge that it is away."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from typing import Any

import redis
import structlog
from redis.backoff import NoBackoff
from redis.retry import Retry

from storage.breaker import Breaker

logger = structlog.get_logger(__name__)

REQUEST_SECONDS = 0.5
"""How long a command on the path of a request or a run may take before Redis counts as away."""
WAITING_SECONDS = 2.0
"""Socket time-out of connections that wait inside Redis; longer than any wait."""
AWAY_SECONDS = 1.0
"""How long Redis is left alone after it did not answer."""


class RedisAway(Exception):
    """Redis does not answer, or refuses to write. What was asked of it may or may not have happened."""


class Condition(StrEnum):
    """How Redis was found."""

    WELL = "redis_is_back"
    AWAY = "redis_is_away"
    REFUSING = "redis_refuses"
    """It answers and will not write: it is full, or a replica."""


class RedisLink:
    """Two clients of one Redis. `quick` is for the path of requests and runs, `waiting` for commands that wait inside
    Redis. Neither tries again by itself: that could hide a lost reply (fault A2). The log of the process hears of
    it when Redis goes and when it is back, not of every command in between.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self.quick = _client(url, REQUEST_SECONDS)
        self.waiting = _client(url, WAITING_SECONDS)
        self._breaker = Breaker(AWAY_SECONDS, time.monotonic)
        self._condition = Condition.WELL

    @contextmanager
    def reaching(self) -> Iterator[None]:
        """Commands to Redis. Raises `RedisAway` when one fails, and at once while Redis is known to be away."""
        if not self._breaker.lets_pass():
            raise RedisAway("Redis did not answer a moment ago.")
        try:
            if self._breaker.is_open:
                # Whoever tries again asks first, with the short time-out, and lets the others know before they wait.
                self.quick.ping()
                self._breaker.succeeded()
            yield
        except (redis.ConnectionError, redis.TimeoutError) as error:
            self._breaker.failed()
            self._found(Condition.AWAY, error)
            raise RedisAway(str(error)) from error
        except redis.RedisError as error:
            self._breaker.succeeded()
            self._found(Condition.REFUSING, error)
            raise RedisAway(str(error)) from error
        self._breaker.succeeded()
        self._found(Condition.WELL)

    def _found(self, condition: Condition, error: redis.RedisError | None = None) -> None:
        if condition is not self._condition:
            self._condition = condition
            logger.warning(condition.value, error=str(error) if error else None)

    def listener(self) -> redis.Redis:
        """A client of its own for a thread that listens until it is told to end, and then closes it."""
        return _client(self.url, WAITING_SECONDS)

    def close(self) -> None:
        self.quick.close()
        self.waiting.close()


def _client(url: str, seconds: float) -> redis.Redis:
    client: redis.Redis = redis.Redis.from_url(
        url, socket_timeout=seconds, socket_connect_timeout=REQUEST_SECONDS, retry=Retry(NoBackoff(), 0)
    )
    for command in ("XRANGE", "XREAD"):
        # The mapping that the library makes of each entry of a stream costs as much as all the rest of reading it.
        client.set_response_callback(command, _as_it_comes)
    return client


def _as_it_comes(answer: Any, **_: Any) -> Any:
    return answer
