"""The set-ups that journeys drive: one embedded and one scaled Penstock per session, and fresh ones for the rough."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from pathlib import Path
from typing import TypeAlias
from uuid import uuid4

import pytest

from tests import services
from tests.deployments import Deployment, embedded, scaled
from tests.model_stub import ModelStub
from tests.reading import Client

SETUPS = ("embedded", pytest.param("scaled", marks=pytest.mark.real_services))
Deploy: TypeAlias = Callable[..., AbstractContextManager[Deployment]]


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
                model = {"PENSTOCK_MODEL_BASE_URL": shared_stub.url, "PENSTOCK_MODEL_NAME": "stub"}
                running[kind] = stack.enter_context(deploying(kind, PENSTOCK_SWEEP_SECONDS="1", **model))
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
def starter_flows() -> Path:
    return Path(__file__).parent.parent.parent.parent / "shared" / "starter_flows"
