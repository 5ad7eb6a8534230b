"""The databases of others that a run may ask: each query only reads, within bounds."""

from pathlib import Path

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from actors.databases.postgresql import ask_postgresql
from actors.databases.sqlite import ask_sqlite
from flows.blocking import in_own_thread
from flows.databases import DatabaseRefused
from flows.outbound.client import Outbound
from flows.values import Table

FORMS = "Give postgresql://user:password@host/name or sqlite:///file.db."


class RunDatabases:
    """The `Databases` of a run: PostgreSQL servers that flows may call, and SQLite files in the operator's folder."""

    def __init__(self, outbound: Outbound, folder: Path | None) -> None:
        self._outbound = outbound
        self._folder = folder

    async def ask(self, url: str, query: str) -> Table:
        parsed = _parsed(url)
        if parsed.get_backend_name() == "sqlite":
            return await in_own_thread(ask_sqlite, self._file(parsed), query)
        return await ask_postgresql(parsed, query, self._outbound)

    def _file(self, url: URL) -> Path:
        """The file that a URL names, when it stands in the folder, links followed; any other might as well be missing
        (I9)."""
        if self._folder is None:
            raise DatabaseRefused("SQLite files cannot be read here. Set PENSTOCK_SQL_FOLDER to the folder of those.")
        if not url.database or url.query or url.host:
            raise DatabaseRefused("The database URL names no file, or more than one. Give sqlite:///file.db.")
        folder = self._folder.resolve()
        path = folder.joinpath(url.database)
        if "\0" in url.database or not (path.resolve().is_relative_to(folder) and path.is_file()):
            raise DatabaseRefused("There is no such SQLite file in the folder of PENSTOCK_SQL_FOLDER.")
        return path.resolve()


def _parsed(url: str) -> URL:
    """Raises `DatabaseRefused` without the URL, which may hold a password."""
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        raise DatabaseRefused(f"The database URL is not readable. {FORMS}") from None
    if parsed.get_backend_name() not in ("sqlite", "postgresql", "postgres"):
        raise DatabaseRefused(f"Databases of the kind {parsed.get_backend_name()!r} cannot be asked. {FORMS}")
    return parsed
