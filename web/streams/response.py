"""The answer that a stream is: its chunks as they come, and what keeps it alive while none come."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import ExitStack, aclosing

import anyio
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from web.gates.headers import BODY_SEND

KEEP_ALIVE_SECONDS = 15
SEND_SECONDS = 30
"""How long a client may leave its socket full, from the next keep-alive or the end on, before it is let go."""


class Stream(StreamingResponse):
    """Sends chunks until there are no more, or its client has gone; whoever asks for the head alone gets that.

    Once it is called, what it holds is given back however it ends. Raises `TimeoutError` for a client that does not
    read: the keep-alive, or the end, finds its socket full for `SEND_SECONDS`. A timer for every event of every client
    would cost as much as all the rest.
    """

    media_type = "text/event-stream"
    body_iterator: AsyncGenerator[bytes]

    def __init__(
        self, chunks: AsyncGenerator[bytes], headers: Mapping[str, str], holding: ExitStack, keep_alive: bytes
    ) -> None:
        headers = {"Cache-Control": "no-cache", "Connection": "keep-alive", "X-Accel-Buffering": "no", **headers}
        super().__init__(chunks, headers=headers)
        self._holding = holding
        self._keep_alive = keep_alive
        self.keep_alive_seconds: float = KEEP_ALIVE_SECONDS
        self.send_seconds: float = SEND_SECONDS

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with self._holding:
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            if scope["method"] != "HEAD":
                send_piece = scope.get(BODY_SEND, send)
                await _first_of(
                    lambda: self._tell(send_piece), lambda: self._keep_awake(send_piece), lambda: _gone(receive)
                )
            # Nobody else writes any more.
            with anyio.fail_after(self.send_seconds):
                await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _tell(self, send: Send) -> None:
        async with aclosing(self.body_iterator) as chunks:
            async for chunk in chunks:
                await send({"type": "http.response.body", "body": chunk, "more_body": True})

    async def _keep_awake(self, send: Send) -> None:
        while True:
            await anyio.sleep(self.keep_alive_seconds)
            with anyio.fail_after(self.send_seconds):
                await send({"type": "http.response.body", "body": self._keep_alive, "more_body": True})


async def _gone(receive: Receive) -> None:
    """Returns when the client has closed the connection."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def _first_of(*ways: Callable[[], Awaitable[None]]) -> None:
    """Goes all ways until one ends, and raises what one of them raises; the others are over, too, when this is.

    Each has a task of its own, so that an event wakes what tells it and not all through which the request came. A
    thread that one of them waits for is waited for, so that clients that leave cannot start more threads than there
    may be.
    """

    async def go(way: Callable[[], Awaitable[None]]) -> None:
        await way()
        tasks.cancel_scope.cancel()

    try:
        async with anyio.create_task_group() as tasks:
            for way in ways:
                tasks.start_soon(go, way)
    except BaseExceptionGroup as raised:
        if len(raised.exceptions) > 1:
            raise
        raise raised.exceptions[0] from None
