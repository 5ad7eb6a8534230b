"""Workers on both set-ups: SQLite with everything in memory, PostgreSQL with Redis."""

from collections.abc import Callable, Iterator
from contextlib import closing

import pytest

from storage.secrets import new_key
from storage.store import Store, StoreConfig
from tests.actors.stage import Stage, open_staged
from tests.actors.workplace import Workplace, working


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """One database for the parts; the whole runs on both, and what a transition does is tested in `tests/storage`."""
    return sqlite_url


@pytest.fixture
def stage() -> Stage:
    return Stage()


@pytest.fixture(params=["embedded", pytest.param("scaled", marks=pytest.mark.real_services)])
def opening(request: pytest.FixtureRequest, stage: Stage) -> Callable[[], Store]:
    """Opens the store of a process; every process has its own, on the same database and Redis."""
    scaled = request.param == "scaled"
    url = request.getfixturevalue("postgres_url" if scaled else "sqlite_url")
    redis_url = request.getfixturevalue("redis_url") if scaled else None
    config = StoreConfig(url, redis_url, [new_key()])
    return lambda: open_staged(config, stage)


@pytest.fixture
def store(opening: Callable[[], Store]) -> Iterator[Store]:
    with closing(opening()) as opened:
        yield opened


@pytest.fixture
def workplace(store: Store) -> Iterator[Workplace]:
    with working(store) as running:
        yield running
