"""The end of a web process: streams say goodbye before the server cuts connections."""

import asyncio
import signal
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from types import FrameType

from web.streams.hub import Hub

LAST_SECONDS = 3.0
"""How long whoever waits for one answer may still wait; then they are told where to find it. Shorter than the server's
grace for open requests."""
_STOPS = (signal.SIGINT, signal.SIGTERM)


@asynccontextmanager
async def farewell(hub: Hub) -> AsyncIterator[None]:
    """While it is open, a stop signal lets the clients of the hub go: streams at once, for they come back elsewhere
    with their cursor, and later those that cannot."""
    loop, stopping = asyncio.get_running_loop(), asyncio.Event()
    task = asyncio.create_task(_let_go(hub, stopping))
    try:
        with _heard(lambda: loop.call_soon_threadsafe(stopping.set)):
            yield
    finally:
        task.cancel()


async def _let_go(hub: Hub, stopping: asyncio.Event) -> None:
    await stopping.wait()
    hub.let_go()
    await asyncio.sleep(LAST_SECONDS)
    hub.let_go(everybody=True)


@contextmanager
def _heard(tell: Callable[[], object]) -> Iterator[None]:
    """Calls `tell` at a stop signal, and then the server, which would tell the application when all requests are over.
    Signals come to the main thread alone: the streams of a server that is elsewhere, or takes none, get no goodbye."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    servers = {int(number): signal.getsignal(number) for number in _STOPS}

    def told(number: int, frame: FrameType | None) -> None:
        tell()
        server = servers[number]
        assert callable(server)
        server(number, frame)

    for number, server in servers.items():
        if callable(server):
            signal.signal(number, told)
    try:
        yield
    finally:
        for number, server in servers.items():
            # A server that was stopped by force has taken its handlers away, and they must not come back.
            if signal.getsignal(number) is told:
                signal.signal(number, server)
