"""The workers of one process: broker, middleware and the one actor, put together."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import uuid4

from dramatiq import Actor, Broker, Middleware

from actors.broker import make_broker
from actors.builder import FlowBuilder
from actors.hints import ACTOR
from actors.lanes import Lane, bounds
from actors.loops import Loops
from actors.middleware.heartbeat import Heartbeat
from actors.middleware.lease import Lease
from actors.middleware.sweeper import Sweeper
from actors.running import Pass, RunningPasses
from flows.context import Clock
from flows.models import ModelDefaults
from storage.store import Store, quick_redis, waiting_redis


@dataclass(frozen=True)
class WorkforceConfig:
    """How the workers of a process work."""

    threads: int
    lease_seconds: float
    heartbeat_seconds: float
    sweep_seconds: float
    max_parallel: int
    model_defaults: ModelDefaults = field(repr=False)


def make_workforce(store: Store, config: WorkforceConfig) -> Broker:
    """A broker with the actor `build_flow` on it; a `dramatiq.Worker` on this broker does the work."""
    running, loops = RunningPasses(), Loops()
    store.control.listen(running.lose)
    client = waiting_redis(store.redis_url) if store.redis_url else None
    broker = make_broker(client, [*_middleware(store, config, running), loops], bounds(config.threads))
    builder = FlowBuilder(
        log=store.log,
        graphs=store.graphs,
        secrets=store.secrets,
        loops=loops,
        clock=Clock(now=lambda: datetime.now(UTC), monotonic=time.monotonic),
        model_defaults=config.model_defaults,
        max_parallel=config.max_parallel,
    )

    def build_flow(running: Pass) -> None:
        builder.build(running)

    Actor(
        build_flow, broker=broker, actor_name=ACTOR, queue_name=Lane.BACKGROUND, priority=0, options={"max_retries": 0}
    )
    return broker


def hints_only(store: Store) -> Broker:
    """A broker to send hints with, for a process that has no workers. A slow Redis does not hold its requests."""
    client = quick_redis(store.redis_url) if store.redis_url else None
    return make_broker(client, [], bounds(1))


def _middleware(store: Store, config: WorkforceConfig, running: RunningPasses) -> Sequence[Middleware]:
    worker = str(uuid4())
    return [
        Lease(store.log, running, worker, config.lease_seconds),
        Heartbeat(store.database, running, config.heartbeat_seconds, config.lease_seconds),
        Sweeper(store.log, store.control, running, bounds(config.threads), config.sweep_seconds),
    ]
