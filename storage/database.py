"""Connections to SQLite or PostgreSQL, one code path for both."""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from threading import Lock

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import InterfaceError, InternalError, OperationalError, SQLAlchemyError, TimeoutError
from sqlmodel import SQLModel

POOL_SIZE = 16
"""Connections per process at most, with SQLite twice as many; a thread that finds none free waits for one."""
BUSY_MILLISECONDS = 10_000
"""How long a statement waits for a lock that another transaction holds."""
WAL_SECONDS = 0.02
"""How long to wait before a new SQLite file is asked again for its log."""
STATEMENT_MILLISECONDS = 30_000
"""How long PostgreSQL works on one statement; ours take milliseconds."""
SILENT_MILLISECONDS = 5_000
"""How long PostgreSQL waits for the next statement of a transaction; ours come within milliseconds. Whoever is silent
for longer was frozen or cut off in the middle of a write, and must not keep its locks from those who take over."""


_PASSING = (OperationalError, InterfaceError, InternalError, TimeoutError)


def may_pass(error: SQLAlchemyError) -> bool:
    """Whether an error comes from the state of the database, so that the same statement may succeed later: it is away,
    locked, full or read-only. Any other comes from what was asked, and would come again."""
    return isinstance(error, _PASSING)


class _Turn:
    """Lets one writer of this process in at a time; one that waits as long as SQLite would let it gives up."""

    def __init__(self) -> None:
        self._lock = Lock()

    def __enter__(self) -> None:
        if not self._lock.acquire(timeout=BUSY_MILLISECONDS / 1000):
            raise TimeoutError("The database is locked by another writer.")

    def __exit__(self, *exception: object) -> None:
        self._lock.release()


class Database:
    """Three ways to a connection, each one transaction.

    `durable` commits survive a loss of power: what a caller was promised. `relaxed` commits survive a crash of the
    process; with SQLite a loss of power may undo the last of them, which repeats pure work. With PostgreSQL the two are
    the same: its crash must not take back a number that an event was published under, for web and workers live on
    (I4). `read` takes no write lock.
    """

    def __init__(self, url: str) -> None:
        self.url = normalized(url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        self._durable = _sqlite(self.url, "FULL") if self.is_sqlite else _postgresql(self.url)
        self._relaxed = _sqlite(self.url, "NORMAL") if self.is_sqlite else self._durable
        self._reading = self._relaxed.execution_options(isolation_level="AUTOCOMMIT")
        # SQLite lets its writers sleep between tries; those of one process wait for each other here instead.
        self._turn: AbstractContextManager[object] = _Turn() if self.is_sqlite else nullcontext()

    @contextmanager
    def durable(self) -> Iterator[Connection]:
        """A writing transaction that is on disk when it returns."""
        with self._turn, self._durable.begin() as connection:
            yield connection

    @contextmanager
    def relaxed(self) -> Iterator[Connection]:
        """A writing transaction whose loss only repeats pure work."""
        with self._turn, self._relaxed.begin() as connection:
            yield connection

    def writing(self, *, durable: bool, one_statement: bool) -> AbstractContextManager[Connection]:
        """A writing transaction, durable or relaxed. One statement is one by itself: PostgreSQL, where each commit is
        durable, need not be told where it begins and ends, which are two round trips."""
        if one_statement:
            return self.read()
        return self.durable() if durable else self.relaxed()

    @contextmanager
    def restructuring(self) -> Iterator[Connection]:
        """A durable transaction that may rebuild tables. SQLite does that by dropping them, so meanwhile it does not
        follow references: what refers to a rebuilt table would be deleted with it."""
        with self._turn, self._durable.connect() as connection:
            self._follow_references(connection, follow=False)
            try:
                with connection.begin():
                    self._take_any_time(connection)
                    yield connection
            finally:
                self._follow_references(connection, follow=True)

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Single statements, each seeing what is committed."""
        with self._reading.connect() as connection:
            yield connection

    def insert(self, model: type[SQLModel]) -> postgresql.Insert | sqlite.Insert:
        """An insert that may say what to do when the row is there already; both databases say it alike."""
        return sqlite.insert(model) if self.is_sqlite else postgresql.insert(model)

    def ping(self) -> None:
        """Raises unless the database answers."""
        with self.read() as connection:
            connection.execute(select(1))

    def close(self) -> None:
        self._durable.dispose()
        self._relaxed.dispose()

    def _take_any_time(self, connection: Connection) -> None:
        if not self.is_sqlite:
            limits = ("lock_timeout", "statement_timeout", "idle_in_transaction_session_timeout")
            connection.exec_driver_sql("; ".join(f"SET LOCAL {limit} = 0" for limit in limits))

    def _follow_references(self, connection: Connection, *, follow: bool) -> None:
        if self.is_sqlite:
            connection.connection.cursor().execute(f"PRAGMA foreign_keys={'ON' if follow else 'OFF'}")


def normalized(url: str) -> URL:
    """The URL with the driver that is installed: `postgres://` and `postgresql://` mean psycopg 3."""
    parsed = make_url(url)
    if parsed.drivername in ("postgres", "postgresql"):
        return parsed.set(drivername="postgresql+psycopg")
    return parsed


def _postgresql(url: URL) -> Engine:
    options = (
        f"-c synchronous_commit=on -c lock_timeout={BUSY_MILLISECONDS} -c statement_timeout={STATEMENT_MILLISECONDS} "
        f"-c idle_in_transaction_session_timeout={SILENT_MILLISECONDS}"
    )
    return create_engine(
        url,
        pool_size=POOL_SIZE,
        max_overflow=0,
        hide_parameters=True,
        connect_args={"options": options, "connect_timeout": 5},
    )


def _sqlite(url: URL, synchronous: str) -> Engine:
    if url.database:
        _create_private(Path(url.database))
    engine = create_engine(url, pool_size=POOL_SIZE, max_overflow=0, hide_parameters=True)

    @event.listens_for(engine, "connect")
    def prepare(connection: sqlite3.Connection, record: object) -> None:
        # Transactions are begun below: sqlite3's own are deferred, and a deferred one fails at its first write.
        connection.isolation_level = None
        connection.execute(f"PRAGMA busy_timeout={BUSY_MILLISECONDS}")
        _use_wal(connection)
        connection.execute(f"PRAGMA synchronous={synchronous}")
        connection.execute("PRAGMA foreign_keys=ON")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        if connection.get_execution_options().get("isolation_level") != "AUTOCOMMIT":
            connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine


def _use_wal(connection: sqlite3.Connection) -> None:
    """Sets what the file keeps from then on. The first to open a new file locks out all others for a moment, and SQLite
    lets none of them wait for that lock, whatever its time-out."""
    until = time.monotonic() + BUSY_MILLISECONDS / 1000
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError:
            if time.monotonic() > until:
                raise
            time.sleep(WAL_SECONDS)
        else:
            return


def _create_private(path: Path) -> None:
    """Creates the database file readable by its owner only; SQLite gives the same rights to its WAL."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    path.touch(mode=0o600)
