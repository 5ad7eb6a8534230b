"""The workers of one process: broker, middleware and the one actor, put together."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

from dramatiq import Actor, Middleware

from actors.broker import Lanes, make_broker
from actors.builder import FlowBuilder
from actors.hints import ACTOR, Hints
from actors.journal import PassJournal
from actors.lanes import bounds
from actors.loops import Loops
from actors.middleware.drain import Drain
from actors.middleware.heartbeat import Heartbeat
from actors.middleware.lease import Lease
from actors.middleware.suspension import Suspension
from actors.middleware.sweeper import Sweeper
from actors.running import Pass, RunningPasses
from flows.execution.engine import Progress
from flows.models.defaults import ModelDefaults
from flows.outbound.policy import OutboundPolicy
from flows.run import Clock
from storage.claiming import Terms
from storage.knowledge_index import Indexes
from storage.lanes import Lane
from storage.store import Store


@dataclass(frozen=True)
class WorkforceConfig:
    """How the workers of a process work. Times are seconds. `sweep_seconds` None leaves all jobs that stand still to
    others; `vertex_seconds` None lets a vertex take as long as it wants; `clock_skew_seconds` is for tests, and turns
    the wall clock of the runs."""

    threads: int
    lease_seconds: float
    heartbeat_seconds: float
    sweep_seconds: float | None
    grace_seconds: float
    max_attempts: int
    max_parallel: int
    model_defaults: ModelDefaults = field(repr=False)
    vertex_seconds: float | None = None
    input_seconds: float | None = None
    """How long a job may wait for a person; None for as long as it takes."""
    outbound: OutboundPolicy = OutboundPolicy()
    """Where flows may call."""
    search_endpoint: str | None = None
    """Where searches are asked; None for public ones."""
    arxiv_endpoint: str | None = None
    """Where papers are searched; None for arXiv."""
    sql_folder: Path | None = None
    """Where the SQLite files are that flows may read."""
    embedding_model: str = "text-embedding-3-small"
    """What new knowledge bases are made with, where an endpoint has it."""
    clock_skew_seconds: float = 0.0


def make_workforce(store: Store, config: WorkforceConfig) -> Lanes:
    """A broker with the actor `build_flow` on it; a `dramatiq.Worker` on this broker does the work."""
    running, loops = RunningPasses(), Loops(config.outbound)
    store.control.listen(running.hear)
    broker = make_broker(store.redis, [*_middleware(store, config, running), loops], bounds(config.threads))
    hints = Hints(broker, store.log.reached)
    builder = FlowBuilder(
        log=store.log,
        graphs=store.graphs,
        files=store.files,
        secrets=store.secrets,
        loops=loops,
        clock=_clock(config.clock_skew_seconds),
        model_defaults=config.model_defaults,
        search_endpoint=config.search_endpoint,
        arxiv_endpoint=config.arxiv_endpoint,
        sql_folder=config.sql_folder,
        indexes=Indexes(store.database),
        embedding_model=config.embedding_model,
        max_parallel=config.max_parallel,
        hand_on=hints.send,
    )

    def build_flow(running: Pass, journal: PassJournal) -> Progress:
        return builder.build(running, journal)

    Actor(
        build_flow, broker=broker, actor_name=ACTOR, queue_name=Lane.BACKGROUND, priority=0, options={"max_retries": 0}
    )
    return broker


def hints_only(store: Store) -> Lanes:
    """A broker to send hints with, for a process that has no workers."""
    return make_broker(store.redis, [], bounds(1))


def _middleware(store: Store, config: WorkforceConfig, running: RunningPasses) -> Sequence[Middleware]:
    terms = Terms(str(uuid4()), config.lease_seconds, config.vertex_seconds)
    middleware: list[Middleware] = [
        # What stands first is put around the actor last.
        Lease(store.log, running, terms),
        Suspension(store.log),
        Heartbeat(store.database, running, terms, config.threads, config.heartbeat_seconds),
        Drain(store.log, running, config.grace_seconds),
    ]
    if config.sweep_seconds is not None:
        sweeper = Sweeper(
            store.log, store.control, terms.worker, config.max_attempts, config.sweep_seconds, config.input_seconds
        )
        middleware.append(sweeper)
    return middleware


def _clock(skew_seconds: float) -> Clock:
    skew = timedelta(seconds=skew_seconds)
    return Clock(now=lambda: datetime.now(UTC) + skew, monotonic=time.monotonic)
