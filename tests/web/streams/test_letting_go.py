"""A client that does not read is let go, and what its stream holds is given back."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import ExitStack

import anyio
import pytest
from starlette.types import Message

from web.streams.sse import feed_stream

SCOPE = {"type": "http", "method": "GET", "path": "/", "headers": []}


async def frames() -> AsyncGenerator[bytes]:
    """Two, and then silence."""
    yield b"data: 1\n\n"
    yield b"data: 2\n\n"
    await asyncio.Event().wait()


async def few() -> AsyncGenerator[bytes]:
    """Two, and no more."""
    yield b"data: 1\n\n"
    yield b"data: 2\n\n"


async def never() -> Message:
    await asyncio.Event().wait()
    raise AssertionError


@pytest.mark.parametrize(
    ("told", "room"),
    [(frames, 1), (frames, 2), (frames, 3), (few, 4)],
    ids=["at once", "in the middle", "while nothing is told", "at the end"],
)
def test_who_does_not_read_is_let_go(told: Callable[[], AsyncGenerator[bytes]], room: int) -> None:
    """The keep-alive, or the end, finds the socket full, wherever the stream is, and ends it."""
    sent: list[Message] = []
    given_back: list[bool] = []

    async def send(message: Message) -> None:
        """A server whose socket takes the head and so many pieces."""
        if len(sent) > room:
            await asyncio.Event().wait()
        sent.append(message)

    async def scenario() -> None:
        holding = ExitStack()
        holding.callback(given_back.append, True)
        response = feed_stream(told(), holding)
        response.keep_alive_seconds, response.send_seconds = 0.01, 0.05
        with anyio.fail_after(30), pytest.raises(TimeoutError):
            await response(SCOPE, never, send)

    asyncio.run(scenario())
    assert len(sent) == room + 1
    assert given_back == [True]
