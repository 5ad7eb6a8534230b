"""Penstock as it is really run, for journeys: embedded in one process, or scaled over web and worker processes."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import IO

import httpx
import redis

from storage.database import Database
from storage.schema import migrate
from storage.secrets import new_key
from tests.forking import ForkedServer

ROOT = Path(__file__).parent.parent
_READY_SECONDS = 40
_GRACE_SECONDS = 30
_WORKER_IS_READY = "Worker process is ready for action."
UNHURRIED = {"PENSTOCK_MAX_REQUESTS_PER_MINUTE": "0"}
"""A test asks as often as it likes, unless it is about how often one may."""
_MODELS = ("OPENAI_", "ANTHROPIC_", "GOOGLE_")
_OURS = ("PENSTOCK_", "DATABASE_URL", "REDIS_URL", "PORT", "PENSTOCK_HOST", "WEB_CONCURRENCY", *_MODELS)


class Program:
    """One operating system process of a deployment; what it prints stands in `log`."""

    def __init__(self, command: list[str], environment: Mapping[str, str], log: Path) -> None:
        self._command = command
        self._environment = dict(environment)
        self.log = log
        self._process: subprocess.Popen[bytes] | ForkedServer | None = None
        self._output: IO[bytes] | None = None
        self._born_at = 0
        """Where in the log its present life begins."""

    @property
    def name(self) -> str:
        return self.log.stem

    @property
    def group(self) -> int:
        """The process group of all its processes, when it was started."""
        assert self._process is not None, f"{self.name} does not run"
        return self._process.pid

    def twin(self, name: str, **also: str) -> "Program":
        """Another program like this one, not started, with further settings."""
        return Program(self._command, {**self._environment, **also}, self.log.with_name(f"{name}.log"))

    def start(self, **also: str) -> None:
        """Starts it; `also` are further settings for this one life."""
        self._output = self.log.open("ab")
        self._born_at = self._output.tell()
        self._process = self._spawn({**self._environment, **also}, self._output)

    def _spawn(self, environment: Mapping[str, str], output: IO[bytes]) -> "subprocess.Popen[bytes] | ForkedServer":
        return subprocess.Popen(
            self._command, cwd=ROOT, env=environment, stdout=output, stderr=subprocess.STDOUT, start_new_session=True
        )

    def await_ready(self) -> None:
        """Returns when it is ready to work, and to be asked to end."""
        self.await_said(_WORKER_IS_READY)

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def ask_to_end(self) -> None:
        """What a platform does before a deploy; does not wait."""
        os.kill(self.group, signal.SIGTERM)

    def ended(self) -> int:
        """Waits until it has ended; its exit code, negative for a signal."""
        assert self._process is not None, f"{self.name} was not started"
        try:
            return self._process.wait(_GRACE_SECONDS)
        finally:
            self.kill()

    def stop(self) -> None:
        """Asks it to end, and waits."""
        if self.is_running:
            self.ask_to_end()
        if self._process is not None:
            self.ended()

    def kill(self) -> None:
        """Ends it and its children without a word, as a crash does."""
        if self._process is None or self._output is None:
            return
        if self.is_running:
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._output.close()
        self._process = None

    def said(self) -> str:
        """What it has printed in its present life."""
        return self.log.read_bytes()[self._born_at :].decode()

    def await_said(self, text: str) -> None:
        """Waits until it has printed a text in its present life."""
        deadline = time.monotonic() + _READY_SECONDS
        while text not in self.said():
            waiting = self.is_running and time.monotonic() < deadline
            assert waiting, f"{self.name} never said {text!r}:\n{self.said()}"
            time.sleep(0.02)

    def freeze(self) -> None:
        """Stops it and its children where they are, until `thaw`."""
        os.killpg(self.group, signal.SIGSTOP)

    def thaw(self) -> None:
        os.killpg(self.group, signal.SIGCONT)


class Web(Program):
    """One web process, at `url`."""

    def __init__(self, environment: Mapping[str, str], folder: Path, name: str) -> None:
        port = self._port = _free_port()
        self.url = f"http://127.0.0.1:{port}"
        command = [sys.executable, "-m", "uvicorn", "web.app:app", "--port", str(port), "--no-access-log"]
        command += ["--no-proxy-headers", "--timeout-graceful-shutdown", "5"]
        super().__init__(command, {**environment, "PORT": str(port)}, folder / f"{name}.log")

    def twin(self, name: str, **also: str) -> "ForkedWeb":
        return ForkedWeb({**self._environment, **also}, self.log.parent, name)

    def await_ready(self) -> None:
        deadline = time.monotonic() + _READY_SECONDS
        # One client for all looks: making one costs as much as twenty looks.
        with httpx.Client(base_url=self.url, timeout=5) as client:
            while not _is_ready(client):
                assert self.is_running, f"web ended while it started:\n{self.log.read_text()}"
                assert time.monotonic() < deadline, f"web is not ready:\n{self.log.read_text()}"
                time.sleep(0.05)


class ForkedWeb(Web):
    """A web process that starts in a tenth of the time, for tests that start many."""

    def _spawn(self, environment: Mapping[str, str], output: IO[bytes]) -> ForkedServer:
        return ForkedServer(self._port, environment, self.log)


class Deployment:
    """All processes of one Penstock. `url` is a web process; `other_url` another one where there are two."""

    def __init__(
        self, webs: list[Web], workers: list[Program], database_url: str, redis_url: str | None = None
    ) -> None:
        self.webs = webs
        self.workers = workers
        self.database_url = database_url
        self.redis_url = redis_url

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

    def start(self, **also: str) -> None:
        """Starts every process that does not run, and returns when all are ready to work; `also` are further settings
        for this one life."""
        stopped = [program for program in (*self.workers, *self.webs) if not program.is_running]
        for program in stopped:
            program.start(**also)
        for program in stopped:
            program.await_ready()

    def flush_redis(self) -> None:
        """Empties Redis, which may cost latency and nothing else (rule 5)."""
        assert self.redis_url is not None, "this deployment has no Redis"
        with redis.Redis.from_url(self.redis_url) as connection:
            connection.flushall()

    def kill(self) -> None:
        for program in (*self.webs, *self.workers):
            program.kill()

    def stop(self) -> None:
        """Asks all processes to end, and waits."""
        with ExitStack() as waiting:
            for program in (*self.webs, *self.workers):
                if program.is_running:
                    program.ask_to_end()
                    waiting.callback(program.ended)

    def logs(self) -> str:
        return "\n".join(f"--- {p.log.name}\n{p.log.read_text()}" for p in (*self.webs, *self.workers))


@contextmanager
def embedded(folder: Path, settings: Mapping[str, str]) -> Iterator[Deployment]:
    """One process with SQLite and everything else in memory."""
    deployment = unstarted_embedded(folder, settings)
    _migrate(deployment)
    with running(deployment):
        yield deployment


def unstarted_embedded(folder: Path, settings: Mapping[str, str], kind: type[Web] = Web) -> Deployment:
    """The process of `embedded`, which does not run yet, on a database as it is."""
    environment = {**_environment(settings), "PENSTOCK_DATA_DIR": str(folder)}
    return Deployment([kind(environment, folder, "web")], [], f"sqlite:///{folder / 'penstock.db'}")


@contextmanager
def scaled(
    folder: Path,
    settings: Mapping[str, str],
    redis_url: str,
    database_url: str,
    of_workers: Sequence[Mapping[str, str]] = ({}, {}),
) -> Iterator[Deployment]:
    """Two web processes and some worker processes on Redis and PostgreSQL; each worker has settings of its own."""
    deployment = unstarted(folder, settings, redis_url, database_url, of_workers)
    _migrate(deployment)
    with running(deployment):
        yield deployment


def unstarted(
    folder: Path,
    settings: Mapping[str, str],
    redis_url: str,
    database_url: str,
    of_workers: Sequence[Mapping[str, str]] = ({}, {}),
) -> Deployment:
    """The processes of `scaled`, none of which runs yet, on a database as it is."""
    environment = {
        "PENSTOCK_SECRET_KEY": new_key(),
        **_environment(settings),
        "PENSTOCK_DATA_DIR": str(folder),
        "REDIS_URL": redis_url,
        "DATABASE_URL": database_url,
    }
    command = [sys.executable, "-m", "dramatiq", "actors:worker", "--processes", "1", "--threads", "8"]
    command += ["--worker-shutdown-timeout", "20000"]
    webs = [Web(environment, folder, f"web-{number}") for number in (1, 2)]
    workers = [
        Program(command, {**environment, **own}, folder / f"worker-{number}.log")
        for number, own in enumerate(of_workers, 1)
    ]
    return Deployment(webs, workers, database_url, redis_url)


@contextmanager
def running(deployment: Deployment) -> Iterator[Deployment]:
    """Starts a deployment, and ends it without ado: how processes end by themselves is for tests to see."""
    with ExitStack() as ending:
        ending.callback(deployment.kill)
        deployment.start()
        yield deployment


def _migrate(deployment: Deployment) -> None:
    with closing(Database(deployment.database_url)) as database:
        migrate(database)


def _is_ready(client: httpx.Client) -> bool:
    try:
        return client.get("/ready").status_code == 200
    except httpx.TransportError:
        return False


def _environment(settings: Mapping[str, str]) -> dict[str, str]:
    """The environment of the tests without settings of ours, and the given ones."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_OURS)}
    return {**kept, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1", **UNHURRIED, **settings}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
