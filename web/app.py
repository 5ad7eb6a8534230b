"""The web application, composed from the settings when it starts. `uvicorn web.app:app` runs it.

Without REDIS_URL the workers live in this process too.
"""

import asyncio
import gc
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

from dramatiq import Broker, Worker
from starlette.applications import Starlette
from starlette.middleware import Middleware

from actors.hints import Hints
from actors.workforce import hints_only, make_workforce
from settings import Settings, load_settings
from storage.first_user import ensure_local_user
from storage.logs import configure_logs
from storage.redis_policy import check_redis
from storage.schema import check_schema
from storage.store import Store, open_store
from web.callers.end_users import EndUsers
from web.callers.identity import Identity
from web.callers.key_uses import KeyUses
from web.callers.proxies import TrustedProxies
from web.errors import HANDLERS
from web.gates.cross_origin import CrossOrigin
from web.gates.envelope import Envelope
from web.gates.headers import SecurityHeaders
from web.gates.open_files import make_room
from web.gates.rates import RateBounds, Rates
from web.gates.seats import Seats
from web.openapi.document import Description
from web.openapi.operations import OPERATIONS
from web.routes import ROUTES
from web.services import Services, WebLimits
from web.streams.farewell import farewell
from web.streams.hub import Hub
from web.streams.rechecking import Rechecks

IDLE_MILLISECONDS = 250
"""How often an idle worker thread looks whether it should stop."""
WORKER_GRACE_MILLISECONDS = 20_000
"""How long runs may go on after a stop signal; shorter than the 30 s a platform waits before it kills."""
COLLECT_AFTER = 50_000
"""How many objects that may hold others are made, over those that are gone, before the collector looks for reference
cycles. Price: what such a cycle holds may stay for as long."""


@asynccontextmanager
async def lifespan(app: Starlette) -> AsyncIterator[None]:
    """Opens the store, starts what runs beside the requests, and closes it all again."""
    configure_logs()
    settings = load_settings()
    make_room(settings.max_streams + settings.max_public_streams)
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
                rechecks=Rechecks(settings.recheck_seconds),
                seats=Seats(settings.max_streams, settings.max_streams_per_user),
                public_seats=Seats(settings.max_public_streams, settings.max_streams_per_user),
                end_users=EndUsers(settings.end_user_header, settings.end_user_required),
                proxies=TrustedProxies(settings.trusted_networks),
                rates=Rates(_rate_bounds(settings), store.redis),
                origins=settings.origins,
                description=Description(ROUTES, OPERATIONS),
            )
            async with farewell(hub):
                with _seldom_collecting():
                    yield
    finally:
        store.close()


@contextmanager
def _seldom_collecting() -> Iterator[None]:
    """Spares the garbage collector what is loaded when the process starts, and stays: every time it looked through all
    of that, each stream would stand still for a sixth of a second. It looks when `COLLECT_AFTER` objects more are
    there, and not at every event that is handed out to many clients."""
    thresholds = gc.get_threshold()
    gc.collect()
    gc.freeze()
    gc.set_threshold(COLLECT_AFTER, *thresholds[1:])
    try:
        yield
    finally:
        gc.set_threshold(*thresholds)
        gc.unfreeze()


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


def _identity(settings: Settings, store: Store) -> Identity:
    """Whoever calls must show a key, except on loopback while nobody has one: then the local user is signed in."""
    ensure_local_user(store.database, store.secrets, settings.first_key)
    return Identity(
        store.database,
        store.secrets,
        KeyUses(store.database),
        login_seconds=settings.login_hours * 3600,
        opens_locally=settings.opens_locally,
        origins=settings.origins,
    )


def _rate_bounds(settings: Settings) -> RateBounds:
    return RateBounds(settings.max_requests_per_minute or None, settings.public_runs_per_minute)


MIDDLEWARE = [Middleware(SecurityHeaders), Middleware(CrossOrigin), Middleware(Envelope)]
"""What every request passes before it comes to its route, from the outside in."""

app = Starlette(
    routes=ROUTES,
    middleware=MIDDLEWARE,
    exception_handlers=HANDLERS,
    lifespan=lifespan,
)
