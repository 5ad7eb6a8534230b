"""The web application, composed from the settings when it starts. `uvicorn web.app:app` runs it.

Without REDIS_URL the workers live in this process too.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

from dramatiq import Broker, Worker
from starlette.applications import Starlette

from actors.hints import Hints
from actors.workforce import hints_only, make_workforce
from settings import Settings, load_settings
from storage.accounts import any_key_exists, ensure_local_user
from storage.logs import configure_logs
from storage.redis_policy import check_redis
from storage.schema import check_schema
from storage.store import Store, open_store
from web.errors import HANDLERS
from web.farewell import say_goodbye
from web.hub import Hub
from web.identity import Identity
from web.routes import ROUTES
from web.seats import Seats
from web.services import Services, WebLimits

IDLE_MILLISECONDS = 250
"""How often an idle worker thread looks whether it should stop."""
WORKER_GRACE_MILLISECONDS = 20_000
"""How long runs may go on after a stop signal; shorter than the 30 s a platform waits before it kills."""


@asynccontextmanager
async def lifespan(app: Starlette) -> AsyncIterator[None]:
    """Opens the store, starts what runs beside the requests, and closes it all again."""
    configure_logs()
    settings = load_settings()
    store = open_store(settings.store)
    try:
        check_schema(store.database)
        check_redis(store)
        with _broker(settings, store) as broker, _hub(store) as hub:
            app.state.services = Services(
                store=store,
                hints=Hints(broker, store.log.reached),
                hub=hub,
                identity=_identity(settings, store),
                limits=WebLimits(
                    max_body_bytes=settings.max_body_bytes,
                    queued=settings.queue_bounds,
                    sync_seconds=settings.sync_timeout_seconds,
                    background_seconds=settings.job_timeout_seconds,
                    alive_seconds=settings.alive_seconds,
                ),
                seats=Seats(settings.max_streams),
            )
            async with _farewell(hub):
                yield
    finally:
        store.close()


@contextmanager
def _broker(settings: Settings, store: Store) -> Iterator[Broker]:
    """The broker to send hints with, and without Redis the workers that take them."""
    if store.redis is not None:
        yield hints_only(store)
        return
    broker = make_workforce(store, settings.workforce)
    worker = Worker(broker, worker_threads=settings.worker_threads, worker_timeout=IDLE_MILLISECONDS)
    worker.start()
    try:
        yield broker
    finally:
        worker.stop(timeout=WORKER_GRACE_MILLISECONDS)


@contextmanager
def _hub(store: Store) -> Iterator[Hub]:
    hub = Hub(store.log, asyncio.get_running_loop())
    hub.start()
    try:
        yield hub
    finally:
        hub.close()


@asynccontextmanager
async def _farewell(hub: Hub) -> AsyncIterator[None]:
    task = asyncio.create_task(say_goodbye(hub))
    try:
        yield
    finally:
        task.cancel()


def _identity(settings: Settings, store: Store) -> Identity:
    """Whoever calls must show a key, except on loopback while nobody has one: then the local user is signed in."""
    local = ensure_local_user(store.database, store.secrets, settings.first_key)
    return Identity(store.database, store.secrets, None if any_key_exists(store.database) else local)


app = Starlette(
    routes=ROUTES,
    exception_handlers=HANDLERS,
    lifespan=lifespan,
)
