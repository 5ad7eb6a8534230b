"""The broker: Dramatiq in memory, or on Redis. Its messages are hints (rule 1)."""

from collections.abc import Mapping, Sequence
from typing import Any

import redis
from dramatiq import Broker, Middleware
from dramatiq.broker import Consumer
from dramatiq.brokers.redis import RedisBroker, _RedisConsumer
from dramatiq.brokers.stub import StubBroker
from dramatiq.common import q_name
from dramatiq.errors import ConnectionClosed

from actors.lanes import Lane

MAINTENANCE_CHANCE = 1_000
"""Per million commands. Low: messages of a dead worker need not come back, the sweeper sends new hints."""


def make_broker(client: redis.Redis | None, middleware: Sequence[Middleware], bounds: Mapping[Lane, int]) -> Broker:
    """A broker on Redis when there is a client for it, in memory otherwise, with both lanes declared."""
    broker: Broker = _RedisLanes(client, middleware, bounds) if client else _MemoryLanes(middleware, bounds)
    for lane in Lane:
        broker.declare_queue(lane)
    return broker


class _MemoryLanes(StubBroker):
    """Dramatiq's in-memory broker with a bound for each lane."""

    def __init__(self, middleware: Sequence[Middleware], bounds: Mapping[Lane, int]) -> None:
        super().__init__(list(middleware))
        self._bounds = bounds

    def consume(self, queue_name: str, prefetch: int = 1, timeout: int = 100) -> Consumer:
        return super().consume(queue_name, self._bounds[Lane(q_name(queue_name))], timeout)


class _RedisLanes(RedisBroker):
    """Dramatiq's Redis broker with a bound for each lane, whose consumers wait instead of polling."""

    def __init__(self, client: redis.Redis, middleware: Sequence[Middleware], bounds: Mapping[Lane, int]) -> None:
        super().__init__(client=client, middleware=list(middleware), maintenance_chance=MAINTENANCE_CHANCE)
        self._bounds = bounds

    @property
    def consumer_class(self) -> type[_RedisConsumer]:
        return _WaitingConsumer

    def consume(self, queue_name: str, prefetch: int = 1, timeout: int = 5000) -> Consumer:
        return super().consume(queue_name, self._bounds[Lane(q_name(queue_name))], timeout)


class _WaitingConsumer(_RedisConsumer):
    """A Redis consumer that is there when a hint comes.

    Dramatiq's own sleeps longer and longer while its queue is empty. This one waits inside Redis: a `BLMOVE` of a
    list onto its own head changes nothing and returns as soon as the list has an element. Price: two commands per
    queue and second while idle.
    """

    def __next__(self) -> Any:
        self.misses = 0
        if not self.message_cache and self.outstanding_message_count < self.prefetch:
            self._wait()
        return super().__next__()

    def _wait(self) -> None:
        queue = f"{self.broker.namespace}:{self.queue_name}"
        try:
            self.broker.client.blmove(queue, queue, self.timeout / 1000, "LEFT", "LEFT")
        except (redis.ConnectionError, redis.TimeoutError) as error:
            raise ConnectionClosed(error) from None
