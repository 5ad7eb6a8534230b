"""What happens to connections to PostgreSQL in tests of answers that get lost, and how it is waited for."""

import os
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import event, make_url, text
from sqlalchemy.pool import Pool

from storage.database import Database

PATIENCE = 30.0
HOLDING_COMMITS = """
    CREATE FUNCTION wait_for_the_test() RETURNS trigger LANGUAGE plpgsql
        AS $$ BEGIN PERFORM pg_advisory_xact_lock(1); RETURN NULL; END $$;
    CREATE CONSTRAINT TRIGGER commits_wait AFTER INSERT ON jobs DEFERRABLE INITIALLY DEFERRED
        FOR EACH ROW EXECUTE FUNCTION wait_for_the_test()
"""


def until(holds: Callable[[], bool]) -> None:
    """Returns when something has become true."""
    for _ in range(int(PATIENCE / 0.01)):
        if holds():
            return
        time.sleep(0.01)
    raise AssertionError("it did not become true")


@contextmanager
def commits_held(database: Database) -> Iterator[None]:
    """Lets the commit of every submit wait until the end of the block."""
    with database.durable() as connection:
        connection.execute(text(HOLDING_COMMITS))
    with database.read() as connection:
        connection.execute(text("SELECT pg_advisory_lock(1)"))
        try:
            yield
        finally:
            connection.execute(text("SELECT pg_advisory_unlock(1)"))


def waits(database: Database, locktype: str) -> bool:
    """Whether a session waits for a lock of a kind."""
    statement = text("SELECT count(*) FROM pg_locks WHERE NOT granted AND locktype = :locktype")
    with database.read() as connection:
        return bool(connection.execute(statement, {"locktype": locktype}).scalar_one())


def end_others(database: Database) -> None:
    """Ends the sessions of everybody else, and their transactions with them."""
    others = "FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    with database.read() as connection:
        connection.execute(text(f"SELECT pg_terminate_backend(pid) {others}"))
        until(lambda: connection.execute(text(f"SELECT count(*) {others}")).scalar_one() == 0)


@contextmanager
def sockets_of(url: str) -> Iterator[list[int]]:
    """The sockets of the connections to a URL in the order in which they are used meanwhile, by file descriptor."""
    used: list[int] = []
    port = make_url(url).port

    def checked_out(connection: Any, record: object, proxy: object) -> None:
        if connection.info.port == port:
            used.append(connection.fileno())

    event.listen(Pool, "checkout", checked_out)
    try:
        yield used
    finally:
        event.remove(Pool, "checkout", checked_out)


def cut(descriptor: int) -> None:
    """Ends a connection as a network does: the server learns of it when it next has something to say."""
    with socket.socket(fileno=os.dup(descriptor)) as connection:
        connection.shutdown(socket.SHUT_RDWR)
