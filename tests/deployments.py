"""Penstock as it is really run, for journeys: embedded in one process, or scaled over web and worker processes."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import IO

import httpx
import redis

from storage.database import Database
from storage.schema import migrate
from storage.secrets import new_key

ROOT = Path(__file__).parent.parent
_READY_SECONDS = 40
_GRACE_SECONDS = 30
_OURS = ("PENSTOCK_", "DATABASE_URL", "REDIS_URL", "PORT", "PENSTOCK_HOST", "WEB_CONCURRENCY", "OPENAI_")


class Program:
    """One operating system process of a deployment; what it prints stands in `log`."""

    def __init__(self, command: list[str], environment: Mapping[str, str], log: Path) -> None:
        self._command = command
        self._environment = dict(environment)
        self.log = log
        self._process: subprocess.Popen[bytes] | None = None
        self._output: IO[bytes] | None = None

    def start(self) -> None:
        self._output = self.log.open("ab")
        self._process = subprocess.Popen(
            self._command,
            cwd=ROOT,
            env=self._environment,
            stdout=self._output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def await_ready(self) -> None:
        """Returns when it is ready to work; a worker is when it runs, for hints wait."""

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def stop(self) -> None:
        """Asks it to end, as a platform does before a deploy, and waits."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """Ends it and its children without a word, as a crash does."""
        self._end(signal.SIGKILL)

    def _end(self, how: signal.Signals) -> None:
        if self._process is None or self._output is None:
            return
        if self.is_running:
            target = os.killpg if how is signal.SIGKILL else os.kill
            target(self._process.pid, how)
        try:
            self._process.wait(_GRACE_SECONDS)
        finally:
            if self.is_running:
                os.killpg(self._process.pid, signal.SIGKILL)
                self._process.wait()
            self._output.close()
            self._process = None


class Web(Program):
    """One web process, at `url`."""

    def __init__(self, environment: Mapping[str, str], folder: Path, name: str) -> None:
        port = _free_port()
        self.url = f"http://127.0.0.1:{port}"
        command = [sys.executable, "-m", "uvicorn", "web.app:app", "--port", str(port), "--no-access-log"]
        super().__init__(command, {**environment, "PORT": str(port)}, folder / f"{name}.log")

    def await_ready(self) -> None:
        deadline = time.monotonic() + _READY_SECONDS
        while not self._is_ready():
            assert self.is_running, f"web ended while it started:\n{self.log.read_text()}"
            assert time.monotonic() < deadline, f"web is not ready:\n{self.log.read_text()}"
            time.sleep(0.05)

    def _is_ready(self) -> bool:
        try:
            return httpx.get(f"{self.url}/ready", timeout=5).status_code == 200
        except httpx.TransportError:
            return False


class Deployment:
    """All processes of one Penstock. `url` is a web process; `other_url` another one where there are two."""

    def __init__(
        self, webs: list[Web], workers: list[Program], database_url: str, redis_url: str | None = None
    ) -> None:
        self.webs = webs
        self.workers = workers
        self.database_url = database_url
        self._redis_url = redis_url

    @property
    def url(self) -> str:
        return self.webs[0].url

    @property
    def other_url(self) -> str:
        return self.webs[-1].url

    @property
    def workplaces(self) -> list[Program]:
        """The processes in which runs run."""
        return self.workers or list(self.webs)

    def start(self) -> None:
        """Starts every process that does not run, and returns when all are ready to work."""
        stopped = [program for program in (*self.workers, *self.webs) if not program.is_running]
        for program in stopped:
            program.start()
        for program in stopped:
            program.await_ready()

    def flush_redis(self) -> None:
        """Empties Redis, which may cost latency and nothing else (rule 5)."""
        assert self._redis_url is not None, "this deployment has no Redis"
        with redis.Redis.from_url(self._redis_url) as connection:
            connection.flushall()

    def stop(self) -> None:
        for program in (*self.webs, *self.workers):
            program.stop()

    def logs(self) -> str:
        return "\n".join(f"--- {p.log.name}\n{p.log.read_text()}" for p in (*self.webs, *self.workers))


@contextmanager
def embedded(folder: Path, settings: Mapping[str, str]) -> Iterator[Deployment]:
    """One process with SQLite and everything else in memory."""
    url = f"sqlite:///{folder / 'penstock.db'}"
    environment = {**_environment(settings), "PENSTOCK_DATA_DIR": str(folder)}
    yield from _running(Deployment([Web(environment, folder, "web")], [], url))


@contextmanager
def scaled(folder: Path, settings: Mapping[str, str], redis_url: str, database_url: str) -> Iterator[Deployment]:
    """Two web processes and two worker processes on Redis and PostgreSQL."""
    environment = {
        "PENSTOCK_SECRET_KEY": new_key(),
        **_environment(settings),
        "PENSTOCK_DATA_DIR": str(folder),
        "REDIS_URL": redis_url,
        "DATABASE_URL": database_url,
    }
    command = [sys.executable, "-m", "dramatiq", "actors:worker", "--processes", "1", "--threads", "8"]
    webs = [Web(environment, folder, f"web-{number}") for number in (1, 2)]
    workers = [Program(command, environment, folder / f"worker-{number}.log") for number in (1, 2)]
    yield from _running(Deployment(webs, workers, database_url, redis_url))


def _running(deployment: Deployment) -> Iterator[Deployment]:
    with closing(Database(deployment.database_url)) as database:
        migrate(database)
    with ExitStack() as ending:
        ending.callback(deployment.stop)
        deployment.start()
        yield deployment


def _environment(settings: Mapping[str, str]) -> dict[str, str]:
    """The environment of the tests without settings of ours, and the given ones."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_OURS)}
    return {**kept, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1", **settings}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
