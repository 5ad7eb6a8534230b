"""Whether this process lives, whether it can do its work, and whether anybody does it."""

from collections.abc import Callable
from dataclasses import asdict
from typing import Any, Literal

import redis
from pydantic import BaseModel
from sqlalchemy.exc import SQLAlchemyError
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from storage.cursor import START
from storage.liveness import Standing, standing
from storage.store import Store
from storage.stream import StreamUnavailable
from web.json import json_response
from web.services import Services, services_of


class Health(BaseModel):
    """The process answers."""

    status: Literal["ok"] = "ok"


class Readiness(BaseModel):
    """`ok`, or the fault, of each part; `work` is told while the database answers."""

    database: str
    stream: str
    workers: str | None = None
    work: Standing | None = None


async def health(request: Request) -> Response:
    """GET /health: 200 while the process answers."""
    return json_response(Health())


async def ready(request: Request) -> Response:
    """GET /ready: 200 when the database answers, else 503; the fault of each part; and how the work stands.

    Without the stream clients are served from the database, and without workers submits are stored and wait: both are
    told, and the process stays in service. The schema was checked at the start: a newer one must not take running
    processes out of service.
    """
    services = services_of(request)
    checks: dict[str, Any] = {
        name: await run_in_threadpool(_fault, check, services.store) or "ok" for name, check in CHECKS.items()
    }
    if checks["database"] != "ok":
        return json_response(checks, 503)
    return json_response({**checks, **await run_in_threadpool(_work, services)})


def _work(services: Services) -> dict[str, Any]:
    alive = services.limits.alive_seconds
    try:
        found = standing(services.store.database, alive)
    except SQLAlchemyError as error:
        return {"workers": type(error).__name__}
    return {"workers": " ".join(found.faults(patience=alive)) or "ok", "work": asdict(found)}


def _database(store: Store) -> None:
    store.database.ping()


def _stream(store: Store) -> None:
    store.stream.range("ready", START, 1)


CHECKS: dict[str, Callable[[Store], None]] = {"database": _database, "stream": _stream}


def _fault(check: Callable[[Store], None], store: Store) -> str | None:
    try:
        check(store)
    except (SQLAlchemyError, StreamUnavailable, redis.RedisError) as error:
        return type(error).__name__
    return None
