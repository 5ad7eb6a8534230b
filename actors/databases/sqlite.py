"""Asking a SQLite file."""

import math
import sqlite3
import time
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

from actors.databases.answering import Answer
from flows.databases import MAX_CELL_BYTES, SECONDS, QueryFailed
from flows.values import Json, Table

STEPS = 10_000
"""Steps of SQLite's machine between two looks at the clock: a fraction of a millisecond."""
_READING = (
    sqlite3.SQLITE_SELECT,
    sqlite3.SQLITE_READ,
    sqlite3.SQLITE_FUNCTION,
    sqlite3.SQLITE_RECURSIVE,
)
_NO_FUNCTIONS = ("load_extension",)


def ask_sqlite(path: Path, query: str) -> Table:
    """The answer of a file to one query that only reads. Raises `QueryFailed`. Blocks."""
    deadline = time.monotonic() + SECONDS
    try:
        with closing(_opened(path)) as connection:
            connection.set_progress_handler(lambda: time.monotonic() > deadline, STEPS)
            rows = connection.execute(query)
            if rows.description is None:
                raise QueryFailed("The query has no answer. Use SELECT, VALUES or WITH.")
            answer = Answer([column[0] for column in rows.description])
            for row in rows:
                answer.add(tuple(_plain(cell) for cell in row))
    except sqlite3.OperationalError as error:
        if time.monotonic() > deadline:
            raise QueryFailed(f"The query took longer than {SECONDS:g} s.") from error
        raise QueryFailed(f"The query failed: {error}.") from error
    except (sqlite3.Error, sqlite3.Warning) as error:
        raise QueryFailed(f"The query failed: {error}.") from error
    return answer.table


def _opened(path: Path) -> sqlite3.Connection:
    """A connection that cannot write, attach another file or load code, whatever it is told."""
    connection = sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True, timeout=SECONDS)
    connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, MAX_CELL_BYTES)
    connection.text_factory = lambda content: content.decode("utf-8", "replace")
    connection.set_authorizer(_allow)
    return connection


def _allow(action: int, first: str | None, second: str | None, *_: str | None) -> int:
    may_read = action in _READING and second not in _NO_FUNCTIONS
    return sqlite3.SQLITE_OK if may_read else sqlite3.SQLITE_DENY


def _plain(cell: object) -> Json:
    """A cell as JSON: bytes in hexadecimal as PostgreSQL writes them, infinity as a text."""
    match cell:
        case bytes():
            return f"\\x{cell.hex()}"
        case float() if not math.isfinite(cell):
            return str(cell)
        case None | int() | float() | str():
            return cell
    raise QueryFailed(f"A cell is of the type {type(cell).__name__}, which is not understood.")
