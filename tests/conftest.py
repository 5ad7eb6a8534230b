"""What all rooms' tests stand on: real services, migrated databases, both streams, and a check that nothing leaks.

A test that asks for `redis_url` or `postgres_url` carries the marker `real_services` by that alone.
"""

import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import redis
from sqlalchemy import event
from sqlalchemy.pool import Pool
from sqlmodel import SQLModel

from storage.database import Database
from storage.first_user import ensure_local_user
from storage.flow_store import store_version
from storage.log import EventLog
from storage.memory_stream import MemoryStream
from storage.redis_link import RedisLink
from storage.redis_stream import RedisStream
from storage.schema import migrate
from storage.secrets import Secrets, new_key
from storage.states import Mode
from storage.stream import EventStream, StreamBounds
from storage.submitting import NewJob
from tests import services
from tests.node import installing
from tests.node.agui_client import AguiClient
from tests.services import PostgresServer, RedisServer

REAL = pytest.mark.real_services
DATABASES = ("sqlite", pytest.param("postgresql", marks=REAL))
STREAMS = ("memory", pytest.param("redis", marks=REAL))
MIGRATED = "migrated"
_TABLES = [table.name for table in reversed(SQLModel.metadata.sorted_tables)]


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if {"redis_url", "postgres_url"} & set(getattr(item, "fixturenames", ())):
            item.add_marker(REAL)


def pytest_runtest_setup(item: pytest.Item) -> None:
    if item.get_closest_marker("real_services"):
        services.require()


@pytest.fixture(autouse=True)
def _every_connection_returns() -> Iterator[None]:
    """Fails a test after which a connection is still checked out of the pool of any engine."""
    held: set[int] = set()

    def checked_out(connection: object, record: object, proxy: object) -> None:
        held.add(id(record))

    def checked_in(connection: object, record: object) -> None:
        held.discard(id(record))

    event.listen(Pool, "checkout", checked_out)
    event.listen(Pool, "checkin", checked_in)
    yield
    event.remove(Pool, "checkout", checked_out)
    event.remove(Pool, "checkin", checked_in)
    assert not held, f"{len(held)} connections were never given back"


@pytest.fixture(scope="session")
def redis_server() -> Iterator[RedisServer]:
    with services.running_redis() as server:
        yield server


@pytest.fixture(scope="session")
def postgres_server(worker_id: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    """A server whose database `migrated` is at the newest revision. One `initdb` serves all workers of a session."""
    shared = None if worker_id == "master" else tmp_path_factory.getbasetemp().parent
    with services.running_postgres(shared) as server:
        with closing(Database(server.create(MIGRATED))) as template:
            migrate(template)
        yield server


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sqlite") / "migrated.db"
    with closing(Database(f"sqlite:///{path}")) as template:
        migrate(template)
    return path


@pytest.fixture(scope="session")
def node_folder() -> Path:
    """The folder in which `node` finds the packages of tests/node/package.json."""
    return installing.require()


@pytest.fixture(scope="session")
def agui_client(node_folder: Path) -> Iterator[AguiClient]:
    """The AG-UI client as it is published."""
    with closing(AguiClient(node_folder)) as started:
        yield started


@pytest.fixture
def redis_url(redis_server: RedisServer) -> str:
    """An empty Redis."""
    with redis.Redis.from_url(redis_server.url) as client:
        client.flushall()
    return redis_server.url


@pytest.fixture
def postgres_url(postgres_server: PostgresServer) -> Iterator[str]:
    """An empty, migrated PostgreSQL database: always the same one, for emptying is quicker than copying."""
    yield postgres_server.url_of(MIGRATED)
    postgres_server.empty(MIGRATED, _TABLES)


@pytest.fixture
def sqlite_url(sqlite_template: Path, tmp_path: Path) -> str:
    """A fresh, migrated SQLite database."""
    return f"sqlite:///{shutil.copy(sqlite_template, tmp_path / 'penstock.db')}"


@pytest.fixture(params=DATABASES)
def database_url(request: pytest.FixtureRequest) -> str:
    """A fresh, migrated database of each kind."""
    url: str = request.getfixturevalue("sqlite_url" if request.param == "sqlite" else "postgres_url")
    return url


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    with closing(Database(database_url)) as opened:
        yield opened


@pytest.fixture
def bounds() -> StreamBounds:
    """How much the streams keep; a module that tests the bounds gives its own."""
    return StreamBounds()


@pytest.fixture(params=STREAMS)
def stream(request: pytest.FixtureRequest, bounds: StreamBounds) -> Iterator[EventStream]:
    """An empty event stream of each kind."""
    with closing(_stream(request, bounds)) as opened:
        yield opened


def _stream(request: pytest.FixtureRequest, bounds: StreamBounds) -> EventStream:
    if request.param == "memory":
        return MemoryStream(bounds, time.monotonic)
    url = request.getfixturevalue("redis_url")
    return RedisStream(RedisLink(url), bounds)


@pytest.fixture
def log(database: Database, stream: EventStream) -> EventLog:
    return EventLog(database, stream)


@pytest.fixture
def secrets() -> Secrets:
    return Secrets([new_key()])


@pytest.fixture
def user_id(database: Database, secrets: Secrets) -> str:
    """The first user, stored."""
    return ensure_local_user(database, secrets, None).user_id


@pytest.fixture
def version_id(database: Database) -> str:
    """A stored version that no test of the storage reads."""
    return store_version(database, {"nodes": [], "edges": []})


@pytest.fixture
def new_job(user_id: str, version_id: str) -> Callable[..., NewJob]:
    """Builds jobs that may be submitted, each with its own id; whatever matters to the test is given by name."""

    def build(**given: Any) -> NewJob:
        job = NewJob(
            id=str(uuid4()),
            user_id=user_id,
            flow_id="a-flow",
            version_id=version_id,
            mode=Mode.BACKGROUND,
            session_id="a-session",
            request="{}",
        )
        return replace(job, **given)

    return build
