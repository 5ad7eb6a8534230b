"""Which revision the database is at, and how it gets to the newest one. Only the release step migrates."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from storage.database import Database
from storage.errors import SchemaUnknown

MIGRATIONS = Path(__file__).parent.parent / "migrations"


def migrate(database: Database) -> None:
    """Brings the database to the newest revision. Safe when several processes do it at once."""
    command.upgrade(_config(database), "head")


def check_schema(database: Database) -> None:
    """Raises `SchemaUnknown` unless the database is at the revision that this program knows."""
    scripts = ScriptDirectory(str(MIGRATIONS))
    known = scripts.get_current_head()
    with database.read() as connection:
        found = MigrationContext.configure(connection).get_current_revision()
    if found == known:
        return
    is_ours = found is None or found in {script.revision for script in scripts.walk_revisions()}
    remedy = "Run `penstock migrate`." if is_ours else "It is ahead: start the release that migrated it."
    raise SchemaUnknown(f"The database is at revision {found or 'none'}, this program needs {known}. {remedy}")


def head() -> str | None:
    """The newest revision."""
    return ScriptDirectory(str(MIGRATIONS)).get_current_head()


def _config(database: Database) -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["database"] = database
    return config
