"""The end of a web process: streams say goodbye before the server cuts connections."""

import asyncio

from sse_starlette.sse import AppStatus

from web.streams.hub import Hub

LOOK_SECONDS = 0.1
LAST_SECONDS = 3.0
"""How long whoever waits for one answer may still wait; then they are told where to find it. Shorter than the server's
grace for open requests."""


async def say_goodbye(hub: Hub) -> None:
    """Waits for the stop signal, then lets the clients of the hub go: streams at once, for they come back elsewhere
    with their cursor, and later those that cannot."""
    while not AppStatus.should_exit:  # noqa: ASYNC110 - a signal handler sets it
        await asyncio.sleep(LOOK_SECONDS)
    hub.let_go()
    await asyncio.sleep(LAST_SECONDS)
    hub.let_go(everybody=True)
