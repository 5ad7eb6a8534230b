"""How databases are migrated in tests: to any revision, by several processes at once, and by one that is killed."""

import multiprocessing
import threading
from contextlib import closing
from multiprocessing.synchronize import Barrier, Event
from pathlib import Path
from typing import Any

from alembic.config import Config
from sqlalchemy import Engine, event

from storage.database import Database
from storage.schema import MIGRATIONS, migrate

PROCESSES = multiprocessing.get_context("forkserver")
"""Processes that share nothing but what was imported before they began, which they import once for all."""
PROCESSES.set_forkserver_preload([__name__, "alembic.command", "psycopg"])


def config(database: Database, migrations: Path = MIGRATIONS) -> Config:
    """What Alembic's commands need to work on a database."""
    made = Config()
    made.set_main_option("script_location", str(migrations))
    made.attributes["database"] = database
    return made


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
