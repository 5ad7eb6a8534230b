"""Real Redis and PostgreSQL for tests, run from the binaries that are installed, in folders of their own.

`PENSTOCK_REQUIRE_SERVICES=1` turns a missing binary from a reason to skip into a failure.
"""

import fcntl
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

import psycopg
import pytest
import redis
from psycopg import sql
from redis.backoff import ConstantBackoff
from redis.retry import Retry

_START_SECONDS = 30
_POSTGRES = ("initdb", "pg_ctl", "postgres")
_PLACES = (tempfile.gettempdir(), "/var/tmp")  # noqa: S108 - the second for a TMPDIR that is closed to others
_OPTIONS = "-c max_connections=300 -c listen_addresses=127.0.0.1"
_FAST = "-c fsync=off -c full_page_writes=off"
"""The files need not outlive the machine; what most tests kill is processes."""


def missing() -> list[str]:
    """The binaries that are not installed."""
    return [name for name in ("redis-server", *_POSTGRES) if find(name) is None]


def require() -> None:
    """Skips the test, or fails it where services are required, when a binary is missing."""
    if names := missing():
        lacking(f"not installed: {', '.join(names)}")


def lacking(reason: str) -> NoReturn:
    """Skips the test, or fails it where services are required."""
    if os.environ.get("PENSTOCK_REQUIRE_SERVICES") == "1":
        pytest.fail(f"PENSTOCK_REQUIRE_SERVICES=1, but {reason}", pytrace=False)
    pytest.skip(reason)


def find(binary: str) -> str | None:
    """A binary on PATH or in the newest PostgreSQL where Debian puts it."""
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name), reverse=True)
    return shutil.which(binary) or shutil.which(binary, path=os.pathsep.join(map(str, versions)))


class RedisServer:
    """One Redis. Without `durable` it forgets at a restart what rule 5 allows to be forgotten; with it, it keeps an
    append-only file."""

    def __init__(self, folder: Path, *, durable: bool = False) -> None:
        self._folder = folder
        self._durable = durable
        self._port = _free_port()
        self.url = f"redis://127.0.0.1:{self._port}/0"
        self.start()

    def start(self) -> None:
        """Starts it, again on the same port after `kill`, and returns when it answers."""
        options = {"port": self._port, "bind": "127.0.0.1", "dir": self._folder, "save": "", "logfile": "redis.log"}
        if self._durable:
            options |= {"appendonly": "yes", "appendfsync": "always"}
        command = ["redis-server", *(part for name, value in options.items() for part in (f"--{name}", str(value)))]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        patient = Retry(ConstantBackoff(0.01), _START_SECONDS * 100)
        with redis.Redis.from_url(self.url, retry=patient, retry_on_error=[redis.ConnectionError]) as client:
            client.ping()

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def freeze(self) -> None:
        """Lets it answer nobody until `thaw`; its connections stay open."""
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._process.send_signal(signal.SIGCONT)


class PostgresServer:
    """One PostgreSQL cluster; `durable` ones wait for the disk, as a real one does."""

    def __init__(self, folder: Path, *, durable: bool = False) -> None:
        self._folder = folder
        self._options = _OPTIONS if durable else f"{_FAST} {_OPTIONS}"
        self._port = _free_port()
        self.url = self.url_of("postgres")
        self.start()

    def url_of(self, database: str) -> str:
        return f"postgresql://penstock@127.0.0.1:{self._port}/{database}"

    def start(self) -> None:
        """Starts it, again on the same port after `kill`, and returns when it answers."""
        options = f"{self._options} -c port={self._port} -c unix_socket_directories={self._folder}"
        _postgres("pg_ctl", "start", "-w", "-t", str(_START_SECONDS), "-D", self._folder, "-o", options)

    def kill(self) -> None:
        """Ends it without a checkpoint, so that its next start recovers."""
        _postgres("pg_ctl", "stop", "-m", "immediate", "-D", self._folder)

    def create(self, name: str, template: str = "template1") -> str:
        """A new database as a copy of another one; its URL."""
        with self._connected() as connection:
            # Copying files is several times quicker than PostgreSQL 15's own way of logging every page.
            strategy = "STRATEGY file_copy" if connection.info.server_version >= 150_000 else ""
            connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}" {strategy}'.encode())
        return self.url_of(name)

    def drop(self, name: str) -> None:
        with self._connected() as connection:
            connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)'.encode())

    def empty(self, name: str, tables: Sequence[str]) -> None:
        """Breaks all connections to a database and deletes what its tables hold."""
        with self._connected() as connection:
            connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])
        with psycopg.connect(self.url_of(name)) as connection:
            for table in tables:
                connection.execute(sql.SQL("DELETE FROM {}").format(sql.Identifier(table)))

    def _connected(self) -> psycopg.Connection:
        return psycopg.connect(self.url, autocommit=True)


