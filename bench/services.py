"""Redis and PostgreSQL of our own, from the installed binaries, as they are out of the box: commits reach the disk."""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import psycopg
import redis

BINARIES = ("redis-server", "initdb", "postgres")
START_SECONDS = 60.0
STOP_SECONDS = 30.0
CONNECTIONS = 200
"""What PostgreSQL lets in at once: more than its default of 100, since every process keeps two pools of up to 24."""


class Ended(Exception):
    """A process ended before its time."""


def missing() -> list[str]:
    """The binaries that the scaled servers need and this machine does not have."""
    return [name for name in BINARIES if _find(name) is None]


@contextmanager
def running(
    command: Sequence[str | Path],
    folder: Path,
    answers: Callable[[], bool],
    environment: Mapping[str, str] | None = None,
    user: str | None = None,
) -> Iterator[None]:
    """A process, from its first answer to the end of the block. Raises `Ended`, with its output, if it ends before."""
    with tempfile.TemporaryFile() as words:
        process = subprocess.Popen(command, cwd=folder, env=environment, user=user, stdout=words, stderr=words)
        try:
            _wait(process, answers)
            yield
        except Exception:
            if process.poll() is not None:
                words.seek(0)
                raise Ended(f"{command} ended with {process.returncode}:\n{words.read().decode()[-2000:]}") from None
            raise
        finally:
            _stop(process)


@contextmanager
def running_redis() -> Iterator[str]:
    """The URL of an empty Redis that keeps nothing on disk."""
    with tempfile.TemporaryDirectory(prefix="penstock-bench-redis-") as place:
        port = free_port()
        command = ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
        url = f"redis://127.0.0.1:{port}/0"
        with running(command, Path(place), lambda: _redis_answers(url)):
            yield url


@contextmanager
def running_postgres() -> Iterator[str]:
    """The URL of an empty PostgreSQL database."""
    with tempfile.TemporaryDirectory(prefix="penstock-bench-postgres-") as place:
        folder, cluster, user = Path(place), Path(place) / "cluster", _unprivileged()
        if user:
            shutil.chown(folder, user)
        initdb = [_path("initdb"), "--auth=trust", "--username=penstock", "--encoding=UTF8", "-D", str(cluster)]
        subprocess.run(initdb, user=user, cwd=folder, check=True, stdout=subprocess.DEVNULL)
        port = free_port()
        options = {"port": port, "listen_addresses": "127.0.0.1", "max_connections": CONNECTIONS}
        options["unix_socket_directories"] = folder
        settings = [f"--{name}={value}" for name, value in options.items()]
        url = f"postgresql://penstock@127.0.0.1:{port}/postgres"
        with running([_path("postgres"), "-D", cluster, *settings], folder, lambda: _postgres_answers(url), user=user):
            yield url


def free_port() -> int:
    """A port that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait(process: subprocess.Popen[bytes], answers: Callable[[], bool]) -> None:
    until = time.monotonic() + START_SECONDS
    while not answers():
        if process.poll() is not None or time.monotonic() > until:
            raise TimeoutError(f"No answer in {START_SECONDS:g} seconds.")
        time.sleep(0.05)


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _redis_answers(url: str) -> bool:
    with redis.Redis.from_url(url) as client:
        try:
            return bool(client.ping())
        except redis.ConnectionError:
            return False


def _postgres_answers(url: str) -> bool:
    try:
        psycopg.connect(url, connect_timeout=2).close()
    except psycopg.OperationalError:
        return False
    return True


def _unprivileged() -> str | None:
    """Who runs PostgreSQL, which refuses to be root: its own account where there is one; None when we are not root."""
    if os.geteuid() != 0:
        return None
    return "postgres" if any(account.pw_name == "postgres" for account in pwd.getpwall()) else "nobody"


def _path(binary: str) -> str:
    found = _find(binary)
    assert found is not None, f"{binary} is not installed"
    return found


def _find(binary: str) -> str | None:
    """A binary on the path, or in the newest PostgreSQL where Debian puts it."""
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name), reverse=True)
    return shutil.which(binary) or shutil.which(binary, path=os.pathsep.join(map(str, versions)))
