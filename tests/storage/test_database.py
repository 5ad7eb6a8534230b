import stat
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, closing
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import Connection, insert, select, text
from sqlalchemy.exc import IntegrityError, SQLAlchemyError
from sqlmodel import col

from storage.clock import now
from storage.database import POOL_SIZE, Database, normalized
from storage.tables import User
from tests.storage.situations import another_user, at_once, contents


@pytest.mark.parametrize(
    ("given", "driver"),
    [
        ("postgres://user:p%40ss@host:5432/name?sslmode=require", "postgresql+psycopg"),
        ("postgresql://host/name", "postgresql+psycopg"),
        ("postgresql+psycopg://host/name", "postgresql+psycopg"),
        ("sqlite:///file.db", "sqlite"),
    ],
)
def test_a_url_gets_the_driver_that_is_installed_and_keeps_the_rest(given: str, driver: str) -> None:
    url = normalized(given)
    assert url.drivername == driver
    assert url.render_as_string(hide_password=False).partition("://")[2] == given.partition("://")[2]


def test_a_url_as_hosting_providers_write_it_connects(postgres_url: str) -> None:
    with closing(Database(postgres_url.replace("postgresql://", "postgres://"))) as database:
        assert not database.is_sqlite
        assert contents(database)["jobs"] == []


def test_a_new_sqlite_file_and_its_log_are_its_owners_only(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'new' / 'penstock.db'}"
    with closing(Database(url)) as database, database.durable() as connection:
        connection.execute(text("CREATE TABLE t (x)"))
        modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in (tmp_path / "new").iterdir()}
    assert modes == dict.fromkeys(("penstock.db", "penstock.db-shm", "penstock.db-wal"), 0o600)
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o700


def test_a_transaction_that_fails_leaves_nothing(database: Database) -> None:
    before = contents(database)
    for begin in (database.durable, database.relaxed):
        with pytest.raises(ZeroDivisionError), begin() as connection:
            _store_then_fail(connection)
    assert contents(database) == before


def _store_then_fail(connection: Connection) -> None:
    connection.execute(insert(User).values(id="x", name="x", is_superuser=False, created_at=now()))
    raise ZeroDivisionError


def test_what_is_committed_is_seen_by_every_reader(database: Database) -> None:
    with database.read() as reading:
        user_id = another_user(database)
        assert reading.execute(select(col(User.id))).scalars().all() == [user_id]


def test_reading_waits_for_no_writer(database: Database) -> None:
    with database.durable() as writing:
        writing.execute(insert(User).values(id="x", name="x", is_superuser=False, created_at=now()))
        assert contents(database)["users"] == []


def test_promises_are_written_through(database: Database) -> None:
    """Repeatable work waits for the disk in PostgreSQL only, whose crash others survive; 2 is FULL, 1 is NORMAL."""
    setting = "PRAGMA synchronous" if database.is_sqlite else "SHOW synchronous_commit"
    with database.durable() as connection:
        durable = connection.execute(text(setting)).scalar_one()
    with database.relaxed() as connection:
        relaxed = connection.execute(text(setting)).scalar_one()
    assert (durable, relaxed) == ((2, 1) if database.is_sqlite else ("on", "on"))


def test_a_row_cannot_refer_to_what_is_not_there(database: Database) -> None:
    with pytest.raises(IntegrityError), database.durable() as connection:
        connection.execute(text("INSERT INTO execution_signals VALUES (1, 'nowhere', 'stop', 'x', '2020-01-01', NULL)"))


def test_writers_of_two_processes_wait_for_each_other_and_lose_nothing(sqlite_url: str) -> None:
    """E2: each reads and then writes, which a deferred transaction would be refused. Two `Database` share no lock."""
    with closing(Database(sqlite_url)) as one, closing(Database(sqlite_url)) as other:
        with one.durable() as connection:
            connection.execute(text("CREATE TABLE counted (number INTEGER)"))
            connection.execute(text("INSERT INTO counted VALUES (0)"))
        begins = [one.durable, one.relaxed, other.durable, other.relaxed] * 2
        for race in at_once([partial(_count_up, begin, times=10) for begin in begins]):
            race.result()
        with one.read() as connection:
            assert connection.execute(text("SELECT number FROM counted")).scalar_one() == 80


def _count_up(begin: Callable[[], AbstractContextManager[Connection]], times: int) -> None:
    for _ in range(times):
        with begin() as connection:
            number = connection.execute(text("SELECT number FROM counted")).scalar_one()
            connection.execute(text("UPDATE counted SET number = :number"), {"number": number + 1})


@pytest.mark.parametrize("is_same_process", [True, False])
def test_a_writer_that_waits_too_long_for_a_lock_is_told_so(
    database_url: str, monkeypatch: pytest.MonkeyPatch, is_same_process: bool
) -> None:
    """Fault LOCK: it neither hangs nor leaves anything behind, and goes on when the lock is free."""
    monkeypatch.setattr("storage.database.BUSY_MILLISECONDS", 100)
    with closing(Database(database_url)) as one, closing(Database(database_url)) as other:
        waiting = one if is_same_process else other
        with one.durable() as holding, ThreadPoolExecutor(1) as thread:
            if not one.is_sqlite:
                holding.execute(text("LOCK TABLE users"))
            with pytest.raises(SQLAlchemyError):
                thread.submit(another_user, waiting).result()
        user_id = another_user(waiting)
        assert [row[0] for row in contents(one)["users"]] == [user_id]


def test_more_writers_than_connections_all_get_their_turn(database: Database) -> None:
    """I10."""
    for race in at_once([partial(another_user, database)] * (POOL_SIZE + 8)):
        race.result()
    assert len(contents(database)["users"]) == POOL_SIZE + 8
