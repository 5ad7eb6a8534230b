"""What processes do that migrate a database, in the tests of simultaneous and interrupted upgrades."""

import multiprocessing
import threading
from contextlib import closing
from multiprocessing.synchronize import Barrier, Event
from typing import Any

from sqlalchemy import Engine, event

from storage.database import Database
from storage.schema import migrate

PROCESSES = multiprocessing.get_context("forkserver")
"""Processes that share nothing but what was imported before they began, which they import once for all."""
PROCESSES.set_forkserver_preload([__name__, "alembic.command", "psycopg"])


def migrate_with_others(url: str, others: Barrier) -> None:
    """Migrates when all the others are ready too."""
    with closing(Database(url)) as database:
        others.wait()
        migrate(database)


def migrate_until(url: str, statement_begin: str, reached: Event) -> None:
    """Migrates up to the first statement that begins like this, and stands still before it for ever."""

    @event.listens_for(Engine, "before_cursor_execute")
    def stand_still(connection: object, cursor: object, statement: str, *more: Any) -> None:
        if statement.strip().startswith(statement_begin):
            reached.set()
            threading.Event().wait()

    with closing(Database(url)) as database:
        migrate(database)
