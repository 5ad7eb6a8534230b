"""The answer that a stream is: its chunks as they come, and what keeps it alive while none come."""

import asyncio
from collections.abc import AsyncGenerator, Coroutine, Mapping
from contextlib import ExitStack, aclosing
from typing import Any

from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from web.gates.headers import BODY_SEND

KEEP_ALIVE_SECONDS = 15
SEND_SECONDS = 30
"""How long a client may leave its socket full, from the next keep-alive on, before it is let go."""


class Stream(StreamingResponse):
    """Sends chunks until there are no more, or its client has gone; whoever asks for the head alone gets that.

    What it holds is given back when it is over, or never began. Raises `TimeoutError` for a client that does not read:
    the keep-alive finds its socket full for `SEND_SECONDS`. A timer for every event of every client would cost as much
    as all the rest.
    """

    media_type = "text/event-stream"

    def __init__(
        self, chunks: AsyncGenerator[bytes], headers: Mapping[str, str], holding: ExitStack, keep_alive: bytes
    ) -> None:
        headers = {"Cache-Control": "no-cache", "Connection": "keep-alive", "X-Accel-Buffering": "no", **headers}
        super().__init__(chunks, headers=headers)
        self._chunks = chunks
        self._holding = holding
        self._keep_alive = keep_alive
        self.keep_alive_seconds: float = KEEP_ALIVE_SECONDS
        self.send_seconds: float = SEND_SECONDS

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with self._holding:
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            if scope["method"] != "HEAD":
                send_piece = scope.get(BODY_SEND, send)
                await _first_of(self._tell(send_piece), self._keep_awake(send_piece), _gone(receive))
            await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _tell(self, send: Send) -> None:
        async with aclosing(self._chunks) as chunks:
            async for chunk in chunks:
                await send({"type": "http.response.body", "body": chunk, "more_body": True})

    async def _keep_awake(self, send: Send) -> None:
        while True:
            await asyncio.sleep(self.keep_alive_seconds)
            async with asyncio.timeout(self.send_seconds):
                await send({"type": "http.response.body", "body": self._keep_alive, "more_body": True})


async def _gone(receive: Receive) -> None:
    """Returns when the client has closed the connection."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def _first_of(*ways: Coroutine[Any, Any, None]) -> None:
    """Runs all until one ends, and raises what that raises; the others are over, too, when this is.

    Each has a task of its own, so that an event wakes what tells it and not all through which the request came.
    """
    tasks = [asyncio.create_task(way) for way in ways]
    try:
        ended, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    for task in ended:
        task.result()
