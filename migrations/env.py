"""Alembic's environment: one transaction under a lock, so that a killed migration leaves nothing behind and eight
that start at once do it once (faults E5, E6)."""

from typing import Any, Literal

import sqlmodel
from alembic import context
from sqlalchemy import text

from storage import tables
from storage.clock import Instant
from storage.database import Database
from storage.first_user import ensure_local_user
from storage.hash_key import hashing_secrets

LOCK = 7_860
"""The number of the advisory lock in PostgreSQL. In SQLite the writing transaction itself is the lock."""


def migrate(database: Database) -> None:
    """Brings the database to the wanted revision."""
    with database.restructuring() as connection:
        if not database.is_sqlite:
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
        context.configure(
            connection=connection,
            target_metadata=sqlmodel.SQLModel.metadata,
            render_as_batch=database.is_sqlite,
            render_item=render_item,
        )
        with context.begin_transaction():
            context.run_migrations()


def render_item(kind: str, item: Any, autogen_context: Any) -> str | Literal[False]:
    """Writes our column type by its own name into a new migration."""
    return "Instant()" if kind == "type" and isinstance(item, Instant) else False


def release() -> None:
    """The release step as `alembic` runs it: migrates, then ensures the first user and their key."""
    from settings import load_settings

    settings = load_settings()
    database = Database(settings.database)
    try:
        migrate(database)
        if not context.config.cmd_opts or context.config.cmd_opts.cmd[0].__name__ != "upgrade":
            return
        ensure_local_user(database, hashing_secrets(database, settings.secret_keys()), settings.first_key)
    finally:
        database.close()


if context.is_offline_mode():
    raise SystemExit("Penstock migrates a live database only: run `alembic upgrade head` without --sql.")

assert tables.Job.metadata is sqlmodel.SQLModel.metadata
if "database" in context.config.attributes:
    migrate(context.config.attributes["database"])
else:
    release()
