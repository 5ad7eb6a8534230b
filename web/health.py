"""Whether this process lives, and whether it can do its work."""

from collections.abc import Callable

import redis
from sqlalchemy.exc import SQLAlchemyError
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from storage.cursor import START
from storage.store import Store
from storage.stream import StreamUnavailable
from web.json import json_response
from web.services import services_of


async def health(request: Request) -> Response:
    """GET /health: 200 while the process answers."""
    return json_response({"status": "ok"})


async def ready(request: Request) -> Response:
    """GET /ready: 200 when the database answers, else 503; and the fault of each part that does not answer.

    Without the stream clients are served from the database, so its absence is told and the process stays in service.
    The schema was checked at the start: a newer one must not take running processes out of service.
    """
    store = services_of(request).store
    checks = {name: await run_in_threadpool(_fault, check, store) for name, check in CHECKS.items()}
    status = 503 if checks["database"] else 200
    return json_response({name: fault or "ok" for name, fault in checks.items()}, status)


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
