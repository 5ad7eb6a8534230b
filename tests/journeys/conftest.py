"""The set-ups that journeys drive: one embedded and one scaled Penstock per session, and fresh ones for the rough."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias
from uuid import uuid4

import pytest

from tests import services
from tests.chaos.ledger import Line
from tests.deployments import Deployment, Program, embedded, scaled
from tests.journeys.gated import SETTING, Gate
from tests.model_stub import ModelStub
from tests.reading import Client
from tests.services import PostgresServer, RedisServer

SETUPS = ("embedded", pytest.param("scaled", marks=pytest.mark.real_services))
Deploy: TypeAlias = Callable[..., AbstractContextManager[Deployment]]
QUICK = {
    "PENSTOCK_LEASE_SECONDS": "2",
    "PENSTOCK_HEARTBEAT_SECONDS": "0.5",
    "PENSTOCK_SWEEP_SECONDS": "0.3",
    "PENSTOCK_GRACE_SECONDS": "2",
}
"""Times for journeys on which processes are lost."""


@dataclass(frozen=True)
class Rough:
    """A scaled Penstock and what it stands on, to be treated badly."""

    deployment: Deployment
    redis: RedisServer
    postgres: PostgresServer

    def is_whole(self) -> bool:
        """Whether every process has lived until now."""
        return all(program.is_running for program in (*self.deployment.webs, *self.deployment.workers))

    def worker_of(self, line: Line) -> Program:
        """The worker program that wrote a line of the ledger."""
        return next(worker for worker in self.deployment.workers if worker.group == line.group)


def settings_of(stub: ModelStub) -> dict[str, str]:
    """What makes a deployment ask this model."""
    return {"PENSTOCK_MODEL_BASE_URL": stub.url, "PENSTOCK_MODEL_NAME": "stub"}


@pytest.fixture(scope="session")
def shared_stub() -> Iterator[ModelStub]:
    """The model endpoint of the shared deployments."""
    with ModelStub() as stub:
        yield stub


@pytest.fixture
def stub(shared_stub: ModelStub) -> Iterator[ModelStub]:
    """The model endpoint, with its first answer again after each test."""
    tokens, before_token = shared_stub.tokens, shared_stub.before_token
    shared_stub.requests.clear()
    yield shared_stub
    shared_stub.tokens, shared_stub.before_token = tokens, before_token


@pytest.fixture(scope="session")
def deploying(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Deploy:
    """Starts a deployment of a kind with settings; in it everything is its own."""

    @contextmanager
    def start(kind: str, **settings: str) -> Iterator[Deployment]:
        folder = tmp_path_factory.mktemp(kind)
        if kind == "embedded":
            with embedded(folder, settings) as deployment:
                yield deployment
            return
        services.require()
        postgres = request.getfixturevalue("postgres_server")
        with ExitStack() as stack:
            redis = stack.enter_context(services.running_redis())
            url = postgres.create(f"journey-{uuid4()}")
            yield stack.enter_context(scaled(folder, settings, redis.url, url))

    return start


@pytest.fixture(scope="session")
def shared_deployments(deploying: Deploy, shared_stub: ModelStub) -> Iterator[Callable[[str], Deployment]]:
    """Deployments by kind, each started on first use and kept for the session."""
    running: dict[str, Deployment] = {}
    with ExitStack() as stack:

        def get(kind: str) -> Deployment:
            if kind not in running:
                settings = {"PENSTOCK_SWEEP_SECONDS": "1", **SETTING, **settings_of(shared_stub)}
                running[kind] = stack.enter_context(deploying(kind, **settings))
            return running[kind]

        yield get


@pytest.fixture(params=SETUPS)
def kind(request: pytest.FixtureRequest) -> str:
    """Embedded, then scaled."""
    return str(request.param)


@pytest.fixture
def deployment(kind: str, shared_deployments: Callable[[str], Deployment]) -> Deployment:
    """A Penstock that other journeys use too: leave it as it was."""
    return shared_deployments(kind)


@pytest.fixture
def client(deployment: Deployment) -> Iterator[Client]:
    """A client of the first web process."""
    with closing(Client(deployment.url)) as connected:
        yield connected


@pytest.fixture
def other_client(deployment: Deployment) -> Iterator[Client]:
    """A client of another web process, where there is one."""
    with closing(Client(deployment.other_url)) as connected:
        yield connected


@pytest.fixture(scope="session")
def shared_rough(tmp_path_factory: pytest.TempPathFactory, worker_id: str, shared_stub: ModelStub) -> Iterator[Rough]:
    services.require()
    shared = None if worker_id == "master" else tmp_path_factory.getbasetemp().parent
    settings = {**QUICK, **SETTING, **settings_of(shared_stub)}
    with services.running_redis() as redis, services.running_postgres(shared) as postgres:
        url = postgres.create("rough")
        with scaled(tmp_path_factory.mktemp("rough"), settings, redis.url, url) as deployment:
            yield Rough(deployment, redis, postgres)


@pytest.fixture
def rough(shared_rough: Rough, stub: ModelStub) -> Iterator[Rough]:
    """A scaled Penstock that may be treated badly; whatever does not run afterwards is started again."""
    yield shared_rough
    shared_rough.deployment.start()


@pytest.fixture
def here(rough: Rough) -> Iterator[Client]:
    """A client of the first web process that is treated badly."""
    with closing(Client(rough.deployment.url)) as connected:
        yield connected


@pytest.fixture
def there(rough: Rough) -> Iterator[Client]:
    """A client of the second one."""
    with closing(Client(rough.deployment.other_url)) as connected:
        yield connected


@pytest.fixture
def gate(tmp_path: Path) -> Iterator[Gate]:
    """A gate that opens with the end of the test at the latest."""
    held = Gate(tmp_path)
    yield held
    held.open()


@pytest.fixture(scope="session")
def starter_flows() -> Path:
    return Path(__file__).parent.parent.parent.parent / "shared" / "starter_flows"
