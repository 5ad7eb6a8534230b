"""Penstock as it is deployed, in processes of its own: embedded in one, or scaled out beside Redis and PostgreSQL."""

import os
import resource
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from http.client import HTTPConnection
from pathlib import Path

from bench.services import free_port, running, running_postgres, running_redis
from storage.database import Database
from storage.schema import migrate
from storage.secrets import new_key

ROOT = Path(__file__).parent.parent
WORKER_PROCESSES, WORKER_THREADS = 2, 8
COMPONENTS = Path(__file__).parent / "components"
ALL_MAY_FOLLOW = {"PENSTOCK_MAX_STREAMS": "10000", "PENSTOCK_MAX_STREAMS_PER_USER": "10000"}
_OURS = ("PENSTOCK_", "DATABASE_URL", "REDIS_URL", "PORT", "WEB_CONCURRENCY")


def allow_many_connections() -> None:
    """Lets this process, and those that it starts, have as many open files as the system allows."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


@contextmanager
def embedded(model_url: str) -> Iterator[int]:
    """The port of a server that has everything in one process: SQLite, and workers beside the web."""
    with tempfile.TemporaryDirectory(prefix="penstock-bench-") as place:
        folder = Path(place)
        _migrate(f"sqlite:///{folder / 'penstock.db'}")
        with _web(folder, _environment(model_url, {"PENSTOCK_DATA_DIR": place})) as port:
            yield port


@contextmanager
def scaled(model_url: str) -> Iterator[int]:
    """The port of one web process, with worker processes behind Redis and PostgreSQL."""
    with running_redis() as redis_url, running_postgres() as database_url:
        _migrate(database_url)
        given = {"REDIS_URL": redis_url, "DATABASE_URL": database_url, "PENSTOCK_SECRET_KEY": new_key()}
        environment = _environment(model_url, {**given, "PENSTOCK_WORKER_THREADS": str(WORKER_THREADS)})
        with tempfile.TemporaryDirectory(prefix="penstock-bench-") as place:
            folder = Path(place)
            with _web(folder, environment) as port, _workers(folder, environment):
                yield port


@contextmanager
def _web(folder: Path, environment: Mapping[str, str]) -> Iterator[int]:
    port = free_port()
    command = [sys.executable, "-m", "uvicorn", "web.app:app", "--port", str(port)]
    command += ["--no-access-log", "--no-proxy-headers"]
    with running(command, folder, lambda: _is_ready(port), environment):
        yield port


@contextmanager
def _workers(folder: Path, environment: Mapping[str, str]) -> Iterator[None]:
    """Worker processes. They take no calls: the first runs, before anything is measured, wait until they work."""
    sizes = ["--processes", str(WORKER_PROCESSES), "--threads", str(WORKER_THREADS)]
    command = [sys.executable, "-m", "dramatiq", "actors:worker", *sizes]
    with running(command, folder, lambda: True, environment):
        yield


def _environment(model_url: str, given: Mapping[str, str]) -> dict[str, str]:
    """The environment of a server: settings that happen to be set here must not change what is measured, and
    one user asks as often as all of a real server's."""
    ours = {"PENSTOCK_MAX_REQUESTS_PER_MINUTE": "0", "PENSTOCK_COMPONENTS": str(COMPONENTS), **ALL_MAY_FOLLOW}
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_OURS)}
    model = {"PENSTOCK_MODEL_BASE_URL": model_url, "PENSTOCK_MODEL_NAME": "bench"}
    return {**kept, "PYTHONPATH": str(ROOT), **ours, **model, **given}


def _migrate(url: str) -> None:
    with closing(Database(url)) as database:
        migrate(database)


def _is_ready(port: int) -> bool:
    with closing(HTTPConnection("127.0.0.1", port, timeout=10)) as connection:
        try:
            connection.request("GET", "/ready")
            return connection.getresponse().status == 200
        except ConnectionError:
            return False