@contextmanager
def running_redis(*, durable: bool = False) -> Iterator[RedisServer]:
    """A Redis of its own, until the end of the block."""
    with tempfile.TemporaryDirectory(prefix="penstock-redis-") as folder:
        server = RedisServer(Path(folder), durable=durable)
        try:
            yield server
        finally:
            server.kill()


@contextmanager
def running_postgres(shared: Path | None = None, *, durable: bool = False) -> Iterator[PostgresServer]:
    """A PostgreSQL of its own, until the end of the block. `initdb` runs once for all who name the same folder."""
    with _reachable_folder() as folder:
        cluster = folder / "cluster"
        _initialise(cluster, shared)
        server = PostgresServer(cluster, durable=durable)
        try:
            yield server
        finally:
            server.kill()


def _initialise(cluster: Path, shared: Path | None) -> None:
    if shared is None:
        _initdb(cluster)
        return
    with open(shared / "initdb.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        first = shared / "cluster"
        if not first.exists():
            _initdb(cluster)
            shutil.copytree(cluster, first)
            return
    shutil.copytree(first, cluster)
    _hand_over(cluster)


def _initdb(cluster: Path) -> None:
    _postgres("initdb", "--no-sync", "--auth=trust", "--username=penstock", "--encoding=UTF8", "-D", cluster)


def _postgres(binary: str, *arguments: str | Path) -> None:
    """Runs a PostgreSQL program, which refuses to be root. Its words go to a file: a server keeps its output open."""
    found = find(binary)
    assert found is not None, f"{binary} is not installed"
    with tempfile.TemporaryFile() as words:
        command = [found, *arguments]
        ended = subprocess.run(command, stdout=words, stderr=words, cwd="/", check=False, **_unprivileged())
        words.seek(0)
        assert ended.returncode == 0, f"{binary} failed: {words.read().decode()}"


def _unprivileged() -> dict[str, Any]:
    account = _account()
    if account is None:
        return {}
    return {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": ()}


def _account() -> pwd.struct_passwd | None:
    """Who runs PostgreSQL: somebody without rights when we are root, else ourselves."""
    if os.geteuid() != 0:
        return None
    names = {account.pw_name for account in pwd.getpwall()}
    return pwd.getpwnam("postgres" if "postgres" in names else "nobody")


@contextmanager
def _reachable_folder() -> Iterator[Path]:
    """A temporary folder that the account of PostgreSQL owns and can get to."""
    place = next((place for place in _PLACES if _open_to_all(Path(place))), None)
    with tempfile.TemporaryDirectory(prefix="penstock-postgres-", dir=place) as folder:
        _hand_over(Path(folder))
        yield Path(folder)


def _open_to_all(folder: Path) -> bool:
    return all(path.stat().st_mode & 0o001 for path in (folder, *folder.parents))


def _hand_over(folder: Path) -> None:
    if account := _account():
        inside: Sequence[Path] = [folder, *folder.rglob("*")]
        for path in inside:
            os.chown(path, account.pw_uid, account.pw_gid)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
