"""The broker: Dramatiq in memory, or on Redis. Its messages are hints (rule 1)."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import redis
import structlog
from dramatiq import Message, MessageProxy, Middleware
from dramatiq.broker import Consumer
from dramatiq.brokers.redis import RedisBroker, _RedisConsumer
from dramatiq.brokers.stub import StubBroker
from dramatiq.common import q_name
from dramatiq.errors import ConnectionClosed, DramatiqError

from actors.hints import ACTOR
from storage.lanes import Lane
from storage.redis_link import RedisAway, RedisLink

logger = structlog.get_logger(__name__)

MAINTENANCE_CHANCE = 1_000
"""Per million commands. Low: messages of a dead worker need not come back, the sweeper sends new hints."""
LOOK_SECONDS = 0.25
"""How often a worker looks for jobs by itself while Redis is away."""
BLANK: Mapping[str, Any] = {"blank": True}
"""The options of a hint that no broker has: it stands for whatever waits."""


def make_broker(link: RedisLink | None, middleware: Sequence[Middleware], bounds: Mapping[Lane, int]) -> "Lanes":
    """A broker on Redis when there is a way to one, in memory otherwise, with both lanes declared."""
    broker = RedisLanes(link, middleware, bounds) if link else MemoryLanes(middleware, bounds)
    for lane in Lane:
        broker.declare_queue(lane)
    return broker


class MemoryLanes(StubBroker):
    """Dramatiq's in-memory broker."""

    def __init__(self, middleware: Sequence[Middleware], bounds: Mapping[Lane, int]) -> None:
        super().__init__(list(middleware))
        self._bounds = bounds

    def consume(self, queue_name: str, prefetch: int = 1, timeout: int = 100) -> Consumer:
        return super().consume(queue_name, self._bounds[Lane(q_name(queue_name))], timeout)

    def waiting(self, lane: Lane) -> int:
        """How many hints of a lane nobody has taken yet."""
        return int(self.queues[lane].qsize())

    def stop_fetching(self) -> None:
        """Nobody else fetches here."""


class RedisLanes(RedisBroker):
    """Dramatiq's Redis broker, whose consumers wait instead of polling and do without Redis while it is away."""

    def __init__(self, link: RedisLink, middleware: Sequence[Middleware], bounds: Mapping[Lane, int]) -> None:
        super().__init__(client=link.quick, middleware=list(middleware), maintenance_chance=MAINTENANCE_CHANCE)
        self.link = link
        self.is_fetching = True
        self._bounds = bounds

    @property
    def consumer_class(self) -> type[_RedisConsumer]:
        return _WaitingConsumer

    def consume(self, queue_name: str, prefetch: int = 1, timeout: int = 5000) -> Consumer:
        return super().consume(queue_name, self._bounds[Lane(q_name(queue_name))], timeout)

    def enqueue(self, message: Message[Any], *, delay: int | None = None) -> Message[Any]:
        """Sends a message. Raises `RedisAway`."""
        with self.link.reaching():
            return super().enqueue(message, delay=delay)

    def waiting(self, lane: Lane) -> int:
        """How many hints of a lane nobody has taken yet. Raises `RedisAway`."""
        with self.link.reaching():
            length: Any = self.link.quick.llen(f"{self.namespace}:{lane}")
        return int(length)

    def stop_fetching(self) -> None:
        """Leaves all further hints to other processes."""
        self.is_fetching = False


class _WaitingConsumer(_RedisConsumer):
    """A Redis consumer that is there when a hint comes, and when Redis is not.

    Dramatiq's own sleeps longer and longer while its queue is empty. This one waits inside Redis: a `BLMOVE` of a
    list onto its own head changes nothing and returns as soon as the list has an element. Price: two commands per
    queue and second while idle. While Redis is away it gives a blank hint from time to time, for which a worker takes
    whatever waits. What Redis was not told of a finished hint it keeps until this process is gone; nothing waits for
    that.
    """

    def __next__(self) -> Any:
        self.misses = 0
        if not self.broker.is_fetching:
            time.sleep(LOOK_SECONDS)
            return None
        try:
            with self.broker.link.reaching():
                return self._next()
        except RedisAway:
            time.sleep(LOOK_SECONDS)
            return self._blank()

    def ack(self, message: Any) -> None:
        self._settle(message, super().ack)

    def nack(self, message: Any) -> None:
        self._settle(message, super().nack)

    def requeue(self, messages: Any) -> None:
        try:
            with self.broker.link.reaching():
                super().requeue([message for message in messages if not _is_blank(message)])
        except RedisAway as error:
            logger.warning("hints_not_given_back", error=str(error))

    def _next(self) -> Any:
        if not self.message_cache and self.outstanding_message_count < self.prefetch:
            queue = f"{self.broker.namespace}:{self.queue_name}"
            self.broker.link.waiting.blmove(queue, queue, self.timeout / 1000, "LEFT", "LEFT")
            if not self.broker.is_fetching:
                return None
        try:
            return super().__next__()
        except ConnectionClosed as closed:
            raise redis.ConnectionError(str(closed)) from None

    def _blank(self) -> MessageProxy | None:
        lane = q_name(self.queue_name)
        if lane != self.queue_name or self.outstanding_message_count >= self.prefetch:
            return None
        message: Message[None] = Message(
            queue_name=lane, actor_name=ACTOR, args=("", lane), kwargs={}, options=dict(BLANK)
        )
        self.queued_message_ids.add(message.message_id)
        return MessageProxy(message)

    def _settle(self, message: Any, settle: Callable[[Any], None]) -> None:
        try:
            if not _is_blank(message):
                with self.broker.link.reaching():
                    settle(message)
        except (RedisAway, DramatiqError) as error:
            logger.warning("hint_not_settled", error=str(error))
        finally:
            self.queued_message_ids.discard(message.message_id)


Lanes: TypeAlias = MemoryLanes | RedisLanes
"""A broker with both lanes, each with a bound on the hints that a process takes at a time."""


def _is_blank(message: Any) -> bool:
    return "blank" in message.options
