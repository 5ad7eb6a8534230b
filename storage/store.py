"""Everything that is stored, opened together: what both the web and the workers are given."""

import time
from dataclasses import dataclass, field

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

import flows.components
from flows.limits import Limits
from flows.registry import Registry, discover
from storage.control import Control, MemoryControl, RedisControl
from storage.database import Database
from storage.graphs import Graphs
from storage.log import EventLog
from storage.memory_stream import MemoryStream
from storage.redis_stream import RedisStream
from storage.secrets import Secrets
from storage.stream import EventStream, StreamBounds

REQUEST_SECONDS = 1.0
"""How long a command on the path of a request or a run may take before the stream counts as away."""
WAITING_SECONDS = 10.0
"""Socket time-out of connections that wait inside Redis; longer than any wait."""


@dataclass(frozen=True)
class StoreConfig:
    """What a store is opened with. `redis_url` None means memory."""

    database_url: str
    redis_url: str | None
    secret_keys: list[str] = field(repr=False)
    limits: Limits = Limits()
    bounds: StreamBounds = StreamBounds()


@dataclass(frozen=True)
class Store:
    """The opened store of one process. Nothing in it belongs to an event loop; all of it may be used by any thread."""

    database: Database
    stream: EventStream
    control: Control
    log: EventLog
    secrets: Secrets
    registry: Registry
    graphs: Graphs
    redis_url: str | None

    def close(self) -> None:
        self.control.close()
        self.stream.close()
        self.database.close()


def open_store(config: StoreConfig) -> Store:
    """Opens the store; connections are made on first use."""
    database = Database(config.database_url)
    registry = Registry(discover(flows.components))
    stream, control = _channels(config)
    return Store(
        database=database,
        stream=stream,
        control=control,
        log=EventLog(database, stream),
        secrets=Secrets(config.secret_keys),
        registry=registry,
        graphs=Graphs(database, registry, config.limits),
        redis_url=config.redis_url,
    )


def quick_redis(url: str) -> redis.Redis:
    """A client for the path of requests: short time-outs, one try, no retry that could hide a lost reply (fault A2)."""
    return _client(url, REQUEST_SECONDS)


def waiting_redis(url: str) -> redis.Redis:
    """A client for connections that wait inside Redis."""
    return _client(url, WAITING_SECONDS)


def _client(url: str, seconds: float) -> redis.Redis:
    client: redis.Redis = redis.Redis.from_url(
        url, socket_timeout=seconds, socket_connect_timeout=REQUEST_SECONDS, retry=Retry(NoBackoff(), 0)
    )
    return client


def _channels(config: StoreConfig) -> tuple[EventStream, Control]:
    url = config.redis_url
    if url is None:
        return MemoryStream(config.bounds, time.monotonic), MemoryControl()
    return (
        RedisStream(quick_redis(url), waiting_redis(url), config.bounds),
        RedisControl(quick_redis(url), waiting_redis(url)),
    )
