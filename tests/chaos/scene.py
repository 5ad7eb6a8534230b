"""What a run takes place on: a deployment of Penstock, the services under it, and the ways to hurt each of them."""

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from copy import copy
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from tests.chaos.plan import HEARTBEAT_SECONDS, LEASE_SECONDS, MAX_ATTEMPTS, SWEEP_SECONDS, SetUp
from tests.chaos.proxy import SwallowingProxy
from tests.deployments import Deployment, Program, embedded, scaled
from tests.model_stub import ModelRequest, ModelStub, _Handler
from tests.services import PostgresServer, RedisServer, running_postgres, running_redis

TOKENS = 12
TOKEN_SECONDS = 0.06
SKEWED: dict[str, str] = {"PENSTOCK_CLOCK_SKEW_SECONDS": "60"}
MANY_THREADS: dict[str, str] = {"PENSTOCK_WORKER_THREADS": "48"}
"""The embedded set-up has one process, under which all jobs are interrupted at once: they must not wait for threads."""
SETTINGS = {
    "PENSTOCK_LEASE_SECONDS": str(LEASE_SECONDS),
    "PENSTOCK_HEARTBEAT_SECONDS": str(HEARTBEAT_SECONDS),
    "PENSTOCK_SWEEP_SECONDS": str(SWEEP_SECONDS),
    "PENSTOCK_GRACE_SECONDS": "5",
    "PENSTOCK_MAX_ATTEMPTS": str(MAX_ATTEMPTS),
    "PENSTOCK_COMPONENTS": str(Path(__file__).parent / "components"),
    "PENSTOCK_ALLOWED_HOSTS": "127.0.0.1",
}


@dataclass(frozen=True)
class Services:
    """Redis and PostgreSQL, each behind a proxy that can lose answers. `database_url` goes past the proxy."""

    redis: RedisServer
    redis_proxy: SwallowingProxy
    postgres: PostgresServer
    database_proxy: SwallowingProxy
    database_url: str


@dataclass(frozen=True)
class Scene:
    """Everything that runs. `services` is None for the embedded set-up, which needs none."""

    deployment: Deployment
    database_url: str
    services: Services | None
    ledger: Path
    model_url: str

    @property
    def programs(self) -> dict[str, Program]:
        """Every program of the deployment by name."""
        return {program.name: program for program in (*self.deployment.webs, *self.deployment.workers)}

    @property
    def urls(self) -> list[str]:
        """Where clients can ask."""
        return [web.url for web in self.deployment.webs]


class NumberedStub(ModelStub):
    """A model whose every answer has tokens of its own, so that those of two passes can be told apart."""

    def __init__(self) -> None:
        super().__init__(before_token=lambda index: time.sleep(TOKEN_SECONDS))
        self._numbers = count(1)

    def answer_to(self, request: ModelRequest, handler: "_Handler") -> None:
        number = next(self._numbers)
        own = copy(self)
        own.tokens = tuple(f"{number}.{index} " for index in range(TOKENS))
        ModelStub.answer_to(own, request, handler)


@contextmanager
def staged(set_up: SetUp, folder: Path) -> Iterator[Scene]:
    """Starts a set-up, with the files of its programs in a folder, and kills it at the end of the block."""
    with ExitStack() as stack:
        stub = stack.enter_context(NumberedStub())
        services = None if set_up is SetUp.EMBEDDED else stack.enter_context(_services())
        deployment = stack.enter_context(_deployed(folder, services))
        stack.callback(_kill_all, deployment)
        database_url = deployment.database_url if services is None else services.database_url
        yield Scene(deployment, database_url, services, folder / "ledger.jsonl", stub.url)


@contextmanager
def _services() -> Iterator[Services]:
    with ExitStack() as stack:
        redis = stack.enter_context(running_redis(durable=True))
        postgres = stack.enter_context(running_postgres(durable=True))
        database_url = postgres.create("chaos")
        yield Services(
            redis=redis,
            redis_proxy=stack.enter_context(SwallowingProxy(redis.url)),
            postgres=postgres,
            database_proxy=stack.enter_context(SwallowingProxy(database_url)),
            database_url=database_url,
        )


@contextmanager
def _deployed(folder: Path, services: Services | None) -> Iterator[Deployment]:
    if services is None:
        with embedded(folder, SETTINGS | MANY_THREADS) as deployment:
            yield deployment
        return
    ways = services.redis_proxy.url, services.database_proxy.url
    with scaled(folder, SETTINGS, *ways, of_workers=({}, {}, SKEWED)) as deployment:
        yield deployment


def _kill_all(deployment: Deployment) -> None:
    """What is to be known is known: nobody waits for a graceful end."""
    for program in (*deployment.webs, *deployment.workers):
        program.kill()
