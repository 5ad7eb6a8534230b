import pytest
from sqlalchemy import inspect, text

from storage.database import Database
from storage.errors import SchemaUnknown
from storage.schema import check_schema, head, migrate
from tests.migrations.upgrading import PROCESSES, migrate_until, migrate_with_others
from tests.storage.situations import contents

PATIENCE = 60.0


def tables_of(database: Database) -> list[str]:
    with database.read() as connection:
        return inspect(connection).get_table_names()


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


@pytest.mark.parametrize(
    "statement", ["CREATE TABLE jobs", "CREATE TABLE vertex_results", "INSERT INTO alembic_version"]
)
def test_an_upgrade_that_is_killed_leaves_nothing_and_the_next_one_succeeds(
    blank_url: str, blank: Database, statement: str
) -> None:
    """E5: kill -9 in the middle of the tables, at the last one, and before the revision is written down."""
    reached = PROCESSES.Event()
    process = PROCESSES.Process(target=migrate_until, args=(blank_url, statement, reached))
    process.start()
    assert reached.wait(PATIENCE)
    process.kill()
    process.join()
    assert tables_of(blank) == []
    migrate(blank)
    check_schema(blank)


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
