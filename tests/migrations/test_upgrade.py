from typing import Any

import pytest
from alembic import command
from sqlalchemy import MetaData, Table, inspect, text

from storage.claiming import claim_next
from storage.clock import after
from storage.database import Database
from storage.errors import SchemaUnknown
from storage.flow_store import store_version
from storage.lanes import Lane
from storage.log import EventLog
from storage.losing import lost_jobs, requeue
from storage.memory_stream import MemoryStream
from storage.schema import check_schema, head, migrate
from storage.secrets import Secrets
from storage.stream import StreamBounds
from tests.migrations.upgrading import PROCESSES, config, migrate_until, migrate_with_others
from tests.storage.situations import contents, terms_of

PATIENCE = 60.0
FIRST_RELEASE = "0001"


def tables_of(database: Database) -> list[str]:
    with database.read() as connection:
        return inspect(connection).get_table_names()


def columns_of_jobs(database: Database) -> list[str]:
    with database.read() as connection:
        return [str(column["name"]) for column in inspect(connection).get_columns("jobs")]


def kill_migration(url: str, statement: str) -> None:
    """Ends a process with kill -9 that migrates and is about to execute a statement."""
    reached = PROCESSES.Event()
    process = PROCESSES.Process(target=migrate_until, args=(url, statement, reached))
    process.start()
    assert reached.wait(PATIENCE)
    process.kill()
    process.join()


class OfTheFirstRelease:
    """Adds jobs as the first release does, which knows the columns that there were then."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._owned = {"user_id": "first", "version_id": store_version(database, {"nodes": [], "edges": []})}
        with database.durable() as connection:
            users = Table("users", MetaData(), autoload_with=connection)
            self._jobs = Table("jobs", MetaData(), autoload_with=connection)
            user = {"id": "first", "name": "first", "is_superuser": True, "created_at": after(0)}
            connection.execute(users.insert().values(user))

    def add(self, job_id: str, **given: Any) -> None:
        row = {
            "id": job_id, "flow_id": "f", "mode": "background", "session_id": "s", "request": "{}",
            "expose_graph_state": True, "stream_protocol": "langflow", "seq": 0, "fence": 0, "attempts": 0,
            "hinted_at": after(0), "created_at": after(0), **self._owned, **given,
        }  # fmt: skip
        with self._database.durable() as connection:
            connection.execute(self._jobs.insert().values(row))


def test_eight_processes_that_migrate_at_once_do_it_once(blank_url: str, blank: Database) -> None:
    """E6."""
    barrier = PROCESSES.Barrier(8, timeout=PATIENCE)
    processes = [PROCESSES.Process(target=migrate_with_others, args=(blank_url, barrier)) for _ in range(8)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0] * 8
    check_schema(blank)
    assert not any(contents(blank).values())


@pytest.mark.parametrize("statement", ["CREATE TABLE jobs", "CREATE TABLE sweeps", "UPDATE alembic_version"])
def test_an_upgrade_that_is_killed_leaves_nothing_and_the_next_one_succeeds(
    blank_url: str, blank: Database, statement: str
) -> None:
    """E5: kill -9 in the middle of the tables, at the last one, and before the revision is written down."""
    kill_migration(blank_url, statement)
    assert tables_of(blank) == []
    migrate(blank)
    check_schema(blank)


@pytest.mark.parametrize("statement", ["CREATE INDEX jobs_waiting", "CREATE TABLE sweeps", "UPDATE alembic_version"])
def test_an_upgrade_of_a_release_that_is_killed_leaves_that_release(
    blank_url: str, blank: Database, statement: str
) -> None:
    """E5."""
    command.upgrade(config(blank), FIRST_RELEASE)
    before = tables_of(blank), columns_of_jobs(blank)
    kill_migration(blank_url, statement)
    assert (tables_of(blank), columns_of_jobs(blank)) == before
    migrate(blank)
    check_schema(blank)


def test_jobs_of_the_first_release_go_on_after_the_upgrade_and_it_may_add_further_ones(
    blank: Database, secrets: Secrets
) -> None:
    """E9: web processes of the release before are still there when the database is migrated."""
    command.upgrade(config(blank), FIRST_RELEASE)
    first = OfTheFirstRelease(blank)
    first.add("waits", status="queued")
    first.add("lost", status="in_progress", fence=1, attempts=1, worker="gone", lease_until=after(-1))
    migrate(blank)
    first.add("later", status="queued")
    log = EventLog(blank, MemoryStream(StreamBounds(), lambda: 0.0))
    assert [requeue(log, lost.job_id) for lost in lost_jobs(blank)] == [True]
    won = [claim_next(log, Lane.BACKGROUND, terms_of("a-worker"), []) for _ in range(4)]
    assert [one and (one.job_id, one.fence) for one in won] == [("lost", 3), ("waits", 1), ("later", 1), None]


def test_migrating_again_changes_nothing(database: Database) -> None:
    before = contents(database), tables_of(database)
    migrate(database)
    assert (contents(database), tables_of(database)) == before


def test_a_database_that_no_migration_has_seen_is_refused(blank: Database) -> None:
    with pytest.raises(SchemaUnknown, match="none"):
        check_schema(blank)


def test_a_database_at_another_revision_is_refused_and_both_are_named(database: Database) -> None:
    with database.durable() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(SchemaUnknown, match=f"9999.*{head()}.*start the release that migrated it"):
        check_schema(database)
