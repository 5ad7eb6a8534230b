"""`penstock up`: the server, ready to be called."""

import time
from contextlib import closing
from threading import Thread

import httpx
import uvicorn

from penstock.address import check_free, run_call, url_of
from penstock.console import answer
from penstock.exports import ECHO_ID, create_missing, examples
from penstock.release import release
from settings import Settings, load_settings
from storage.accounts import unguarded_account
from storage.redis_policy import check_redis
from storage.store import Store, open_store

GRACE_SECONDS = 5
"""How long open requests may go on after a stop signal; the runs have the rest of a platform's 30 s."""
_RETRY_SECONDS = 0.05


def up() -> None:
    """Releases the database, loads the examples and serves until it is stopped."""
    settings = load_settings()
    with closing(open_store(settings.store)) as store:
        check_redis(store)
        check_free(settings)
        _load(store, settings)
        greeting = _greeting(store, settings)
    Thread(target=_greet, args=(url_of(settings), greeting), name="greeting", daemon=True).start()
    uvicorn.run(
        "web.app:app",
        host=settings.host,
        port=settings.port,
        workers=settings.web_concurrency,
        loop="uvloop",
        http="httptools",
        log_level="warning",
        access_log=False,
        proxy_headers=False,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )


def _load(store: Store, settings: Settings) -> None:
    account = release(store, settings)
    for export in examples(store.graphs):
        create_missing(store.database, account.user_id, export)


def _greeting(store: Store, settings: Settings) -> str:
    """The address and one line to paste."""
    call = run_call(settings, ECHO_ID, with_key=unguarded_account(store.database) is None)
    lines = [f"Penstock answers at {url_of(settings)}. Try it:", call]
    if store.redis is not None:
        lines.insert(1, "Runs need a worker process beside this one: dramatiq actors:worker")
    return "\n".join(lines)


def _greet(url: str, greeting: str) -> None:
    """Waits until the server answers. Proxies are for calls that leave this machine."""
    with httpx.Client(base_url=url, trust_env=False) as client:
        while not _answers(client):
            time.sleep(_RETRY_SECONDS)
    answer(greeting)


def _answers(client: httpx.Client) -> bool:
    try:
        return client.get("/health").is_success
    except httpx.TransportError:
        return False
