"""Everything that is stored, opened together: what both the web and the workers are given."""

import time
from dataclasses import dataclass, field
from pathlib import Path

from flows.limits import Limits
from flows.registry import Registry
from storage.components import ComponentSources, load_registry
from storage.control import Control, MemoryControl, RedisControl
from storage.database import Database
from storage.files import FileBounds, Files
from storage.graphs import Graphs
from storage.hash_key import hashing_secrets
from storage.kill_points import KillPoint, unarmed
from storage.log import EventLog
from storage.memory_stream import MemoryStream
from storage.redis_link import RedisLink
from storage.redis_stream import RedisStream
from storage.secrets import Secrets
from storage.stream import EventStream, StreamBounds


@dataclass(frozen=True)
class StoreConfig:
    """What a store is opened with. `redis_url` None means memory."""

    database_url: str = field(repr=False)
    redis_url: str | None = field(repr=False)
    secret_keys: list[str] = field(repr=False)
    limits: Limits = Limits()
    bounds: StreamBounds = StreamBounds()
    files: Path = Path(".penstock") / "files"
    """Where uploaded files lie; processes on several hosts must share it."""
    file_bounds: FileBounds = FileBounds()
    components: ComponentSources = ComponentSources()
    kill_point: str | None = None


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
    files: Files
    redis: RedisLink | None
    """None for a store in memory."""

    def close(self) -> None:
        self.control.close()
        self.stream.close()
        self.database.close()


def open_store(config: StoreConfig) -> Store:
    """Opens the store; connections are made on first use."""
    database = Database(config.database_url)
    registry = load_registry(config.components)
    link = RedisLink(config.redis_url) if config.redis_url else None
    stream, control = _channels(config.bounds, link)
    return Store(
        database=database,
        stream=stream,
        control=control,
        log=EventLog(database, stream, KillPoint(config.kill_point) if config.kill_point else unarmed),
        secrets=hashing_secrets(database, config.secret_keys),
        registry=registry,
        graphs=Graphs(database, registry, config.limits),
        files=Files(database, config.files, config.file_bounds),
        redis=link,
    )


def _channels(bounds: StreamBounds, link: RedisLink | None) -> tuple[EventStream, Control]:
    if link is None:
        return MemoryStream(bounds, time.monotonic), MemoryControl()
    return RedisStream(link, bounds), RedisControl(link)
