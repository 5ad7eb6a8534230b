from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from uuid import uuid4

import pytest

from storage.database import Database
from tests.conftest import MIGRATED
from tests.services import PostgresServer


@pytest.fixture
def postgres_url(postgres_server: PostgresServer) -> Iterator[str]:
    """A migrated PostgreSQL database of the test's own: its schema may be changed."""
    name = f"own-{uuid4()}"
    yield postgres_server.create(name, MIGRATED)
    postgres_server.drop(name)


@pytest.fixture
def blank_sqlite(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'blank.db'}"


@pytest.fixture
def blank_postgres(postgres_server: PostgresServer) -> Iterator[str]:
    name = f"blank-{uuid4()}"
    yield postgres_server.create(name)
    postgres_server.drop(name)


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.real_services)])
def blank_url(request: pytest.FixtureRequest) -> str:
    """A database of each kind that no migration has seen."""
    url: str = request.getfixturevalue(f"blank_{request.param}")
    return url


@pytest.fixture
def blank(blank_url: str) -> Iterator[Database]:
    with closing(Database(blank_url)) as database:
        yield database
